"""The httpx clients that calls are sent with."""

import threading
from contextlib import suppress
from importlib.util import find_spec
from typing import Literal, get_args

import httpx

from .errors import ConfigurationError

TIMEOUT_MS = 120_000
"""Milliseconds: time for a slow voice to start, or to go on."""
CONNECT_TIMEOUT_MS = 10_000

AsyncTransport = Literal["httpx", "aiohttp"]
_ONE_OF = " or ".join(f'"{name}"' for name in get_args(AsyncTransport))

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100)


class Connections:
    """The httpx clients: those that were given, used as they are and never closed, or our own, made at first use."""

    def __init__(
        self,
        client: httpx.Client | None,
        async_client: httpx.AsyncClient | None,
        async_transport: AsyncTransport | None = None,
    ) -> None:
        if client is not None and not isinstance(client, httpx.Client):
            raise TypeError(f"client must be an httpx.Client, not {type(client).__name__}")
        if async_client is not None and not isinstance(async_client, httpx.AsyncClient):
            raise TypeError(f"async_client must be an httpx.AsyncClient, not {type(async_client).__name__}")
        if async_transport is not None and async_transport not in get_args(AsyncTransport):
            raise ValueError(f"async_transport must be {_ONE_OF}, or None, not {async_transport!r}")
        if async_transport is not None and async_client is not None:
            raise ValueError("async_transport is for a client that is made here, and async_client was given")
        if async_transport == "aiohttp" and find_spec("httpx_aiohttp") is None:
            raise ConfigurationError(
                "async_transport=\"aiohttp\" needs httpx-aiohttp: pip install 'openrouter-speech[aiohttp]'"
            )
        self._given, self._given_async = client, async_client
        self._async_transport = async_transport
        self._own: httpx.Client | None = None
        self._own_async: httpx.AsyncClient | None = None
        self._lock = threading.Lock()

    def sync_client(self) -> httpx.Client:
        """The client for calls that are not awaited."""
        if self._given is not None:
            return self._given
        with self._lock:
            if self._own is None:
                self._own = httpx.Client(timeout=timeout(TIMEOUT_MS), limits=_LIMITS)
            return self._own

    def async_client(self) -> httpx.AsyncClient:
        """The client for awaited calls."""
        if self._given_async is not None:
            return self._given_async
        with self._lock:
            if self._own_async is None:
                kind = _async_client_class(self._async_transport)
                self._own_async = kind(timeout=timeout(TIMEOUT_MS), limits=_LIMITS)
            return self._own_async

    def close(self) -> None:
        """Close our own client, if there is one. The next call makes another."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    async def aclose(self) -> None:
        """Close both of our own clients, as far as there are any."""
        self.close()
        with self._lock:
            own, self._own_async = self._own_async, None
        if own is not None:
            await own.aclose()


def _async_client_class(transport: AsyncTransport | None) -> type[httpx.AsyncClient]:
    if transport != "httpx":
        with suppress(ImportError):
            # Loaded here: only awaited calls need it, and only where it is installed.
            from .aiohttp_client import AiohttpClient  # noqa: PLC0415

            return AiohttpClient
    return httpx.AsyncClient


def timeout(milliseconds: object) -> httpx.Timeout | None:
    """As httpx has it; None where none is given.

    Raises:
        TypeError, ValueError: It is not a number of milliseconds.
    """
    if milliseconds is None:
        return None
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise TypeError(f"timeout_ms must be a number of milliseconds, not {type(milliseconds).__name__}")
    if not 0 < milliseconds < float("inf"):
        raise ValueError(f"timeout_ms must be more than 0 milliseconds, and finite, not {milliseconds}")
    return httpx.Timeout(milliseconds / 1000, connect=min(milliseconds, CONNECT_TIMEOUT_MS) / 1000)
