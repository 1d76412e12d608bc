"""httpx over aiohttp, which handles many connections more cheaply. Needs the extra `aiohttp`, or raises ImportError."""

import errno
import io
from asyncio import TimerHandle, get_running_loop
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from ssl import SSLContext
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter

from .delivery import Delivery, UndeliveredError

if not hasattr(AbstractStreamWriter, "send_headers"):  # it may be installed for something else
    raise ImportError("aiohttp 3.12 is needed")

_MAX_HEADERS = 100 * 1024
"""Bytes of a response's headers: the limit of httpx's own transport. aiohttp's default is 8 KiB."""

_SMALL_BODY = 1 << 16
"""Bytes that asyncio takes without waiting for the server to read."""
_LARGE_BODY = 1 << 20
"""Bytes. aiohttp warns of a larger body that is not a file."""

_CHECKS_PER_TIMEOUT = 10
"""How often to look whether a server still reads a request."""

_deliveries: "WeakKeyDictionary[object, Delivery]" = WeakKeyDictionary()
"""By aiohttp's protocol object, one per connection."""


class AiohttpClient(httpx.AsyncClient):
    """An httpx.AsyncClient that sends with aiohttp. It respects the environment's proxies and TLS settings."""

    def _init_transport(self, *_: Any, **options: Any) -> httpx.AsyncBaseTransport:
        return _Transport(options["verify"], options["limits"])

    def _init_proxy_transport(self, proxy: httpx.Proxy, *_: Any, **options: Any) -> httpx.AsyncBaseTransport:
        return _Transport(options["verify"], options["limits"], proxy)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, tls: SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None = None) -> None:
        self._tls = tls
        self._limits = limits
        self._proxy: dict[str, Any] = {}
        if proxy is not None:
            auth = None if proxy.auth is None else aiohttp.BasicAuth(*proxy.auth)
            self._proxy = {"proxy": str(proxy.url), "proxy_auth": auth, "proxy_headers": proxy.headers.multi_items()}
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:  # made here, since it needs a running event loop
            self._session = self._new_session()
        try:
            response = await self._session.request(
                request.method,
                str(request.url),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=request.content or None,
                allow_redirects=False,
                auto_decompress=False,
                timeout=_timeout(**request.extensions["timeout"]),
                **self._proxy,
            )
        except _FAILURES as error:
            raise _translated(error) from error
        extensions = {"http_version": b"HTTP/1.1", "reason_phrase": (response.reason or "").encode()}
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Body(response), extensions=extensions
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._limits.max_connections or 0,
                keepalive_timeout=self._limits.keepalive_expiry,
                ssl=self._tls,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),  # httpx handles cookies
            request_class=_Request,
            response_class=_Response,
            max_line_size=_MAX_HEADERS,
            max_field_size=_MAX_HEADERS,
        )


@lru_cache(maxsize=16)
def _timeout(*, connect: float | None, read: float | None, pool: float | None, **_: float | None) -> Any:
    return aiohttp.ClientTimeout(connect=pool, sock_connect=connect, sock_read=read)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except _FAILURES as error:
            raise _translated(error) from error

    async def aclose(self) -> None:
        if self._response.connection is not None:  # there is more to come
            _abort(self._response.connection)
        self._response.release()
        try:
            await self._response.wait_for_close()
        except _FAILURES as error:
            raise _translated(error) from error


def _translated(error: Exception) -> httpx.RequestError:
    return next(theirs for ours, theirs in _ERRORS.items() if isinstance(error, ours))(str(error))


_FAILURES = (aiohttp.ClientError, UndeliveredError)
_ERRORS: dict[type[Exception], type[httpx.RequestError]] = {
    UndeliveredError: httpx.ConnectError,
    aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
    aiohttp.ServerTimeoutError: httpx.ReadTimeout,
    aiohttp.ClientConnectorError: httpx.ConnectError,
    aiohttp.ClientHttpProxyError: httpx.ProxyError,
    aiohttp.ClientError: httpx.RemoteProtocolError,
}
"""httpx's name for an error of aiohttp: the first that fits."""


class _Request(aiohttp.ClientRequest):
    """Tracks whether the request was delivered."""

    _delivery: Delivery
    _may_wait: bool

    def update_body_from_data(self, body: Any, *args: Any, **kwargs: Any) -> None:
        size = len(body or b"")
        self._may_wait = size > _SMALL_BODY
        if size > _LARGE_BODY:
            body = io.BytesIO(body)
        super().update_body_from_data(body, *args, **kwargs)

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        delivery = self._delivery = _deliveries.setdefault(conn.protocol, Delivery(keep=True))
        delivery.begin(conn.transport.get_extra_info("socket") if conn.transport else None)
        try:
            response = await super().send(conn)
        except BaseException:
            delivery.end()
            raise
        response._delivery = delivery  # type: ignore[attr-defined]
        return response

    async def write_bytes(self, writer: Any, conn: Any, *args: Any, **kwargs: Any) -> None:
        # Send the headers in a separate TCP segment. A second segment is acknowledged as soon as it is read; a single
        # one may be acknowledged later, so that a request that was read would look unread.
        with suppress(OSError):  # the body fails too then, and reports it
            writer.send_headers()
        if conn.transport is None or conn.transport.is_closing():
            self._delivery.fail()
        with _timeout_of_writes(conn) if self._may_wait else nullcontext():
            await super().write_bytes(writer, conn, *args, **kwargs)
        self._delivery.written()


class _Response(aiohttp.ClientResponse):
    """Detects whether the request reached the server, if the connection is lost before the response."""

    _delivery: Delivery

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        try:
            return await super().start(connection)
        except aiohttp.ClientConnectionError as error:
            if getattr(error, "errno", None) == errno.EPIPE:  # raised only by a write
                self._delivery.fail()
            self._delivery.check(cause=error)
            raise
        except BaseException:
            _abort(connection)
            raise
        finally:
            self._delivery.end()


def _abort(connection: Any) -> None:
    """Close a connection. Without `abort`, that would wait until the server has read the rest of the request."""
    if connection.transport is not None:
        connection.transport.abort()


@contextmanager
def _timeout_of_writes(conn: Any) -> Iterator[None]:
    """Fail a call whose server stops reading the request: aiohttp limits only the time after the request was sent."""
    protocol, transport = conn.protocol, conn.transport
    if transport is None or not protocol.read_timeout:
        yield
        return
    loop, interval = get_running_loop(), protocol.read_timeout / _CHECKS_PER_TIMEOUT
    timer: TimerHandle

    def check(before: int = 0, unchanged: int = 0) -> None:
        nonlocal timer
        waiting = transport.get_write_buffer_size()
        unchanged = unchanged + 1 if waiting and waiting == before else 0
        if unchanged < _CHECKS_PER_TIMEOUT:
            timer = loop.call_later(interval, check, waiting, unchanged)
        else:
            protocol.set_exception(httpx.WriteTimeout("The server stopped reading the request"))

    timer = loop.call_later(interval, check)
    try:
        yield
    finally:
        timer.cancel()
