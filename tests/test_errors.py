"""Errors: a class for each status, a message from any body."""

import json
import pickle
from typing import Any

import httpx
import pytest
from openrouter_speech import errors
from openrouter_speech.components import ErrorResponse

REQUEST = httpx.Request("POST", "https://example.test/audio/speech")


def answer(status: int, content: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.Response(status, content=content, headers=headers, request=REQUEST)


def documented(status: int, **error: Any) -> bytes:
    return json.dumps({"error": {"code": status, "message": "The sentence", **error}}).encode()


def test_all_errors_are_exported_and_under_one_roof() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes == set(errors.__all__) - {"BY_STATUS"}
    assert all(issubclass(getattr(errors, name), errors.OpenRouterError) for name in classes)


@pytest.mark.parametrize(("status", "kind"), errors.BY_STATUS.items())
def test_a_documented_error(status: int, kind: type[errors.APIStatusError]) -> None:
    response = answer(status, documented(status), **{"x-generation-id": "gen-tts-1-a"})
    error = errors.from_answer(response)
    assert type(error) is kind
    assert str(error) == error.message == f"{status}: The sentence"
    assert (error.status_code, error.headers, error.body) == (status, response.headers, response.text)
    assert isinstance(error.data, ErrorResponse)
    assert error.data.error.message == "The sentence"
    assert error.generation_id == "gen-tts-1-a"
    assert error.raw_response is response
    assert not error.maybe_billed


@pytest.mark.parametrize("status", [403, 408, 418, 499, 501, 504, 599])
def test_any_other_status_has_the_default_class(status: int) -> None:
    error = errors.from_answer(answer(status, documented(status)))
    assert type(error) is errors.OpenRouterDefaultError
    assert str(error) == f"{status}: The sentence"


ISSUES = [{"path": ["provider", 0], "message": "Wrong"}, {"path": ["input"], "message": "Missing"}]
ZOD = {"success": False, "error": {"name": "ZodError", "message": json.dumps(ISSUES)}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html><head><title>502 Bad\n Gateway</title></head></html>", "502 Bad Gateway"),
        (b"<p>no title</p>", "<p>no title</p>"),
        (b"upstream connect error", "upstream connect error"),
        (b"", "Bad Gateway"),
        (b" \n ", "Bad Gateway"),
        (b'{"error": {"code": 502, "mess', '{"error": {"code": 502, "mess'),
        (b'{"error": "just a text"}', "just a text"),
        (b'{"message": "at the top"}', "at the top"),
        (b'{"error": {"code": "x", "message": "odd code"}}', "odd code"),
        (b'{"error": {"code": 1, "message": 5}}', '{"error": {"code": 1, "message": 5}}'),
        (b"[1, 2]", "[1, 2]"),
        (b"null", "null"),
        (b"\xff\xfe\xfd", "\ufffd\ufffd\ufffd"),
        (b"x" * 5000, "x" * 300 + "…"),
        (b"[" * 100_000, "[" * 300 + "…"),
        (json.dumps(ZOD).encode(), "provider.0: Wrong; input: Missing"),
        (b'{"error": {"name": "ZodError", "message": "not JSON"}}', "not JSON"),
        (b'{"error": {"name": "ZodError", "message": "[1]"}}', "[1]"),
    ],
)
def test_a_message_comes_from_any_body(content: bytes, message: str) -> None:
    """And never a second exception."""
    error = errors.from_answer(answer(502, content))
    assert str(error) == f"502: {message}"
    assert error.data is None
    assert error.body == content.decode(errors="replace")


def test_a_redirect_says_where_it_points() -> None:
    error = errors.from_answer(answer(307, location="https://elsewhere.test/api"))
    assert isinstance(error, errors.RedirectError)
    assert error.location == "https://elsewhere.test/api"
    assert "https://elsewhere.test/api" in str(error)
    assert "server_url" in str(error)


def test_a_redirect_may_not_say_where() -> None:
    error = errors.from_answer(answer(304))
    assert isinstance(error, errors.RedirectError)
    assert error.location is None


def test_a_success_that_is_not_audio_carries_its_message() -> None:
    error = errors.from_answer(answer(200, documented(502), **{"content-type": "application/json"}))
    assert isinstance(error, errors.NotAudioError)
    assert "The sentence" in str(error)
    assert error.maybe_billed
    assert (error.audio, error.bytes_received) == (documented(502), len(documented(502)))


@pytest.mark.parametrize(
    ("cause", "kind", "maybe_billed"),
    [
        (httpx.ConnectError("refused"), errors.APIConnectionError, False),
        (httpx.ConnectTimeout(""), errors.APITimeoutError, False),
        (httpx.PoolTimeout(""), errors.APITimeoutError, False),
        (httpx.ProxyError("407"), errors.APIConnectionError, False),
        (httpx.ReadTimeout(""), errors.APITimeoutError, True),
        (httpx.WriteTimeout(""), errors.APITimeoutError, True),
        (httpx.ReadError(""), errors.APIConnectionError, True),
        (httpx.RemoteProtocolError("gone"), errors.APIConnectionError, True),
    ],
)
def test_no_answer(cause: httpx.RequestError, kind: type[errors.OpenRouterError], maybe_billed: bool) -> None:
    error = errors.from_transport(cause, REQUEST)
    assert type(error) is kind
    assert error.maybe_billed is maybe_billed
    assert ("may be charged" in str(error)) is maybe_billed
    assert "example.test" in str(error)
    assert (error.status_code, dict(error.headers), error.body, error.data, error.generation_id) == (
        None,
        {},
        "",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("headers", "content", "seconds"),
    [
        ({"retry-after": "7"}, documented(429), 7),
        ({}, documented(429, metadata={"headers": {"Retry-After": "3"}}), 3),
        ({}, documented(429, metadata={"headers": {"Retry-After-Ms": 1500}}), 1.5),
        ({"retry-after": "7"}, documented(429, metadata={"headers": {"Retry-After": "3"}}), 7),
        ({}, documented(429, metadata={"headers": "none"}), None),
        ({}, documented(429, metadata=None), None),
        ({}, documented(429), None),
        ({}, b"<html>", None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], content: bytes, seconds: float | None) -> None:
    assert errors.from_answer(answer(429, content, **headers)).retry_after == seconds


def everyone() -> list[errors.OpenRouterError]:
    audio = answer(200, b"half", **{"content-type": "audio/pcm"})
    return [
        *(errors.from_answer(answer(status, documented(status))) for status in (*errors.BY_STATUS, 418)),
        errors.from_answer(answer(302, location="https://elsewhere.test")),
        errors.from_answer(answer(200, b"{}", **{"content-type": "application/json"})),
        errors.from_transport(httpx.ReadTimeout(""), REQUEST),
        errors.from_transport(httpx.ConnectError("refused"), REQUEST),
        errors.EmptyAudioError("Nothing came", audio),
        errors.TruncatedAudioError("Half came", audio, audio=b"half", bytes_received=4),
        errors.ConfigurationError("No key"),
        errors.OpenRouterError("Any"),
    ]


@pytest.mark.parametrize("error", everyone(), ids=lambda error: type(error).__name__)
def test_errors_pickle(error: errors.OpenRouterError) -> None:
    """As they must to cross from one process of a pool to another."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (copy.message, copy.status_code, copy.body, copy.data) == (
        error.message,
        error.status_code,
        error.body,
        error.data,
    )
    assert (str(copy), copy.args, copy.maybe_billed, copy.retry_after) == (
        str(error),
        error.args,
        error.maybe_billed,
        error.retry_after,
    )
    assert getattr(copy, "audio", None) == getattr(error, "audio", None)


def test_the_body_of_audio_is_not_taken_for_text() -> None:
    assert errors.TruncatedAudioError("Half", answer(200, b"half", **{"content-type": "audio/pcm"})).body == ""


def test_a_body_that_was_not_read_is_no_text() -> None:
    response = httpx.Response(
        200, stream=httpx.ByteStream(b"half"), headers={"content-type": "application/octet-stream"}
    )
    assert errors.TruncatedAudioError("Half", response).body == ""
