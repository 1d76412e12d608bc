"""One client in a process of its own: `python -m benchmarks.clients NAME`.

It reads commands from standard input, a line of JSON each, and answers each with a line of JSON. So the clients can be
measured in turns, each in an environment of its own. It ends when its standard input does.
"""

import asyncio
import cProfile
import json
import pstats
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self

from . import Client, make


class Measures:
    """What one client can be asked. Each method is a command."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._clients: dict[str, Client] = {}
        self._runner = asyncio.Runner()

    def call(self, url: str, count: int) -> list[float]:
        """Seconds that each of so many calls took, one after the other."""
        client = self._client(url)
        return [_seconds(client.call) for _ in range(count)]

    def call_async(self, url: str, count: int) -> list[float]:
        """As `call`, awaited."""
        client = self._client(url)

        async def measure() -> list[float]:
            seconds = []
            for _ in range(count):
                begun = time.perf_counter()
                await client.call_async()
                seconds.append(time.perf_counter() - begun)
            return seconds

        return self._runner.run(measure())

    def at_once(self, url: str, callers: int, times: int) -> float:
        """Calls per second, so many at once, and all of them done before the next so many begin."""
        client = self._client(url)

        async def measure() -> None:
            for _ in range(times):
                await asyncio.gather(*(client.call_async() for _ in range(callers)))

        return callers * times / _seconds(lambda: self._runner.run(measure()))

    def kept_going(self, url: str, callers: int, times: int) -> float:
        """Calls per second of so many callers, each of which goes on when its own call is done."""
        client = self._client(url)

        async def caller() -> None:
            for _ in range(times):
                await client.call_async()

        async def measure() -> None:
            await asyncio.gather(*(caller() for _ in range(callers)))

        return callers * times / _seconds(lambda: self._runner.run(measure()))

    def stream(self, url: str, count: int) -> list[float]:
        """Seconds to stream the answer, each piece dropped as soon as it is there; so many times."""
        client = self._client(url)
        return [_seconds(lambda: _drain(client.stream())) for _ in range(count)]

    def first_piece(self, url: str, count: int) -> list[float]:
        """Seconds from the call to the first piece of audio."""
        client, seconds = self._client(url), []
        for _ in range(count):
            begun = time.perf_counter()
            pieces = client.stream()
            next(pieces)
            seconds.append(time.perf_counter() - begun)
            _drain(pieces)
        return seconds

    def stream_growth(self, short: str, long: str) -> float:
        """Bytes that memory grows while the long answer is streamed; the short one warms up."""
        _drain(self._client(short).stream())
        client = self._client(long)
        with _Growth() as growth:
            _drain(client.stream())
        return growth.bytes

    def save(self, url: str, path: str) -> float:
        """Seconds to save the answer. The file is removed."""
        client, file = self._client(url), Path(path)
        seconds = _seconds(lambda: client.save(file))
        file.unlink()
        return seconds

    def save_growth(self, short: str, long: str, path: str) -> float:
        """As `stream_growth`, into a file."""
        file = Path(path)
        self._client(short).save(file)
        client = self._client(long)
        with _Growth() as growth:
            client.save(file)
        file.unlink()
        return growth.bytes

    def counts(self, url: str) -> dict[str, float]:
        """What a call takes that is the same on any machine: functions called, bytes allocated at its peak."""
        client = self._client(url)
        for _ in range(20):
            client.call()
        profile = cProfile.Profile()
        profile.runcall(client.call)
        tracemalloc.start()
        client.call()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        client.call()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return {"functions": int(pstats.Stats(profile).total_calls), "bytes": peak - before}  # type: ignore[attr-defined]

    def decision(self, count: int) -> dict[str, float]:
        """Seconds that our client takes to decide on a retry, for each kind of failure."""
        from openrouter_speech import errors  # noqa: PLC0415
        from openrouter_speech._core import retries  # noqa: PLC0415

        def failure(status: int, headers: dict[str, str]) -> errors.OpenRouterError:
            import httpx  # noqa: PLC0415

            return errors.OpenRouterDefaultError("Failed.", httpx.Response(status, headers=headers))

        failures = {
            "503": failure(503, {}),
            "429 with Retry-After in seconds": failure(429, {"Retry-After": "2"}),
            "no connection": errors.APIConnectionError("No connection."),
            "429 with Retry-After as a date": failure(429, {"Retry-After": "Sun, 06 Nov 2044 08:49:37 GMT"}),
        }

        def decide(error: errors.OpenRouterError) -> None:
            for _ in range(count):
                retries.decide(retries.DEFAULT, error, 0, 0.1)

        return {kind: _seconds(partial(decide, error)) / count for kind, error in failures.items()}

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            self._runner.run(client.aclose())
        self._runner.close()

    def _client(self, url: str) -> Client:
        if url not in self._clients:
            self._clients[url] = make(self._name, url)
        return self._clients[url]


class _Growth:
    """How far the memory of this process rises, at its highest, above what it is now."""

    bytes = 0.0

    def __enter__(self) -> Self:
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest level so far
        self._before = _memory("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes = float(_memory("VmHWM") - self._before)


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{field}:"))


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def _drain(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


def main() -> None:
    measures = Measures(sys.argv[1])
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        print(json.dumps(getattr(measures, command.pop("do"))(**command)), flush=True)
    measures.close()


if __name__ == "__main__":
    main()
