"""Detect whether a request reached the server before its connection was lost.

A server may close an idle connection just as the next request goes out. It did not read that request, so resending it
is safe; a request that was read before its connection was lost may have been charged. TCP knows the difference: the
server's side has acknowledged whatever the server has read. Linux reports how much that is. Elsewhere, only a failed
write proves that a request was not read.
"""

import os
import re
import socket
import struct
import sys
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

import httpcore
import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable

_TCP_INFO = struct.Struct("=120xQ16xI52xQQ")
"""`tcpi_bytes_acked`, `tcpi_notsent_bytes`, `tcpi_bytes_sent` and `tcpi_bytes_retrans` of `struct tcp_info`
(linux/tcp.h, Linux 4.19)."""

_END = b"\r\n\r\n"
"""The end of a header, and of a chunked body."""
_SOCKS = {b"\x05", b"\x01"}
"""The first byte of a client's messages in a SOCKS handshake (RFC 1928 sections 3 and 4, RFC 1929)."""
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r?\n?", re.IGNORECASE)


class UndeliveredError(httpcore.ConnectError):
    """The connection failed before the server read the request.

    Attributes:
        reused: Whether the connection had served an earlier request.
    """

    def __init__(self, reason: str, *, reused: bool) -> None:
        super().__init__(reason)
        self.reused = reused


def is_stale(error: httpx.ConnectError) -> bool:
    """Whether the request failed on a reused connection that the server had closed."""
    cause = error.__cause__
    return isinstance(cause, UndeliveredError) and cause.reused


def watch(client: httpx.Client | httpx.AsyncClient) -> None:
    """Make a client's connections raise `UndeliveredError`, which httpx passes on as the cause of a `ConnectError`.

    httpx has no parameter for a network backend, and with `transport=` it ignores the environment's proxies, so this
    replaces a private attribute. If a version of httpx lacks it, a lost request counts as possibly charged.
    """
    transports: Iterable[Any] = (client._transport, *client._mounts.values())
    for transport in transports:
        pool = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if isinstance(backend, httpcore.NetworkBackend):
            pool._network_backend = _Backend(backend)  # type: ignore[union-attr]
        elif isinstance(backend, httpcore.AsyncNetworkBackend):
            pool._network_backend = _AsyncBackend(backend)  # type: ignore[union-attr]


class Delivery:
    """Tracks the requests on one connection."""

    def __init__(self, *, keep: bool) -> None:
        """Start with a new connection.

        Args:
            keep: Whether to keep a duplicate of the socket's descriptor while a request is in flight: asyncio closes
                its own before it reports a lost connection.
        """
        self._keep = keep and sys.platform == "linux"
        self._requests = 0
        self._unanswered = False
        self._write_failed = False
        self._socket: Any = None
        self._written: int | None = None
        """The connection's bytes up to the end of the request, if the system reports them."""
        self._expected: int | None = None  # bytes of the response that are still missing, if known
        self._is_chunked = False
        self._tail = b""

    def begin(self, connection: Any) -> None:
        """Note that part of a request is about to be sent.

        Raises:
            UndeliveredError: The last response was longer than its Content-Length, and the rest of it would be taken
                for the response to this request.
        """
        if self._unanswered:
            return
        if (self._expected or 0) < 0 or (self._is_chunked and self._tail != _END):
            raise UndeliveredError("the last response was longer than its announced length", reused=True)
        self._unanswered, self._write_failed, self._written = True, False, None
        self._requests += 1
        self._socket = connection
        if self._keep and connection is not None:
            self._socket = None
            with suppress(OSError):  # it is closed already
                self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, os.dup(connection.fileno()))

    def written(self) -> None:
        """Note that part of the request was written. What TLS adds later, such as its farewell, is not part of it."""
        progress = _progress(self._socket)
        self._written = progress and progress[1]

    def fail(self) -> None:
        """Note that a write failed: the request went out incomplete, so the server cannot have read it."""
        self._write_failed = True

    def receive(self, data: bytes) -> None:
        """Note that part of the response arrived."""
        if self._unanswered:
            self.end()
            head, end, body = data.partition(_END)
            length = _LENGTH.search(head) if end else None  # a header in several pieces is not tracked
            self._expected = int(length[1]) - len(body) if length else None
            self._is_chunked = bool(end) and b"\r\ntransfer-encoding:" in head.lower()
        elif self._expected is not None:
            self._expected -= len(data)
        if self._is_chunked:
            self._tail = (self._tail + data)[-len(_END) :]

    def end(self) -> None:
        """Note that the response begins, or that the connection is given up."""
        self._unanswered = False
        if self._keep and self._socket is not None:
            self._socket.close()
        self._socket = None

    def check(self, cause: Exception | None = None) -> None:
        """Note that the connection was lost.

        Raises:
            UndeliveredError: A request is in flight, and the server has not read it.
        """
        if self._unanswered and (self._write_failed or self._is_unread()):
            reason = "the server closed the connection before the request reached it"
            raise UndeliveredError(reason, reused=self._requests > 1) from cause

    def _is_unread(self) -> bool:
        progress = _progress(self._socket)
        return progress is not None and self._written is not None and progress[0] < self._written


def _progress(connection: Any) -> tuple[int, int] | None:
    """Return a socket's bytes that were acknowledged, and those that were written; None if the system does not say."""
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        acknowledged, waiting, sent, sent_again = _TCP_INFO.unpack(info)
    except (AttributeError, OSError, struct.error):  # no socket, not Linux, not TCP, closed, or an old kernel
        return None
    return acknowledged - 1, sent - sent_again + waiting  # the handshake counts as one acknowledged byte


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, timeout: float | None = None) -> None:
        """`timeout` is for a SOCKS handshake, in seconds: httpcore has none for it."""
        self._stream = stream
        self._timeout = timeout
        self._delivery = Delivery(keep=False)
        self.in_handshake = True
        """Whether nothing was sent yet, apart from a SOCKS handshake."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = self._stream.read(max_bytes, timeout or (self._timeout if self.in_handshake else None))
        except httpcore.ReadTimeout as error:
            if self.in_handshake:
                raise httpcore.ConnectTimeout(str(error)) from error
            raise
        except httpcore.ReadError as error:
            self._delivery.check(error)
            raise
        if not data:
            self._delivery.check()
        self._delivery.receive(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.in_handshake = self.in_handshake and buffer[:1] in _SOCKS
        self._delivery.begin(self.get_extra_info("socket"))
        try:
            self._stream.write(buffer, timeout)
        except httpcore.WriteError:  # httpcore still reads, since there may be a response
            self._delivery.fail()
            raise
        self._delivery.written()

    def close(self) -> None:
        self._delivery.end()
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        self.in_handshake = False
        self._delivery.end()
        return _Stream(self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _AsyncStream(httpcore.AsyncNetworkStream):
    """As `_Stream`."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, timeout: float | None = None) -> None:
        self._stream = stream
        self._timeout = timeout
        self._delivery = Delivery(keep=True)
        self.in_handshake = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = await self._stream.read(max_bytes, timeout or (self._timeout if self.in_handshake else None))
        except httpcore.ReadTimeout as error:
            if self.in_handshake:
                raise httpcore.ConnectTimeout(str(error)) from error
            raise
        except httpcore.ReadError as error:
            self._delivery.check(error)
            raise
        if not data:
            self._delivery.check()
        self._delivery.receive(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.in_handshake = self.in_handshake and buffer[:1] in _SOCKS
        self._delivery.begin(self.get_extra_info("socket"))
        try:
            await self._stream.write(buffer, timeout)
        except httpcore.WriteError:
            self._delivery.fail()
            raise
        self._delivery.written()

    async def aclose(self) -> None:
        self._delivery.end()
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        self.in_handshake = False
        self._delivery.end()
        return _AsyncStream(await self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


_latest: "ContextVar[ReferenceType[_Stream | _AsyncStream] | None]" = ContextVar("latest", default=None)
"""The connection that this thread or task opened last."""


def abandon_handshake() -> None:
    """Close a connection whose SOCKS handshake failed: httpcore leaves it open."""
    stream = _in_handshake()
    if isinstance(stream, _Stream):
        stream.close()


async def abandon_handshake_async() -> None:
    """As `abandon_handshake`."""
    stream = _in_handshake()
    if isinstance(stream, _AsyncStream):
        await stream.aclose()


def _in_handshake() -> "_Stream | _AsyncStream | None":
    reference = _latest.get()
    stream = None if reference is None else reference()
    return stream if stream is not None and stream.in_handshake else None


class _Backend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        stream = _Stream(self._backend.connect_tcp(*args, **kwargs), kwargs.get("timeout"))
        _latest.set(ref(stream))
        return stream

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        stream = _AsyncStream(await self._backend.connect_tcp(*args, **kwargs), kwargs.get("timeout"))
        _latest.set(ref(stream))
        return stream

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)
