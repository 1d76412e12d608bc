"""What a text is asked for as."""

import httpx
import pytest
from openrouter_speech import OpenRouter
from openrouter_speech._http.sending import Call
from openrouter_speech.narration import plan
from openrouter_speech.narration.plan import Part

from ..conftest import KEY, REQUEST

SILENT = None


def call(**settings: object) -> Call:
    with OpenRouter(KEY, client=httpx.Client()) as open_router:
        return open_router._session.call(**(REQUEST | settings))  # type: ignore[arg-type]


def key(**settings: object) -> str:
    return plan.keys_for(call(**settings))("the text")


DECISIVE = [
    {"model": "another"}, {"voice": "another"}, {"speed": 2}, {"response_format": "mp3"}, {"extra_body": {"a": 1}},
    {"provider": {"options": {"openai": {"a": 1}}}}, {"server_url": "https://another.test"},
]  # fmt: skip


@pytest.mark.parametrize("settings", DECISIVE, ids=str)
def test_what_decides_the_audio_decides_the_key(settings: dict[str, object]) -> None:
    assert key(**settings) != key()


@pytest.mark.parametrize(
    "settings", [{"input": "another"}, {"timeout_ms": 5}, {"http_headers": {"X-A": "1"}}, {"retries": None}], ids=str
)
def test_what_does_not_decide_the_audio_does_not(settings: dict[str, object]) -> None:
    assert key(**settings) == key()


def test_the_order_in_which_options_are_given_does_not_matter() -> None:
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert key(provider={"options": {"openai": one}}) == key(provider={"options": {"openai": other}})


def parts_of(text: str, limit: int = 100, limit_unit: str = "characters") -> tuple[Part, ...]:
    return plan.parts_of(text, limit, limit_unit, str.upper)


def test_each_paragraph_begins_a_part() -> None:
    assert parts_of("One. Two.\n\nThree.") == (Part(0, "One. Two.", "ONE. TWO."), Part(1, "Three.", "THREE."))


def test_what_cannot_be_spoken_is_kept_and_not_asked_for() -> None:
    assert parts_of("One\n\n* * *\n\nTwo") == (Part(0, "One", "ONE"), Part(1, "* * *", SILENT), Part(2, "Two", "TWO"))


def test_a_limit_in_bytes() -> None:
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
def test_a_pause_goes_between_two_paragraphs(text: str, expected: list[int]) -> None:
    """And another where a paragraph without words stands between them."""
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
        ("aaaa bbbb", "BBBB", 'paragraph 1 ("bbbb")'),
        ("bbbb bbbb", "BBBB", 'paragraph 1 ("bbbb")'),
    ],
)
def test_a_request_has_a_place_in_the_text(text: str, key: str, words: str) -> None:
    assert plan.whereabouts(parts_of(text, 5), key) == words
