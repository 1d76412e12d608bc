"""`python -m benchmarks.batch`: measure batches beside a loop that keeps nothing, and print a table.

Apart from `make bench`, since a million rows take minutes. Each measurement is a process of its own, and the median of
several counts. `TMPDIR` names the disk: on ext4, files are slow to make where many were removed in the last minutes.
Loops over other packages are measured if they are installed (`make interop`).
"""

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from .clients import CLIENTS, REQUEST
from .processes import PROJECT, clean_environment
from .server import Server

AT_ONCE = 50
SETTINGS: dict[str, Any] = {name: value for name, value in REQUEST.items() if name != "input"}


async def loop(call: Callable[[], Awaitable[object]], count: int) -> float:
    """Return the calls per second of callers that keep nothing."""
    left = iter(range(count))

    async def caller() -> None:
        for _ in left:
            await call()

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - begun)


def loop_over(package: str) -> Callable[[str, int], float]:
    """Return what measures a loop over a package."""

    async def measure(url: str, count: int) -> float:
        client: Any = CLIENTS[package][0](url)
        try:
            await loop(client.call_async, AT_ONCE)
            return await loop(client.call_async, count)
        finally:
            await client.aclose()

    return lambda url, count: asyncio.run(measure(url, count))


def batch(url: str, count: int, **options: Any) -> float:
    """Return the rows per second of a batch, with all that it writes."""
    from openrouter_speech import OpenRouter

    async def measure(folder: Path) -> float:
        async with OpenRouter("key", server_url=url) as open_router:
            begun = time.perf_counter()
            done = await open_router.tts.batch_async(
                rows(folder, count), folder / "out", concurrency=AT_ONCE, **options, **SETTINGS
            )
            seconds = time.perf_counter() - begun
        if done.new_done != count:
            raise RuntimeError(f"{done} of {count} rows")
        return count / seconds

    return asyncio.run(measure(new_folder()))


def sending(**options: Any) -> Callable[[str, int], float]:
    """Return what measures the rows per second of a batch from when it begins to send: a cluster has to start first."""
    from openrouter_speech import BatchProgress

    def measure(url: str, count: int) -> float:
        times: list[float] = []

        def show(now: BatchProgress) -> None:
            if not now.reading:
                times.append(time.perf_counter())

        batch(url, count, on_progress=show, **options)
        return count / (times[-1] - times[0])

    return measure


def memory(url: str, count: int) -> float:
    """Return the peak of memory in MiB after a batch of that many rows."""
    batch(url, count)
    return peak()


def memory_of_reading(_: str, count: int) -> float:
    """Return the peak of memory in MiB after as many rows were read into a ledger."""
    read(new_folder(), count)
    return peak()


def start(url: str, count: int) -> float:
    """Return the seconds to the first row that is done, where all others of the ledger are."""
    from openrouter_speech import BatchProgress, OpenRouter

    first: list[float] = []

    def show(now: BatchProgress) -> None:
        if now.new_done:
            first.append(time.perf_counter())

    async def measure(folder: Path) -> float:
        async with OpenRouter("key", server_url=url) as open_router:
            await open_router.tts.batch_async(rows(folder, 1), folder / "out", **SETTINGS)
            file = read(folder, count)
            with sqlite3.connect(folder / "out" / ".batch" / "ledger.sqlite") as connection:
                connection.execute("UPDATE rows SET state = 'done', file = id WHERE number < ?", [count])
            connection.close()
            begun = time.perf_counter()
            await open_router.tts.batch_async(file, folder / "out", on_progress=show, on_row=lambda _: None, **SETTINGS)
            return first[0] - begun

    return asyncio.run(measure(new_folder()))


def new_folder() -> Path:
    """Make a folder. All are removed at the end: ext4 is slow to make files where many were just removed."""
    return Path(tempfile.mkdtemp(dir=os.environ["BATCH_BENCHMARK"]))


def rows(folder: Path, count: int) -> Path:
    """Write a file of rows."""
    file = folder / "rows.jsonl"
    with file.open("w") as opened:
        opened.writelines(json.dumps({"id": f"row-{n}", "input": f"The text of row {n}."}) + "\n" for n in range(count))
    return file


def read(folder: Path, count: int) -> Path:
    """Read rows into the ledger of `out`, and return their file."""
    from openrouter_speech.batch.ledger import Ledger
    from openrouter_speech.batch.rows import RowChecker
    from openrouter_speech.batch.sources import source_of

    place = folder / "out" / ".batch"
    place.mkdir(parents=True, exist_ok=True)
    source = source_of(rows(folder, count))
    ledger = Ledger(place / "ledger.sqlite")
    for _ in ledger.read(source, RowChecker(SETTINGS), skip_invalid=False, shard=None):
        pass
    ledger.note("source", f"{source.fingerprint()} False")
    ledger.close()
    return folder / "rows.jsonl"


def peak() -> float:
    """Return the peak of this process's memory in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


MEASURES: dict[str, Callable[[str, int], float]] = {
    "loop": loop_over("openrouter-speech[aiohttp]"),
    "openai": loop_over("openai"),
    "batch": batch,
    "memory": memory,
    "reading": memory_of_reading,
    "start": start,
    "sending": sending(),
    "sending-cluster": sending(cluster="local:2"),
    "converting": sending(convert_to="mp3"),
    "converting-cluster": sending(convert_to="mp3", cluster="local:2"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="rows of a batch")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows of a large ledger")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, url = options.measure
        print(MEASURES[name](url, options.rows))
        return 0
    with Server() as server, tempfile.TemporaryDirectory() as folder:

        def measure(name: str, count: int, kind: str = "short") -> float:
            measuring = ["--measure", name, server.url(kind), "--rows", str(count)]
            command = [sys.executable, "-m", "benchmarks.batch", *measuring]
            environment = clean_environment() | {"BATCH_BENCHMARK": folder}
            done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            return float(done.stdout)

        names = ["loop", "batch", *(["openai"] if find_spec("openai") else [])]
        turns = [{name: measure(name, options.rows) for name in names} for _ in range(options.turns)]
        beside = {name: median(turn["batch"] / turn[name] for turn in turns) for name in names}
        clusters = [
            measure("sending-cluster", options.rows) / measure("sending", options.rows) for _ in range(options.turns)
        ]
        converting = [  # 22 s of audio in each row
            measure("converting-cluster", options.rows // 100, "stream-1")
            / measure("converting", options.rows // 100, "stream-1")
            for _ in range(options.turns)
        ]
        few, many = measure("reading", 1000), measure("reading", options.many)
        small, large = measure("memory", 1000), measure("memory", 5 * options.rows)
        first = measure("start", options.many)
    met = [
        report("batch, rows/s", median(turn["batch"] for turn in turns)),
        report("beside a loop of create_speech_async", beside["loop"], "x", at_least=0.8),
        report("beside a loop over openai", beside.get("openai"), "x", at_least=3),
        report("two processes beside one", median(clusters), "x", at_least=0.8),
        report("two processes beside one, converting to mp3", median(converting), "x", at_least=1.5),
        report(f"memory while {options.many:,} rows are read, beside 1,000", many - few, "MiB", at_most=20),
        report(f"memory of a batch of {5 * options.rows:,} rows, beside 1,000", large - small, "MiB", at_most=20),
        report(f"to the first new row, {options.many:,} done", first, "s", at_most=3),
    ]
    return 0 if all(met) else 1


def report(
    what: str, value: float | None, unit: str = "", *, at_least: float | None = None, at_most: float | None = None
) -> bool:
    """Print a line, and return whether its bound is met."""
    if value is None:
        print(f"{what}: not measured")
        return True
    bound = f"at least {at_least}" if at_least is not None else f"at most {at_most}" if at_most is not None else ""
    met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    verdict = f", {bound}: {'met' if met else 'not met'}" if bound else ""
    print(f"{what}: {value:,.2f} {unit}{verdict}", flush=True)
    return met


if __name__ == "__main__":
    sys.exit(main())
