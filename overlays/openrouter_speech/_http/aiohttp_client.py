"""httpx over aiohttp, which handles many connections more cheaply. Needs the extra `aiohttp`."""

import errno
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from .delivery import Delivery, UndeliveredError

_MAX_HEADERS = 100 * 1024
"""Bytes of a response's headers: the limit of httpx's own transport. aiohttp's default is 8 KiB."""

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
        finally:
            self._delivery.end()
