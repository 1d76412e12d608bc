"""`OpenRouter`, the client."""

from collections.abc import Callable, Iterable
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpx

from ._core.retries import RetryConfig
from ._generated import UNSET, Unset
from ._http.credential import Credential
from ._http.pools import AsyncTransport
from ._http.session import Session
from .tts import TTS

if TYPE_CHECKING:
    from ._files import StrPath
    from ._http.cache import SpeechCache
    from .models import Models

__all__ = ["OpenRouter"]


class OpenRouter:
    """A client for OpenRouter's text-to-speech.

    Use it with `with` or `async with`; one client serves any number of threads and event loops at once. Connections
    open on first use. Leaving a `with` block closes the connections of sync calls; leaving an `async with` block also
    closes those of its event loop. Each other loop's connections close when that loop ends.

    Args:
        api_key: The key, or a callable that returns it and is called for each request.
            Defaults to OPENROUTER_API_KEY.
        http_referer: Your app's URL. Defaults to OPENROUTER_HTTP_REFERER.
        x_open_router_title: Your app's name. Defaults to OPENROUTER_X_OPEN_ROUTER_TITLE.
        x_open_router_categories: Your app's categories, as a list or separated by commas.
            Defaults to OPENROUTER_X_OPEN_ROUTER_CATEGORIES.
        server_url: Another server, such as "http://127.0.0.1:4010/api/v1".
        client: An httpx.Client to send with, used as is and never closed here.
        async_client: An httpx.AsyncClient for awaited calls, used as is and never closed here.
        async_transport: What sends awaited calls: "aiohttp" (the extra `aiohttp`), which is faster for many at once;
            "httpx"; or None for aiohttp if that extra is installed.
        retry_config: Which failures to retry; None disables retries. By default at most 2 retries within 60 s.
        timeout_ms: Milliseconds to wait for the next byte: 120,000 by default. Connecting takes 10,000 at most.
            A client that you pass keeps its own timeout unless this is set.
        check_models: Whether to refuse a voice or a format that a model is known to lack, before anything is sent. The
            models that `models.list` found last are looked up on disk; nothing is asked for. Unknown models pass.
        cache_dir: A folder for audio, or a `SpeechCache` with limits of your own: an identical request is answered from
            it, and paid for once. By default nothing is kept.

    Attributes:
        tts: The text-to-speech methods.

    Raises:
        TypeError, ValueError: An argument has a wrong type or value; the message names it.
        ConfigurationError: `server_url`, a client that you passed, or an environment variable cannot be used.
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
        check_models: bool = True,
        cache_dir: "StrPath | SpeechCache | None" = None,
    ) -> None:
        credential = Credential(api_key)
        del api_key  # keep it out of tracebacks that show local variables
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
            check_models=check_models,
            cache_dir=cache_dir,
        )
        self.tts = TTS(self._session)

    @cached_property
    def models(self) -> "Models":
        """Which models there are."""
        from .models import Models  # noqa: PLC0415  (few programs need it)

        return Models(self._session)

    def close(self) -> None:
        """Close the connections of sync calls."""
        self._session.connections.close()

    async def aclose(self) -> None:
        """Close the connections of sync calls, and those of the running event loop."""
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
