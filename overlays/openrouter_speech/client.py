"""`OpenRouter`, the client that people make."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import httpx

from ._core.retries import RetryConfig
from ._generated import UNSET, Unset
from ._http.credential import Credential
from ._http.pools import AsyncTransport
from ._http.session import Session
from .tts import TTS

__all__ = ["OpenRouter"]


class OpenRouter:
    """A client of OpenRouter's text-to-speech.

    It is a context manager, with `with` or `async with`, and serves any number of threads and event loops at once.
    Connections are opened at the first call. Leaving a `with` block closes those of calls that are not awaited, leaving
    an `async with` block also those of its event loop; what other loops use is closed when they end.

    Args:
        api_key: The key, or a callable that gives it and is asked anew for each request.
            Without it, the environment's OPENROUTER_API_KEY.
        http_referer: The URL of your app (or OPENROUTER_HTTP_REFERER).
        x_open_router_title: The name of your app (or OPENROUTER_X_OPEN_ROUTER_TITLE).
        x_open_router_categories: The categories of your app, separated by commas or as a list
            (or OPENROUTER_X_OPEN_ROUTER_CATEGORIES).
        server_url: Another server, such as "http://127.0.0.1:4010/api/v1".
        client: An httpx.Client to use as it is. It is never closed here.
        async_client: An httpx.AsyncClient to use as it is, for awaited calls. It is never closed here.
        async_transport: What awaited calls are sent with: "aiohttp" for many at once (the extra `aiohttp`), "httpx", or
            None for aiohttp where that extra is installed.
        retry_config: Which failures are retried; None for none. By default at most 2 retries within 60 s.
        timeout_ms: Milliseconds to wait for the next byte: 120,000 by default, and 10,000 at most to connect.
            A client that was given keeps its own timeout where this is not.

    Attributes:
        tts: The operation, in all its forms.

    Raises:
        TypeError, ValueError: An argument has a wrong type or value; the message names it.
        ConfigurationError: `server_url`, a client that was given, or a variable of the environment cannot be used.
    """

    def __init__(
        self,
        api_key: str | Callable[[], str] | None = None,
        *,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | Iterable[str] | None = None,
        server_url: str | None = None,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
        async_transport: AsyncTransport | None = None,
        retry_config: RetryConfig | Unset | None = UNSET,
        timeout_ms: float | None = None,
    ) -> None:
        credential = Credential(api_key)
        del api_key  # a traceback that shows local variables must not show it
        credential.check()
        self._session = Session(
            credential=credential,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
            server_url=server_url,
            retry_config=retry_config,
            timeout_ms=timeout_ms,
            client=client,
            async_client=async_client,
            async_transport=async_transport,
        )
        self.tts = TTS(self._session)

    def close(self) -> None:
        """Close the connections of calls that are not awaited."""
        self._session.connections.close()

    async def aclose(self) -> None:
        """Close the connections of calls that are not awaited, and those of the running event loop."""
        await self._session.connections.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
