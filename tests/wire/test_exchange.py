"""Calls over real sockets: the result, the number of requests, and no connection left open."""

import asyncio
import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech._core.retries import RetryConfig
from openrouter_speech._http.aiohttp_client import AiohttpClient

from ..conftest import KEY, REQUEST, Connect, connecting
from ..wire_server import CLOSE, PCM, Answer, Connection, WireServer, chunk, head, http, refusing, silence
from .answers import AFTER_AUDIO, BACKOFF, BEFORE_AUDIO, EAGER, FAULTS, GOOD, Body, giving, refuse, stall, transports
from .conftest import FORMS, Use, create, save, stream

ONE_OF_EACH = "a 400", "an empty 200", "a body cut by chunks", "a hang-up"
"""One fault of each kind: before the body, at its end, in its middle, and instead of a response."""
CASES = [(create, fault) for fault in FAULTS] + [(use, fault) for use in (stream, save) for fault in ONE_OF_EACH]


@pytest.mark.parametrize(("use", "fault"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_a_fault_that_is_not_retried(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, fault: str
) -> None:
    """One request, the specific error, no connection held, no file left behind, an existing file unchanged."""
    answer, kind, message = FAULTS[fault]
    (tmp_path / "speech.pcm").write_bytes(b"old")
    with WireServer(answer) as server:
        with pytest.raises(kind, match=message) as raised:
            use(connect(server_url=server.url), tmp_path)
        assert type(raised.value) is kind
        assert (len(server.requests), slept) == (1, [])
        if raised.value.raw_response is None or "connection was lost" in str(raised.value):
            server.wait_until_closed()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"speech.pcm": b"old"}


@pytest.mark.parametrize(
    ("use", "answer", "is_retried"),
    [
        *((create, answer, True) for answer in BEFORE_AUDIO + AFTER_AUDIO),
        *((stream, answer, True) for answer in BEFORE_AUDIO),
        *((stream, answer, False) for answer in AFTER_AUDIO),
        (save, AFTER_AUDIO[0], True),
    ],
)
def test_what_may_have_been_billed_is_retried_on_request_until_the_caller_has_audio(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, answer: Answer, is_retried: bool
) -> None:
    with WireServer(answer, GOOD) as server:
        caller = connect(server_url=server.url, retry_config=EAGER)
        if is_retried:
            assert use(caller, tmp_path) == bytes(480)
        else:
            with pytest.raises(errors.TruncatedAudioError):
                use(caller, tmp_path)
        assert (len(server.requests), slept) == ((2, [0.1]) if is_retried else (1, []))
    assert len(list(tmp_path.iterdir())) == (use is save)


@pytest.mark.parametrize("use", FORMS)
@pytest.mark.parametrize("pieces", [None, (), (bytes(240),)], ids=["no response", "no audio", "some audio"])
@pytest.mark.parametrize("connect", ["sync", "async"], indirect=True)
def test_a_timeout_is_retried_on_request_until_the_caller_has_audio(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, pieces: Any
) -> None:
    """The transport raises the timeout, so no time passes."""
    late = Body(*(pieces or ()), httpx.ReadTimeout(""))
    responses = [httpx.ReadTimeout("") if pieces is None else late, Body(bytes(480))]
    message = "did not respond in time" if pieces is None else "next bytes"
    with pytest.raises(errors.APITimeoutError, match=message):
        use(connect(**giving(*responses)), tmp_path)
    assert (slept, list(tmp_path.iterdir())) == ([], [])
    assert late.is_closed or pieces is None
    caller = connect(retry_config=EAGER, **giving(*responses))
    if use is stream and pieces:
        with pytest.raises(errors.APITimeoutError, match=message):
            use(caller, tmp_path)
    else:
        assert use(caller, tmp_path) == bytes(480)
        assert slept == [0.1]


@pytest.mark.parametrize("answer", [silence, stall])
@pytest.mark.parametrize("way", ["sync", "async", "aiohttp"])
def test_a_timeout_closes_the_connection(way: str, answer: Answer, slept: list[float]) -> None:
    """Only the read timeout is short, since a busy machine may be slow to connect."""
    timeout = httpx.Timeout(60, read=0.05)
    clients: dict[str, httpx.Client | httpx.AsyncClient] = {"client": httpx.Client(timeout=timeout)}
    clients["async_client"] = (AiohttpClient if way == "aiohttp" else httpx.AsyncClient)(timeout=timeout)
    for connect in connecting(way):
        with WireServer(answer) as server:
            with pytest.raises(errors.APITimeoutError) as raised:
                connect(server_url=server.url, **clients).create()
            assert raised.value.maybe_billed
            assert slept == []  # on a busy machine, the server may not have read the request yet
            server.wait_until_closed()


@pytest.mark.parametrize("use", FORMS)
def test_a_retry_can_succeed(connect: Connect, slept: list[float], tmp_path: Path, use: Use) -> None:
    """It repeats the request exactly, on the same connection."""
    with WireServer(refuse(503), http(502, b"<html>", "text/html"), GOOD) as server:
        assert use(connect(server_url=server.url), tmp_path) == bytes(480)
        assert (len(server.requests), server.connections) == (3, 1)
        assert len({(request.head, request.body) for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("settings", "params", "delays"),
    [
        ({"retry_config": EAGER}, {}, [0.1, 0.2]),
        ({"retry_config": EAGER}, {"retries": None}, []),
        ({"retry_config": None}, {"retries": EAGER}, [0.1, 0.2]),
        ({"retry_config": RetryConfig("backoff", BACKOFF, True, max_retries=3)}, {}, [0.1, 0.2, 0.4]),
        ({"retry_config": RetryConfig("backoff", BACKOFF, True, max_retries=0)}, {}, []),
    ],
)
def test_a_call_gives_up_after_as_many_retries_as_configured(
    connect: Connect, slept: list[float], settings: Any, params: Any, delays: list[float]
) -> None:
    with WireServer(refuse(503)) as server:
        with pytest.raises(errors.ServiceUnavailableResponseError):
            connect(server_url=server.url, **settings).create(**params)
        assert (len(server.requests), slept) == (len(delays) + 1, delays)


def test_a_retry_waits_as_long_as_the_response_says(connect: Connect, slept: list[float]) -> None:
    """By a header, even a repeated one, or by its body. A wait of 0 s falls back to the backoff."""
    script = [
        refuse(429, "3\r\nRetry-After: 10"),
        refuse(429, metadata={"headers": {"Retry-After": "4"}}),
        refuse(402, metadata={"limit_source": "openrouter_in_flight_budget", "retry_after_seconds": 5}),
        refuse(429, "0"),
    ]
    config = RetryConfig("backoff", BACKOFF, True, max_retries=4)
    with WireServer(*script, GOOD) as server:
        assert connect(server_url=server.url, retry_config=config).create().content == bytes(480)
    assert slept == [10, 4, 5, 0.8]


@pytest.mark.parametrize("is_retried", [True, False])
def test_a_refused_connection_is_retried_unless_configured_otherwise(
    connect: Connect, slept: list[float], is_retried: bool
) -> None:
    config = RetryConfig("backoff", BACKOFF, retry_connection_errors=is_retried, max_retries=2)
    with refusing() as url, pytest.raises(errors.APIConnectionError, match="No response from 127") as raised:
        connect(server_url=url, retry_config=config).create()
    assert not raised.value.maybe_billed
    assert isinstance(raised.value.__cause__, httpx.ConnectError)
    assert slept == ([0.1, 0.2] if is_retried else [])


def test_a_huge_error_is_not_read_to_its_end(connect: Connect) -> None:
    pieces = iter([chunk(b"no " * 20_000)] * 1000)

    def huge(connection: Connection) -> object:
        connection.send(head(400, "text/plain", None))
        for piece in pieces:  # until the client hangs up
            connection.send(piece)
        return CLOSE

    with WireServer(huge) as server:
        with pytest.raises(errors.BadRequestResponseError, match="400: no no no"):
            connect(server_url=server.url).create()
        server.wait_until_closed()
    assert next(pieces, None), "all 60 MB of the error were read"


def test_an_error_shows_the_providers_reason_without_the_key(connect: Connect) -> None:
    raw = json.dumps({"error": {"message": f"\x1b[31mvoice is required; your key: {KEY}"}})
    with WireServer(refuse(400, metadata={"raw": raw, "provider_name": "Kokoro"})) as server:
        with pytest.raises(errors.BadRequestResponseError) as raised:
            connect(server_url=server.url).create()
    assert str(raised.value) == r"400: The sentence: Kokoro: \x1b[31mvoice is required; your key: **********"
    assert KEY in raised.value.body


def test_each_attempt_is_logged(connect: Connect, slept: list[float], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "openrouter_speech")
    with WireServer(refuse(503), refuse(429, "2"), GOOD) as server:
        connect(server_url=server.url, retry_config=EAGER).create()
    assert [record.getMessage() for record in caplog.records if record.name == "openrouter_speech"] == [
        "attempt 1 begins",
        "attempt 1 ended with 503: next one in 0.100 s",
        "attempt 2 begins",
        "attempt 2 ended with 429: next one in 2.000 s",
        "attempt 3 begins",
    ]


@pytest.mark.parametrize("answer", [silence, stall])
def test_cancelling_a_call_closes_its_connection(answer: Answer) -> None:
    async def main() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            call = asyncio.create_task(open_router.tts.create_speech_async(**REQUEST))
            await asyncio.to_thread(server.wait_for_request)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.to_thread(server.wait_until_closed)

    with WireServer(answer) as server:
        asyncio.run(main())


def test_a_discarded_response_is_closed_before_the_delay(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other calls, and the next attempt, can use its connection."""
    refused = Body(b"x" * 100_000)
    closed: list[bool] = []

    async def sleep_async(_: float) -> None:
        closed.append(refused.is_closed)

    monkeypatch.setattr("openrouter_speech._http.sending.sleep", lambda _: closed.append(refused.is_closed))
    monkeypatch.setattr("openrouter_speech._http.sending.sleep_async", sleep_async)
    responses = iter([httpx.Response(503, stream=refused), httpx.Response(200, content=bytes(480))])
    assert connect(**transports(lambda _: next(responses))).create().content == bytes(480)
    assert closed == [True]


@pytest.mark.parametrize(
    ("settings", "params", "seconds"),
    [
        ({}, {}, (10, 120)),
        ({"timeout_ms": 30_000}, {}, (10, 30)),
        ({"timeout_ms": 30_000}, {"timeout_ms": 5_000}, (5, 5)),
        ({"client": 7}, {}, (7, 7)),
        ({"client": 7}, {"timeout_ms": 3_000}, (3, 3)),
        ({"client": 7, "timeout_ms": 4_000}, {}, (4, 4)),
    ],
)
def test_a_timeout_comes_from_the_call_or_the_client_or_the_httpx_client(
    settings: Any, params: Any, seconds: tuple[float, float]
) -> None:
    with WireServer(GOOD) as server, httpx.Client(timeout=settings.get("client")) as given:
        own = {"client": given} if "client" in settings else {}
        with OpenRouter(KEY, server_url=server.url, **(settings | own)) as open_router:
            timeout = open_router.tts.create_speech(**REQUEST, **params).request.extensions["timeout"]
    assert (timeout["connect"], timeout["read"]) == seconds


def test_the_environments_proxy_is_used(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """For plain http, the proxy receives the whole URL. The warning about unencrypted http is silenced."""
    with WireServer(GOOD) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api/v1"))
        monkeypatch.setattr("openrouter_speech._http.session._warned_of", {"example.test"})
        assert connect(server_url="http://example.test/api").create().content == bytes(480)
        assert proxy.requests[0].head.startswith("POST http://example.test/api/audio/speech HTTP/1.1")


def test_plain_http_to_another_machine_warns_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_speech._http.session._warned_of", set())
    for loopback in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:1", "https://example.test"):
        OpenRouter(KEY, server_url=loopback)
    with pytest.warns(UserWarning, match=r"example\.test unencrypted") as warned:
        OpenRouter(KEY, server_url="http://example.test")
    OpenRouter(KEY, server_url="http://example.test/api")  # a warning here would fail the test
    assert [warning.filename for warning in warned] == [__file__]


def test_a_title_beyond_ascii_arrives_intact(connect: Connect) -> None:
    with WireServer(GOOD) as server:
        connect(server_url=server.url, x_open_router_title="Café ☕").create()
        assert server.requests[0].header("X-OpenRouter-Title") == "Café ☕"


def test_a_redirect_is_not_followed_even_by_a_client_that_would(connect: Connect) -> None:
    clients = {"client": httpx.Client(follow_redirects=True), "async_client": httpx.AsyncClient(follow_redirects=True)}
    with WireServer(GOOD) as elsewhere, WireServer(http(302, b"", None, headers={"Location": elsewhere.url})) as server:
        with pytest.raises(errors.RedirectError, match=elsewhere.url):
            connect(server_url=server.url, **clients).create()
        assert not elsewhere.requests


LARGE = b"x" * (1 << 20), b"x" * (1 << 20)
BODIES = [(503, "text/html", LARGE), (200, "text/html", LARGE), (200, PCM, (b"abc",)), (200, PCM, (b"ab",))]


@pytest.mark.parametrize("use", FORMS)
@pytest.mark.parametrize(("status", "content_type", "pieces"), BODIES, ids=range(4))
@pytest.mark.parametrize("connect", ["sync", "async"], indirect=True)
def test_every_response_is_closed(
    connect: Connect, tmp_path: Path, use: Use, status: int, content_type: str, pieces: tuple[bytes, ...]
) -> None:
    body = Body(*pieces)
    with suppress(errors.OpenRouterError):
        use(connect(retry_config=None, **giving(body, status=status, content_type=content_type)), tmp_path)
    assert body.is_closed
