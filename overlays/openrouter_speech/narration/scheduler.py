"""Decide which request to send next, and when. Pure: callers pass in the time and the outcome of each request.

A failed request waits before its retry. If it was throttled (`error.throttled`), or the server said when to retry, all
requests wait until then. After that, half as many are in flight at once, and one more with each success.
"""

import heapq
from collections import deque
from collections.abc import Iterable

from attrs import define, field

from .._core import retries
from .._core.retries import RetryConfig, logger
from ..errors import OpenRouterError


@define(eq=False)
class Request:
    """A request for one part."""

    key: str
    text: str
    retries: int = field(default=0, init=False)
    first_sent: float | None = field(default=None, init=False)
    """When it was first sent."""
    holds: int = field(default=0, init=False)
    """The scheduler's count of holds when it was last sent."""


class Scheduler:
    """The requests of one narration.

    Attributes:
        error: The error that ended the work: a request failed for good.
    """

    def __init__(self, requests: Iterable[Request], config: RetryConfig, concurrency: int) -> None:
        self.error: BaseException | None = None
        self._fresh = deque(requests)
        self._again: list[tuple[float, int, Request]] = []
        """Retries, as a heap of (due time, number, request)."""
        self._failures = 0
        self._in_flight: set[Request] = set()
        self._config = config
        self._most = self._width = concurrency
        self._held_until = 0.0
        self._holds = 0

    @property
    def is_over(self) -> bool:
        """Whether no request is in flight or still to come."""
        return not self._in_flight and (self.error is not None or not (self._fresh or self._again))

    def begin(self, now: float) -> list[Request]:
        """Return the requests to send now, and count them as in flight."""
        begun = []
        while self.delay(now) == 0:
            request = heapq.heappop(self._again)[2] if self._is_due(now) else self._fresh.popleft()
            request.holds = self._holds
            if request.first_sent is None:
                request.first_sent = now
            self._in_flight.add(request)
            begun.append(request)
        return begun

    def delay(self, now: float) -> float | None:
        """Return the seconds until the next request. None if it waits for one in flight, or none is left."""
        if self.error is not None or len(self._in_flight) >= self._width:
            return None
        if self._fresh:
            return self.held(now)
        if self._again:
            return max(self._again[0][0] - now, self.held(now))
        return None

    def held(self, now: float) -> float:
        """Return the seconds for which all requests have to wait."""
        return max(0.0, self._held_until - now)

    def succeeded(self, request: Request) -> None:
        """Record a success."""
        self._in_flight.remove(request)
        self._width = min(self._most, self._width + 1)

    def failed(self, request: Request, error: BaseException, now: float) -> None:
        """Record a failure: schedule a retry, or end the work."""
        self._in_flight.remove(request)
        delay = self._delay_after(request, error, now)
        if delay is None:
            self.error = self.error or error
            return
        request.retries += 1
        self._failures += 1
        heapq.heappush(self._again, (now + delay, self._failures, request))
        if isinstance(error, OpenRouterError) and (error.throttled or retries.asked_wait(error) is not None):
            self._hold(request, now, delay)

    def _is_due(self, now: float) -> bool:
        return bool(self._again) and (self._again[0][0] <= now or not self._fresh)

    def _delay_after(self, request: Request, error: BaseException, now: float) -> float | None:
        if not isinstance(error, OpenRouterError):
            return None
        elapsed = 0.0 if request.first_sent is None else now - request.first_sent
        return retries.decide(self._config, error, request.retries, elapsed)

    def _hold(self, request: Request, now: float, delay: float) -> None:
        self._held_until = max(self._held_until, now + delay)
        if request.holds == self._holds:  # requests that were in flight together count as one
            self._holds += 1
            self._width = max(1, self._width // 2)
        logger.info("all requests wait %.3f s, then at most %d at once", delay, self._width)
