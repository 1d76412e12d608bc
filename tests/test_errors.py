"""Errors: a class for each status, a message from any body."""

import json
import pickle
from functools import partial
from typing import Any

import httpx
import pytest
from openrouter_speech import bodies, errors, retries
from openrouter_speech.components import ErrorResponse

from .conftest import KEY

REQUEST = httpx.Request("POST", "https://example.test/audio/speech")


def answer(status: int, content: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.Response(status, content=content, headers=headers, request=REQUEST)


def documented(status: int, **error: Any) -> bytes:
    return json.dumps({"error": {"code": status, "message": "The sentence", **error}}).encode()


IN_FLIGHT = {"limit_source": "openrouter_in_flight_budget"}


def test_all_errors_are_exported_and_under_one_roof() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes == set(errors.__all__) - {"BY_STATUS"}
    assert all(issubclass(getattr(errors, name), errors.OpenRouterError) for name in classes)


@pytest.mark.parametrize(("status", "kind"), errors.BY_STATUS.items())
def test_a_documented_error(status: int, kind: type[errors.APIStatusError]) -> None:
    response = answer(status, documented(status), **{"x-generation-id": "gen-tts-1-a"})
    error = errors.from_answer(response)
    assert type(error) is kind
    assert error.message == str(error)
    assert error.message.startswith(f"{status}: The sentence")
    assert (error.status_code, error.headers, error.body) == (status, response.headers, response.text)
    assert isinstance(error.data, ErrorResponse)
    assert error.data.error.message == "The sentence"
    assert error.generation_id == "gen-tts-1-a"
    assert error.raw_response is response
    assert error.maybe_billed is (status == 524)


@pytest.mark.parametrize("status", [*retries.MAYBE_BILLED_STATUSES, 500, 502, 503, 521, 529, 599])
def test_a_status_after_which_audio_may_exist_says_so(status: int) -> None:
    for content in (documented(status), documented(status, message="The sentence."), b"<title>The sentence</title>"):
        error = errors.from_answer(answer(status, content))
        assert error.maybe_billed is (status in retries.MAYBE_BILLED_STATUSES)
        charged = ". The request may have been charged." if error.maybe_billed else ""
        assert str(error).rstrip(".") == f"{status}: The sentence{charged}".rstrip(".")


@pytest.mark.parametrize("status", [403, 408, 418, 501, 521, 599])
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
        (httpx.WriteTimeout(""), errors.APITimeoutError, False),
        (httpx.WriteError("the server closed the connection"), errors.APIConnectionError, False),
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
        ({}, documented(429, metadata={"retry_after_seconds": 2.5}), 2.5),
        ({}, documented(429, metadata={"headers": {"X-RateLimit-Reset": "9"}}), 9),
        ({}, documented(429, metadata='{"headers": "{\\"Retry-After\\": 3}"}'), 3),
        ({}, documented(429, code="odd", metadata={"retry_after_seconds": 2}), 2),
        ({"x-ratelimit-reset": "9"}, b"<html>", 9),
        ({"retry-after": "3, 10"}, b"", 10),
        ({"retry-after": "0"}, b"", 0),
        ({"retry-after": "-1"}, b"", None),
        ({}, b"<html>", None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], content: bytes, seconds: float | None) -> None:
    assert errors.from_answer(answer(429, content, **headers)).retry_after == seconds


@pytest.mark.parametrize(
    ("status", "metadata", "throttled", "seconds"),
    [
        (429, {}, True, 9),
        (402, IN_FLIGHT, True, 9),
        (402, json.dumps(IN_FLIGHT), True, 9),
        (402, {}, False, None),
        (500, {}, False, None),
        (503, IN_FLIGHT, False, None),
    ],
)
def test_a_reset_counts_where_too_much_was_sent(status: int, metadata: Any, throttled: bool, seconds: Any) -> None:
    error = errors.from_answer(answer(status, documented(status, metadata=metadata), **{"x-ratelimit-reset": "9"}))
    assert (error.throttled, error.retry_after) == (throttled, seconds)


def test_a_wait_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    error = errors.from_answer(answer(429, documented(429), **{"retry-after": "7"}))
    assert error.retry_after == 7
    monkeypatch.delattr(retries, "retry_after")
    assert error.retry_after == 7


STEERING = "\x1b[2Jgone\x07\r\nfake: line\u2028\u202eback\x9b\ud800"


@pytest.mark.parametrize(
    "response",
    [
        answer(400, documented(400, message=STEERING)),
        answer(400, documented(400, metadata={"raw": STEERING, "provider_name": STEERING})),
        answer(400, json.dumps({"message": STEERING}).encode()),
        answer(400, f"<title>{STEERING[:-1]}</title>".encode()),
        answer(400, STEERING[:-1].encode()),
        answer(200, json.dumps({"error": STEERING}).encode(), **{"content-type": "application/json"}),
    ],
    ids=range(6),
)
def test_a_message_steers_no_terminal(response: httpx.Response) -> None:
    """The body and the model have what was sent."""
    error = errors.from_answer(response)
    assert str(error).isprintable()
    assert r"\x1b[2Jgone\x07" in str(error)
    assert r"\u2028\u202eback\x9b" in str(error)
    assert error.body == response.text
    assert error.args == (error.message,)
    assert error.data is None or "error" in error.data.to_dict()


def test_a_header_in_a_message_steers_no_terminal() -> None:
    moved = errors.from_answer(answer(307, location="https://b.test/\x1b[31m"))
    assert isinstance(moved, errors.RedirectError)
    assert (moved.location, str(moved).isprintable()) == ("https://b.test/\x1b[31m", True)
    assert str(errors.from_answer(answer(200, b"{}", **{"content-type": "a/\x1b[31m"}))).isprintable()
    assert r": bad line: \x1b." in str(errors.from_transport(httpx.RemoteProtocolError("bad\n line: \x1b"), REQUEST))
    assert str(errors.TruncatedAudioError("Half of \x1b", answer(200))) == r"Half of \x1b"


def test_a_documented_message_is_in_the_model_as_it_came() -> None:
    error = errors.from_answer(answer(400, documented(400, message="a\x1bb")))
    assert error.data is not None
    assert (error.data.error.message, error.message) == ("a\x1bb", r"400: a\x1bb")


@pytest.mark.parametrize(
    "response",
    [
        answer(401, documented(401, message=f"No such key: {KEY}")),
        answer(401, documented(401, metadata={"raw": json.dumps({"message": "x" * 290 + KEY})})),
        answer(401, f"No such key: {KEY}".encode()),
        answer(307, location=f"https://b.test/?key={KEY}"),
        answer(200, f"No such key: {KEY}".encode(), **{"content-type": "text/plain"}),
    ],
    ids=range(5),
)
def test_a_key_that_comes_back_is_not_in_the_message(response: httpx.Response) -> None:
    message = str(errors.from_answer(response, partial(bodies.without, KEY)))
    assert KEY[:8] not in message
    assert "**********" in message


def test_a_short_key_of_a_test_is_no_word_of_a_message() -> None:
    assert bodies.without("sentence", "The sentence") == "The sentence"


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
