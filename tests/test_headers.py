"""Headers: checked values, encoded for HTTP."""

from typing import Any

import pytest
from openrouter_speech._core import headers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(None, None), ("", None), ("  ", None), ([], None)],
        (" Bedtime Stories ", "Bedtime Stories"),
        (["cli-agent", " cloud-agent "], "cli-agent,cloud-agent"),
    ],
)
def test_an_app_header_is_stripped_and_joined(value: Any, expected: str | None) -> None:
    assert headers.app_header("title", value) == expected


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\n", "\0", "\x08", "\x1f", "\x7f"])
def test_control_characters_are_rejected_by_name(bad: str) -> None:
    for value in (bad, [bad]):
        with pytest.raises(ValueError, match=r"x_title has .* remove line breaks"):
            headers.app_header("x_title", value)
    with pytest.raises(ValueError, match=r"http_headers\['X-A'\] has"):
        headers.extra_headers({"X-A": bad})


def test_a_comma_in_a_list_is_rejected() -> None:
    with pytest.raises(ValueError, match="pass separate entries"):
        headers.app_header("categories", ["a,b"])


@pytest.mark.parametrize("bad", [1, b"bytes", {"a": "b"}, [1]])
def test_other_types_are_rejected_by_name(bad: Any) -> None:
    with pytest.raises(TypeError, match="x_title must be a str"):
        headers.app_header("x_title", bad)


@pytest.mark.parametrize("name", ["", "X A", "X:A", "Größe", 1])
def test_an_invalid_header_name_is_rejected(name: Any) -> None:
    with pytest.raises(ValueError, match="http_headers has the name"):
        headers.extra_headers({name: "a"})


def test_extra_headers_are_a_dict() -> None:
    assert headers.extra_headers(None) == {}
    with pytest.raises(TypeError, match="http_headers must be a dict"):
        headers.extra_headers([("a", "b")])


def test_a_later_header_wins_in_any_case() -> None:
    assert headers.merged({"User-Agent": "a", "Accept": "b"}, {"user-agent": "c"}) == {"user-agent": "c", "Accept": "b"}


def test_values_beyond_ascii_are_sent_as_utf_8() -> None:
    assert headers.encoded({"X-Title": "Café ☕"}) == [(b"X-Title", b"Caf\xc3\xa9 \xe2\x98\x95")]


def test_the_user_agent_names_the_versions() -> None:
    agent = headers.user_agent("0.28.1")
    assert agent.startswith("openrouter-speech/0.")
    assert " Python/3." in agent
    assert agent.endswith(" httpx/0.28.1")
