"""The cases in which clients talk to the server."""

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from .environments import Environment
from .processes import Server, Worker
from .turns import Measurements, in_turns

ENVIRONMENTS = {
    "bare_httpx": "httpx",
    "tuned_httpx": "httpx",
    "ours": "ours",
    "ours_aiohttp": "ours-extras",
    "openai_package": "openai",
    "openrouter_package": "openrouter",
}
"""The environment of each client."""
ONE_BY_ONE = ("bare_httpx", "ours", "openai_package", "openrouter_package")
"""For calls that are made one by one, neither the pool nor the transport for many makes a difference."""

PAUSE = 20
"""Milliseconds between the first audio and the rest: far more than a client needs for the first."""
GROWTHS = (
    ("growth over 256 MiB", "stream_growth", 256),
    ("growth over 1 GiB", "stream_growth", 1024),
    ("growth over a file of 1 GiB", "save_growth", 1024),
)
"""Case, command, MiB."""


def measure_calls(server: Server, environments: Mapping[str, Environment], into: Measurements, *, quick: bool) -> None:
    """Calls one by one and many at once, streams, files, decisions."""
    with ExitStack() as stack:
        workers = {
            client: stack.enter_context(Worker(environments[environment].python, client))
            for client, environment in ENVIRONMENTS.items()
        }
        single = {client: workers[client] for client in ONE_BY_ONE}

        def case(name: str, turns: int, action: Callable[[Worker], float], chosen: dict[str, Worker] = single) -> None:
            print(f"Measuring: {name}", flush=True)
            actions = {client: partial(action, worker) for client, worker in chosen.items()}
            in_turns(into, name, turns, actions, server.busy)

        short, first = server.url("short"), server.url(f"first-{PAUSE}")
        case("one call", 25 if quick else 120, lambda worker: _median(worker.ask("call", url=short, count=20)))
        case("one awaited call", 25 if quick else 120, lambda w: _median(w.ask("call_async", url=short, count=20)))
        many = {"url": short, "callers": 50, "times": 2 if quick else 3}
        case("50 at once", 4 if quick else 20, lambda worker: worker.ask("at_once", **many), workers)
        case("50 kept going", 4 if quick else 20, lambda worker: worker.ask("kept_going", **many), workers)
        case("first audio", 5 if quick else 40, lambda worker: _median(worker.ask("first_piece", url=first, count=5)))
        del into.busy["first audio"]  # the server pauses: that it is idle says nothing
        mp3, pcm = server.url("mp3-256"), server.url("stream-256")
        case("stream", 5 if quick else 40, lambda worker: 256 / _median(worker.ask("stream", url=mp3, count=5)))
        case("stream of pcm", 3 if quick else 15, lambda worker: 256 / _median(worker.ask("stream", url=pcm, count=5)))
        print("Measuring: retry decision", flush=True)
        for _ in range(7 if quick else 25):
            for kind, seconds in workers["ours"].ask("decision", count=1000).items():
                into.values[f"decision: {kind}"].setdefault("ours", []).append(seconds)
        for client, worker in single.items():
            for what, count in worker.ask("counts", url=short).items():
                into.values[f"{what} of a call"][client] = [count]


def measure_files(
    server: Server, environments: Mapping[str, Environment], into: Measurements, folder: Path, *, quick: bool
) -> None:
    """Files and memory. What grows, grows in a fresh process each time."""
    mebibytes = 256 if quick else 1024
    with ExitStack() as stack:
        workers = {c: stack.enter_context(Worker(environments[ENVIRONMENTS[c]].python, c)) for c in ONE_BY_ONE}
        print("Measuring: save", flush=True)
        url, path = server.url(f"stream-{mebibytes}"), str(folder / "saved.pcm")

        def saved(worker: Worker) -> float:
            """MiB per second."""
            return mebibytes / float(worker.ask("save", url=url, path=path))

        actions = {client: partial(saved, worker) for client, worker in workers.items()}
        in_turns(into, "save", 3 if quick else 15, actions, server.busy)
    if not Path("/proc/self/clear_refs").exists():
        into.missing |= {case: "only Linux tells how high memory rose" for case, _, _ in GROWTHS}
        return
    print("Measuring: memory", flush=True)
    for client in ["ours"] if quick else ONE_BY_ONE:
        for _ in range(1 if quick else 3):
            for case, command, size in GROWTHS:
                arguments: dict[str, Any] = {"short": server.url("stream-1"), "long": server.url(f"stream-{size}")}
                arguments |= {"path": path} if command == "save_growth" else {}
                with Worker(environments[ENVIRONMENTS[client]].python, client) as worker:
                    growth = worker.ask(command, **arguments)
                into.values[case].setdefault(client, []).append(growth)


def limits_of(server: Server) -> dict[str, float]:
    """What the server can do, found out by a client that only counts bytes."""
    calls, mebibytes = 5000, 1024
    with server.connect() as connection:
        begun, worked = time.perf_counter(), server.busy()
        for _ in range(calls):
            server.send_with_retries(connection, "short", 4 << 10)
        passed, worked = time.perf_counter() - begun, server.busy() - worked
        begun = time.perf_counter()
        server.send_with_retries(connection, f"stream-{mebibytes}", mebibytes << 20)
        streamed = time.perf_counter() - begun
    return {
        "calls per second, one by one": calls / passed,
        "calls per second, by its processor time": calls / worked,
        "MiB per second": mebibytes / streamed,
    }


def _median(values: list[float]) -> float:
    return statistics.median(values)
