"""Send one call: attempts, outcomes, retries.

`send_with_retries` and `send_with_retries_async` are two shells around the same decisions. They differ only in `await`,
the kind of client and the sleep.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from time import sleep
from typing import TYPE_CHECKING, TypeVar

import httpx
from attrs import field, frozen

from .. import errors
from .._core import audio, bodies, headers, retries
from .._core.retries import RetryConfig, logger
from .._generated import PreparedRequest
from ..streams import AsyncSpeechStream, SpeechStream
from .body import OpenResponse

if TYPE_CHECKING:
    from .body import Costs
    from .cache import SpeechCache

T = TypeVar("T")

_url = lru_cache(maxsize=16)(httpx.URL)
"""Cached, because parsing a URL takes much of the time to build a request."""

_MAX_STALE = 10
"""Stale connections that one attempt may discard."""


@frozen
class Call:
    """Everything that one call needs, checked before anything is sent."""

    request: PreparedRequest
    server_url: str
    headers: dict[str, str] = field(repr=False)
    authorization: str = field(repr=False)
    timeout: httpx.Timeout | None
    """None for the httpx client's own."""
    retry: RetryConfig
    response_format: str | None
    returns_audio: bool = True
    costs: "Costs | None" = None
    cache: "SpeechCache | None" = None
    """Where identical requests are looked up, and their audio is kept."""

    def new_request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Build the request for one attempt."""
        url, body = _url(self.server_url + self.request.path), self.request.body
        own = headers.encoded(self.headers)
        names = {name.lower() for name, _ in own}
        timeout = client.timeout if self.timeout is None else self.timeout
        if client.cookies or client.params:
            request = client.build_request(self.request.method, url, content=body, headers=own, timeout=timeout)
        else:  # the same, in a quarter of the time
            given = [*(default for default in client.headers.raw if default[0].lower() not in names), *own]
            given_names = {name.lower() for name, _ in given}
            host = [] if b"host" in given_names else [(b"Host", url.netloc)]
            length = [(b"Content-Length", b"%d" % len(body))] if body and b"content-length" not in given_names else []
            request = httpx.Request(
                self.request.method,
                url,
                headers=[*host, *given, *length],
                stream=httpx.ByteStream(body),
                extensions={"timeout": timeout.as_dict()},
            )
            request.read()
        if self.authorization and b"authorization" not in names:  # http_headers= may replace any header
            request.headers["Authorization"] = self.authorization
        return request

    def opened(self, response: httpx.Response, sent: float) -> OpenResponse:
        """Wrap a response, with the audio format by its label."""
        content_type = response.headers.get("content-type", "")
        info = audio.info_from_content_type(content_type, self.response_format)
        recorder = None if self.cache is None or not response.is_success else self.cache.recorder(self.cache_key)
        return OpenResponse(response, info, sent, self._without_key, self.costs, recorder=recorder)

    def from_cache(self, client: httpx.Client | httpx.AsyncClient) -> OpenResponse | None:
        """Return the response of an identical request, if it was kept."""
        if self.cache is None:
            return None
        key = self.cache_key
        hit = self.cache.load(key)
        if hit is None:
            return None
        from . import cache  # noqa: PLC0415  (loaded by then)

        logger.info("the audio of an identical request is used: %s", key[:12])
        request = self.new_request(client)
        _withdraw_credential(request)
        response = cache.response_of(hit, request)
        info = audio.info_from_content_type(response.headers.get("content-type", ""), self.response_format)
        return OpenResponse(response, info, time.monotonic(), costs=cache.FREE, from_cache=True)

    @property
    def cache_key(self) -> str:
        """The name of the request in the cache."""
        from . import cache  # noqa: PLC0415

        return cache.key(self.request, self.server_url, self.headers)

    def _without_key(self, text: str) -> str:
        return bodies.without(self.authorization.removeprefix("Bearer "), text)


async def sleep_async(seconds: float) -> None:
    """As `sleep`."""
    # A late import: httpx loads asyncio with the first awaited call, and so do we.
    import asyncio  # noqa: PLC0415

    await asyncio.sleep(seconds)


class _Attempts:
    """Counts attempts and the time since the first."""

    def __init__(self, config: RetryConfig) -> None:
        self._config = config
        self._made = 0
        self._begun = time.monotonic()

    def begin(self) -> None:
        """Count an attempt."""
        self._made += 1
        logger.debug("attempt %d begins", self._made)

    def delay_after(self, error: errors.OpenRouterError) -> float | None:
        """Return the seconds to wait before the next attempt; None to raise the error."""
        delay = retries.decide(self._config, error, self._made - 1, time.monotonic() - self._begun)
        outcome = error.status_code or type(error).__name__
        if delay is None:
            logger.debug("attempt %d ended with %s: giving up", self._made, outcome)
        else:
            logger.info("attempt %d ended with %s: next one in %.3f s", self._made, outcome, delay)
        return delay


def send_with_retries(client: httpx.Client, call: Call, receive: Callable[[OpenResponse], T]) -> T:
    """Send a call, and retry it as its settings allow.

    Args:
        client: The httpx client to send with.
        call: The call.
        receive: Turns a response into the result. If it returns audio, its first bytes are identified as audio by
            then. If `receive` raises an error, the attempt has failed, except for a `SaveError`, which is not retried.
    """
    if (kept := call.from_cache(client)) is not None:
        SpeechStream(kept).look()
        return receive(kept)
    attempts = _Attempts(call.retry)
    while True:
        attempts.begin()
        try:
            return _attempt(client, call, receive)
        except errors.OpenRouterError as error:
            delay = attempts.delay_after(error)
            if delay is None:
                raise
        sleep(delay)


async def send_with_retries_async(
    client: httpx.AsyncClient, call: Call, receive: Callable[[OpenResponse], Awaitable[T]]
) -> T:
    """As `send_with_retries`."""
    if (kept := call.from_cache(client)) is not None:
        await AsyncSpeechStream(kept).look()
        return await receive(kept)
    attempts = _Attempts(call.retry)
    while True:
        attempts.begin()
        try:
            return await _attempt_async(client, call, receive)
        except errors.OpenRouterError as error:
            delay = attempts.delay_after(error)
            if delay is None:
                raise
        await sleep_async(delay)


def _attempt(client: httpx.Client, call: Call, receive: Callable[[OpenResponse], T]) -> T:
    request = call.new_request(client)
    sent = time.monotonic()
    try:
        response = _send(client, request)
    except httpx.RequestError as cause:
        raise errors.from_transport(cause, request) from cause
    except Exception as cause:
        if not _is_socks_error(cause):
            raise
        raise errors.from_transport(httpx.ProxyError(f"the SOCKS handshake failed: {cause}"), request) from cause
    finally:
        _withdraw_credential(request)
    try:
        opened = call.opened(response, sent)
        with opened.body.unless_failed():
            if call.returns_audio:
                SpeechStream(opened).look()
            return receive(opened)
    except BaseException:
        response.close()
        raise


async def _attempt_async(client: httpx.AsyncClient, call: Call, receive: Callable[[OpenResponse], Awaitable[T]]) -> T:
    request = call.new_request(client)
    sent = time.monotonic()
    try:
        response = await _send_async(client, request)
    except httpx.RequestError as cause:
        raise errors.from_transport(cause, request) from cause
    except Exception as cause:
        if not _is_socks_error(cause):
            raise
        raise errors.from_transport(httpx.ProxyError(f"the SOCKS handshake failed: {cause}"), request) from cause
    finally:
        _withdraw_credential(request)
    try:
        opened = call.opened(response, sent)
        with opened.body.unless_failed():
            if call.returns_audio:
                await AsyncSpeechStream(opened).look()
            return await receive(opened)
    except BaseException:
        await response.aclose()
        raise


def _send(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send a request. If its connection was stale, so that the server never saw it, resend it at once."""
    for _ in range(_MAX_STALE):
        try:
            return client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectError as error:
            if not _is_stale(error):
                raise
            logger.debug("the connection was stale: sending on another one")
        except BaseException:
            from .delivery import abandon_handshake  # noqa: PLC0415  (here and below: as in `_is_stale`)

            abandon_handshake()
            raise
    return client.send(request, stream=True, follow_redirects=False)


async def _send_async(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """As `_send`."""
    for _ in range(_MAX_STALE):
        try:
            return await client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectError as error:
            if not _is_stale(error):
                raise
            logger.debug("the connection was stale: sending on another one")
        except BaseException:
            from .delivery import abandon_handshake_async  # noqa: PLC0415

            await abandon_handshake_async()
            raise
    return await client.send(request, stream=True, follow_redirects=False)


def _is_stale(error: httpx.ConnectError) -> bool:
    from .delivery import is_stale  # noqa: PLC0415  (it needs httpcore, which httpx loads with its first client)

    return is_stale(error)


def _is_socks_error(error: Exception) -> bool:
    """Whether a SOCKS handshake failed. httpx does not translate this error."""
    return type(error).__module__.partition(".")[0] == "socksio"


def _withdraw_credential(request: httpx.Request) -> None:
    """Remove the API key: responses and exceptions keep the request, and may be printed, logged or pickled."""
    with suppress(KeyError):
        del request.headers["authorization"]
