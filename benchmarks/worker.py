"""Measure one client in a process of its own: `python -m benchmarks.worker CLIENT`.

Each line of standard input is a URL and an expression such as `seconds(client.call, 20)`, where `client` calls the URL;
each line of standard output is the value of the expression. The process ends when its standard input does.
"""

import asyncio
import cProfile
import sys
import tempfile
import time
import tracemalloc
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from .clients import CLIENTS, Client

runner = asyncio.Runner()
drain = partial(deque[bytes], maxlen=0)
"""Drop each piece as soon as it arrives."""


def seconds(action: Callable[[], object], count: int) -> float:
    """Return the median time of an action."""
    return median(_seconds(action) for _ in range(count))


def seconds_async(call: Callable[[], Awaitable[object]], count: int) -> float:
    """Return the median time of an awaited call."""

    async def once() -> float:
        begun = time.perf_counter()
        await call()
        return time.perf_counter() - begun

    return median(runner.run(once()) for _ in range(count))


def first_audio(stream: Callable[[], Iterator[bytes]], count: int) -> float:
    """Return the median time from the call to the first piece of audio."""

    def once() -> float:
        pieces = stream()
        time_to_first = _seconds(partial(next, pieces))
        drain(pieces)
        return time_to_first

    return median(once() for _ in range(count))


def rate(call: Callable[[], Awaitable[object]], callers: int, rounds: int, calls: int) -> float:
    """Return the calls per second of concurrent callers, who wait for each other after each round of calls."""

    async def caller() -> None:
        for _ in range(calls):
            await call()

    async def measure() -> None:
        for _ in range(rounds):
            await asyncio.gather(*(caller() for _ in range(callers)))

    return callers * rounds * calls / _seconds(lambda: runner.run(measure()))


def growth(action: Callable[[], object]) -> float:
    """Return how many bytes the memory of this process rises during an action, at its peak."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _memory("VmRSS")
    action()
    return _memory("VmHWM") - before


def functions(call: Callable[[], object]) -> float:
    """Return how many functions a call calls, which is the same on any machine."""
    seconds(call, 20)
    profile = cProfile.Profile()
    profile.runcall(call)
    return sum(entry.callcount for entry in profile.getstats())


def allocated(call: Callable[[], object]) -> float:
    """Return how many bytes a call allocates at its peak, which is the same on any machine."""
    seconds(call, 20)
    tracemalloc.start()
    call()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def decision(status: int | None, headers: dict[str, str] | None = None) -> float:
    """Return how long our client takes to decide on a retry, after a response or, without a status, after none."""
    import httpx
    from openrouter_speech import errors
    from openrouter_speech._core import retries

    error: errors.OpenRouterError = errors.APIConnectionError("No connection.")
    if status:
        error = errors.OpenRouterDefaultError("Failed.", httpx.Response(status, headers=headers))

    def decide() -> None:
        for _ in range(1000):
            retries.decide(retries.DEFAULT, error, 0, 0.1)

    return _seconds(decide) / 1000


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{field}:"))


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def main() -> None:
    (make, _), clients = CLIENTS[sys.argv[1]], dict[str, Client]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "saved.pcm")
        for line in sys.stdin:
            url, _, expression = line.partition(" ")
            if url not in clients:
                clients[url] = make(url)
            print(eval(expression, {**globals(), "client": clients[url], "file": file}), flush=True)  # noqa: S307
            file.unlink(missing_ok=True)
    for client in clients.values():
        runner.run(client.aclose())
    runner.close()


if __name__ == "__main__":
    main()
