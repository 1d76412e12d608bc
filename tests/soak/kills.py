"""Kill a batch at random moments, start it again, and check that nothing is lost and nothing is paid for twice.

    python -m tests.soak.kills --kills 100 --rows 4000 --seed 1
    python -m tests.soak.kills --kills 20 --latest 5 --cluster local:2

A fifth of the requests fails. Each run is the installed command in a process of its own, ended with SIGKILL.
"""

# ruff: noqa: T201  (a command line program)

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from openrouter_speech.batch.ledger import Ledger
from openrouter_speech.mock import MockServer, journal

PROGRAM = Path(sys.executable).parent / "openrouter-speech"
SOONEST = 0.4
"""Seconds after which a run may be killed: it takes a third of a second to start."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--chaos", type=float, default=0.2, help="the share of requests that fail")
    parser.add_argument("--latest", type=float, default=1.4, help="seconds after which a run is killed at the latest")
    parser.add_argument("--cluster", help="where to send from, as for the command")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args(arguments)
    journal._LONGEST = 1 << 30
    print(f"{options.kills} kills, {options.rows} rows, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, MockServer(chaos=options.chaos, seed=options.seed) as server:
        more = ["--cluster", options.cluster] if options.cluster else []
        chance = random.Random(options.seed)
        problems = soak(Path(folder), server, options.kills, options.rows, chance, options.latest, more)
    for problem in problems:
        print(problem)
    print("failed" if problems else "passed")
    return 1 if problems else 0


def soak(
    folder: Path, server: MockServer, kills: int, rows: int, chance: random.Random, latest: float, more: list[str]
) -> list[str]:
    """Kill and go on, until all rows have ended. Return what is wrong."""
    source, out = folder / "rows.jsonl", folder / "out"
    with source.open("w") as file:
        file.writelines(json.dumps({"id": str(number), "input": f"Row {number}"}) + "\n" for number in range(rows))
    voice = ["--model", "any/model", "--voice", "alloy", "--speed", "4"]
    command: list[str | Path] = [PROGRAM, "batch", source, "-o", out, *voice, "--retry-wait", "0.01", *more]
    environment = os.environ | {"OPENROUTER_API_KEY": "any", "OPENROUTER_SPEECH_SERVER_URL": server.url}
    environment["TMPDIR"] = str(folder)
    for left in range(kills, -1, -1):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                process.wait(chance.uniform(SOONEST, latest) if left else None)
            except subprocess.TimeoutExpired:
                process.kill()
            else:
                break
    time.sleep(1)  # the server finishes what is in flight
    answered = defaultdict[str, list[int | None]](list)
    for request in server.requests:
        if not request.body:  # killed before it was sent in full
            continue
        answered[request.json["input"]].append(request.status)
    print(f"{kills - left} kills, {sum(map(len, answered.values())):,} requests", flush=True)
    return problems_of(out, rows, answered)


def problems_of(out: Path, rows: int, answered: dict[str, list[int | None]]) -> list[str]:
    problems = []
    for text, statuses in answered.items():
        first = next((number for number, status in enumerate(statuses) if status in {None, 200}), len(statuses))
        if len(statuses) > first + 1:
            problems.append(f"{text} was sent again after it may have been billed: {statuses}")
    ledger = Ledger(out / ".batch" / "ledger.sqlite")
    try:
        counts = ledger.counts()
        print(counts, flush=True)
        if counts["done"] + counts["maybe_billed"] != rows:
            problems.append(f"{rows} rows have become {counts}")
        for row in ledger.done():
            content = (out / row.file).read_bytes()
            if hashlib.sha256(content).hexdigest() != row.sha256:
                problems.append(f"{row.file} is not what the ledger says")
            if answered[row.text].count(200) != 1:
                problems.append(f"{row.text} is done after {answered[row.text]}")
    finally:
        ledger.close()
    return problems


if __name__ == "__main__":
    sys.exit(main())
