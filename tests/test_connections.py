"""What awaited calls are sent with, and whom they trust."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme
from httpx_aiohttp import HttpxAiohttpClient
from openrouter_speech import OpenRouter, errors
from openrouter_speech.connections import Connections

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
    monkeypatch.delitem(sys.modules, "openrouter_speech.aiohttp_client", raising=False)
    assert sent_with(Connections(None, None)) == "AsyncClient"
    with pytest.raises(errors.ConfigurationError, match=r"pip install 'openrouter-speech\[aiohttp\]'"):
        OpenRouter(KEY, async_transport="aiohttp")


def test_a_client_that_was_given_has_its_transport_already() -> None:
    with pytest.raises(ValueError, match="async_transport is for a client that is made here"):
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
        monkeypatch.setattr("openrouter_speech.connections._IDLE", -1)
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
