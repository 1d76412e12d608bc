"""Audio that is not all of its text is found by comparison with the other parts."""

import math
from typing import Any

import pytest
from openrouter_speech.narration.doubts import Sound, Take, Usual, weight

SENTENCE = "Nobody knew who had lit the lamp, or why."
PARAGRAPH = " ".join([SENTENCE] * 10)
FADED, LOUD = Sound(0.5, 0.01), Sound(0.5, 0.4)


def take(text: str = PARAGRAPH, pace: float = 1.0, **more: Any) -> Take:
    """Make a take that lasts `pace` times as long as usual."""
    return Take(text, more.pop("voice", "alloy"), pace * weight(text) / 15, **{"sound": FADED, **more})


USUAL = [take(pace=pace) for pace in (0.9, 0.95, 1, 1, 1.05, 1.1)]
CHINESE = "灯塔看守人记下了每一艘经过的船。" * 5


@pytest.mark.parametrize(
    ("judged", "reasons"),
    [
        (take(), ()),
        (take(pace=0.8), ()),
        (take(pace=0.6), ("too short",)),
        (take(pace=1.3), ()),
        (take(pace=1.6), ("too long",)),
        (take("No.", 4), ()),  # pauses make up a large share of it
        (take("No.", 40), ("too long",)),
        (take(sound=Sound(0, 0)), ("silent",)),
        (take(sound=Sound(0.004, 0.004)), ("silent",)),
        (take(pace=0.5, sound=LOUD), ("too short", "cut off")),
        (take(sound=LOUD), ("cut off",)),
        (take(sound=None), ()),
        (take(voice="nova", pace=0.5, sound=LOUD), ()),  # nothing to compare with
        (take(voice="nova", pace=0.01), ("too short",)),  # faster than any voice
        (take(voice="nova", pace=0.05, speed=4), ()),
        (take(CHINESE, 0.5), ()),
        (take("1 3 5 7 9 " * 20), ()),
    ],
)  # fmt: skip
def test_a_part_is_compared_with_the_others(judged: Take, reasons: tuple[str, ...]) -> None:
    assert Usual(USUAL).judge(judged).reasons == reasons


def test_few_parts_judge_nobody() -> None:
    assert Usual(USUAL[:4]).judge(take(pace=0.3)).reasons == ()
    assert Usual(USUAL[:5]).judge(take(pace=0.3)).reasons == ("too short",)


def test_short_and_silent_parts_judge_nobody() -> None:
    others = [take("No.", 9)] * 9 + [take(pace=0.01, sound=Sound(0, 0))] * 9
    assert Usual(USUAL + others).judge(take(pace=0.5)).reasons == ("too short",)
    assert Usual(USUAL + others).judge(take()).reasons == ()


def test_each_script_has_its_own_pace() -> None:
    chinese = [take(CHINESE, 2)] * 5
    usual = Usual(USUAL + chinese)
    assert usual.judge(take(CHINESE, 2)).reasons == usual.judge(take()).reasons == ()
    assert usual.judge(take(CHINESE, 1)).reasons == ("too short",)


def test_a_voice_that_varies_may_vary() -> None:
    varied = [take(pace=pace) for pace in (0.6, 0.8, 1, 1, 1.25, 1.7)]
    assert Usual(varied).judge(take(pace=0.6)).reasons == ()
    assert Usual(varied).judge(take(pace=0.3)).reasons == ("too short",)


def test_a_voice_that_always_ends_loudly_is_not_cut() -> None:
    assert Usual([take(sound=LOUD)] * 9).judge(take(sound=LOUD)).reasons == ()


def test_the_better_of_two_is_nearer_to_the_usual() -> None:
    usual = Usual(USUAL)
    ranked = [
        take(),
        take(pace=1.1),
        take(pace=0.8),
        take(pace=0.5),
        take(pace=0.5, sound=LOUD),
        take(sound=Sound(0, 0)),
    ]
    distances = [usual.judge(judged).distance for judged in ranked]
    assert distances == sorted(distances)
    assert math.isclose(usual.judge(ranked[3]).expected_seconds or 0, ranked[0].seconds)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("abc", 3),
        ("a b!", 6),
        ("42", 8),
        ("灯塔", 8),
        ("ひら", 5),
        ("3.5", 8),
        ("a, b", 3.5),
        ("a.\n\nb.", 14),
        ("—", 1.5),
    ],
)
def test_a_text_weighs_what_it_takes_to_say(text: str, letters: float) -> None:
    assert weight(text) == letters
