"""Errors: a class for each status, and a message from any body."""

import json
import pickle
from functools import partial
from typing import Any

import httpx
import pytest
from openrouter_speech import errors
from openrouter_speech._core import bodies, retries
from openrouter_speech.components import ErrorResponse

from .conftest import KEY

REQUEST = httpx.Request("POST", "https://example.test/audio/speech")
JSON = {"content-type": "application/json"}


def answer(status: int, content: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.Response(status, content=content, headers=headers, request=REQUEST)


def documented(status: int, **error: Any) -> bytes:
    return json.dumps({"error": {"code": status, "message": "The sentence", **error}}).encode()


def test_all_errors_are_exported_and_share_a_base_class() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes == set(errors.__all__) - {"BY_STATUS"}
    assert all(issubclass(getattr(errors, name), errors.OpenRouterError) for name in classes)


@pytest.mark.parametrize(("status", "kind"), errors.BY_STATUS.items())
def test_a_documented_error_has_a_class_and_a_model(status: int, kind: type[errors.APIStatusError]) -> None:
    response = answer(status, documented(status), **{"x-generation-id": "gen-tts-1-a"})
    error = errors.from_response(response)
    assert type(error) is kind
    assert str(error) == error.message
    assert (error.status_code, error.headers, error.body) == (status, response.headers, response.text)
    assert isinstance(error.data, ErrorResponse)
    assert error.data.error.message == "The sentence"
    assert error.generation_id == "gen-tts-1-a"
    assert error.raw_response is response


@pytest.mark.parametrize("status", [418, 599])
def test_any_other_status_has_the_default_class(status: int) -> None:
    error = errors.from_response(answer(status, documented(status)))
    assert type(error) is errors.OpenRouterDefaultError
    assert str(error) == f"{status}: The sentence"


@pytest.mark.parametrize("status", [*retries.MAYBE_BILLED_STATUSES, 500, 502, 503, 521, 529, 599])
def test_a_status_that_may_be_billed_says_so(status: int) -> None:
    for content in (documented(status), documented(status, message="The sentence."), b"<title>The sentence</title>"):
        error = errors.from_response(answer(status, content))
        assert error.maybe_billed is (status in retries.MAYBE_BILLED_STATUSES)
        charged = ". The request may have been charged." if error.maybe_billed else ""
        assert str(error).rstrip(".") == f"{status}: The sentence{charged}".rstrip(".")


ISSUES = [{"path": ["provider", 0], "message": "Wrong"}, {"path": ["input"], "message": "Missing"}]
ZOD = {"success": False, "error": {"name": "ZodError", "message": json.dumps(ISSUES)}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html><head><title>502 Bad\n Gateway</title></head></html>", "502 Bad Gateway"),
        (b"<p>no title</p>", "<p>no title</p>"),
        (b" \n ", "Bad Gateway"),
        (b'{"error": {"code": 502, "mess', '{"error": {"code": 502, "mess'),
        (b'{"error": "just a text"}', "just a text"),
        (b'{"message": "at the top"}', "at the top"),
        (b'{"error": {"code": "x", "message": "odd code"}}', "odd code"),
        (b'{"error": {"code": 1, "message": 5}}', '{"error": {"code": 1, "message": 5}}'),
        (b"[1, 2]", "[1, 2]"),
        (b"\xff\xfe\xfd", "\ufffd\ufffd\ufffd"),
        (b"x" * 5000, "x" * 300 + "…"),
        (b"[" * 100_000, "[" * 300 + "…"),
        (json.dumps(ZOD).encode(), "provider.0: Wrong; input: Missing"),
        (b'{"error": {"name": "ZodError", "message": "not JSON"}}', "not JSON"),
        (b'{"error": {"name": "ZodError", "message": "[1]"}}', "[1]"),
    ],
)
def test_any_body_gives_a_message(content: bytes, message: str) -> None:
    error = errors.from_response(answer(502, content))
    assert str(error) == f"502: {message}"
    assert error.data is None
    assert error.body == content.decode(errors="replace")


def test_a_redirect_names_its_target() -> None:
    error = errors.from_response(answer(307, location="https://elsewhere.test/api"))
    assert isinstance(error, errors.RedirectError)
    assert error.location == "https://elsewhere.test/api"
    assert all(named in str(error) for named in ("https://elsewhere.test/api", "server_url"))


def test_a_304_is_a_redirect_without_a_target() -> None:
    error = errors.from_response(answer(304))
    assert isinstance(error, errors.RedirectError)
    assert error.location is None


@pytest.mark.parametrize(
    ("headers", "sent"),
    [(JSON, "application/json, not audio"), ({}, "untyped content"), ({"content-type": "audio/pcm"}, "labelled audio")],
)
def test_a_success_that_is_not_audio_keeps_its_message_and_its_bytes(headers: dict[str, str], sent: str) -> None:
    content = documented(502)
    error = errors.from_response(answer(200, content, **headers))
    assert isinstance(error, errors.NotAudioError)
    assert all(named in str(error) for named in (sent, "The sentence"))
    assert error.maybe_billed
    assert error.data is None
    assert (error.audio, error.bytes_received, error.body) == (content, len(content), content.decode())


@pytest.mark.parametrize(
    ("cause", "kind", "maybe_billed", "reason"),
    [
        (httpx.ConnectError("refused"), errors.APIConnectionError, False, "refused"),
        (httpx.ConnectTimeout(""), errors.APITimeoutError, False, "while connecting"),
        (httpx.PoolTimeout(""), errors.APITimeoutError, False, "for a free connection"),
        (httpx.ProxyError("407"), errors.APIConnectionError, False, "407"),
        (httpx.WriteTimeout(""), errors.APITimeoutError, False, "while sending"),
        (httpx.WriteError("the server closed it"), errors.APIConnectionError, False, "the server closed it"),
        (httpx.ReadTimeout(""), errors.APITimeoutError, True, "for the next bytes"),
        (httpx.ReadError(""), errors.APIConnectionError, True, "ReadError"),
        (httpx.DecodingError("bad data"), errors.APIConnectionError, True, "Content-Encoding is wrong: bad data"),
    ],
)
def test_a_failed_exchange_says_whether_it_may_be_billed(
    cause: httpx.RequestError, kind: type[errors.OpenRouterError], maybe_billed: bool, reason: str
) -> None:
    error = errors.from_transport(cause, REQUEST)
    assert type(error) is kind
    assert error.maybe_billed is maybe_billed
    assert ("may be charged" in str(error)) is maybe_billed
    assert all(named in str(error) for named in ("example.test", reason))
    assert (error.status_code, error.headers, error.body, error.data) == (None, httpx.Headers(), "", None)
    assert error.generation_id is None


IN_FLIGHT = {"limit_source": "openrouter_in_flight_budget"}
RESET = {"x-ratelimit-reset": "9"}


@pytest.mark.parametrize(
    ("status", "headers", "content", "throttled", "seconds"),
    [
        (429, {"retry-after": "7"}, documented(429, metadata={"headers": {"Retry-After": "3"}}), True, 7),
        (429, {}, documented(429, metadata={"headers": {"Retry-After-Ms": 1500}}), True, 1.5),
        (429, {}, documented(429, metadata=None), True, None),
        (429, {}, documented(429, metadata='{"headers": "{\\"Retry-After\\": 3}"}'), True, 3),
        (429, {}, documented(429, code="odd", metadata={"retry_after_seconds": 2}), True, 2),
        (429, RESET, b"<html>", True, 9),
        (503, {"retry-after": "3, 10"}, b"", False, 10),
        (402, RESET, documented(402, metadata=IN_FLIGHT), True, 9),
        (402, RESET, documented(402, metadata=json.dumps(IN_FLIGHT)), True, 9),
        (402, RESET, documented(402), False, None),
        (503, RESET, documented(503, metadata=IN_FLIGHT), False, None),
    ],
)
def test_an_error_says_when_to_try_again(
    status: int, headers: dict[str, str], content: bytes, throttled: bool, seconds: float | None
) -> None:
    error = errors.from_response(answer(status, content, **headers))
    assert (error.throttled, error.retry_after) == (throttled, seconds)


def test_the_wait_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    error = errors.from_response(answer(429, documented(429), **{"retry-after": "7"}))
    assert error.retry_after == 7
    monkeypatch.delattr(retries, "retry_after")
    assert error.retry_after == 7


STEERING = "\x1b[2Jgone\x07\r\nfake: line\u2028\u202eback\x9b\ud800"


@pytest.mark.parametrize(
    "response",
    [
        answer(400, documented(400, message=STEERING)),
        answer(400, documented(400, metadata={"raw": STEERING, "provider_name": STEERING})),
        answer(400, f"<title>{STEERING[:-1]}</title>".encode()),
        answer(400, STEERING[:-1].encode()),
        answer(200, json.dumps({"error": STEERING}).encode(), **JSON),
    ],
    ids=range(5),
)
def test_control_characters_are_escaped_in_the_message(response: httpx.Response) -> None:
    error = errors.from_response(response)
    assert str(error).isprintable()
    assert r"\x1b[2Jgone\x07" in str(error)
    assert r"\u2028\u202eback\x9b" in str(error)
    assert error.args == (error.message,)
    assert error.body == response.text


def test_the_model_holds_the_message_as_sent() -> None:
    error = errors.from_response(answer(400, documented(400, message="a\x1bb")))
    assert error.data is not None
    assert (error.data.error.message, error.message) == ("a\x1bb", r"400: a\x1bb")


def test_control_characters_in_headers_and_causes_are_escaped() -> None:
    moved = errors.from_response(answer(307, location="https://b.test/\x1b[31m"))
    assert isinstance(moved, errors.RedirectError)
    assert (moved.location, str(moved).isprintable()) == ("https://b.test/\x1b[31m", True)
    assert str(errors.from_response(answer(200, b"{}", **{"content-type": "a/\x1b[31m"}))).isprintable()
    assert r": bad line: \x1b." in str(errors.from_transport(httpx.RemoteProtocolError("bad\n line: \x1b"), REQUEST))
    assert str(errors.TruncatedAudioError("Half of \x1b", answer(200))) == r"Half of \x1b"


@pytest.mark.parametrize(
    "response",
    [
        answer(401, documented(401, message=f"No such key: {KEY}")),
        answer(401, documented(401, metadata={"raw": json.dumps({"message": "x" * 290 + KEY})})),
        answer(401, f"No such key: {KEY}".encode()),
        answer(307, location=f"https://b.test/?key={KEY}"),
    ],
    ids=range(4),
)
def test_an_echoed_key_is_masked_in_the_message(response: httpx.Response) -> None:
    message = str(errors.from_response(response, partial(bodies.without, KEY)))
    assert KEY[:8] not in message
    assert "**********" in message


def test_a_short_fake_key_is_not_masked() -> None:
    assert bodies.without("sentence", "The sentence") == "The sentence"


AUDIO = answer(200, b"half", **{"content-type": "audio/pcm"})
EACH = [
    errors.from_response(answer(400, documented(400))),
    errors.from_response(answer(302, location="https://elsewhere.test")),
    errors.from_response(answer(200, b"{}", **JSON)),
    errors.from_transport(httpx.ReadTimeout(""), REQUEST),
    errors.from_transport(httpx.ConnectError("refused"), REQUEST),
    errors.EmptyAudioError("Nothing came", AUDIO),
    errors.TruncatedAudioError("Half came", AUDIO, audio=b"half", bytes_received=4),
    errors.ConfigurationError("No key"),
]


@pytest.mark.parametrize("error", EACH, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling(error: errors.OpenRouterError) -> None:
    """A process pool pickles them."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    for name in ("message", "args", "status_code", "body", "data", "maybe_billed", "retry_after"):
        assert getattr(copy, name) == getattr(error, name)
    assert str(copy) == str(error)
    assert getattr(copy, "audio", None) == getattr(error, "audio", None)


def test_audio_and_unread_bodies_have_no_text() -> None:
    assert errors.TruncatedAudioError("Half", AUDIO).body == ""
    for kind in (errors.TruncatedAudioError, errors.NotAudioError):
        assert kind("Half", httpx.Response(200, stream=httpx.ByteStream(b"half"))).body == ""
