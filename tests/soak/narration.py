"""`make soak-narration`: narrate a long text to a failing server, kill the command several times, and let it finish.

Prints the memory, the time, and the requests against the least possible. Exits with 1 if a limit is exceeded.
"""

# ruff: noqa: T201  (a command line program)

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from openrouter_speech.mock import MockServer

CONCURRENCY = 8
MEMORY = 300 << 20
"""Bytes at most: a part is a few megabytes, and the file is never in memory as a whole."""
_TICK = 0.02


class Run(NamedTuple):
    """A run of the command."""

    code: int
    output: str
    memory: int
    """Bytes, at its peak."""
    statuses: Counter[int]
    """Of the requests that arrived."""


def novel(characters: int, seed: int) -> str:
    """Make a text with chapters, dialogue and paragraphs of several lengths."""
    random = Random(seed)
    words = ["the", "a", "sea", "town", "night", "bridge", "nobody", "remembers", "lamp", "keeper", "of", "and", "was"]
    paragraphs: list[str] = []
    size = chapters = 0
    while size < characters:
        if size >= chapters * 25_000:
            chapters += 1
            paragraphs.append(f"Chapter {chapters}")
        sentences = (
            " ".join(random.choices(words, k=random.randint(3, 20))).capitalize() + random.choice("...!?")
            for _ in range(random.choice((1, 1, 2, 6, 12)))
        )
        paragraphs.append(" ".join(sentences))
        size += len(paragraphs[-1]) + 2
    return "\n\n".join(paragraphs)


def run(arguments: list[str], server: MockServer, folder: Path, *, kill_after: int | None = None) -> Run:
    """Run the command; kill it once the server has sent this many parts."""
    server.reset()
    environment = {**os.environ, "OPENROUTER_API_KEY": "any-key", "OPENROUTER_SPEECH_SERVER_URL": server.url}
    command = [sys.executable, "-m", "openrouter_speech", "narrate", "book.txt", "-o", "book.mp3", "--srt", "--json"]
    command += ["-m", "any/model", "-v", "alloy", "-s", "4", "--retries", "30", "--retry-wait", "0.05", *arguments]
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output)
        while kill_after is not None:
            if sum(request.status == 200 for request in server.requests) >= kill_after:
                process.send_signal(signal.SIGKILL)
                kill_after = None
            time.sleep(_TICK)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        statuses = Counter(request.status or 0 for request in server.requests)
        return Run(process.returncode, output.read(), usage.ru_maxrss * 1024, statuses)


def main(arguments: list[str] | None = None) -> int:
    """Run the soak test. Return 0, or 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.narration", description=__doc__)
    parser.add_argument("--characters", type=int, default=500_000, help="length of the text (default: 500000)")
    parser.add_argument("--kills", type=int, default=3, help="how often to kill it (default: 3)")
    parser.add_argument("--chaos", type=float, default=0.2, help="share of requests that fail (default: 0.2)")
    parser.add_argument("--seed", type=int, default=1, help="seed for the text and the failures (default: 1)")
    options = parser.parse_args(arguments)
    more = ["--concurrency", str(CONCURRENCY)]
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each write to a client that was killed
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as name,
        MockServer(chaos=options.chaos, seed=options.seed) as server,
    ):
        folder = Path(name)
        (folder / "book.txt").write_text(novel(options.characters, options.seed))
        planned: dict[str, Any] = json.loads(run([*more, "--dry-run"], server, folder).output)
        begun = time.monotonic()
        share = planned["requests"] // (options.kills + 1)
        runs = [run(more, server, folder, kill_after=share) for _ in range(options.kills)]
        runs.append(run(more, server, folder))
        seconds = time.monotonic() - begun
        left = [path.name for path in folder.rglob("*.part")]
        result: dict[str, Any] = json.loads(runs[-1].output)
    statuses = sum((each.statuses for each in runs), Counter[int]())
    paid, memory = statuses.pop(200), max(each.memory for each in runs)
    most = planned["requests"] + options.kills * CONCURRENCY
    table = [
        ("text", f"{planned['characters']:,} characters (seed {options.seed})"),
        ("audio", f"{result['duration'] / 3600:.1f} hours, {len(result['suspicious'])} suspicious parts"),
        ("time", f"{seconds:.0f} s, with {options.kills} kills"),
        ("memory", f"{memory >> 20} MiB at most  (limit: {MEMORY >> 20} MiB)"),
        ("requests that were paid for", f"{paid}; the least is {planned['requests']}  (limit: {most})"),
        ("requests that failed", f"{statuses.total()} ({options.chaos:.0%} do)"),
    ]
    for what, value in table:
        print(f"{what:36} {value}")
    codes = [each.code for each in runs]
    broken = [
        *(
            ["A run was not killed, or the last one failed."]
            if codes != [-signal.SIGKILL] * options.kills + [0]
            else []
        ),
        *(["It took more memory than the limit."] if memory > MEMORY else []),
        *(["More parts were paid for twice than were in flight at a kill."] if paid > most else []),
        *([f"Temporary files are left: {', '.join(left)}"] if left else []),
        *(["Parts are suspicious."] if result["suspicious"] else []),
    ]
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
