"""`make soak`: make the calls, look for leaks, print a table. Exit with 1 if a limit is exceeded."""

# ruff: noqa: T201  (a command line program)

import argparse
import faulthandler
import gc
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from .calls import FORMS, WAYS, Outcomes, drawn, make
from .leftovers import Leftovers, beyond_policy, descriptors, growth, threads

LONGEST = 600
"""Timeout in seconds, plus 0.1 per call. A run that hangs is killed with a traceback of each thread."""


def journal(url: str) -> dict[str, Any]:
    """Fetch the server's counts, once it has noticed that all connections are closed (or after 10 s)."""
    latest = time.monotonic() + 10
    with httpx.Client(trust_env=False) as http:
        while True:
            seen: dict[str, Any] = http.get(url).json()
            if not seen["open"] or time.monotonic() > latest:
                return seen
            time.sleep(0.05)


def soak(count: int, seed: int, url: str) -> tuple[Outcomes, Leftovers, dict[str, Any]]:
    """Make the calls; return their outcomes, the leftovers, and the server's counts."""
    calls = drawn(count, seed)
    before, running = descriptors(), threads()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        outcomes = make(calls, url, Path(folder))
        files = [path.name for path in Path(folder).iterdir()]
    gc.collect()
    found = Leftovers(
        descriptors=descriptors() - before,
        threads=threads() - running,
        tasks=outcomes.tasks,
        files=files,
        growth=growth(outcomes.memory),
        wrong_audio=outcomes.wrong_audio,
        strange_errors=outcomes.strange_errors,
    )
    seen = journal(url)
    requests = {int(call): number for call, number in seen["requests"].items()}
    found.connections, found.most_connections = seen["open"], seen["most"]
    found.beyond_policy = beyond_policy(requests, {call.number: call.allowed() for call in calls})
    return outcomes, found, seen


def main(arguments: list[str] | None = None) -> int:
    """Run the soak test. Return 0, or 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="number of calls (default: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="seed for the random calls (default: 1)")
    options = parser.parse_args(arguments)
    faulthandler.dump_traceback_later(LONGEST + options.calls / 10, exit=True)
    command = [sys.executable, "-m", "tests.soak.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/api/v1"
        begun = time.monotonic()
        outcomes, found, seen = soak(options.calls, options.seed, url)
        seconds = time.monotonic() - begun
        server.communicate()  # closes its standard input, which stops it
    calls = drawn(options.calls, options.seed)
    table = [
        ("calls", f"{len(calls):,} (seed {options.seed}), in {seconds:.1f} s", ""),
        ("from", told(Counter(call.way for call in calls), WAYS), ""),
        ("of the forms", told(Counter(call.form for call in calls), FORMS), ""),
        ("requests", f"{sum(seen['requests'].values()):,}", ""),
        ("ended with", told(outcomes.ended, [name for name, _ in outcomes.ended.most_common()]), ""),
        *((what, value, bound) for what, value, bound, _ in found.rows()),
    ]
    for what, value, bound in table:
        print(f"{what:36} {value}{f'  (limit: {bound})' if bound else ''}")
    for sentence in found.broken():
        print(sentence, file=sys.stderr)
    return 1 if found.broken() else 0


def told(counts: Counter[str], names: Any) -> str:
    """Format counts in one line."""
    return ", ".join(f"{name} {counts[name]:,}" for name in names)


if __name__ == "__main__":
    sys.exit(main())
