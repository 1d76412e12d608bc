"""The requests for a text: parts, keys, pauses, titles."""

import re
from random import Random
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter
from openrouter_speech.narration import plan
from openrouter_speech.narration.plan import Part
from openrouter_speech.narration.script import Speech
from openrouter_speech.tts import OPERATION

from ..conftest import KEY, REQUEST


def key(**settings: object) -> str:
    with OpenRouter(KEY, client=httpx.Client()) as open_router:
        call = open_router._session.call(OPERATION, {**REQUEST, **settings})
    return plan.keys_for(call)(Speech("the text"))


@pytest.mark.parametrize(
    ("settings", "decisive"),
    [
        ({"model": "another"}, True), ({"voice": "another"}, True), ({"speed": 2}, True),
        ({"response_format": "mp3"}, True), ({"extra_body": {"a": 1}}, True),
        ({"provider": {"options": {"openai": {"a": 1}}}}, True), ({"server_url": "https://another.test"}, True),
        ({"input": "another"}, False), ({"timeout_ms": 5}, False), ({"http_headers": {"X-A": "1"}}, False),
        ({"retries": None}, False),
    ],
    ids=str,
)  # fmt: skip
def test_the_key_depends_on_what_decides_the_audio(settings: dict[str, object], decisive: bool) -> None:
    assert (key(**settings) != key()) is decisive


def test_the_key_depends_on_the_voice_and_the_turns_of_a_request() -> None:
    with OpenRouter(KEY, client=httpx.Client()) as open_router:
        key_of = plan.keys_for(open_router._session.call(OPERATION, {**REQUEST, "voice": "alloy"}))
    turns = [{"text": "a"}, {"text": "b", "voice": "echo"}]
    inputs = ["a", "b", turns, [*turns, *turns], str(turns)]
    speeches = [*map(Speech, inputs), Speech("a", "echo")]
    assert len({key_of(speech) for speech in speeches}) == len(speeches)
    assert key_of(Speech("a")) == key_of(Speech("a", "alloy"))


def test_the_key_does_not_depend_on_the_order_of_options() -> None:
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert key(provider={"options": {"openai": one}}) == key(provider={"options": {"openai": other}})


def parts_of(text: str, limit: int = 100, limit_unit: str = "characters", **more: Any) -> tuple[Part, ...]:
    splitter = plan.splitter_for(limit, limit_unit, "en")
    return plan.parts_of(text, splitter, lambda speech: speech.text.upper(), **{"packed": False, **more})


def packed(text: str, limit: int = 100, **more: Any) -> list[str]:
    return [part.text for part in parts_of(text, limit, packed=True, **more)]


def test_each_paragraph_begins_a_part_and_one_without_words_has_no_request() -> None:
    silent = Part(1, "* * *", None)
    assert parts_of("One. Two.\n\n* * *\n\nThree.") == (
        Part(0, "One. Two.", "ONE. TWO."), silent, Part(2, "Three.", "THREE."),
    )  # fmt: skip


def test_the_limit_may_be_in_bytes() -> None:
    assert [part.text for part in parts_of("дом дом дом", 14, "bytes")] == ["дом дом", "дом"]
    assert [part.text for part in parts_of("дом дом дом", 14)] == ["дом дом дом"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\n\nTwo.\n\nThree.", ["One.\n\nTwo.", "Three."]),
        ("One.\r\n\r\nTwo.", ["One.\n\nTwo."]),
        ("A.\n\n* * *\n\nB.", ["A.", "* * *", "B."]),
        ("A.\n\nFour words are here.\n\nB.", ["A.", "Four words", "are here.", "B."]),
        ("A.\n\nIV\n\nB.", ["A.", "IV\n\nB."]),
        ("A.\n\n# Sea\nB.", ["A.", "Sea\n\nB."]),
        ("C.\nD.\nE.", ["C.\n\nD.\n\nE."]),
    ],
)
def test_short_paragraphs_share_a_part_up_to_the_limit_a_chapter_or_a_row_of_stars(
    text: str, expected: list[str]
) -> None:
    assert packed(text, 12) == expected


def test_200_lines_of_dialogue_are_2_requests() -> None:
    lines = [f"“Line {number:03}, he.”" for number in range(200)]
    for between in ("\n", "\r\n", "\n\n"):
        parts = parts_of(between.join(lines), 2_000, packed=True)
        assert len(parts) == 2
        assert [paragraph for part in parts for paragraph in part.texts] == lines
        assert [part.paragraphs for part in parts] == [range(117), range(117, 200)]


def novel() -> str:
    """Make a novel of 690,000 characters, with 30 chapters and a third of its paragraphs in dialogue."""
    random = Random(16)
    words = [*"abcdefghi", "sea", "town", "night", "bridge", "winter", "nobody", "remembers"]

    def sentence() -> str:
        return " ".join(random.choices(words, k=random.randint(4, 22))).capitalize() + random.choice(".....!?")

    paragraphs: list[str] = []
    size = 0
    while size < 690_000:
        if size >= len([p for p in paragraphs if p.startswith("Chapter")]) * 23_000:
            paragraphs.append(f"Chapter {size // 23_000 + 1}")
        count = 1 if random.random() < 1 / 3 else random.randint(1, 12)
        paragraphs.append(" ".join(sentence() for _ in range(count)))
        size += len(paragraphs[-1]) + 2
    return "\n\n".join(paragraphs)


def test_a_novel_is_cut_into_few_requests_at_ends_of_sentences() -> None:
    text = novel()
    before, after = parts_of(text, 2_000), parts_of(text, 2_000, packed=True)
    assert len(before) > 2_700
    assert len(after) < 400  # at least 345
    assert all(part.text[-1] in ".!?" for part in after)
    assert all(len(part.text) <= 2_000 for part in after)
    assert "\n\n".join(part.text for part in after) == text
    assert [part.chapter for part in after if part.chapter] == [f"Chapter {number}" for number in range(1, 31)]


def test_an_edit_changes_no_part_but_its_own() -> None:
    text = novel()[:100_000]
    first = {part.key for part in parts_of(text, 2_000, packed=True)}
    position = text.index("\n\n", 30_000)
    edited = f"{text[:position]}\n\nSomething new.{text[position:]}"
    second = {part.key for part in parts_of(edited, 2_000, packed=True, stored=first)}
    assert len(second - first) <= 2
    assert {part.key for part in parts_of(text, 2_000, packed=True, stored=first)} == first


def test_parts_of_one_paragraph_that_are_stored_stay_as_they_are() -> None:
    """An earlier version stored one for each paragraph."""
    text = "One.\n\nTwo.\n\nThree.\n\nFour.\n\nFive."
    assert packed(text, stored={"TWO.", "THREE."}) == ["One.", "Two.", "Three.", "Four.\n\nFive."]


def test_the_end_of_a_long_paragraph_shares_a_part_with_those_after_it() -> None:
    text = "One two. Three four five.\n\nB.\n\nE."
    parts = parts_of(text, 20, packed=True)
    assert [(part.text, part.paragraphs) for part in parts] == [
        ("One two.", range(1)), ("Three four five.\n\nB.", range(2)), ("E.", range(2, 3)),
    ]  # fmt: skip
    assert packed(text, 20, stored={"THREE FOUR FIVE."}) == ["One two.", "Three four five.", "B.\n\nE."]
    assert packed(text, 20, stored={"THREE FOUR FIVE.\n\nB."}) == [part.text for part in parts]
    assert [part.chapter for part in parts_of(f"Chapter 1\n\n{text}", 20, packed=True)] == ["Chapter 1", None, None]
    assert plan.pauses_before(parts_of(text, 20)) == [0, 0, 1, 1]


def test_headings_begin_chapters_and_those_in_a_row_are_one() -> None:
    text = "Title page.\n\nPART ONE\n\nChapter 1\n\nOne.\n\n## The *sea* ##\n\nTwo."
    expected = [
        (None, "Title page."),
        ("PART ONE. Chapter 1", "PART ONE\n\nChapter 1\n\nOne."),
        ("The *sea*", "The *sea*\n\nTwo."),
    ]
    assert [(part.chapter, part.text) for part in parts_of(text, packed=True)] == expected
    assert [part.chapter for part in parts_of(text)] == [None, "PART ONE. Chapter 1", None, None, "The *sea*", None]


def test_a_pattern_of_ones_own_replaces_the_usual_headings() -> None:
    parts = parts_of("Chapter 1\n\nStave 1\n\nOne.", packed=True, heading=re.compile("^Stave"))
    assert [(part.chapter, part.paragraph) for part in parts] == [(None, 0), ("Stave 1", 1)]


@pytest.mark.parametrize("text", [" \n\t ", "* * *\n\n—", "\ufeff"])
def test_a_text_with_nothing_to_speak_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nothing to speak"):
        parts_of(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n\nb\n\nc", [0, 1, 1]),
        ("a\n\n* * *\n\nc", [0, 0, 2]),
        ("* * *\n\na\n\n* * *", [0, 0, 0]),
        ("aaaa bbbb\n\nc", [0, 0, 1]),
    ],
)
def test_a_pause_separates_paragraphs_and_one_without_words_adds_another(text: str, expected: list[int]) -> None:
    assert plan.pauses_before(parts_of(text, 5)) == expected


@pytest.mark.parametrize(
    ("paragraph", "title"),
    [
        ("Chapter\none", "Chapter one"),
        ("x" * 60, "x" * 60),
        ("word " * 20, "word " * 11 + "word…"),
        ("今" * 61, "今" * 60 + "…"),
    ],
)
def test_a_title_is_the_beginning_of_a_paragraph(paragraph: str, title: str) -> None:
    assert plan.title(paragraph) == title


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("One.\n\n* * *\n\nTwo.", "TWO.", 'paragraph 3 ("Two.")'),
        ("One.\n\nTwo.\n\nOne.", "ONE.", 'paragraphs 1, 3 ("One.")'),
        ("bbbb bbbb", "BBBB", 'paragraph 1 ("bbbb")'),
    ],
)
def test_a_request_is_located_in_the_text(text: str, key: str, words: str) -> None:
    assert plan.whereabouts(parts_of(text, 5), key) == words


def test_a_request_for_several_paragraphs_is_located_in_the_text() -> None:
    assert (
        plan.whereabouts(parts_of("A.\n\nB.\n\nE.", packed=True), "A.\n\nB.\n\nE.") == 'paragraphs 1 to 3 ("A. B. E.")'
    )
