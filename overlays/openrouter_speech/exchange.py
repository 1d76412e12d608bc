"""One call, from its request to its answer: attempts, outcomes, retries.

`exchange` and `exchange_async` are the two shells around the same decisions; they differ in `await`, the kind of
client and the sleep, in nothing else.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from time import sleep
from typing import TypeVar

import httpx
from attrs import field, frozen

from . import audio, bodies, errors, headers, retries
from .frames import Answer
from .retries import RetryConfig, logger
from .streams import AsyncSpeechStream, SpeechStream
from .wire import WireRequest

T = TypeVar("T")

_url = lru_cache(maxsize=16)(httpx.URL)
"""Taking a URL apart is a good part of the time that a request takes to make."""

_MOST_STALE = 10
"""How many stale connections one attempt discards before it counts as failed."""


@frozen
class Call:
    """All that one call needs, worked out before any of it is sent."""

    request: WireRequest
    server_url: str
    headers: dict[str, str] = field(repr=False)
    authorization: str = field(repr=False)
    timeout: httpx.Timeout | None
    """None leaves it to the httpx client."""
    retry: RetryConfig
    response_format: str | None

    def new_request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request of one attempt."""
        request = client.build_request(
            self.request.method,
            _url(self.server_url + self.request.path),
            content=self.request.body,
            headers=headers.encoded(self.headers),
            timeout=httpx.USE_CLIENT_DEFAULT if self.timeout is None else self.timeout,
        )
        if "authorization" not in map(str.lower, self.headers):  # http_headers= replaces any header, this one too
            request.headers["Authorization"] = self.authorization
        return request

    def answer(self, response: httpx.Response, sent: float) -> Answer:
        """The response, with what its label says of the audio."""
        content_type = response.headers.get("content-type", "")
        facts = audio.facts_from_content_type(content_type, self.response_format)
        return Answer(response, facts, sent, self._without_key)

    def _without_key(self, text: str) -> str:
        return bodies.without(self.authorization.removeprefix("Bearer "), text)


async def sleep_async(seconds: float) -> None:
    """As `sleep`."""
    # Loaded here: httpx alone does without asyncio until the first awaited call, and so do we.
    import asyncio  # noqa: PLC0415

    await asyncio.sleep(seconds)


class _Attempts:
    """How many attempts were made, and since when."""

    def __init__(self, config: RetryConfig) -> None:
        self._config = config
        self._made = 0
        self._begun = time.monotonic()

    def begin(self) -> None:
        """Count an attempt."""
        self._made += 1
        logger.debug("attempt %d begins", self._made)

    def delay_after(self, error: errors.OpenRouterError) -> float | None:
        """Seconds to wait before the next attempt; None where the error is to be raised."""
        delay = retries.decide(self._config, error, self._made - 1, time.monotonic() - self._begun)
        outcome = error.status_code or type(error).__name__
        if delay is None:
            logger.debug("attempt %d ended with %s: giving up", self._made, outcome)
        else:
            logger.info("attempt %d ended with %s: next one in %.3f s", self._made, outcome, delay)
        return delay


def exchange(client: httpx.Client, call: Call, receive: Callable[[Answer], T]) -> T:
    """Make a call, as often as its retry settings allow.

    Args:
        client: The httpx client to send with.
        call: What to send.
        receive: Makes the result of a success whose first bytes are there, and are audio. A failure in it is a failed
            attempt, unless it is that the audio could not be saved.
    """
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


async def exchange_async(client: httpx.AsyncClient, call: Call, receive: Callable[[Answer], Awaitable[T]]) -> T:
    """As `exchange`."""
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


def _attempt(client: httpx.Client, call: Call, receive: Callable[[Answer], T]) -> T:
    request = call.new_request(client)
    sent = time.monotonic()
    try:
        response = _send(client, request)
    except httpx.RequestError as cause:
        raise errors.from_transport(cause, request) from cause
    finally:
        _withdraw_credential(request)
    try:
        answer = call.answer(response, sent)
        SpeechStream(answer).look()
        return receive(answer)
    except BaseException:
        response.close()
        raise


async def _attempt_async(client: httpx.AsyncClient, call: Call, receive: Callable[[Answer], Awaitable[T]]) -> T:
    request = call.new_request(client)
    sent = time.monotonic()
    try:
        response = await _send_async(client, request)
    except httpx.RequestError as cause:
        raise errors.from_transport(cause, request) from cause
    finally:
        _withdraw_credential(request)
    try:
        answer = call.answer(response, sent)
        await AsyncSpeechStream(answer).look()
        return await receive(answer)
    except BaseException:
        await response.aclose()
        raise


def _send(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send a request; at once again where the server had closed the connection, and so never saw it."""
    for _ in range(_MOST_STALE):
        try:
            return client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectError as error:
            if not _is_stale(error):
                raise
            logger.debug("the connection was stale: sending on another one")
    return client.send(request, stream=True, follow_redirects=False)


async def _send_async(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """As `_send`."""
    for _ in range(_MOST_STALE):
        try:
            return await client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectError as error:
            if not _is_stale(error):
                raise
            logger.debug("the connection was stale: sending on another one")
    return await client.send(request, stream=True, follow_redirects=False)


def _is_stale(error: httpx.ConnectError) -> bool:
    from .delivery import is_stale  # noqa: PLC0415  (httpx loads httpcore, which that needs, with its first client)

    return is_stale(error)


def _withdraw_credential(request: httpx.Request) -> None:
    """The request lives on in responses and in exceptions, which are printed, logged and pickled; the key must not."""
    with suppress(KeyError):
        del request.headers["authorization"]
