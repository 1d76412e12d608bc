"""Decide which request to send next, and when. Pure: callers pass in the time and the outcome of each request.

A failed request waits before its retry. If it was throttled (`error.throttled`), or the server said when to retry, all
requests wait until then. After that, half as many are in flight at once, and one more with each success.
"""

import heapq
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar, cast

from attrs import define, evolve, field

from .._core import retries
from .._core.retries import BackoffStrategy, RetryConfig, logger
from ..errors import OpenRouterError

PATIENT = evolve(retries.DEFAULT, max_retries=10, backoff=BackoffStrategy(500, 30_000, 2, 600_000, jitter_ms=250))
"""The default for each request: at most 10 retries, within 10 minutes."""

_MOST_RETRIES = 10_000
"""Requests that wait for their retry before no new ones are sent: they are in memory."""


@define(eq=False)
class Request:
    """A request."""

    key: str
    text: str
    retries: int = field(default=0, init=False)
    first_sent: float | None = field(default=None, init=False)
    """When it was first sent."""
    holds: int = field(default=0, init=False)
    """The scheduler's count of holds when it was last sent."""


R = TypeVar("R", bound=Request)


def _ends_the_work(request: Request, error: BaseException) -> bool:  # noqa: ARG001
    return True


def _admits_all(request: Request) -> bool:  # noqa: ARG001
    return True


class Scheduler(Generic[R]):
    """The requests of one run.

    Attributes:
        error: The error that ended the work: a request failed for good.
    """

    def __init__(
        self,
        requests: Iterable[R],
        config: RetryConfig,
        concurrency: int,
        *,
        start: int | None = None,
        rate: float | None = None,
        ends: Callable[[R, BaseException], bool] = _ends_the_work,
        admits: Callable[[R], bool] = _admits_all,
    ) -> None:
        """Set up the scheduler.

        Args:
            requests: What to send, in order. They are taken one by one, when there is room.
            config: When to retry a request.
            concurrency: The most requests in flight.
            start: The most requests in flight at first, if less. Each success adds one.
            rate: The most requests begun per second.
            ends: Whether the work ends when this request failed for good, with this error. By default it does.
            admits: Asked before a request begins, which it does if this is True. If not, none begins until one in
                flight has ended; if none is in flight, the work ends.
        """
        self.error: BaseException | None = None
        self._fresh = iter(requests)
        self._next = next(self._fresh, None)
        self._again: list[tuple[float, int, R]] = []
        """Retries, as a heap of (due time, number, request)."""
        self._failures = 0
        self._in_flight: set[R] = set()
        self._config = config
        self._ends = ends
        self._admits = admits
        self._is_refused = False
        """Whether the next request may not begin."""
        self._most = concurrency
        self._width = min(start or concurrency, concurrency)
        self._interval = 1 / rate if rate else 0.0
        self._free_at = 0.0
        """When the rate allows the next request."""
        self._held_until = 0.0
        self._holds = 0

    @property
    def is_over(self) -> bool:
        """Whether no request is in flight or still to come."""
        is_ending = self.error is not None or self._is_refused
        return not self._in_flight and (is_ending or not (self._next or self._again))

    def begin(self, now: float) -> list[R]:
        """Return the requests to send now, and count them as in flight."""
        begun = []
        while self.delay(now) == 0:
            is_due = self._is_due(now)
            if not self._admits(self._again[0][2] if is_due else cast("R", self._next)):
                self._is_refused = True
                break
            request = heapq.heappop(self._again)[2] if is_due else self._taken()
            request.holds = self._holds
            if request.first_sent is None:
                request.first_sent = now
            self._in_flight.add(request)
            self._free_at = max(now, self._free_at) + self._interval
            begun.append(request)
        return begun

    def delay(self, now: float) -> float | None:
        """Return the seconds until the next request. None if it waits for one in flight, or none is left."""
        if self.error is not None or self._is_refused or len(self._in_flight) >= self._width:
            return None
        wait = max(self.held(now), self._free_at - now if self._interval else 0.0)
        if self._may_take:
            return wait
        if self._again:
            return max(self._again[0][0] - now, wait)
        return None

    def held(self, now: float) -> float:
        """Return the seconds for which all requests have to wait."""
        return max(0.0, self._held_until - now)

    def succeeded(self, request: R) -> None:
        """Record a success."""
        self._ended(request)
        self._width = min(self._most, self._width + 1)

    def failed(self, request: R, error: BaseException, now: float) -> bool:
        """Record a failure. Return whether there will be a retry; without one, the work may end."""
        self._ended(request)
        delay = self._delay_after(request, error, now)
        if delay is None:
            if self._ends(request, error):
                self.error = self.error or error
            return False
        request.retries += 1
        self._failures += 1
        heapq.heappush(self._again, (now + delay, self._failures, request))
        if isinstance(error, OpenRouterError) and (error.throttled or retries.asked_wait(error) is not None):
            self._hold(request, now, delay)
        return True

    def _ended(self, request: R) -> None:
        self._in_flight.remove(request)
        self._is_refused = False

    @property
    def _may_take(self) -> bool:
        return self._next is not None and len(self._again) < _MOST_RETRIES

    def _taken(self) -> R:
        taken, self._next = cast("R", self._next), next(self._fresh, None)
        return taken

    def _is_due(self, now: float) -> bool:
        return bool(self._again) and (self._again[0][0] <= now or not self._may_take)

    def _delay_after(self, request: R, error: BaseException, now: float) -> float | None:
        if not isinstance(error, OpenRouterError):
            return None
        elapsed = 0.0 if request.first_sent is None else now - request.first_sent
        return retries.decide(self._config, error, request.retries, elapsed)

    def _hold(self, request: R, now: float, delay: float) -> None:
        self._held_until = max(self._held_until, now + delay)
        if request.holds == self._holds:  # requests that were in flight together count as one
            self._holds += 1
            self._width = max(1, self._width // 2)
        logger.info("all requests wait %.3f s, then at most %d at once", delay, self._width)
