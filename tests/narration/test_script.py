"""Speakers and respelled words."""

from typing import Any

import pytest
from openrouter_speech.narration import plan, splitting
from openrouter_speech.narration.script import Cast, Line, Respelling, Speech

VOICES = {"ALICE": "nova", "Bob": "echo", "爱丽丝": "nova"}


def cast(voices: dict[str, str] | None = VOICES, turns: bool = False, **say: str) -> Cast:
    return Cast(voices, turns, Respelling(say))


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ({"GIF": "jif"}, "GIF, gif, Gif, gIf: giff, a-GIF's", "jif, jif, Jif, jif: giff, a-jif's"),
        ({"gif": "jif"}, "A GIF.", "A JIF."),
        ({"US": "U S", "us": "us"}, "US and us", "U S and us"),
        ({"I": "eye", "i": "ee"}, "I i", "eye ee"),
        ({"GIF": "jif", "gif": "giff"}, "GIF gif Gif", "jif giff Jif"),
        ({"New": "Nyoo", "New York": "N Y"}, "New York, New", "N Y, Nyoo"),
        ({"New York": "Nyoo York", "York": "Yark"}, "New York, York", "Nyoo York, Yark"),
        ({"C++": "C plus plus"}, "C++ is C.", "C plus plus is C."),
        ({"café": "caffay"}, "Café, cafés", "Caffay, cafés"),
        ({"Ёж": "Йож"}, "ёж Ёжик", "Йож Ёжик"),
        ({"कम": "kam"}, "कम कमी", "kam कमी"),  # a vowel sign goes on
        ({"行": "xing"}, "银行行", "银xingxing"),
        ({"b": "bee"}, "<b>b</b> http://b.test/b b", "<b>bee</b> http://b.test/b bee"),
        ({"a\\b": "\\1"}, "a\\b", "\\1"),
        ({"um": ""}, "Well, um, no", "Well, , no"),
        ({}, "GIF", "GIF"),
    ],
)
def test_whole_words_are_respelled_in_their_case(words: dict[str, str], text: str, said: str) -> None:
    assert Respelling(words)(text) == said


def test_respellings_are_counted_by_word() -> None:
    say = Respelling({"GIF": "jif", "UFO": "you eff oh"})
    assert say.counts(["GIF gif", "<GIF> Gif"]) == {"GIF": 3, "UFO": 0}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ALICE: Hello.", [Line("Hello.", "ALICE")]),
        ("Alice:\nHello.\nBOB: Yes:\nno.", [Line("Hello.", "ALICE"), Line("Yes:\nno.", "Bob")]),
        ("Bob:\n\nHello.\n\nShe left.", [Line("Hello.", "Bob"), Line("She left.")]),
        ("ALICE (softly): Hello.\n  Bob （笑）：No.", [Line("Hello.", "ALICE"), Line("No.", "Bob")]),
        ("Nobody (not even she): no.", [Line("Nobody (not even she): no.")]),
        ("爱丽丝：你好。", [Line("你好。", "爱丽丝")]),
        ("SCENE 1: A HOUSE\n\nALICE: Hello.", [Line("SCENE 1: A HOUSE"), Line("Hello.", "ALICE")]),
        ("One thing: this.\n\n12:30 is late.", [Line("One thing: this."), Line("12:30 is late.")]),
    ],
)
def test_a_paragraph_may_begin_with_its_speaker(text: str, lines: list[Line]) -> None:
    assert cast().lines(splitting.paragraphs(cast().separated(text))) == lines


def test_without_voices_nothing_is_a_name() -> None:
    assert cast({}).separated("a\nALICE: Hello.") == "a\nALICE: Hello."
    assert cast({}).lines(["ALICE: Hello."]) == [Line("ALICE: Hello.")]


def test_speakers_without_a_voice_are_all_named() -> None:
    with pytest.raises(ValueError, match=r"voices lacks CAROL \(paragraph 2\), DR\. NO \(paragraph 3\): add"):
        cast().lines(["ALICE: One.", "CAROL: Two.", "DR. NO (off): Three.", "CAROL: Four."])
    assert cast().separated("ALICE: One.\nCAROL: Two.\nand more") == "\nALICE: One.\n\nCAROL: Two.\nand more"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"voices": ["ALICE"]}, TypeError, "voices must be a mapping"),
        ({"voices": {"ALICE": 1}}, TypeError, "voices must be a mapping of strings"),
        ({"voices": {"ALICE": " "}}, ValueError, "voices has 'ALICE'"),
        ({"voices": {"A: B": "nova"}}, ValueError, "voices has 'A: B'"),
        ({"voices": None, "turns": True}, ValueError, "turns needs voices"),
        ({"say": "GIF=jif"}, TypeError, "say must be a mapping"),
        ({"say": {"GIF": None}}, TypeError, "say must be a mapping of strings"),
        ({"say": {"...": "dots"}}, ValueError, "is no word"),
    ],
)  # fmt: skip
def test_wrong_voices_and_words_are_refused(arguments: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        Cast(arguments.get("voices", VOICES), arguments.get("turns", False), Respelling(arguments.get("say")))


SCRIPT = "It was late.\n\nALICE: Hello.\n\n爱丽丝: GIF.\n\nBOB: No."


def requests(cast: Cast, text: str = SCRIPT, limit: int = 100, **more: Any) -> list[Speech]:
    parts = plan.parts_of(text, plan.splitter_for(limit, "characters", "en", cast), repr, cast=cast, **more)
    return [cast.speech(part.texts, part.speakers) for part in parts]


def test_a_request_has_one_voice() -> None:
    assert requests(cast(GIF="jif")) == [
        Speech("It was late."), Speech("Hello.\n\njif.", "nova"), Speech("No.", "echo"),
    ]  # fmt: skip


def test_turns_of_one_voice_are_one() -> None:
    turns = [{"text": "It was late."}, {"text": "Hello.\n\njif.", "voice": "nova"}, {"text": "No.", "voice": "echo"}]
    (request,) = requests(cast(turns=True, GIF="jif"))
    assert (request.input, request.voice) == (turns, None)
    assert request.text == "It was late.\n\nHello.\n\njif.\n\nNo."
    assert requests(cast(turns=True), packed=False) == requests(cast(), packed=False)


def test_the_limit_holds_for_what_is_sent() -> None:
    texts = [request.text for request in requests(cast({}, X="extremely long"), "X X X. " * 40, 100)]
    assert max(map(len, texts)) <= 100
    assert " ".join(texts).count("extremely long") == 120


def test_a_word_that_becomes_nothing_is_not_sent() -> None:
    parts = plan.parts_of(
        "Um.\n\nNo.", plan.splitter_for(9, "characters", "en"), repr, cast=cast({}, um=""), packed=False
    )
    assert [part.key is None for part in parts] == [True, False]
