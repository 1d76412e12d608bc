"""Which request is sent next, and when. Pure: it is told the time, and what became of each request.

Each failure makes its own request wait. What concerns all, that too much was sent at once (`error.throttled`) or that
the server said when to come back, makes all wait for the same moment; then half as many go at once, and one more with
each success.
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
    """A part that is to be asked for."""

    key: str
    text: str
    retries: int = field(default=0, init=False)
    first_sent: float | None = field(default=None, init=False)
    """When it was sent for the first time."""
    holds: int = field(default=0, init=False)
    """How often all had been made to wait when it was sent last."""


class Scheduler:
    """The requests of one narration.

    Attributes:
        error: What ended the work: a request failed for good.
    """

    def __init__(self, requests: Iterable[Request], config: RetryConfig, concurrency: int) -> None:
        self.error: BaseException | None = None
        self._fresh = deque(requests)
        self._again: list[tuple[float, int, Request]] = []
        """(when it is due, number, request): a heap."""
        self._failures = 0
        self._under_way: set[Request] = set()
        self._config = config
        self._most = self._width = concurrency
        self._held_until = 0.0
        self._holds = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is under way, and nothing more will be."""
        return not self._under_way and (self.error is not None or not (self._fresh or self._again))

    def begin(self, now: float) -> list[Request]:
        """The requests to send now."""
        begun = []
        while self.delay(now) == 0:
            request = heapq.heappop(self._again)[2] if self._is_due(now) else self._fresh.popleft()
            request.holds = self._holds
            if request.first_sent is None:
                request.first_sent = now
            self._under_way.add(request)
            begun.append(request)
        return begun

    def delay(self, now: float) -> float | None:
        """Seconds until a request may be sent; None where that depends on those under way, or there will be none."""
        if self.error is not None or len(self._under_way) >= self._width:
            return None
        if self._fresh:
            return self.held(now)
        if self._again:
            return max(self._again[0][0] - now, self.held(now))
        return None

    def held(self, now: float) -> float:
        """Seconds that all have to wait for."""
        return max(0.0, self._held_until - now)

    def succeeded(self, request: Request) -> None:
        """Take note of an answer."""
        self._under_way.remove(request)
        self._width = min(self._most, self._width + 1)

    def failed(self, request: Request, error: BaseException, now: float) -> None:
        """Take note of a failure. It is sent again, or it ends the work."""
        self._under_way.remove(request)
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
        if request.holds == self._holds:  # those that were under way together count as one
            self._holds += 1
            self._width = max(1, self._width // 2)
        logger.info("all requests wait %.3f s, then at most %d at once", delay, self._width)
