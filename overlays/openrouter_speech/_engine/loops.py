"""Send what the scheduler picks, until all is done: with threads, or with tasks.

`run` and `run_async` are two thin shells. What is sent, and what becomes of it, is the caller's.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._http.sending import sleep_async
from .scheduler import Request, Scheduler

if TYPE_CHECKING:
    from asyncio import Task
    from concurrent.futures import Future

R = TypeVar("R", bound=Request)
T = TypeVar("T")


class Work(Generic[R, T]):
    """The work of one run. A subclass says what becomes of each request."""

    _ahead = 0.0

    def __init__(self, scheduler: Scheduler[R]) -> None:
        self.scheduler = scheduler

    def now(self) -> float:
        """Return the time for the scheduler, in seconds."""
        return time.monotonic() + self._ahead

    def has_reached(self, moment: float) -> None:
        """Advance the clock to a moment that was slept for, even if the sleep ended a little early."""
        self._ahead += max(0.0, moment - self.now())

    def settle(self, request: R, outcome: T | BaseException) -> None:
        """Record the outcome of a request, and report the progress."""
        raise NotImplementedError

    def take(self, request: R, outcome: T | BaseException) -> None:
        """Record the outcome of a request, while the run ends."""
        raise NotImplementedError

    def is_ending(self, in_flight: int) -> None:
        """Take notice that the run was cancelled, and waits for the requests in flight."""


def run(work: Work[R, T], send: Callable[[R], T], concurrency: int) -> None:
    """Send all requests, each in a thread. If the run ends early, those in flight are waited for: they are paid for."""
    # Loaded here: only this needs it.
    from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415
    from queue import Empty, SimpleQueue  # noqa: PLC0415

    in_flight: dict[Future[T], R] = {}
    done = SimpleQueue[Any]()
    with ThreadPoolExecutor(concurrency, "openrouter-speech") as pool:
        try:
            while not work.scheduler.is_over:
                for request in work.scheduler.begin(work.now()):
                    future = pool.submit(send, request)
                    in_flight[future] = request
                    future.add_done_callback(done.put)
                delay = work.scheduler.delay(work.now())
                if in_flight:
                    try:
                        future = done.get(timeout=delay)
                    except Empty:
                        continue
                    work.settle(in_flight.pop(future), future.exception() or future.result())
                elif delay:
                    until = work.now() + delay
                    sleep(delay)
                    work.has_reached(until)
        finally:
            wait(in_flight)  # they cannot be cancelled, and are paid for
            for future, request in in_flight.items():
                work.take(request, future.exception() or future.result())


async def run_async(work: Work[R, T], send: Callable[[R], Awaitable[T]], *, patient: bool = False) -> None:
    """Send all requests, each in a task.

    Args:
        work: What to do.
        send: Sends a request.
        patient: If the run is cancelled, wait for the requests in flight; cancel them when it is cancelled again. By
            default they are cancelled at once.
    """
    import asyncio  # noqa: PLC0415  (as in `sleep_async`)

    in_flight: dict[Task[T], R] = {}
    done = deque[Any]()
    woken = asyncio.Event()

    def finished(task: "Task[T]") -> None:
        done.append(task)
        woken.set()

    try:
        while not work.scheduler.is_over:
            for request in work.scheduler.begin(work.now()):
                task = asyncio.ensure_future(send(request))
                in_flight[task] = request
                task.add_done_callback(finished)
            delay = work.scheduler.delay(work.now())
            if in_flight:
                if delay is None:
                    await woken.wait()
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(delay):
                            await woken.wait()
                woken.clear()
                while done:
                    task = done.popleft()
                    work.settle(in_flight.pop(task), task.exception() or task.result())
            elif delay:
                until = work.now() + delay
                await sleep_async(delay)
                work.has_reached(until)
    except asyncio.CancelledError:
        if patient and in_flight:
            work.is_ending(len(in_flight))
            with suppress(asyncio.CancelledError):
                await asyncio.wait(in_flight)
        for task in in_flight:
            task.cancel()
        raise
    finally:
        outcomes = await asyncio.gather(*in_flight, return_exceptions=True)
        for request, outcome in zip(in_flight.values(), outcomes, strict=True):
            work.take(request, outcome)
