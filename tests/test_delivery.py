"""Whether a request reached the server before its connection was lost, and may be sent again."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import httpcore
import httpx
import pytest
import trustme
from openrouter_speech import OpenRouter, errors
from openrouter_speech._http.delivery import Delivery, UndeliveredError, _progress

from .conftest import KEY, REQUEST, Connect, connecting
from .wire.answers import GOOD
from .wire_server import CLOSE, PCM, Answer, Connection, WireServer, chunk, chunked, hang_up, head, http

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["sync", "async", "aiohttp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    yield from connecting(request.param)


@pytest.fixture
def ends() -> Iterator[Ends]:
    """The two ends of a TCP connection: the client's, the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as httpx does
        server, _ = listener.accept()
        with server:
            yield client, server


def read_request(server: socket.socket) -> None:
    assert server.recv(100, socket.MSG_WAITALL) == bytes(100)


def abort(server: socket.socket) -> None:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()


def reset(connection: Connection) -> object:
    """Read the request, then reset the connection."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return CLOSE


Steps = list[Callable[[socket.socket], object]]


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="only Linux reports what was acknowledged")
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "delivered"),
    [
        pytest.param([socket.socket.close], [], False, id="closed before the request"),
        pytest.param([], [read_request, socket.socket.close], True, id="read, then closed"),
        pytest.param([], [read_request, abort], True, id="read, then reset"),
    ],
)
def test_a_lost_request_was_delivered_if_the_server_read_it(
    ends: Ends, before: Steps, after: Steps, delivered: bool, keep: bool
) -> None:
    client, server = ends
    delivery = Delivery(keep=keep)
    delivery.begin(client)
    for step in before:
        step(server)
    for piece in (bytes(60), bytes(40)):
        with suppress(OSError):  # the failed write is not reported: what TCP knows has to be enough
            client.sendall(piece)
        delivery.written()
    for step in after:
        step(server)
    with suppress(OSError):
        client.recv(1)
    with suppress(OSError):  # as TLS does at the end
        client.sendall(b"farewell")
    if keep:
        client.close()
    with nullcontext() if delivered else pytest.raises(UndeliveredError, match="before the request reached it"):
        delivery.check()
    delivery.end()


class Reporting:
    """A socket that reports these figures."""

    def __init__(self, *figures: int, size: int | None = None) -> None:
        self.info = (bytes(120) + struct.pack("=Q16xI52xQQ", *figures))[:size]

    def getsockopt(self, *_: int) -> bytes:
        return self.info


@pytest.mark.parametrize(
    ("connection", "progress"),
    [
        (Reporting(1, 0, 500, 0), (0, 500)),  # the handshake counts as one acknowledged byte
        (Reporting(501, 0, 1000, 500), (500, 500)),  # what was sent twice counts once
        (Reporting(301, 50, 500, 0), (300, 550)),  # what waits to be sent counts too
        (Reporting(1, 0, 500, 0, size=104), None),  # an old kernel
        (None, None),
    ],
    ids=range(5),
)
def test_progress_is_what_was_acknowledged_and_what_was_written(connection: Any, progress: Any) -> None:
    assert _progress(connection) == progress
    with socket.socket(socket.AF_UNIX) as not_tcp:
        assert _progress(not_tcp) is None


def test_a_request_that_could_not_be_written_was_not_delivered() -> None:
    """On any system. Between requests, nothing is undelivered."""
    delivery = Delivery(keep=False)
    delivery.check()
    for reused in (False, True):
        delivery.begin(None)
        delivery.fail()
        with pytest.raises(UndeliveredError) as raised:
            delivery.check()
        assert raised.value.reused is reused
        delivery.end()
        delivery.check()


def test_a_stale_connection_is_replaced_without_a_retry(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the server closed it just after httpx checked it, and before aiohttp's loop noticed."""
    for kind in (httpcore.HTTP11Connection, httpcore.AsyncHTTP11Connection):
        monkeypatch.setattr(kind, "has_expired", lambda _: False)
    idle = threading.Event()

    def close_when_idle(connection: Connection) -> object:
        GOOD(connection)
        connection.wait_for(idle)
        idle.clear()
        return CLOSE

    with WireServer(close_when_idle) as server:
        caller = connect(server_url=server.url, retry_config=None)
        for _ in range(3):
            assert caller.create().content == bytes(480)
            idle.set()
            server.wait_until_closed()
        assert (len(server.requests), server.connections) == (3, 3)


def test_a_new_connection_that_is_closed_at_once_is_an_ordinary_failure(slept: list[float]) -> None:
    """It is retried as configured, not in a loop without delays."""
    with WireServer(GOOD) as server, OpenRouter(KEY, server_url=server.url) as open_router:
        client = open_router._session.connections.sync_client()
        refuse = httpx.ConnectError("")
        refuse.__cause__ = UndeliveredError("closed", reused=False)
        sent = Mock(side_effect=refuse)
        with patch.object(client, "send", sent), pytest.raises(errors.APIConnectionError) as raised:
            open_router.tts.create_speech(**REQUEST)
    assert not raised.value.maybe_billed
    assert (sent.call_count, len(slept)) == (3, 2)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("lose", [hang_up, reset])
def test_a_request_that_was_read_is_not_sent_again(
    connect: Connect, slept: list[float], lose: Answer, tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection served another call before, so its loss looks much like that of a stale one."""
    context = None
    if tls:
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with WireServer(GOOD, lose, tls=context) as server:
        caller = connect(server_url=server.url)
        caller.create()
        with pytest.raises(errors.APIConnectionError) as raised:
            caller.create()
        assert raised.value.maybe_billed
        assert (len(server.requests), server.connections, slept) == (2, 1, [])


@pytest.mark.parametrize("connect", ["sync", "async"], indirect=True)
@pytest.mark.parametrize(
    "overlong",
    [
        head(200, PCM, 480) + bytes(480) + b"HTTP/1.1 200 OK\r\n\r\n",
        head(200, PCM, None) + chunk(bytes(480)) + chunk(b"") + b"\r\nmore",
    ],
    ids=["by length", "by chunks"],
)
def test_the_rest_of_an_overlong_response_is_not_taken_for_the_next_one(connect: Connect, overlong: bytes) -> None:
    """aiohttp rejects such a response itself."""
    with WireServer(lambda connection: connection.send(overlong), GOOD) as server:
        caller = connect(server_url=server.url, retry_config=None)
        assert caller.create().content == caller.create().content == bytes(480)
        assert (len(server.requests), server.connections) == (2, 2)


@pytest.mark.parametrize("whole", [http(body=bytes(480)), chunked(bytes(480))], ids=["by length", "by chunks"])
def test_a_response_of_the_announced_length_keeps_its_connection(whole: Answer) -> None:
    with WireServer(whole) as server, OpenRouter(KEY, server_url=server.url) as open_router:
        for _ in range(3):
            open_router.tts.create_speech(**REQUEST)
        assert server.connections == 1
