"""httpx over aiohttp, which handles many connections more cheaply. Needs the extra `aiohttp`."""

import errno
import io
from asyncio import TimerHandle, get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from .delivery import Delivery, UndeliveredError

_MAX_HEADERS = 100 * 1024
"""Bytes of a response's headers: the limit of httpx's own transport. aiohttp's default is 8 KiB."""

_LARGE_BODY = 1 << 20
"""Bytes. aiohttp warns of a larger body that is not a file."""

_CHECKS_PER_TIMEOUT = 10
"""How often to look whether a server still reads a request."""

_deliveries: "WeakKeyDictionary[object, Delivery]" = WeakKeyDictionary()
"""By aiohttp's protocol object, one per connection."""


class AiohttpClient(HttpxAiohttpClient):
    """An httpx.AsyncClient that sends with aiohttp. It respects the environment's proxies and TLS settings."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx.AsyncClient.send.

        Raises:
            httpx.RequestError: There was no response, or no valid one.
        """
        try:
            return await super().send(request, **options)
        except UndeliveredError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.ClientError as error:  # the transport translates most errors, but not all
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        except httpx.ConnectTimeout as error:  # the transport uses it for all connection errors
            cause = error.__cause__
            if isinstance(cause, aiohttp.ConnectionTimeoutError):
                raise
            kind = httpx.ConnectError if isinstance(cause, aiohttp.ClientConnectorError) else httpx.RemoteProtocolError
            raise kind(str(error), request=request) from cause

    def _init_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        return _with_our_session(super()._init_transport(*args, **kwargs))

    def _init_proxy_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        return _with_our_session(super()._init_proxy_transport(*args, **kwargs))


def _with_our_session(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """Make a transport use this module's classes and limits in its session."""
    if isinstance(transport, AiohttpTransport):
        limits, tls = transport.limits, transport.ssl_context

        def session() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry, ssl=tls
                ),
                cookie_jar=aiohttp.DummyCookieJar(),  # httpx handles cookies
                request_class=_Request,
                response_class=_Response,
                max_line_size=_MAX_HEADERS,
                max_field_size=_MAX_HEADERS,
            )

        transport.client = session
    return transport


class _Request(aiohttp.ClientRequest):
    """Tracks whether the request was delivered."""

    _delivery: Delivery

    def update_body_from_data(self, body: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(body, bytes) and len(body) > _LARGE_BODY:
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
        with _timeout_of_writes(conn):
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
            # Closing instead would wait until the server has read the rest of the request.
            if connection.transport is not None:
                connection.transport.abort()
            raise
        finally:
            self._delivery.end()


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
