"""httpx over aiohttp, which keeps many connections at less cost. It needs the extra `aiohttp`."""

import errno
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from .delivery import Delivery, UndeliveredError

_MOST_OF_A_HEAD = 100 * 1024
"""Bytes of a response's header, as httpx's own transport takes them; aiohttp stops at 8 KiB unless it is told."""

_deliveries: "WeakKeyDictionary[object, Delivery]" = WeakKeyDictionary()
"""By aiohttp's protocol object, of which each connection has one."""


class AiohttpClient(HttpxAiohttpClient):
    """An httpx.AsyncClient that sends with aiohttp. Proxies and TLS settings of the environment count as ever."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx.AsyncClient.send.

        Raises:
            httpx.RequestError: There was no response, or none in HTTP.
        """
        try:
            return await super().send(request, **options)
        except UndeliveredError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.ClientError as error:  # the transport translates most errors, and lets the others through
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        except httpx.ConnectTimeout as error:  # the transport's name for all that happens to connections
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
    """Have a transport make its session, at its first request, with the classes and limits of this module."""
    if isinstance(transport, AiohttpTransport):
        limits, tls = transport.limits, transport.ssl_context

        def session() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=limits.max_connections or 0, keepalive_timeout=limits.keepalive_expiry, ssl=tls
                ),
                cookie_jar=aiohttp.DummyCookieJar(),  # cookies are httpx's affair
                request_class=_Request,
                response_class=_Response,
                max_line_size=_MOST_OF_A_HEAD,
                max_field_size=_MOST_OF_A_HEAD,
            )

        transport.client = session
    return transport


class _Request(aiohttp.ClientRequest):
    """Follows its delivery."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        delivery = _deliveries.setdefault(conn.protocol, Delivery(keep=True))
        delivery.begin(conn.transport.get_extra_info("socket") if conn.transport else None)
        try:
            return await super().send(conn)
        except BaseException:
            delivery.end()
            raise

    async def write_bytes(self, writer: Any, conn: Any, *args: Any, **kwargs: Any) -> None:
        # In a segment of their own: a second one is acknowledged as soon as it is read, a single one maybe later, and
        # then a request that was read would look like one that was not.
        with suppress(OSError):  # then what follows fails too, and is reported
            writer.send_headers()
        if conn.transport is None or conn.transport.is_closing():
            _deliveries[conn.protocol].fail()
        await super().write_bytes(writer, conn, *args, **kwargs)


class _Response(aiohttp.ClientResponse):
    """Tells, where the connection is lost before it begins, whether the request reached the server."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        delivery = _deliveries[connection.protocol]
        try:
            return await super().start(connection)
        except aiohttp.ClientConnectionError as error:
            if getattr(error, "errno", None) == errno.EPIPE:  # only writing ends like this
                delivery.fail()
            delivery.check(cause=error)
            raise
        finally:
            delivery.end()
