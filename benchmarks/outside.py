"""The cases that are seen from outside: whole processes, make, sizes, and instructions."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .calls import ENVIRONMENTS, ONE_BY_ONE
from .environments import Environment
from .processes import PROJECT, Server, clean_environment
from .turns import Measurements, in_turns

READY = {
    "bare_httpx": "import attrs, httpx",
    "ours": "from openrouter_speech import OpenRouter; OpenRouter('key')",
    "openai_package": "from openai import OpenAI; OpenAI(api_key='key')",
    "openrouter_package": "from openrouter import OpenRouter; OpenRouter(api_key='key')",
}
"""What it takes to be ready to call. Bare httpx stands for what all of them need, and makes nothing."""


def measure_starts(server: Server, environments: Mapping[str, Environment], into: Measurements, *, quick: bool) -> None:
    """Whole processes, from their start to their end."""
    pythons = {client: str(environments[ENVIRONMENTS[client]].python) for client in ONE_BY_ONE}
    print("Measuring: ready to call", flush=True)
    starts = {client: [pythons[client], "-c", READY[client]] for client in ONE_BY_ONE}
    in_turns(into, "ready to call", 5 if quick else 25, _timed(starts))
    if not quick:
        calling = f"from benchmarks.clients import make; make({{!r}}, {server.url('short')!r}).call()"
        called = {client: [pythons[client], "-c", calling.format(client)] for client in ONE_BY_ONE}
        in_turns(into, "to the first answer", 15, _timed(called))
    for client in ONE_BY_ONE:
        counting = f"{READY[client]}; import sys; print(len(sys.modules))"
        count = subprocess.run([pythons[client], "-c", counting], capture_output=True, check=True, text=True).stdout
        into.values["modules imported"][client] = [float(count)]
    program = [str(environments["ours-extras"].program("openrouter-speech")), "--help"]
    tried = subprocess.run(program, capture_output=True, text=True, check=False)
    if tried.returncode:
        into.missing["--help"] = f"it does not run yet: {(tried.stderr.splitlines() or ['no reason given'])[-1]}"
    else:
        helps = {"bare_httpx": [pythons["bare_httpx"], "-c", "import httpx"], "ours": program}
        in_turns(into, "--help", 5 if quick else 25, _timed(helps))


def measure_make(into: Measurements, folder: Path, *, quick: bool) -> None:
    """The targets that developers wait for, once everything is set up."""
    make = ["make", "--no-print-directory", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/.installed"]
    targets = {"generate": [f"GENERATED={folder / 'openrouter_speech_api'}"], "check-generated": []}
    for target, options in targets.items():
        print(f"Measuring: make {target}", flush=True)
        command = [*make, target, *options]
        tried = subprocess.run(
            command, cwd=PROJECT, env=clean_environment(), capture_output=True, text=True, check=False
        )
        if tried.returncode:
            into.missing[f"make {target}"] = f"it fails: {tried.stderr.strip().splitlines()[0]}"
        else:
            into.values[f"make {target}"]["ours"] = [_seconds(command) for _ in range(1 if quick else 6)]


def measure_sizes(environments: Mapping[str, Environment], wheel: Path, into: Measurements) -> None:
    """Bytes on disk."""
    into.values["wheel"]["ours"] = [wheel.stat().st_size]
    for client in ONE_BY_ONE:
        into.values["installed"][client] = [environments[ENVIRONMENTS[client]].installed_bytes()]


def measure_instructions(server: Server, environments: Mapping[str, Environment], into: Measurements) -> None:
    """Instructions of the processor, counted by valgrind: the same on a busy machine."""
    if shutil.which("valgrind") is None:
        for case in ("instructions to be ready", "instructions of a call"):
            into.missing[case] = "valgrind is not installed"
        return
    print("Measuring: instructions", flush=True)
    command = '{{"do": "call", "url": "{}", "count": {}}}\n'
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = {}
        for client in ONE_BY_ONE:
            python = str(environments[ENVIRONMENTS[client]].python)
            jobs[client, "start"] = pool.submit(_instructions, [python, "-c", READY[client]])
            for count in (20, 60):
                run = [python, "-m", "benchmarks.clients", client]
                jobs[client, str(count)] = pool.submit(_instructions, run, command.format(server.url("short"), count))
        for client in ONE_BY_ONE:
            into.values["instructions to be ready"][client] = [jobs[client, "start"].result()]
            difference = jobs[client, "60"].result() - jobs[client, "20"].result()
            into.values["instructions of a call"][client] = [difference / 40]


def _instructions(command: list[str], commands: str = "") -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    environment = {**clean_environment(), "PYTHONHASHSEED": "0"}
    result = subprocess.run(
        valgrind + command, input=commands, capture_output=True, text=True, cwd=PROJECT, env=environment, check=True
    )
    collected = re.search(r"Collected : (\d+)", result.stderr)
    if collected is None:
        raise RuntimeError(f"valgrind counted nothing:\n{result.stderr}")
    return int(collected[1])


def _timed(commands: Mapping[str, list[str]]) -> dict[str, Callable[[], float]]:
    return {client: partial(_seconds, command) for client, command in commands.items()}


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, env=clean_environment(), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun
