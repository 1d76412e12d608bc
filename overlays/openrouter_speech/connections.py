"""The httpx clients that calls are sent with."""

import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

import httpx

from .errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

TIMEOUT_MS = 120_000
"""Milliseconds: time for a slow voice to start, or to go on."""
CONNECT_TIMEOUT_MS = 10_000

AsyncTransport = Literal["httpx", "aiohttp"]
_ONE_OF = " or ".join(f'"{name}"' for name in get_args(AsyncTransport))

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100)
_POOLS = 10
_SHARE = httpx.Limits(max_connections=10, max_keepalive_connections=10)
"""What one of that many pools has of the connections."""
_IDLE = 5.0
"""Seconds, as httpx keeps a connection that is not used."""


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
        self._most_pools = _POOLS
        self._tls: ssl.SSLContext | None = None
        self._own: httpx.Client | None = None
        self._pools: list[_Pool] = []
        self._lock = threading.Lock()

    def sync_client(self) -> httpx.Client:
        """The client for calls that are not awaited."""
        if self._given is not None:
            return self._given
        with self._lock:
            if self._own is None:
                self._own = httpx.Client(timeout=timeout(TIMEOUT_MS), limits=_LIMITS)
            return self._own

    @asynccontextmanager
    async def async_client(self) -> AsyncIterator[httpx.AsyncClient]:
        """The client for an awaited call, until its answer is closed."""
        if self._given_async is not None:
            yield self._given_async
            return
        pool = self._least_busy()
        try:
            yield pool.client
        finally:
            pool.calls -= 1
            pool.idle_since = time.monotonic()
            for client in self._out_of_use(pool.idle_since):
                await client.aclose()

    def close(self) -> None:
        """Close our own client, if there is one. The next call makes another."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    async def aclose(self) -> None:
        """Close all of our own clients, as far as there are any."""
        self.close()
        with self._lock:
            pools, self._pools = self._pools, []
        for pool in pools:
            await pool.client.aclose()

    def _least_busy(self) -> "_Pool":
        """A pool without a call, or else a new one, as long as there are few, or else the one with the fewest calls."""
        with self._lock:
            pool = min(self._pools, key=lambda pool: pool.calls, default=None)
            if pool is None or (pool.calls and len(self._pools) < self._most_pools):
                pool = _Pool(self._new_async_client())
                self._pools.append(pool)
            pool.calls += 1
            return pool

    def _out_of_use(self, now: float) -> list[httpx.AsyncClient]:
        """The clients of a burst that is over; nobody else would close their connections."""
        with self._lock:
            old = [pool for pool in self._pools[1:] if not pool.calls and now - pool.idle_since > _IDLE]
            self._pools = [pool for pool in self._pools if pool not in old]
        return [pool.client for pool in old]

    def _new_async_client(self) -> httpx.AsyncClient:
        if self._async_transport != "httpx":
            with suppress(ImportError):
                # Loaded here: only awaited calls need it, and only where it is installed.
                from .aiohttp_client import AiohttpClient  # noqa: PLC0415

                self._most_pools = 1
                return AiohttpClient(timeout=timeout(TIMEOUT_MS), limits=_LIMITS)
        if self._tls is None:
            self._tls = httpx.create_ssl_context()  # once: it reads all certificates
        return httpx.AsyncClient(verify=self._tls, timeout=timeout(TIMEOUT_MS), limits=_SHARE)


class _Pool:
    """An httpx client, and how much it is used.

    For each request, httpcore looks at all connections of its pool: with 50 calls at once in one pool, most of the time
    goes there. So calls that are under way at the same time are spread over a few pools.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.calls = 0  # under way
        self.idle_since = 0.0


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
