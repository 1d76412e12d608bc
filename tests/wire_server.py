"""A server on real sockets that sends exactly the bytes a test specifies, and records the requests."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Self

from attrs import define

PCM = "audio/pcm;rate=24000;channels=1"
_PATIENCE = 60
"""Seconds to wait for an expected event. Only a failing test waits this long."""


@define
class Arrived:
    """A request, as received."""

    head: str
    body: bytes

    def header(self, name: str) -> str | None:
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


class Connection:
    """One connection, as seen by an `Answer`."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def wait_for(self, event: threading.Event) -> None:
        assert event.wait(_PATIENCE), "the test did not continue"


Answer = Callable[[Connection], object]
"""Sends a response. The connection stays open unless it returns `CLOSE`."""
CLOSE = object()


def http(
    status: int = 200,
    body: bytes = b"",
    content_type: str | None = PCM,
    *,
    length: int | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Build a complete response. `length` overrides Content-Length, and closes the connection afterwards."""

    def answer(connection: Connection) -> object:
        connection.send(head(status, content_type, len(body) if length is None else length, headers) + body)
        return None if length is None else CLOSE

    return answer


def chunked(*pieces: bytes, content_type: str | None = PCM, headers: dict[str, str] | None = None) -> Answer:
    """Build a complete response whose body is chunked."""

    def answer(connection: Connection) -> None:
        connection.send(head(200, content_type, None, headers))
        for piece in (*pieces, b""):
            connection.send(chunk(piece))

    return answer


def head(status: int, content_type: str | None, length: int | None, headers: dict[str, str] | None = None) -> bytes:
    """Build the head of a response. Without a length, the body is chunked."""
    lines = [f"HTTP/1.1 {status} Status"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += ["Transfer-Encoding: chunked"] if length is None else [f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(content: bytes) -> bytes:
    """Encode a chunk of a chunked body; an empty one ends the body."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def hang_up(connection: Connection) -> object:
    """Close the connection without responding."""
    return CLOSE


def silence(connection: Connection) -> object:
    """Hold the connection without responding until the client closes it."""
    connection.socket.settimeout(_PATIENCE)
    while connection.socket.recv(65536):
        pass
    return CLOSE


@contextmanager
def refusing() -> Iterator[str]:
    """Provide the URL of a port that refuses connections.

    The port is bound but not listening: another process could take one that was merely closed.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/api/v1"


class WireServer:
    """Sends scripted responses, one per request, and repeats the last."""

    def __init__(self, *script: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self._tls = tls
        self.requests: list[Arrived] = []
        self.connections = 0
        """The number of connections opened so far."""
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"

    def wait_until_closed(self) -> None:
        """Wait until no connection is open; fail if one stays open."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, _PATIENCE), f"{len(self._open)} connections are open"

    def wait_for_request(self, count: int = 1) -> None:
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.requests) >= count, _PATIENCE)
            assert arrived, "the request never arrived"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                sock, _ = self._listener.accept()
                if self._tls:
                    sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                with self._changed:
                    self._open.add(sock)
                    self.connections += 1
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            with suppress(OSError), sock, sock.makefile("rb") as stream:  # an error if the client went away
                while request := self._read(stream):
                    with self._changed:
                        self.requests.append(request)
                        answer = self.script[min(len(self.requests), len(self.script)) - 1]
                        self._changed.notify_all()
                    if answer(Connection(sock)) is CLOSE:
                        break
        finally:
            with self._changed:
                self._open.discard(sock)
                self._changed.notify_all()

    @staticmethod
    def _read(stream: BinaryIO) -> Arrived | None:
        lines = []
        while (line := stream.readline()) not in {b"", b"\r\n"}:
            lines.append(line.decode("utf-8").rstrip("\r\n"))
        if not lines:
            return None
        request = Arrived("\n".join(lines), b"")
        request.body = stream.read(int(request.header("content-length") or 0))
        return request
