"""What awaited calls are sent with, and whom they trust."""

import asyncio
import gc
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import pytest
import trustme
from httpx_aiohttp import HttpxAiohttpClient
from openrouter_speech import OpenRouter, errors
from openrouter_speech._http.pools import Connections
from openrouter_speech.mock import MockServer
from openrouter_speech.tts import SpeechParams

from .conftest import KEY, REQUEST, Connect, connecting
from .wire_server import WireServer, hang_up, http, refusing

GOOD = http(body=bytes(480))


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    yield from connecting(request.param)


def sent_with(connections: Connections) -> str:
    """The class of the client that is made."""

    async def name() -> str:
        async with connections.async_client() as client:
            kind = type(client).__name__
        await connections.aclose()
        return kind

    return asyncio.run(name())


def test_aiohttp_is_taken_where_it_is_installed() -> None:
    assert sent_with(Connections(None, None)) == "AiohttpClient"
    assert sent_with(Connections(None, None, "aiohttp")) == "AiohttpClient"
    assert sent_with(Connections(None, None, "httpx")) == "AsyncClient"


def test_httpx_does_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx_aiohttp", None)
    monkeypatch.delitem(sys.modules, "openrouter_speech._http.aiohttp_client", raising=False)
    assert sent_with(Connections(None, None)) == "AsyncClient"
    with pytest.raises(errors.ConfigurationError, match=r"pip install 'openrouter-speech\[aiohttp\]'"):
        OpenRouter(KEY, async_transport="aiohttp")


def test_a_client_that_was_given_has_its_transport_already() -> None:
    with pytest.raises(ValueError, match="async_transport and async_client exclude each other"):
        OpenRouter(KEY, async_transport="httpx", async_client=HttpxAiohttpClient())


def test_nothing_of_it_is_loaded_before_the_first_awaited_call() -> None:
    code = "import sys, openrouter_speech as o; o.OpenRouter('k'); sys.exit('aiohttp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_lost_connection_is_not_taken_for_one_that_was_never_made(slept: list[float]) -> None:
    """A client of httpx-aiohttp's own names both alike; what may have been billed is not sent again all the same."""

    async def call(url: str) -> None:
        async with HttpxAiohttpClient() as client:
            await OpenRouter(KEY, server_url=url, async_client=client).tts.create_speech_async(**REQUEST)

    with WireServer(hang_up) as server:
        with pytest.raises(errors.APIConnectionError) as raised:
            asyncio.run(call(server.url))
        assert raised.value.maybe_billed
        assert (len(server.requests), slept) == (1, [])
    with refusing() as url, pytest.raises(errors.APIConnectionError) as raised:
        asyncio.run(call(url))
    assert not raised.value.maybe_billed
    assert len(slept) == 2


async def at_once(connections: Connections, calls: int) -> int:
    """How many clients serve so many calls at once."""
    async with AsyncExitStack() as stack:
        return len({id(await stack.enter_async_context(connections.async_client())) for _ in range(calls)})


def test_calls_at_once_are_spread_over_a_few_clients() -> None:
    async def use() -> list[int]:
        connections = Connections(None, None, "httpx")
        counts = [await at_once(connections, calls) for calls in (1, 1, 3, 100)]
        await connections.aclose()
        return counts

    assert asyncio.run(use()) == [1, 1, 3, 10]


def test_what_is_given_and_aiohttp_serve_all_calls_alone() -> None:
    async def use() -> list[int]:
        async with HttpxAiohttpClient() as client:
            given, ours = Connections(None, client), Connections(None, None, "aiohttp")
            counts = [await at_once(given, 50), await at_once(ours, 50)]
            await ours.aclose()
            return counts

    assert asyncio.run(use()) == [1, 1]


def test_the_clients_of_a_burst_are_closed_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_large_header_is_read_whatever_the_transport(connect: Connect) -> None:
    """aiohttp alone stops at 8 KiB."""
    with WireServer(http(body=bytes(480), headers={"X-Report": "x" * 50_000})) as server:
        assert len(connect(server_url=server.url).create().headers["X-Report"]) == 50_000


def test_a_cookie_of_the_server_is_kept_once(connect: Connect) -> None:
    with WireServer(http(body=bytes(480), headers={"Set-Cookie": "route=1"})) as server:
        caller = connect(server_url=server.url)
        caller.create()
        caller.create()
        assert server.requests[1].head.lower().count("cookie: route=1") == 1


def at(server_url: str) -> SpeechParams:
    return {**REQUEST, "server_url": server_url}


Transports = pytest.mark.parametrize("transport", ["httpx", "aiohttp"])


@Transports
@pytest.mark.filterwarnings("error")
def test_one_client_serves_one_event_loop_after_another(transport: Literal["httpx", "aiohttp"]) -> None:
    """Without a `with`: the connections of a loop are closed when it ends, and nobody complains of unclosed ones."""
    open_router = OpenRouter(KEY, async_transport=transport)

    async def main(url: str) -> bytes:
        speech = await open_router.tts.create_speech_async(**at(url))
        return speech.content

    with WireServer(GOOD) as server:
        for number in range(1, 4):
            assert asyncio.run(main(server.url)) == bytes(480)
            server.wait_until_closed()
            assert server.connections == number
    assert open_router._session.connections._loops == {}
    gc.collect()


@Transports
def test_threads_with_a_loop_each_share_a_client(transport: Literal["httpx", "aiohttp"]) -> None:
    """Each loop has connections of its own; the end of one does not touch the others."""
    together = threading.Barrier(4, timeout=10)
    results: list[bytes] = []

    def work(open_router: OpenRouter, url: str) -> None:
        async def main() -> None:
            for _ in range(3):
                speech = await open_router.tts.create_speech_async(**at(url))
                results.append(speech.content)
                await asyncio.to_thread(together.wait)

        asyncio.run(main())

    with WireServer(GOOD) as server, OpenRouter(KEY, async_transport=transport) as open_router:
        threads = [threading.Thread(target=work, args=(open_router, server.url)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [bytes(480)] * 12
        server.wait_until_closed()
        assert server.connections == 4


@Transports
def test_leaving_the_block_closes_what_its_loop_uses(transport: Literal["httpx", "aiohttp"]) -> None:
    """The loop goes on, as in a notebook; and the client can be used again."""

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


def test_a_loop_that_was_just_closed_is_forgotten(server: MockServer) -> None:
    """Nothing was shut down; a call in another loop clears up."""
    connections = Connections(None, None, "httpx")

    async def use() -> None:
        async with connections.async_client():
            pass

    abandoned = asyncio.new_event_loop()
    abandoned.run_until_complete(use())
    abandoned.close()
    assert list(connections._loops) == [abandoned]

    async def look() -> None:
        async with connections.async_client():
            assert list(connections._loops) == [asyncio.get_running_loop()]

    asyncio.run(look())
