"""Draw calls at random from a seed, and make them from threads and tasks."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openrouter_speech import OpenRouter, errors
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig

from .leftovers import memory
from .server import AUDIO, FAULTS, HEADER, PASSING

FORMS = ("whole", "saved", "streamed", "left early", "cancelled")
WAYS = ("threads", "httpx", "aiohttp")
SHARE_OF_FAULTS = 0.3
RETRIES = 2
RETRY = RetryConfig("backoff", BackoffStrategy(1, 4, 2, 60_000, jitter_ms=0), True, max_retries=RETRIES)
PATIENCE_MS = 200
"""Timeout of the calls that stall, in ms."""
AT_ONCE = 16
"""Number of threads, and of tasks per async transport."""
KEY = "any-key"


@dataclass(frozen=True)
class Call:
    """One call."""

    number: int
    way: str
    form: str
    faults: tuple[str, ...]
    """The fault of each attempt."""
    moment: float
    """Seconds until it is cancelled, for the form "cancelled"."""

    def params(self) -> dict[str, Any]:
        params: dict[str, Any] = {"input": "Hello", "model": "any/model", "voice": "alloy", "response_format": "pcm"}
        params["http_headers"] = {HEADER: f"{self.number};{','.join(self.faults)}"}
        return params | ({"timeout_ms": PATIENCE_MS} if "stall" in self.faults else {})

    def allowed(self) -> int:
        """Return the most requests it may send: one, plus one per transient failure up to the limit of retries."""
        passing = next((n for n, fault in enumerate(self.faults) if fault not in PASSING), len(self.faults))
        return min(passing, RETRIES) + 1


def drawn(count: int, seed: int) -> list[Call]:
    """Draw `count` calls; the same seed gives the same calls."""
    chance = random.Random(seed)
    calls = []
    for number in range(count):
        way = chance.choice(WAYS)
        form = chance.choice(FORMS if way != "threads" else FORMS[:-1])  # a thread cannot be cancelled
        faults = tuple(chance.choice(FAULTS) if chance.random() < SHARE_OF_FAULTS else "ok" for _ in range(RETRIES + 2))
        calls.append(Call(number, way, form, faults, chance.random() * 0.01))
    return calls


@dataclass
class Outcomes:
    """The outcomes of the calls."""

    ended: Counter[str] = field(default_factory=Counter)
    """Counts by error class, or "audio", "left early", "cancelled"."""
    wrong_audio: list[int] = field(default_factory=list)
    strange_errors: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    """Tasks left in the event loop."""
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call, outcome: bytes | BaseException | None) -> None:
        with self._lock:
            if isinstance(outcome, errors.OpenRouterError):
                self.ended[type(outcome).__name__] += 1
            elif isinstance(outcome, asyncio.CancelledError):
                self.ended["cancelled"] += 1
            elif isinstance(outcome, BaseException):
                self.strange_errors[type(outcome).__name__] += 1
            else:
                self.ended["left early" if outcome is None else "audio"] += 1
                if outcome not in {None, AUDIO}:
                    self.wrong_audio.append(call.number)
            self._count += 1
            if self._count % 20 == 0:
                self.memory.append(memory())


def make(calls: list[Call], url: str, folder: Path) -> Outcomes:
    """Make all calls, from threads and tasks at the same time."""
    outcomes = Outcomes()
    with OpenRouter(KEY, server_url=url, retry_config=RETRY) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        for call in calls:
            if call.way == "threads":
                pool.submit(_attempt, outcomes, call, client, folder)
        asyncio.run(_make_async([call for call in calls if call.way != "threads"], url, folder, outcomes))
    return outcomes


def _attempt(outcomes: Outcomes, call: Call, client: OpenRouter, folder: Path) -> None:
    try:
        outcome: bytes | BaseException | None = _call(client, call, folder)
    except BaseException as error:  # noqa: BLE001
        outcome = error
    outcomes.add(call, outcome)


def _call(client: OpenRouter, call: Call, folder: Path) -> bytes | None:
    if call.form == "whole":
        return client.tts.create_speech(**call.params()).content
    if call.form == "saved":
        path = folder / f"{call.number}.pcm"
        client.tts.save_speech(path, **call.params())
        return _taken(path)
    with client.tts.stream_speech(**call.params()) as stream:
        if call.form == "left early":
            next(iter(stream))
            return None
        return b"".join(stream)


async def _make_async(calls: list[Call], url: str, folder: Path, outcomes: Outcomes) -> None:
    async def work(client: OpenRouter, mine: Iterator[Call]) -> None:
        for call in mine:
            task = asyncio.ensure_future(_call_async(client, call, folder))
            if call.form == "cancelled":
                asyncio.get_running_loop().call_later(call.moment, task.cancel)
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            outcomes.add(call, outcome)

    async def over(transport: Any) -> None:
        mine = iter([call for call in calls if call.way == transport])
        async with OpenRouter(KEY, server_url=url, retry_config=RETRY, async_transport=transport) as client:
            await asyncio.gather(*(work(client, mine) for _ in range(AT_ONCE)))

    await asyncio.gather(over("httpx"), over("aiohttp"))
    outcomes.tasks = [str(task.get_coro()) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def _call_async(client: OpenRouter, call: Call, folder: Path) -> bytes | None:
    if call.form == "saved":
        path = folder / f"{call.number}.pcm"
        await client.tts.save_speech_async(path, **call.params())
        return _taken(path)
    if call.form in {"whole", "cancelled"}:
        return (await client.tts.create_speech_async(**call.params())).content
    async with client.tts.stream_speech_async(**call.params()) as stream:
        if call.form == "left early":
            await anext(aiter(stream))
            return None
        return b"".join([chunk async for chunk in stream])


def _taken(path: Path) -> bytes:
    """Read and delete a file, so that any file left at the end is a leak."""
    content = path.read_bytes()
    with suppress(FileNotFoundError):
        path.unlink()
    return content
