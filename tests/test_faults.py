"""Each fault, over real sockets: what the caller sees, how many requests were sent, and that nothing is left open."""

import asyncio
import json
import logging
import os
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, errors, exchange
from openrouter_speech.retries import BackoffStrategy, RetryConfig

from .conftest import KEY, REQUEST, Caller, Connect, connecting
from .wire_server import CLOSE, Answer, Connection, WireServer, chunk, hang_up, head, http, silence

PCM = "audio/pcm;rate=24000;channels=1"
MP3 = (b"\xff\xf3\x84\xc4" + bytes(188)) * 3
"""Three frames, of 24 ms each."""
GOOD = http(body=bytes(480), headers={"X-Generation-Id": "gen-tts-1-a"})
BACKOFF = BackoffStrategy(100, 1000, 2, 60_000, jitter_ms=0)
EAGER = RetryConfig("backoff", BACKOFF, retry_connection_errors=True, retry_maybe_billed=True, max_retries=2)


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """The third way has faults of its own, which have to come out as the others'."""
    yield from connecting(request.param)


def error_json(status: int, **error: Any) -> bytes:
    return json.dumps({"error": {"code": status, "message": "The sentence", **error}}).encode()


def refuse(status: int, retry_after: str | None = None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return http(status, error_json(status), "application/json", headers=headers)


def cut_chunks(connection: Connection) -> object:
    """A chunked body that ends without its end."""
    connection.send(head(200, PCM, None) + chunk(bytes(100)))
    return CLOSE


def cut_at_once(connection: Connection) -> object:
    """The head of an answer, and then the end."""
    connection.send(head(200, PCM, 480))
    return CLOSE


def stall(connection: Connection) -> object:
    """Half of a body, and then nothing."""
    connection.send(head(200, PCM, 480) + bytes(240))
    return silence(connection)


def patience(answer: Answer, milliseconds: float) -> float | None:
    """A short timeout, only where nothing comes: elsewhere a slow machine must not end in one."""
    return milliseconds if answer in {silence, stall} else None


def reset_in_head(connection: Connection) -> object:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-")
    return CLOSE


def not_http(connection: Connection) -> object:
    connection.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    return CLOSE


Use = Callable[[Caller, Path, Any], Any]


def create(caller: Caller, _: Path, params: Any) -> bytes:
    return caller.create(**params).content


def stream(caller: Caller, _: Path, params: Any) -> bytes:
    return b"".join(caller.read_stream(**params))


def save(caller: Caller, folder: Path, params: Any) -> bytes:
    return caller.save(folder / "speech.pcm", **params).path.read_bytes()


FORMS = [create, stream, save]


def stream_pieces(caller: Caller, _: Path) -> int:
    """Hear a stream without keeping any of it."""
    return sum(len(piece) for piece in pieces_of(caller))


def save_file(caller: Caller, folder: Path) -> int:
    return caller.save(folder / "speech.pcm").bytes_received


FAULTS: list[tuple[str, Answer, type[errors.OpenRouterError], str]] = [
    ("a 400", refuse(400), errors.BadRequestResponseError, "400: The sentence"),
    ("a 401", refuse(401), errors.UnauthorizedResponseError, "401: The sentence"),
    ("a 418", refuse(418), errors.OpenRouterDefaultError, "418: The sentence"),
    ("an HTML 404", http(404, b"<title>Not here</title>", "text/html"), errors.NotFoundResponseError, "404: Not here"),
    (
        "a redirect",
        http(307, b"", None, headers={"Location": "https://b.test/"}),
        errors.RedirectError,
        "https://b.test/",
    ),
    ("an error that is cut", http(400, b'{"err', "application/json", length=99), errors.BadRequestResponseError, "err"),
    ("an empty 200", http(), errors.EmptyAudioError, "no audio"),
    ("JSON in a 200", http(200, error_json(502), "application/json"), errors.NotAudioError, "The sentence"),
    ("HTML in a 200", http(200, b"<title>Login</title>", "text/html"), errors.NotAudioError, "Login"),
    ("half a frame", http(body=bytes(481)), errors.TruncatedAudioError, "481 bytes are no whole number"),
    ("a body cut by length", http(body=bytes(100), length=480), errors.TruncatedAudioError, "after 100 bytes"),
    ("a body cut by chunks", cut_chunks, errors.TruncatedAudioError, "after 100 bytes"),
    ("a stall in the body", stall, errors.APITimeoutError, "next bytes"),
    ("no answer in time", silence, errors.APITimeoutError, "did not answer in time"),
    ("a hang-up", hang_up, errors.APIConnectionError, "No answer from 127.0.0.1:"),
    ("a hang-up in the head", reset_in_head, errors.APIConnectionError, "No answer"),
    ("another protocol", not_http, errors.APIConnectionError, "No answer"),
]


@pytest.mark.parametrize("use", FORMS)
@pytest.mark.parametrize(("answer", "kind", "message"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_that_is_not_retried(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, answer: Answer, kind: Any, message: str
) -> None:
    """One request, one error of its own, no connection held, no file left, an older one as it was."""
    (tmp_path / "speech.pcm").write_bytes(b"old")
    with WireServer(answer) as server:
        with pytest.raises(kind, match=message) as raised:
            use(connect(server_url=server.url, timeout_ms=patience(answer, 100)), tmp_path, {})
        assert type(raised.value) is kind
        assert (len(server.requests), slept) == (1, [])
        if raised.value.raw_response is None or "connection was lost" in str(raised.value):
            server.wait_until_closed()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"speech.pcm": b"old"}


@pytest.mark.parametrize("use", FORMS)
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 524, 529])
def test_a_passing_status_is_retried_twice(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, status: int
) -> None:
    with WireServer(refuse(status)) as server:
        with pytest.raises(errors.APIStatusError, match=str(status)):
            use(connect(server_url=server.url), tmp_path, {})
        assert (len(server.requests), len(slept)) == (3, 2)
        assert len({(request.head, request.body) for request in server.requests}) == 1


@pytest.mark.parametrize("use", FORMS)
def test_a_retry_can_succeed(connect: Connect, slept: list[float], tmp_path: Path, use: Use) -> None:
    with WireServer(refuse(503), http(502, b"<html>", "text/html"), GOOD) as server:
        assert use(connect(server_url=server.url), tmp_path, {}) == bytes(480)
        assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize("retries", range(4))
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


def test_a_pool_of_one_survives_a_hundred_retried_answers(connect: Connect, slept: list[float]) -> None:
    """Each discarded answer is closed: a second one that were held would end in a pool timeout."""
    options: dict[str, Any] = {"limits": httpx.Limits(max_connections=1), "timeout": 2}
    clients = {"client": httpx.Client(**options), "async_client": httpx.AsyncClient(**options)}
    config = RetryConfig("backoff", BACKOFF, True, max_retries=100)
    large = http(503, b"x" * 100_000, "text/plain")
    with WireServer(*[refuse(503), large] * 50, GOOD) as server:
        caller = connect(server_url=server.url, retry_config=config, **clients)
        assert caller.create().content == bytes(480)
        assert len(server.requests) == 101
        assert caller.create().content == bytes(480)


@pytest.mark.parametrize("use", FORMS)
def test_a_huge_error_is_not_read_to_its_end(connect: Connect, tmp_path: Path, use: Use) -> None:
    def endless(connection: Connection) -> object:
        connection.send(head(400, "text/plain", None))
        while True:  # until the client hangs up
            connection.send(chunk(b"no " * 20_000))

    with WireServer(endless) as server:
        with pytest.raises(errors.BadRequestResponseError, match="400: no no no"):
            use(connect(server_url=server.url), tmp_path, {})
        server.wait_until_closed()


def test_no_connection_is_retried(connect: Connect, slept: list[float]) -> None:
    with WireServer(GOOD) as server:
        url = server.url
    with pytest.raises(errors.APIConnectionError, match="No answer from 127") as raised:
        connect(server_url=url).create()
    assert not raised.value.maybe_billed
    assert isinstance(raised.value.__cause__, httpx.ConnectError)
    assert len(slept) == 2


def test_no_connection_is_not_retried_if_so_configured(connect: Connect, slept: list[float]) -> None:
    with WireServer(GOOD) as server:
        url = server.url
    with pytest.raises(errors.APIConnectionError):
        connect(server_url=url, retry_config=RetryConfig("backoff", BACKOFF, False)).create()
    assert slept == []


EMPTY, HALF, WRONG = http(), http(body=bytes(481)), http(200, b"{}", "application/json")
MAYBE_BILLED = [hang_up, cut_at_once, cut_chunks, EMPTY, HALF, WRONG]


@pytest.mark.parametrize("use", [create, save])
@pytest.mark.parametrize("answer", MAYBE_BILLED)
def test_what_may_have_been_billed_is_retried_if_wanted(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, answer: Answer
) -> None:
    """Also a body that is cut short: nothing of it has been handed to the caller."""
    with WireServer(answer, GOOD) as server:
        caller = connect(server_url=server.url, retry_config=EAGER)
        assert use(caller, tmp_path, {}) == bytes(480)
        assert (len(server.requests), slept) == (2, [0.1])
    assert len(list(tmp_path.iterdir())) == (use is save)


class LateBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body whose second half does not come in time."""

    def __iter__(self) -> Iterator[bytes]:
        yield bytes(240)
        raise httpx.ReadTimeout("")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


@pytest.mark.parametrize("use", [create, save])
@pytest.mark.parametrize("late", ["answer", "body"])
def test_a_timeout_is_retried_if_wanted(
    connect: Connect, slept: list[float], tmp_path: Path, use: Use, late: str
) -> None:
    """Without a clock: a transport says that time is up."""
    attempts = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        if attempts == 1 and late == "answer":
            raise httpx.ReadTimeout("")
        body = {"stream": LateBody()} if attempts == 1 else {"content": bytes(480)}
        return httpx.Response(200, headers={"content-type": PCM}, **body)

    transport = httpx.MockTransport(answer)
    clients = {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}
    assert use(connect(retry_config=EAGER, **clients), tmp_path, {}) == bytes(480)
    assert (attempts, slept) == (2, [0.1])


@pytest.mark.parametrize("answer", [silence, hang_up, cut_at_once, EMPTY, WRONG])
def test_a_stream_is_retried_until_its_first_byte(connect: Connect, slept: list[float], answer: Answer) -> None:
    with WireServer(answer, GOOD) as server:
        caller = connect(server_url=server.url, timeout_ms=patience(answer, 2000), retry_config=EAGER)
        assert b"".join(caller.read_stream()) == bytes(480)
        assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [stall, cut_chunks, HALF])
def test_a_stream_is_never_retried_after_its_first_byte(connect: Connect, slept: list[float], answer: Answer) -> None:
    with WireServer(answer, GOOD) as server:
        with pytest.raises((errors.APITimeoutError, errors.TruncatedAudioError)):
            connect(server_url=server.url, timeout_ms=patience(answer, 2000), retry_config=EAGER).read_stream()
        assert (len(server.requests), slept) == (1, [])


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
    """httpcore notices a body that is too short; a transport that was given may not."""

    def short(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=bytes(100), headers={"content-type": PCM, "content-length": "480"})

    transport = httpx.MockTransport(short)
    clients = {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}
    with pytest.raises(errors.TruncatedAudioError, match="100 of 480 bytes arrived"):
        connect(**clients).create()


def test_the_awaited_sleep_is_asyncios() -> None:
    asyncio.run(exchange.sleep_async(0))


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


def test_the_first_audio_arrives_before_the_second_is_sent(connect: Connect) -> None:
    heard = threading.Event()

    def slow(connection: Connection) -> object:
        connection.send(head(200, PCM, None, {"X-Generation-Id": "gen-tts-1-a"}))
        connection.send(chunk(b"\0a" * 8))
        connection.wait_for(heard)
        connection.send(chunk(b"cd") + chunk(b""))
        return None

    with WireServer(slow) as server:
        caller = connect(server_url=server.url)
        pieces = []
        for piece in pieces_of(caller):
            pieces.append(piece)
            heard.set()
        assert pieces == [b"\0a" * 8, b"cd"]


def pieces_of(caller: Caller) -> Any:
    """The pieces of a stream, one by one as they come."""
    runner = caller._runner
    if runner is None:
        with caller.open_router.tts.stream_speech(**REQUEST) as stream:
            yield from stream
        return

    context = caller.open_router.tts.stream_speech_async(**REQUEST)
    pieces = aiter(runner.run(context.__aenter__()))

    async def following() -> bytes | None:
        return await anext(pieces, None)

    while (piece := runner.run(following())) is not None:
        yield piece
    runner.run(context.__aexit__(None, None, None))


def test_the_facts_are_there_with_the_first_byte() -> None:
    def held(connection: Connection) -> object:
        connection.send(head(200, PCM, None, {"X-Generation-Id": "gen-tts-1-a"}) + chunk(bytes(16)))
        return silence(connection)

    with WireServer(held) as server:
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert (stream.audio_format, stream.sample_rate, stream.channels) == ("pcm", 24_000, 1)
                assert (stream.generation_id, stream.bytes_received, stream.duration) == ("gen-tts-1-a", 16, 8 / 24_000)
                assert stream.time_to_first_audio is not None
                assert stream.headers["content-type"] == PCM
        server.wait_until_closed()


def test_leaving_a_stream_early_closes_its_connection() -> None:
    def endless(connection: Connection) -> object:
        connection.send(head(200, PCM, None))
        while True:  # until the client hangs up
            connection.send(chunk(bytes(4096)))

    async def leave_async() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                assert len(await anext(aiter(stream))) > 0
            await asyncio.to_thread(server.wait_until_closed)
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                await stream.close()
                await asyncio.to_thread(server.wait_until_closed)

    with WireServer(endless) as server:
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert len(next(iter(stream))) > 0
            server.wait_until_closed()
            with open_router.tts.stream_speech(**REQUEST) as stream:
                stream.close()
                server.wait_until_closed()
        asyncio.run(leave_async())


@pytest.mark.parametrize("chunk_size", [None, 1, 2, 3, 5, 1000])
@pytest.mark.parametrize("cuts", [[480], [1] * 480, [3] * 160, [1, 2, 477], [479, 1]])
def test_pieces_are_whole_frames_however_the_network_cuts_them(
    connect: Connect, chunk_size: int | None, cuts: list[int]
) -> None:
    """Of stereo here: four bytes."""
    audio = bytes(number % 251 for number in range(480))

    def in_pieces(connection: Connection) -> object:
        connection.send(head(200, "audio/pcm;rate=24000;channels=2", None))
        start = 0
        for size in cuts:
            connection.send(chunk(audio[start : start + size]))
            start += size
        connection.send(chunk(b""))
        return None

    with WireServer(in_pieces) as server:
        pieces = connect(server_url=server.url).read_stream(chunk_size)
    assert b"".join(pieces) == audio
    assert all(len(piece) % 4 == 0 for piece in pieces)
    if chunk_size is not None:
        size = max(4, chunk_size - chunk_size % 4)
        assert {len(piece) for piece in pieces[:-1]} <= {size}
        assert len(pieces[-1]) <= size


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, True, "1"])
def test_a_wrong_chunk_size_is_refused_by_name(connect: Connect, chunk_size: Any) -> None:
    with WireServer(GOOD) as server, pytest.raises(ValueError, match="chunk_size"):
        connect(server_url=server.url).read_stream(chunk_size)


async def cancelled(server: WireServer, when: Callable[[], Any]) -> None:
    """Make a call, and cancel it at a moment."""
    async with OpenRouter(KEY, server_url=server.url) as open_router:
        call = asyncio.create_task(open_router.tts.create_speech_async(**REQUEST))
        await when()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.to_thread(server.wait_until_closed)


def test_cancelling_a_wait_for_an_answer_frees_its_connection() -> None:
    with WireServer(silence) as server:
        asyncio.run(cancelled(server, lambda: asyncio.to_thread(server.wait_for_requests, 1)))


def test_cancelling_a_read_frees_its_connection() -> None:
    with WireServer(stall) as server:
        asyncio.run(cancelled(server, lambda: asyncio.to_thread(server.wait_for_requests, 1)))


def test_cancelling_a_delay_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held during a delay: the connection is back in the pool, and another call can take it."""
    sleeping = asyncio.Event()

    async def sleep_for_ever(_: float) -> None:
        sleeping.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("openrouter_speech.exchange.sleep_async", sleep_for_ever)

    async def main() -> None:
        async with (
            httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=2) as client,
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
        ({"client": httpx.Client(timeout=7)}, {}, (7, 7)),
        ({"client": httpx.Client(timeout=7)}, {"timeout_ms": 3_000}, (3, 3)),
        ({"client": httpx.Client(timeout=7), "timeout_ms": 4_000}, {}, (4, 4)),
    ],
)
def test_where_a_timeout_comes_from(settings: Any, params: Any, seconds: tuple[float, float]) -> None:
    """The call's, then the client's, then that of the httpx client that was given, then the default."""
    with WireServer(GOOD) as server, OpenRouter(KEY, server_url=server.url, **settings) as open_router:
        timeout = open_router.tts.create_speech(**REQUEST, **params).request.extensions["timeout"]
    assert (timeout["connect"], timeout["read"]) == seconds


def test_the_environments_proxy_is_used(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """For plain http the proxy is sent the whole URL. The warning is that of an address off this machine."""
    with WireServer(GOOD) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/api/v1"))
        monkeypatch.setattr("openrouter_speech.session._warned_of", {"example.test"})
        assert connect(server_url="http://example.test/api").create().content == bytes(480)
        assert proxy.requests[0].head.startswith("POST http://example.test/api/audio/speech HTTP/1.1")


def test_plain_http_to_another_machine_warns_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_speech.session._warned_of", set())
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


def test_saving_picks_the_format_by_the_suffix(connect: Connect, tmp_path: Path) -> None:
    mp3 = http(body=MP3, content_type="audio/mpeg")
    with WireServer(GOOD, GOOD, mp3) as server:
        caller = connect(server_url=server.url)
        saved = [caller.save(tmp_path / name) for name in ("a.wav", "a.pcm", "a.mp3")]
        asked = [json.loads(request.body).get("response_format") for request in server.requests]
    assert asked == ["pcm", "pcm", "mp3"]
    assert [speech.audio_format for speech in saved] == ["pcm", "pcm", "mp3"]
    assert {(speech.sample_rate, speech.channels) for speech in saved} == {(24_000, 1)}
    assert [speech.duration for speech in saved] == [0.01, 0.01, 0.072]
    assert [speech.path.stat().st_size for speech in saved] == [524, 480, len(MP3)]
    assert (saved[0].generation_id, saved[0].bytes_received) == ("gen-tts-1-a", 480)
    assert saved[0].time_to_first_audio is not None


@pytest.mark.parametrize(
    ("name", "params", "kind", "message"),
    [
        ("a.mp3", {"response_format": "pcm"}, ValueError, "cannot hold"),
        ("a.pcm", {"response_format": "mp3"}, ValueError, "cannot hold"),
        ("missing/a.pcm", {}, FileNotFoundError, "create it first"),
        (".", {}, IsADirectoryError, "it is a folder"),
        ("a.wave", {}, ValueError, r"\.mp3, \.pcm or \.wav"),
        ("a", {"response_format": "mp3"}, ValueError, r"name it \.mp3"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_it_is_paid_for(
    connect: Connect, tmp_path: Path, name: str, params: Any, kind: type[Exception], message: str
) -> None:
    with WireServer(GOOD) as server:
        with pytest.raises(kind, match=message):
            connect(server_url=server.url).save(tmp_path / name, **params)
        assert not server.requests


def test_audio_of_another_format_than_the_suffix_is_saved_beside(
    connect: Connect, slept: list[float], tmp_path: Path
) -> None:
    """The server sent something else than was asked for. It is not asked again, since the audio is there."""
    with WireServer(GOOD) as server:
        with pytest.raises(errors.SuffixMismatchError, match="The audio is pcm") as raised:
            connect(server_url=server.url, retry_config=EAGER).save(tmp_path / "a.mp3")
        assert len(server.requests) == 1
    assert raised.value.saved_to == tmp_path / "a.wav"
    assert (tmp_path / "a.wav").stat().st_size == 524


def test_a_stream_can_be_saved_and_read(tmp_path: Path) -> None:
    async def main() -> None:
        async with OpenRouter(KEY, server_url=server.url) as open_router:
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                assert await stream.save(tmp_path / "async.pcm") == tmp_path / "async.pcm"
            async with open_router.tts.stream_speech_async(**REQUEST) as stream:
                assert await stream.read() == bytes(480)

    with WireServer(GOOD) as server:
        with OpenRouter(KEY, server_url=server.url) as open_router:
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert stream.save(tmp_path / "sync.pcm") == tmp_path / "sync.pcm"
                assert repr(stream) == "<SpeechStream [200 pcm, 480 bytes]>"
            with open_router.tts.stream_speech(**REQUEST) as stream:
                assert stream.read() == bytes(480)
                assert stream.duration == 0.01
        asyncio.run(main())
    assert (tmp_path / "sync.pcm").read_bytes() == (tmp_path / "async.pcm").read_bytes() == bytes(480)


@pytest.mark.parametrize("use", [stream_pieces, save_file])
def test_memory_does_not_grow_with_the_length(connect: Connect, tmp_path: Path, use: Callable[..., int]) -> None:
    """Ten times the audio takes no more memory, give or take what lies between network and reader (aiohttp: 1 MiB)."""
    piece = bytes(1 << 16)

    def peak(count: int) -> int:
        def long(connection: Connection) -> object:
            connection.send(head(200, PCM, None))
            for _ in range(count):
                connection.send(chunk(piece))
            connection.send(chunk(b""))
            return None

        with WireServer(long) as server:
            caller = connect(server_url=server.url)
            tracemalloc.start()
            try:
                assert use(caller, tmp_path) == count * len(piece)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak(1)  # what is loaded and kept at first use
    assert peak(100) < peak(10) + 32 * len(piece)


class Watched(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that notes whether it was closed, and does not close itself."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


LARGE = b"x" * (1 << 20)
WATCHED = [
    (503, "text/html", (LARGE, LARGE)),
    (200, "text/html", (LARGE, LARGE)),
    (200, PCM, (b"ab", b"c")),
    (200, PCM, ()),
    (200, PCM, (b"ab",)),
]


@pytest.mark.parametrize("use", FORMS)
@pytest.mark.parametrize(("status", "content_type", "pieces"), WATCHED, ids=range(5))
def test_every_answer_is_closed_whatever_the_transport(
    connect: Connect, tmp_path: Path, use: Use, status: int, content_type: str, pieces: tuple[bytes, ...]
) -> None:
    body = Watched(*pieces)
    transport = httpx.MockTransport(
        lambda _: httpx.Response(status, stream=body, headers={"content-type": content_type})
    )
    clients = {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}
    with suppress(errors.OpenRouterError):
        use(connect(retry_config=None, **clients), tmp_path, {})
    assert body.closed


def test_saving_to_a_device_works_too(connect: Connect) -> None:
    """It cannot be looked into afterwards."""
    with WireServer(GOOD, http(body=MP3, content_type="audio/mpeg")) as server:
        caller = connect(server_url=server.url)
        assert caller.save(Path(os.devnull)).bytes_received == 480
        saved = caller.save(Path(os.devnull))
    assert (saved.audio_format, saved.sample_rate, saved.duration) == ("mp3", 24_000, None)
