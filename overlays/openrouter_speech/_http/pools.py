"""The httpx clients that send calls."""

import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import httpx

from ..errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from asyncio import AbstractEventLoop

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

TIMEOUT_MS = 120_000
"""Milliseconds: enough for a slow voice to start or continue."""
CONNECT_TIMEOUT_MS = 10_000

AsyncTransport = Literal["httpx", "aiohttp"]
_NEEDS_AIOHTTP = "async_transport=\"aiohttp\" needs aiohttp 3.12 or newer: pip install 'openrouter-speech[aiohttp]'"
_ONE_OF = " or ".join(f'"{name}"' for name in get_args(AsyncTransport))

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100)
_POOLS = 10
_SHARE = httpx.Limits(max_connections=10, max_keepalive_connections=10)
"""One pool's share of the connections."""
_IDLE = 5.0
"""Seconds. httpx keeps idle connections as long."""


class Connections:
    """The httpx clients: the caller's, used as is and never closed, or our own, made on first use.

    Each of our own async clients belongs to one event loop, and is closed when that loop ends.
    """

    def __init__(
        self,
        client: httpx.Client | None,
        async_client: httpx.AsyncClient | None,
        async_transport: AsyncTransport | None = None,
        server_url: str = "",
    ) -> None:
        if client is not None and not isinstance(client, httpx.Client):
            raise TypeError(f"client must be an httpx.Client, not {type(client).__name__}")
        if async_client is not None and not isinstance(async_client, httpx.AsyncClient):
            raise TypeError(f"async_client must be an httpx.AsyncClient, not {type(async_client).__name__}")
        if async_transport is not None and async_transport not in get_args(AsyncTransport):
            raise ValueError(f"async_transport must be {_ONE_OF}, or None, not {async_transport!r}")
        if async_transport is not None and async_client is not None:
            raise ValueError("async_transport and async_client exclude each other: pass one of them")
        if async_transport == "aiohttp" and find_spec("aiohttp") is None:
            raise ConfigurationError(_NEEDS_AIOHTTP)
        self._given = None if client is None else _usable("client", client)
        self._given_async = None if async_client is None else _usable("async_client", async_client)
        self._async_transport = async_transport
        self._host = httpx.URL(server_url).host
        self._own: httpx.Client | None = None
        self._tls: ssl.SSLContext | None = None
        self._loops: dict[AbstractEventLoop, _LoopClients] = {}
        self._lock = threading.Lock()

    def settings(self) -> dict[str, Any]:
        """Return the arguments for the same in another process, without `server_url`.

        Raises:
            ConfigurationError: There is a caller's client, which other processes cannot use.
        """
        if self._given is not None or self._given_async is not None:
            raise ConfigurationError("A cluster cannot use the httpx client that you passed: leave it out.")
        return {"client": None, "async_client": None, "async_transport": self._async_transport}

    def sync_client(self) -> httpx.Client:
        """Return the client for sync calls.

        Raises:
            ConfigurationError: The caller's client, or the environment's proxies or certificates, cannot be used.
        """
        if self._given is not None:
            return _usable("client", self._given)
        with self._lock:
            if self._own is None:
                self._own = self._made(httpx.Client, _LIMITS)
            return self._own

    def async_client(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """Lend a client to an awaited call until its response is closed. Raises as `sync_client` does."""
        if self._given_async is not None:
            return nullcontext(_usable("async_client", self._given_async))
        return _Loan(self._clients_of_this_loop())

    def close(self) -> None:
        """Close our own sync client, if there is one. The next call makes a new one."""
        with self._lock:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    async def aclose(self) -> None:
        """Close our own sync client, and the async clients of the running event loop.

        Other loops' clients may be in use, and cannot be closed from here; they are closed when their loop ends.
        """
        self.close()
        await self._clients_of_this_loop().close()

    def _clients_of_this_loop(self) -> "_LoopClients":
        # A late import: sync calls do not need it.
        from asyncio import get_running_loop  # noqa: PLC0415

        loop = get_running_loop()
        with self._lock:
            if loop not in self._loops:
                # Forget loops that ended without shutting down their generators.
                self._loops = {other: clients for other, clients in self._loops.items() if not other.is_closed()}
                self._loops[loop] = _LoopClients(self._new_async_client, lambda: self._forget(loop))
            return self._loops[loop]

    def _forget(self, loop: "AbstractEventLoop") -> None:
        with self._lock:
            self._loops.pop(loop, None)

    def _new_async_client(self) -> tuple[httpx.AsyncClient, int]:
        """Make a client. Also return how many of its kind a loop may have."""
        if self._async_transport != "httpx":
            try:
                # A late import: only awaited calls need it, and it is optional.
                from .aiohttp_client import AiohttpClient  # noqa: PLC0415
            except ImportError:
                if self._async_transport == "aiohttp":
                    raise ConfigurationError(_NEEDS_AIOHTTP) from None
            else:
                if self._can_use_aiohttp():
                    return self._made(AiohttpClient, _LIMITS), 1
        return self._made(httpx.AsyncClient, _SHARE), _POOLS

    def _can_use_aiohttp(self) -> bool:
        from .environment import uses_socks  # noqa: PLC0415

        if not uses_socks():
            return True
        if self._async_transport == "aiohttp":
            raise ConfigurationError(
                'aiohttp cannot use the environment\'s SOCKS proxy: leave out async_transport="aiohttp", or unset '
                "ALL_PROXY"
            )
        return False

    def _made(self, kind: type[C], limits: httpx.Limits) -> C:
        # Late imports: they need httpcore and ssl, which httpx loads only now.
        from .delivery import watch  # noqa: PLC0415
        from .environment import explained  # noqa: PLC0415

        with explained(self._host):
            if self._tls is None:
                self._tls = httpx.create_ssl_context()  # only once, because it reads all certificates
            client = kind(verify=self._tls, timeout=timeout(TIMEOUT_MS), limits=limits)
        client._cookies = _Cookies()  # httpx has no parameter for it
        watch(client)
        return client


class _Cookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """As httpx does, which translates request and response for the cookie jar first, even if there is no cookie."""
        if "set-cookie" in response.headers:
            super().extract_cookies(response)


class _Loan(AbstractAsyncContextManager[httpx.AsyncClient]):
    """A client of a loop, for one call."""

    def __init__(self, clients: "_LoopClients") -> None:
        self._clients = clients

    async def __aenter__(self) -> httpx.AsyncClient:
        await self._clients.open()
        self._pool = self._clients.least_busy()
        return self._pool.client

    async def __aexit__(self, *_: object) -> None:
        await self._clients.give_back(self._pool)


class _LoopClients:
    """The clients of one event loop, and their load. Only that loop's thread uses them.

    For each request, httpcore looks at all connections of its pool. With 50 concurrent calls in one pool, that takes
    most of the time, so concurrent calls are spread over a few clients.
    """

    def __init__(self, new_client: Callable[[], tuple[httpx.AsyncClient, int]], forget: Callable[[], object]) -> None:
        self._new_client = new_client
        self._forget = forget
        self._pools: list[_Pool] = []
        self._most = 1
        self._guard: AsyncGenerator[None, None] | None = None

    async def open(self) -> None:
        """Arrange for the clients to be closed when the loop ends.

        An orderly end of a loop, as in `asyncio.run`, shuts down its unfinished async generators. So this starts one
        that closes the clients.
        """
        if self._guard is None:
            self._guard = self._until_the_loop_ends()
            await anext(self._guard)

    async def close(self) -> None:
        """Close the clients now."""
        if self._guard is not None:
            await self._guard.aclose()
        self._forget()

    def least_busy(self) -> "_Pool":
        """Pick an idle client, or a new one up to the limit, or the one with the fewest calls."""
        pool = min(self._pools, key=lambda pool: pool.calls, default=None)
        if pool is None or (pool.calls and len(self._pools) < self._most):
            client, self._most = self._new_client()
            pool = _Pool(client)
            self._pools.append(pool)
        pool.calls += 1
        return pool

    async def give_back(self, pool: "_Pool") -> None:
        """End a call, and close the clients that a past burst has left idle."""
        now = time.monotonic()
        pool.calls -= 1
        pool.idle_since = now
        old = [pool for pool in self._pools[1:] if not pool.calls and now - pool.idle_since > _IDLE]
        self._pools = [pool for pool in self._pools if pool not in old]
        for unused in old:
            await unused.client.aclose()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._forget()
            pools, self._pools = self._pools, []
            for pool in pools:
                await pool.client.aclose()


class _Pool:
    """An httpx client, and its load."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.calls = 0  # in flight
        self.idle_since = 0.0


def _usable(name: str, client: C) -> C:
    """Return the caller's client if it can send the API key.

    Raises:
        ConfigurationError: It is closed, or has its own auth.
    """
    if client.is_closed:
        raise ConfigurationError(f"The {name} that you passed is closed: pass an open one, or none")
    if client.auth is not None:
        raise ConfigurationError(
            f"The {name} that you passed has auth=..., which would replace the API key: make it without auth"
        )
    return client


def timeout(milliseconds: object) -> httpx.Timeout | None:
    """Convert milliseconds to an httpx timeout; None stays None.

    Raises:
        TypeError, ValueError: It is not a positive number of milliseconds.
    """
    if milliseconds is None:
        return None
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise TypeError(f"timeout_ms must be a number of milliseconds, not {type(milliseconds).__name__}")
    if not 0 < milliseconds < float("inf"):
        raise ValueError(f"timeout_ms must be a finite number of milliseconds above 0, not {milliseconds}")
    return httpx.Timeout(milliseconds / 1000, connect=min(milliseconds, CONNECT_TIMEOUT_MS) / 1000)
