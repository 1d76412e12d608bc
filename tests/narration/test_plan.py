"""The requests for a text: parts, keys, pauses, titles."""

import httpx
import pytest
from openrouter_speech import OpenRouter
from openrouter_speech.narration import plan
from openrouter_speech.narration.plan import Part
from openrouter_speech.tts import OPERATION

from ..conftest import KEY, REQUEST


def key(**settings: object) -> str:
    with OpenRouter(KEY, client=httpx.Client()) as open_router:
        call = open_router._session.call(OPERATION, {**REQUEST, **settings})
    return plan.keys_for(call)("the text")


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


def test_the_key_does_not_depend_on_the_order_of_options() -> None:
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert key(provider={"options": {"openai": one}}) == key(provider={"options": {"openai": other}})


def parts_of(text: str, limit: int = 100, limit_unit: str = "characters") -> tuple[Part, ...]:
    return plan.parts_of(text, limit, limit_unit, str.upper, "en")


def test_each_paragraph_begins_a_part_and_one_without_words_has_no_request() -> None:
    silent = Part(1, "* * *", None)
    assert parts_of("One. Two.\n\n* * *\n\nThree.") == (
        Part(0, "One. Two.", "ONE. TWO."), silent, Part(2, "Three.", "THREE."),
    )  # fmt: skip


def test_the_limit_may_be_in_bytes() -> None:
    assert [part.text for part in parts_of("дом дом дом", 14, "bytes")] == ["дом дом", "дом"]
    assert [part.text for part in parts_of("дом дом дом", 14)] == ["дом дом дом"]


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
