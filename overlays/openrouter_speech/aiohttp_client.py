"""httpx over aiohttp, which keeps many connections at less cost. It needs the extra `aiohttp`."""

from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import HttpxAiohttpClient


class AiohttpClient(HttpxAiohttpClient):
    """An httpx.AsyncClient that sends with aiohttp. Proxies and TLS settings of the environment count as ever."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx.AsyncClient.send.

        Raises:
            httpx.RequestError: There was no answer, or none in HTTP.
        """
        try:
            return await super().send(request, **options)
        except aiohttp.ClientError as error:  # the transport translates most errors, and lets the others through
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        except httpx.ConnectTimeout as error:  # the transport's name for all that happens to connections
            cause = error.__cause__
            if isinstance(cause, aiohttp.ConnectionTimeoutError):
                raise
            kind = httpx.ConnectError if isinstance(cause, aiohttp.ClientConnectorError) else httpx.RemoteProtocolError
            raise kind(str(error), request=request) from cause
