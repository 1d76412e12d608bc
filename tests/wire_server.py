"""A server that sends just the bytes a test tells it to, over real sockets, and counts what arrives."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import BinaryIO, Self

from attrs import define

_PATIENCE = 60
"""Seconds after which something that should have happened has not; only a test that fails waits so long."""


@define
class Arrived:
    """A request, as it came."""

    head: str
    body: bytes

    def header(self, name: str) -> str | None:
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


class Connection:
    """One connection, as an answer sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, content: bytes) -> None:
        self._socket.sendall(content)

    def wait_for_the_end(self) -> None:
        """Hold the connection until the client closes it."""
        self._socket.settimeout(_PATIENCE)
        while self._socket.recv(65536):
            pass

    def wait_for(self, event: threading.Event) -> None:
        assert event.wait(_PATIENCE), "the test never went on"


Answer = Callable[[Connection], object]
"""Sends something. The connection stays open, unless it returns `CLOSE`."""
CLOSE = object()


def http(
    status: int = 200,
    body: bytes = b"",
    content_type: str | None = "audio/pcm;rate=24000;channels=1",
    *,
    length: int | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """A whole HTTP answer. A `length` announces that many bytes, whatever is sent; then the connection ends."""

    def answer(connection: Connection) -> object:
        connection.send(head(status, content_type, len(body) if length is None else length, headers) + body)
        return None if length is None else CLOSE

    return answer


def head(status: int, content_type: str | None, length: int | None, headers: dict[str, str] | None = None) -> bytes:
    """The head of an answer; without a length, the body is chunked."""
    lines = [f"HTTP/1.1 {status} Status"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += ["Transfer-Encoding: chunked"] if length is None else [f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(content: bytes) -> bytes:
    """A piece of a chunked body; an empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def hang_up(connection: Connection) -> object:
    """No answer at all."""
    return CLOSE


def silence(connection: Connection) -> object:
    """An answer that never comes."""
    connection.wait_for_the_end()
    return CLOSE


@contextmanager
def refusing() -> Iterator[str]:
    """The URL of a port that refuses connections.

    It is bound and does not listen: a port that was merely closed may belong to somebody else by now.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/api/v1"


class WireServer:
    """Gives the answers of a script, one a request; the last one again and again."""

    def __init__(self, *script: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self._tls = tls
        self.requests: list[Arrived] = []
        self.connections = 0
        """How many have been opened."""
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"

    def wait_until_closed(self) -> None:
        """Until no connection is open; fails if one is held."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, _PATIENCE), f"{len(self._open)} connections are open"

    def wait_for_requests(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, _PATIENCE), "the request never came"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            with self._changed:
                self._open.add(sock)
                self.connections += 1
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            with sock, sock.makefile("rb") as stream:
                while request := self._read(stream):
                    with self._changed:
                        self.requests.append(request)
                        answer = self.script[min(len(self.requests), len(self.script)) - 1]
                        self._changed.notify_all()
                    if answer(Connection(sock)) is CLOSE:
                        break
        except OSError:
            pass  # the client went away
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
