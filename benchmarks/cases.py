"""The cases: what is measured, of which clients, and how often."""

import re
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .comparison import Measurements
from .processes import Process, run
from .rows import AIOHTTP, BARE, OTHERS, OURS, TUNED
from .server import Server

ONE_BY_ONE: tuple[str, ...] = (BARE, OURS, *OTHERS)
"""The clients for calls made one after the other, where neither the pool nor the transport for many calls matters."""
ALL = (*ONE_BY_ONE, TUNED, AIOHTTP)
READY = {
    BARE: "import attrs, httpx",
    OURS: "from openrouter_speech import OpenRouter; OpenRouter('key')",
    "openai": "from openai import OpenAI; OpenAI(api_key='key')",
    "openrouter": "from openrouter import OpenRouter; OpenRouter(api_key='key')",
}
"""What makes a client ready to call. Bare httpx stands for what all of them need, and constructs nothing."""
COUNT_MODULES = "import sys; print(len(sys.modules))"
STREAM, SAVE = "lambda: drain(client.stream())", "lambda: client.save(file)"
DATE = "Sun, 06 Nov 2044 08:49:37 GMT"
LOADS = {
    "one call": (120, ONE_BY_ONE, "short", "seconds(client.call, 20)"),
    "one awaited call": (120, ONE_BY_ONE, "short", "seconds_async(client.call_async, 20)"),
    "50 at once": (20, ALL, "short", "rate(client.call_async, callers=50, rounds=3, calls=1)"),
    "50 kept going": (20, ALL, "short", "rate(client.call_async, callers=50, rounds=1, calls=3)"),
    "stream": (40, ONE_BY_ONE, "mp3-256", f"256 / seconds({STREAM}, 5)"),
    "stream of pcm": (15, ONE_BY_ONE, "stream-256", f"256 / seconds({STREAM}, 5)"),
    "save": (15, ONE_BY_ONE, "stream-1024", f"1024 / seconds({SAVE}, 1)"),
}
"""What loads the server. By case: turns, clients, response of `server.py`, expression for `worker.py`."""
OTHER_CALLS = {
    "first audio": (40, ONE_BY_ONE, "first-20", "first_audio(client.stream, 5)"),
    "functions of a call": (1, ONE_BY_ONE, "short", "functions(client.call)"),
    "bytes of a call": (1, ONE_BY_ONE, "short", "allocated(client.call)"),
    "decision: 503": (25, (OURS,), "short", "decision(503)"),
    "decision: no connection": (25, (OURS,), "short", "decision(None)"),
    "decision: 429 with Retry-After in seconds": (25, (OURS,), "short", "decision(429, {'Retry-After': '2'})"),
    "decision: 429 with Retry-After as a date": (25, (OURS,), "short", f"decision(429, {{'Retry-After': '{DATE}'}})"),
}
"""What hardly needs the server, or waits for it on purpose."""
VALGRIND = ["env", "PYTHONHASHSEED=0", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"]
MAKE = ("make", "--no-print-directory", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/.installed")


def measure(server: Server, folders: Mapping[str, Path], wheel: Path, *, quick: bool) -> Measurements:
    """Measure all cases. `folders` has the programs of each client's environment."""
    measurements = Measurements(quick)
    take_turns, short = measurements.take_turns, server.url("short")
    first_call = f"from benchmarks.clients import CLIENTS; CLIENTS[{{!r}}][0]({short!r}).call()"
    help_text = {OURS: [folders[AIOHTTP] / "openrouter-speech", "--help"]}

    def python(client: str, code: str) -> list[str | Path]:
        return [folders[client] / "python", "-c", code]

    def worker(client: str) -> Process:
        return Process(folders[client] / "python", "worker", client)

    def call(case: str, line: str, client: str) -> float:
        begun, before = time.perf_counter(), server.busy()
        value = workers[client].measure(line)
        if case in LOADS:
            measurements.busy[case][client].append((server.busy() - before) / (time.perf_counter() - begun))
        return value

    def growth(response: str, action: str, client: str) -> float:
        with worker(client) as process:
            process.measure(f"{server.url('stream-1')} seconds({action}, 1)")  # warms up
            return process.measure(f"{server.url(response)} growth({action})")

    def installed(client: str) -> float:
        files = folders[client].parent.glob("lib/python*/site-packages/**/*")
        return sum(file.stat().st_size for file in files if file.is_file())

    def instructions_of_a_call(client: str) -> float:
        command = (folders[client] / "python", "-m", "benchmarks.worker", client)
        few, many = (_instructions(*command, stdin=f"{short} seconds(client.call, {calls})") for calls in (20, 60))
        return (many - few) / 40

    take_turns("ready to call", 25, ONE_BY_ONE, lambda client: _seconds(*python(client, READY[client])))
    take_turns("--help", 25, (BARE, OURS), lambda c: _seconds(*help_text.get(c, python(c, "import httpx"))))
    take_turns("modules imported", 1, ONE_BY_ONE, lambda c: float(run(*python(c, f"{READY[c]}; {COUNT_MODULES}"))))
    with ExitStack() as stack:
        workers = {client: stack.enter_context(worker(client)) for client in ALL}
        for case, (turns, clients, response, expression) in (LOADS | OTHER_CALLS).items():
            take_turns(case, turns, clients, partial(call, case, f"{server.url(response)} {expression}"))
    growing = (OURS,) if quick else ONE_BY_ONE
    take_turns("growth over 256 MiB", 3, growing, partial(growth, "stream-256", STREAM))
    take_turns("growth over 1 GiB", 3, growing, partial(growth, "stream-1024", STREAM))
    take_turns("growth over a file of 1 GiB", 3, growing, partial(growth, "stream-1024", SAVE))
    generated = f"GENERATED={wheel.with_name('openrouter_speech_api')}"
    take_turns("make generate", 6, [OURS], lambda _: _seconds(*MAKE, "generate", generated))
    take_turns("make check-generated", 6, [OURS], lambda _: _seconds(*MAKE, "check-generated"))
    take_turns("wheel", 1, [OURS], lambda _: wheel.stat().st_size)
    take_turns("installed", 1, ONE_BY_ONE, installed)
    if not quick:
        take_turns("to the first response", 15, ONE_BY_ONE, lambda c: _seconds(*python(c, first_call.format(c))))
        take_turns("instructions to be ready", 1, ONE_BY_ONE, lambda c: _instructions(*python(c, READY[c])))
        take_turns("instructions of a call", 1, ONE_BY_ONE, instructions_of_a_call)
    return measurements


def _seconds(*command: str | Path) -> float:
    begun = time.perf_counter()
    run(*command)
    return time.perf_counter() - begun


def _instructions(*command: str | Path, stdin: str = "") -> int:
    """Count with valgrind, so that a busy machine changes nothing."""
    return int(re.findall(r"Collected : (\d+)", run(*VALGRIND, *command, stdin=stdin))[-1])
