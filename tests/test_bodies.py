"""The message of an error body, in any form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_speech._core import bodies

SAID = "voice is required"
PROVIDER = "Provider returned error"


def body(message: str = PROVIDER, **metadata: Any) -> str:
    return json.dumps({"error": {"code": 400, "message": message, "metadata": metadata}})


def nested(value: object, times: int = 1) -> str:
    """JSON in a string of JSON in a string ..."""
    for _ in range(times):
        value = json.dumps(value)
    return str(value)


@pytest.mark.parametrize(
    "raw",
    [
        f"  {SAID}\n",
        nested({"error": {"message": nested({"detail": SAID})}}),
        nested({"message": SAID}, 4),
        [{"error": {"code": 400, "message": SAID, "status": "INVALID_ARGUMENT"}}],
        {"detail": {"status": "missing", "message": SAID}},
        {"error": "Bad Request", "message": SAID},
        {"error": True, "msg": SAID},
        {"err_code": "INVALID", "err_msg": SAID},
        {"base_resp": {"status_code": 2013, "status_msg": SAID}},
        {"errors": [{"message": SAID}]},
        f"<html><head><title> {SAID} </title></head><body>…</body></html>",
    ],
    ids=str,
)
def test_the_providers_reason_is_found_in_any_form(raw: object) -> None:
    assert bodies.message(body(raw=raw, provider_name="Kokoro"), PROVIDER) == f"{PROVIDER}: Kokoro: {SAID}"
    assert bodies.message(body(raw=raw)) == f"{PROVIDER}: {SAID}"


SAYS = "Kokoro says: Voice is required."


@pytest.mark.parametrize(
    ("message", "metadata", "summary"),
    [
        (PROVIDER, {}, PROVIDER),
        (PROVIDER, {"provider_name": "Kokoro"}, f"{PROVIDER}: Kokoro"),
        ("It failed.", {"raw": SAID}, f"It failed: {SAID}"),
        ("", {"raw": SAID}, SAID),
        (SAYS, {"raw": SAID, "provider_name": "kokoro"}, SAYS),
        (PROVIDER, {"raw": f"Kokoro: {SAID}", "provider_name": "Kokoro"}, f"{PROVIDER}: Kokoro: {SAID}"),
        (PROVIDER, {"raw": "ERROR."}, PROVIDER),
        (PROVIDER, {"raw": {"code": 5}}, PROVIDER),
        (PROVIDER, {"raw": "x" * 5000}, f"{PROVIDER}: {'x' * 300}…"),
        (PROVIDER, {"raw": "a\n\tb"}, f"{PROVIDER}: a b"),
        (PROVIDER, {"raw": "[1]"}, f"{PROVIDER}: [1]"),
    ],
)
def test_a_reason_is_added_once_and_shortened(message: str, metadata: dict[str, Any], summary: str) -> None:
    assert bodies.message(body(message, **metadata), message) == summary


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"error": {"message": PROVIDER, "metadata": json.dumps({"raw": SAID})}}),
        json.dumps({"message": PROVIDER, "metadata": {"raw": SAID}}),
    ],
)
def test_a_reason_is_found_in_undocumented_metadata(text: str) -> None:
    assert bodies.message(text) == f"{PROVIDER}: {SAID}"


def test_issues_name_their_place() -> None:
    issues = [{"loc": ["body", "voice"], "msg": "Field required"}, {"path": ["a", 0], "message": "b"}]
    assert bodies.said({"detail": issues}) == "body.voice: Field required; a.0: b"


@pytest.mark.parametrize("metadata", [{"a": 1}, '{"a": 1}', nested({"a": 1})])
def test_metadata_may_be_json_in_a_string(metadata: object) -> None:
    assert bodies.metadata(json.dumps({"error": {"metadata": metadata}})) == {"a": 1}
    assert bodies.metadata(json.dumps({"error": json.dumps({"metadata": metadata})})) == {"a": 1}


@pytest.mark.parametrize(
    "text",
    ["", "<html>", "null", "[]", "[" * 100_000, '{"error": 5}', '{"error": {"metadata": [1]}}', '{"a": ' + "1" * 9999],
    ids=range(8),
)
def test_a_body_without_metadata_has_none(text: str) -> None:
    assert bodies.metadata(text) == {}


def test_deep_nesting_is_not_followed() -> None:
    deep: object = SAID
    for _ in range(500):
        deep = {"error": [deep]}
    assert bodies.said(deep) is None
    assert bodies.said(nested({"message": SAID}, 7)) == SAID


KEYS = st.sampled_from(["error", "message", "metadata", "raw", "headers", "path"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(JSON)
def test_no_body_raises_an_error(content: Any) -> None:
    for text in (json.dumps(content), json.dumps({"error": {"message": PROVIDER, "metadata": content}})):
        assert isinstance(bodies.message(text), str)
        assert isinstance(bodies.metadata(text), dict)


@given(st.text(st.characters()))
def test_an_escaped_text_is_printable_and_is_not_escaped_again(text: str) -> None:
    escaped = bodies.escaped(text)
    assert not any(character in "\x00\x1b\n\r\x85\u2028\u202e\u2066\ufeff\ud800" for character in escaped)
    assert bodies.escaped(escaped) == escaped
    if text.isprintable():
        assert escaped == text


def test_control_characters_are_escaped_and_letters_of_all_scripts_are_not() -> None:
    control = "\x1b[31m\n\x85\u200b\u202e\ud800\U000e0041"
    assert bodies.escaped(control) == r"\x1b[31m\n\x85\u200b\u202e\ud800\U000e0041"
    for text in ("naïve 話 👩\u200d💻", "कृ\u200cष्ण", "a\u00a0b\u3000c"):
        assert bodies.escaped(text) == text
