"""The httpx clients that send calls, and the certificates they trust."""

import asyncio
import gc
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
import trustme
from httpx_aiohttp import HttpxAiohttpClient
from openrouter_speech import OpenRouter, errors
from openrouter_speech._http.pools import AsyncTransport, Connections

from .conftest import KEY, REQUEST, Connect, connecting
from .wire.answers import GOOD
from .wire_server import PCM, Connection, WireServer, hang_up, head, http, refusing

Transports = pytest.mark.parametrize("transport", ["httpx", "aiohttp"])


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    yield from connecting(request.param)


def kind_of_client(transport: AsyncTransport | None = None) -> str:
    """Return the class of the client for awaited calls."""

    async def name() -> str:
        connections = Connections(None, None, transport)
        async with connections.async_client() as client:
            kind = type(client).__name__
        await connections.aclose()
        return kind

    return asyncio.run(name())


def test_aiohttp_is_used_if_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (kind_of_client(), kind_of_client("aiohttp")) == ("AiohttpClient", "AiohttpClient")
    assert kind_of_client("httpx") == "AsyncClient"
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "openrouter_speech._http.aiohttp_client", raising=False)
    assert kind_of_client() == "AsyncClient"
    with pytest.raises(errors.ConfigurationError, match=r"pip install 'openrouter-speech\[aiohttp\]'"):
        OpenRouter(KEY, async_transport="aiohttp")


def test_an_old_aiohttp_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be installed for something else."""
    monkeypatch.delattr(aiohttp.abc.AbstractStreamWriter, "send_headers")
    monkeypatch.delitem(sys.modules, "openrouter_speech._http.aiohttp_client", raising=False)
    assert kind_of_client() == "AsyncClient"
    with pytest.raises(errors.ConfigurationError, match=r"needs aiohttp 3\.12 or newer"):
        kind_of_client("aiohttp")


def test_a_given_client_has_its_own_transport() -> None:
    with pytest.raises(ValueError, match="async_transport and async_client exclude each other"):
        OpenRouter(KEY, async_transport="httpx", async_client=HttpxAiohttpClient())


def test_aiohttp_is_not_imported_before_the_first_awaited_call() -> None:
    code = "import sys, openrouter_speech as o; o.OpenRouter('k'); sys.exit('aiohttp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_lost_connection_may_have_been_billed_unlike_a_refused_one(slept: list[float]) -> None:
    """httpx-aiohttp's own client raises the same exception for both."""

    async def call(url: str) -> None:
        async with HttpxAiohttpClient() as client:
            await OpenRouter(KEY, server_url=url, async_client=client).tts.create_speech_async(**REQUEST)

    with WireServer(hang_up) as server:
        with pytest.raises(errors.APIConnectionError) as raised:
            asyncio.run(call(server.url))
        assert (raised.value.maybe_billed, len(server.requests), slept) == (True, 1, [])
    with refusing() as url, pytest.raises(errors.APIConnectionError) as raised:
        asyncio.run(call(url))
    assert (raised.value.maybe_billed, len(slept)) == (False, 2)


def test_what_aiohttp_raises_is_told_apart() -> None:
    """By whether the request may have been charged, and by what took too long."""
    from openrouter_speech._http import aiohttp_client  # noqa: PLC0415

    key: Any = SimpleNamespace(host="h", port=1, ssl=True)
    request: Any = SimpleNamespace(real_url="http://h")
    raised = {
        aiohttp.ConnectionTimeoutError("late"): (False, "while connecting"),
        aiohttp.SocketTimeoutError("late"): (True, "while waiting for the next bytes"),
        aiohttp.ClientConnectorError(key, OSError(111, "refused")): (False, "refused"),
        aiohttp.ClientProxyConnectionError(key, OSError(111, "refused")): (False, "refused"),
        aiohttp.ClientHttpProxyError(request, (), status=407, message="Who are you?"): (False, "Who are you"),
        aiohttp.ServerDisconnectedError("gone"): (True, "gone"),
        aiohttp.ClientOSError(104, "reset"): (True, "reset"),
        aiohttp.ClientPayloadError("cut"): (True, "cut"),
    }
    for error, (maybe_billed, words) in raised.items():
        cause = aiohttp_client._translated(error)
        cause.__cause__ = error
        found = errors.from_transport(cause, httpx.Request("POST", "http://h"))
        assert (found.maybe_billed, words in str(found)) == (maybe_billed, True), error
    limits = aiohttp_client._timeout(connect=1, read=2, write=3, pool=4)
    assert limits == aiohttp.ClientTimeout(sock_connect=1, sock_read=2, connect=4)


def test_a_call_that_gets_no_connection_in_time_was_not_sent() -> None:
    """The limits of a client hold over aiohttp, too."""
    from openrouter_speech._http.aiohttp_client import AiohttpClient  # noqa: PLC0415

    may_answer = threading.Event()

    def late(connection: Connection) -> object:
        connection.wait_for(may_answer)
        return http(body=bytes(480))(connection)

    async def main(url: str) -> list[Any]:
        limits, timeout = httpx.Limits(max_connections=2), httpx.Timeout(60, pool=0.05)
        async with AiohttpClient(verify=ssl.create_default_context(), limits=limits, timeout=timeout) as client:
            open_router = OpenRouter(KEY, server_url=url, async_client=client, retry_config=None)
            calls = [asyncio.ensure_future(open_router.tts.create_speech_async(**REQUEST)) for _ in range(3)]
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            may_answer.set()
            return await asyncio.gather(*calls, return_exceptions=True)

    with WireServer(late) as server:
        *good, failed = sorted(asyncio.run(main(server.url)), key=lambda result: isinstance(result, Exception))
        assert (len(good), server.connections, len(server.requests)) == (2, 2, 2)
    assert isinstance(failed, errors.APITimeoutError)
    assert not failed.maybe_billed


def test_an_error_without_words_has_the_servers_reason(connect: Connect) -> None:
    with (
        WireServer(http(400, content_type=None)) as server,
        pytest.raises(errors.BadRequestResponseError, match="400: Status"),
    ):
        connect(server_url=server.url).create()


def test_concurrent_calls_are_spread_over_up_to_ten_httpx_clients() -> None:
    """A given client and aiohttp's serve all calls alone."""

    async def clients_for(connections: Connections, calls: int) -> int:
        async with AsyncExitStack() as stack:
            return len({id(await stack.enter_async_context(connections.async_client())) for _ in range(calls)})

    async def main() -> list[int]:
        async with HttpxAiohttpClient() as client:
            given, aiohttp, httpx = (
                Connections(None, client), Connections(None, None, "aiohttp"), Connections(None, None, "httpx")
            )  # fmt: skip
            counts = [await clients_for(connections, 50) for connections in (given, aiohttp)]
            counts += [await clients_for(httpx, calls) for calls in (1, 1, 3, 100)]
            await aiohttp.aclose()
            await httpx.aclose()
            return counts

    assert asyncio.run(main()) == [1, 1, 1, 1, 3, 10]


def test_the_clients_of_a_burst_are_closed_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use() -> list[bool]:
        connections = Connections(None, None, "httpx")
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connections.async_client()) for _ in range(3)]
        monkeypatch.setattr("openrouter_speech._http.pools._IDLE", -1)
        async with connections.async_client() as first:
            assert first is clients[0]
        closed = [client.is_closed for client in clients]
        await connections.aclose()
        return [*closed, first.is_closed]

    assert asyncio.run(use()) == [False, True, True, True]


def test_the_environments_certificates_are_trusted(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with WireServer(GOOD, tls=context) as server:
        with pytest.raises(errors.APIConnectionError, match=r"(?i)certificate"):
            connect(server_url=server.url, retry_config=None).create()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert connect(server_url=server.url).create().content == bytes(480)


def test_a_large_header_is_read(connect: Connect) -> None:
    """aiohttp's default limit is 8 KiB."""
    with WireServer(http(body=bytes(480), headers={"X-Report": "x" * 50_000})) as server:
        assert len(connect(server_url=server.url).create().headers["X-Report"]) == 50_000


LONG = "x" * 12_000_000
"""More than a connection takes in before the server reads."""


@contextmanager
def listening() -> Iterator[str]:
    """Accept connections and read nothing. Leaves no connection behind, or gc.collect() raises a warning."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    gc.collect()


def test_a_server_that_stops_reading_is_given_up(connect: Connect) -> None:
    with listening() as url:
        caller = connect(server_url=url, retry_config=None, timeout_ms=50)
        with pytest.raises(errors.APITimeoutError, match="while sending the request"):
            caller.create(input=LONG)
        caller.close()


@Transports
def test_a_cancelled_upload_is_cut_off(transport: AsyncTransport) -> None:
    async def main(url: str) -> None:
        async with OpenRouter(KEY, server_url=url, async_transport=transport) as open_router:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(open_router.tts.create_speech_async(**REQUEST | {"input": LONG}), 0.2)

    with listening() as url:
        asyncio.run(main(url))


def test_a_stream_is_left_at_once_though_the_server_has_not_read_the_request() -> None:
    was_left = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(head(200, PCM, 48_000) + bytes(480))
            was_left.wait(10)  # over before that, unless leaving waits for the server

    async def main(url: str) -> bool:
        async with OpenRouter(KEY, server_url=url, async_transport="aiohttp") as open_router:
            async with open_router.tts.stream_speech_async(**REQUEST | {"input": LONG}):
                pass
            return server.is_alive()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=[listener])
        server.start()
        assert asyncio.run(main(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        was_left.set()
        server.join()


@pytest.mark.parametrize("has_more", [True, False])
def test_a_connection_is_aborted_if_more_would_come(has_more: bool) -> None:
    """Closing it would wait until the rest of the request was sent."""
    from openrouter_speech._http.aiohttp_client import _Body  # noqa: PLC0415

    done: list[str] = []

    async def wait() -> None:
        done.append("wait")

    transport = SimpleNamespace(abort=lambda: done.append("abort"))
    connection = SimpleNamespace(transport=transport) if has_more else None
    response: Any = SimpleNamespace(connection=connection, release=lambda: done.append("release"), wait_for_close=wait)
    asyncio.run(_Body(response).aclose())
    assert done == [*(["abort"] if has_more else []), "release", "wait"]


def test_a_slow_upload_is_not_given_up() -> None:
    """The limit is for a pause, not for the whole request."""
    from openrouter_speech._http.aiohttp_client import _timeout_of_writes  # noqa: PLC0415

    async def main() -> list[Exception]:
        failures: list[Exception] = []
        done = asyncio.Event()
        left = iter(range(30, 0, -1))  # three times as long as the limit

        def size() -> int:
            waiting = next(left, 0)
            if not waiting:
                done.set()
            return waiting

        protocol = SimpleNamespace(read_timeout=0.01, set_exception=failures.append)
        transport = SimpleNamespace(get_write_buffer_size=size)
        with _timeout_of_writes(SimpleNamespace(protocol=protocol, transport=transport)):
            await done.wait()
        return failures

    assert asyncio.run(main()) == []


def test_a_cookie_is_stored_once(connect: Connect) -> None:
    with WireServer(http(body=bytes(480), headers={"Set-Cookie": "route=1"})) as server:
        caller = connect(server_url=server.url)
        caller.create()
        caller.create()
        assert server.requests[1].head.lower().count("cookie: route=1") == 1


def test_a_response_without_cookies_costs_no_work_on_them(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx.Cookies, "extract_cookies", lambda *_: pytest.fail("the cookie jar was asked"))
    with WireServer(GOOD) as server:
        connect(server_url=server.url).create()


@Transports
def test_one_client_serves_one_event_loop_after_another(transport: AsyncTransport) -> None:
    """Without `with`, a loop's connections are closed when it ends. No warning about unclosed ones is raised."""
    with WireServer(GOOD) as server:
        open_router = OpenRouter(KEY, async_transport=transport, server_url=server.url)
        for number in range(1, 4):
            assert asyncio.run(open_router.tts.create_speech_async(**REQUEST)).content == bytes(480)
            server.wait_until_closed()
            assert server.connections == number
    assert open_router._session.connections._loops == {}
    gc.collect()


@Transports
def test_concurrent_event_loops_share_a_client(transport: AsyncTransport) -> None:
    """Each has its own connections, which outlive the other loops."""
    together = threading.Barrier(4, timeout=10)
    results: list[bytes] = []

    async def main() -> None:
        for _ in range(3):
            results.append((await open_router.tts.create_speech_async(**REQUEST)).content)
            await asyncio.to_thread(together.wait)

    with WireServer(GOOD) as server, OpenRouter(KEY, async_transport=transport, server_url=server.url) as open_router:
        threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [bytes(480)] * 12
        server.wait_until_closed()
        assert server.connections == 4


@Transports
def test_leaving_the_block_closes_the_connections_of_its_loop(transport: AsyncTransport) -> None:
    """The loop goes on, as in a notebook, and the client can be used again."""

    async def main(url: str) -> None:
        open_router = OpenRouter(KEY, server_url=url, async_transport=transport)
        for connections in (1, 2):
            async with open_router:
                await open_router.tts.create_speech_async(**REQUEST)
                await open_router.tts.create_speech_async(**REQUEST)
            await asyncio.to_thread(server.wait_until_closed)
            assert server.connections == connections

    with WireServer(GOOD) as server:
        asyncio.run(main(server.url))


def test_a_loop_that_was_closed_without_a_shutdown_is_forgotten() -> None:
    """By a call in another loop."""
    connections = Connections(None, None, "httpx")

    async def use() -> list[asyncio.AbstractEventLoop]:
        async with connections.async_client():
            return list(connections._loops)

    abandoned = asyncio.new_event_loop()
    assert abandoned.run_until_complete(use()) == [abandoned]
    abandoned.close()
    with asyncio.Runner() as runner:
        assert runner.run(use()) == [runner.get_loop()]
