"""Calls over real sockets: the result, the number of requests, and no connection left open."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech._core.retries import RetryConfig
from openrouter_speech._http import sending as send_with_retries
from openrouter_speech._http.aiohttp_client import AiohttpClient

from ..conftest import KEY, REQUEST, Connect, connecting
from ..wire_server import CLOSE, Answer, Connection, WireServer, chunk, hang_up, head, http, refusing, silence
from .answers import (
    BACKOFF,
    EAGER,
    FAULTS,
    GOOD,
    MP3,
    ONE_OF_EACH,
    PCM,
    Body,
    cut_at_once,
    cut_chunks,
    error_json,
    refuse,
    stall,
    transports,
)
from .conftest import FORMS, Use, create, save, stream

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
            use(connect(server_url=server.url), tmp_path, {})
        assert type(raised.value) is kind
        assert (len(server.requests), slept) == (1, [])
        if raised.value.raw_response is None or "connection was lost" in str(raised.value):
            server.wait_until_closed()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"speech.pcm": b"old"}


@pytest.mark.parametrize("answer", [silence, stall])
@pytest.mark.parametrize("way", ["sync", "async", "aiohttp"])
def test_a_wait_has_an_end(way: str, answer: Answer, slept: list[float]) -> None:
    """Only the read timeout is short, since a busy machine may be slow to connect."""
    timeout = httpx.Timeout(60, read=0.05)
    clients: dict[str, httpx.Client | httpx.AsyncClient] = {"client": httpx.Client(timeout=timeout)}
    clients["async_client"] = (AiohttpClient if way == "aiohttp" else httpx.AsyncClient)(timeout=timeout)
    for connect in connecting(way):
        with WireServer(answer) as server:
            with pytest.raises(errors.APITimeoutError) as raised:
                connect(server_url=server.url, **clients).create()
            assert raised.value.maybe_billed
            assert slept == []  # whether the server has read the request by then is a matter of load
            server.wait_until_closed()


@pytest.mark.parametrize("use", FORMS)
@pytest.mark.parametrize(
    ("late", "message"), [("answer", "did not respond in time"), ("body", "next bytes")], ids=["answer", "body"]
)
def test_a_timeout_is_not_retried(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, late: str, message: str
) -> None:
    """The transport raises the timeout, so no time passes."""

    def answer(_: httpx.Request) -> httpx.Response:
        if late == "answer":
            raise httpx.ReadTimeout("")
        return httpx.Response(200, headers={"content-type": PCM}, stream=Body(bytes(240), httpx.ReadTimeout("")))

    with pytest.raises(errors.APITimeoutError, match=message):
        use(connect(**transports(answer)), tmp_path, {})
    assert (slept, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize("use", [create, save])
@pytest.mark.parametrize("late", ["answer", "body"])
def test_a_timeout_is_retried_if_wanted(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, late: str
) -> None:
    attempts = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        if attempts == 1 and late == "answer":
            raise httpx.ReadTimeout("")
        body = Body(bytes(240), httpx.ReadTimeout("")) if attempts == 1 else Body(bytes(480))
        return httpx.Response(200, headers={"content-type": PCM}, stream=body)

    assert use(connect(retry_config=EAGER, **transports(answer)), tmp_path, {}) == bytes(480)
    assert (attempts, slept) == (2, [0.1])


@pytest.mark.parametrize("use", FORMS)
def test_a_passing_status_is_retried_twice(connect: Connect, slept: list[float], tmp_path: Path, use: Use) -> None:
    """`retries` decides which statuses are transient."""
    with WireServer(refuse(503)) as server:
        with pytest.raises(errors.ServiceUnavailableResponseError, match="503: The sentence"):
            use(connect(server_url=server.url), tmp_path, {})
        assert (len(server.requests), len(slept)) == (3, 2)
        assert len({(request.head, request.body) for request in server.requests}) == 1


@pytest.mark.parametrize("use", FORMS)
def test_a_retry_can_succeed(connect: Connect, slept: list[float], tmp_path: Path, use: Use) -> None:
    with WireServer(refuse(503), http(502, b"<html>", "text/html"), GOOD) as server:
        assert use(connect(server_url=server.url), tmp_path, {}) == bytes(480)
        assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_exactly_one_request_more_than_retries(connect: Connect, slept: list[float], retries: int) -> None:
    config = RetryConfig("backoff", BACKOFF, True, max_retries=retries)
    with WireServer(refuse(503)) as server:
        with pytest.raises(errors.ServiceUnavailableResponseError):
            connect(server_url=server.url, retry_config=config).create()
        assert len(server.requests) == retries + 1
        assert slept == [0.1, 0.2, 0.4][:retries]


def test_a_call_can_turn_retries_off_and_on(connect: Connect, slept: list[float]) -> None:
    with WireServer(refuse(503)) as server:
        for client_setting, call_setting, requests in [(EAGER, None, 1), (None, EAGER, 3), (None, None, 1)]:
            server.requests.clear()
            with pytest.raises(errors.ServiceUnavailableResponseError):
                connect(server_url=server.url, retry_config=client_setting).create(retries=call_setting)
            assert len(server.requests) == requests


def test_the_servers_time_is_waited(connect: Connect, slept: list[float]) -> None:
    inside = http(429, error_json(429, metadata={"headers": {"Retry-After": "4"}}), "application/json")
    with WireServer(refuse(429, retry_after="3"), inside, GOOD) as server:
        connect(server_url=server.url).create()
    assert slept == [3, 4]


def test_a_time_that_is_too_long_is_not_waited(connect: Connect, slept: list[float]) -> None:
    with WireServer(refuse(429, retry_after="61")) as server:
        with pytest.raises(errors.TooManyRequestsResponseError) as raised:
            connect(server_url=server.url).create()
        assert raised.value.retry_after == 61
        assert (len(server.requests), slept) == (1, [])


def test_a_pool_of_one_survives_retried_answers(connect: Connect, slept: list[float]) -> None:
    """Each discarded response is closed, so one connection is enough and no attempt waits for it."""
    options: dict[str, Any] = {"limits": httpx.Limits(max_connections=1), "timeout": httpx.Timeout(60, pool=2)}
    clients = {"client": httpx.Client(**options), "async_client": httpx.AsyncClient(**options)}
    config = RetryConfig("backoff", BACKOFF, True, max_retries=100)
    large = http(503, b"x" * 100_000, "text/plain")
    with WireServer(*[refuse(503), large] * 5, GOOD) as server:
        caller = connect(server_url=server.url, retry_config=config, **clients)
        assert caller.create().content == bytes(480)
        assert len(server.requests) == 11
        assert caller.create().content == bytes(480)


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


def test_no_connection_is_retried(connect: Connect, slept: list[float]) -> None:
    with refusing() as url, pytest.raises(errors.APIConnectionError, match="No response from 127") as raised:
        connect(server_url=url).create()
    assert not raised.value.maybe_billed
    assert isinstance(raised.value.__cause__, httpx.ConnectError)
    assert len(slept) == 2


def test_no_connection_is_not_retried_if_so_configured(connect: Connect, slept: list[float]) -> None:
    with refusing() as url, pytest.raises(errors.APIConnectionError):
        connect(server_url=url, retry_config=RetryConfig("backoff", BACKOFF, False)).create()
    assert slept == []


EMPTY, HALF, WRONG = http(), http(body=bytes(481)), http(200, b"{}", "application/json")


@pytest.mark.parametrize(
    ("use", "answer"),
    [(create, answer) for answer in (hang_up, cut_at_once, cut_chunks, EMPTY, HALF, WRONG)] + [(save, cut_chunks)],
)
def test_what_may_have_been_billed_is_retried_if_wanted(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, answer: Answer
) -> None:
    """Including a truncated body: the caller has received none of it."""
    with WireServer(answer, GOOD) as server:
        caller = connect(server_url=server.url, retry_config=EAGER)
        assert use(caller, tmp_path, {}) == bytes(480)
        assert (len(server.requests), slept) == (2, [0.1])
    assert len(list(tmp_path.iterdir())) == (use is save)


def test_audio_that_is_cut_short_comes_with_what_arrived(connect: Connect) -> None:
    with WireServer(http(body=b"ab" * 50 + b"c", length=480)) as server:
        with pytest.raises(errors.TruncatedAudioError) as raised:
            connect(server_url=server.url).create()
        assert (raised.value.audio, raised.value.bytes_received) == (b"ab" * 50, 101)
        assert raised.value.status_code == 200
        assert raised.value.body == ""


@pytest.mark.parametrize("content_type", ["application/octet-stream", "audio/x-new", None])
def test_other_types_of_audio_are_taken(connect: Connect, content_type: str | None) -> None:
    with WireServer(http(200, MP3, content_type)) as server:
        assert connect(server_url=server.url).create(response_format="mp3").content == MP3


def test_a_length_is_held_to_whatever_the_transport(connect: Connect) -> None:
    """httpcore detects a short body; a custom transport may not."""

    def short(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=bytes(100), headers={"content-type": PCM, "content-length": "480"})

    with pytest.raises(errors.TruncatedAudioError, match="100 of 480 bytes arrived"):
        connect(**transports(short)).create()


def test_the_awaited_sleep_is_asyncios() -> None:
    asyncio.run(send_with_retries.sleep_async(0))


def test_each_attempt_is_logged(connect: Connect, slept: list[float], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "openrouter_speech")
    with WireServer(refuse(503), refuse(429, retry_after="2"), GOOD) as server:
        connect(server_url=server.url).create(retries=RetryConfig("backoff", BACKOFF, True, max_retries=2))
    messages = [record.getMessage() for record in caplog.records if record.name == "openrouter_speech"]
    assert messages == [
        "attempt 1 begins",
        "attempt 1 ended with 503: next one in 0.100 s",
        "attempt 2 begins",
        "attempt 2 ended with 429: next one in 2.000 s",
        "attempt 3 begins",
    ]


async def cancelled(answer: Answer) -> None:
    """Make a call, and cancel it once the request has arrived."""
    with WireServer(answer) as server:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            call = asyncio.create_task(open_router.tts.create_speech_async(**REQUEST))
            await asyncio.to_thread(server.wait_for_requests, 1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.to_thread(server.wait_until_closed)


@pytest.mark.parametrize("answer", [silence, stall], ids=["wait", "read"])
def test_cancelling_frees_the_connection(answer: Answer) -> None:
    asyncio.run(cancelled(answer))


def test_cancelling_a_delay_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """During a delay, the connection is back in the pool for other calls."""
    sleeping = asyncio.Event()

    async def sleep_for_ever(_: float) -> None:
        sleeping.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("openrouter_speech._http.sending.sleep_async", sleep_for_ever)

    async def main() -> None:
        limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(60, pool=2)
        async with (
            httpx.AsyncClient(limits=limits, timeout=timeout) as client,
            OpenRouter(KEY, server_url=server.url, async_client=client) as open_router,
        ):
            call = asyncio.create_task(open_router.tts.create_speech_async(**REQUEST))
            await sleeping.wait()
            assert (await open_router.tts.create_speech_async(**REQUEST)).content == bytes(480)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    with WireServer(refuse(503), GOOD) as server:
        asyncio.run(main())
        assert len(server.requests) == 2


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
def test_where_a_timeout_comes_from(settings: Any, params: Any, seconds: tuple[float, float]) -> None:
    """From the call, else the client, else the given httpx client, else the default."""
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


LARGE = b"x" * (1 << 20)
CLOSED = [
    (503, "text/html", (LARGE, LARGE)),
    (200, "text/html", (LARGE, LARGE)),
    (200, PCM, (b"ab", b"c")),
    (200, PCM, ()),
    (200, PCM, (b"ab",)),
]


@pytest.mark.parametrize("use", FORMS)
@pytest.mark.parametrize(("status", "content_type", "pieces"), CLOSED, ids=range(5))
@pytest.mark.parametrize("way", ["sync", "async"])
def test_every_answer_is_closed_whatever_the_transport(
    way: str, tmp_path: Path, use: Use, status: int, content_type: str, pieces: tuple[bytes, ...]
) -> None:
    body = Body(*pieces)
    clients = transports(lambda _: httpx.Response(status, stream=body, headers={"content-type": content_type}))
    for connect in connecting(way):
        with suppress(errors.OpenRouterError):
            use(connect(retry_config=None, **clients), tmp_path, {})
    assert body.closed
