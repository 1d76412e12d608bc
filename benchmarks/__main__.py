"""`make bench`: measure all clients in turns, print what was found, leave it in results.json and chart.svg."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import calls, chart, environments, outside, report, rows
from .processes import PROJECT, Server
from .turns import Measurements

PACKAGES = ("openrouter", "openai", "httpx", "attrs", "httpx-aiohttp", "aiohttp", "pydantic")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns, and files of 256 MiB: under a minute")
    parser.add_argument("--folder", type=Path, default=PROJECT / "benchmarks", help="for results.json and chart.svg")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        wheel = environments.build_wheel(Path(work))
        ready = environments.prepare(Path(sys.prefix) / "bench", wheel)
        measurements, measured = _measure(ready, wheel, Path(work), quick=options.quick)
    judged = rows.judged(measurements)
    results = report.document(judged, measured, measurements)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.folder / "chart.svg").write_text(chart.drawn(results))
    print(report.text(judged, measured, measurements))
    print(f"\nresults.json and chart.svg are in {options.folder}; it took {measured['seconds']} s, set-up not counted.")


def _measure(
    ready: dict[str, environments.Environment], wheel: Path, work: Path, *, quick: bool
) -> tuple[Measurements, dict[str, Any]]:
    measurements, begun, load = Measurements(), time.monotonic(), os.getloadavg()[0]
    with Server() as server:
        limits = calls.limits_of(server)
        outside.measure_starts(server, ready, measurements, quick=quick)
        calls.measure_calls(server, ready, measurements, quick=quick)
        calls.measure_files(server, ready, measurements, work, quick=quick)
        outside.measure_make(measurements, work, quick=quick)
        outside.measure_sizes(ready, wheel, measurements)
        if not quick:
            outside.measure_instructions(server, ready, measurements)
    return measurements, {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "changed": bool(_git("status", "--porcelain", "--", "generated", "overlays", "pyproject.toml")),
        "quick": quick,
        "seconds": round(time.monotonic() - begun),
        "machine": _machine(),
        "load": round(load, 1),
        "versions": _versions(ready),
        "server_limits": {what: round(value) for what, value in limits.items()},
    }


def _git(*arguments: str) -> str:
    """What git says; nothing where there is no git, or no history."""
    try:
        result = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip()


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _versions(ready: dict[str, environments.Environment]) -> dict[str, str]:
    """Of the packages that are compared, each as installed for the run."""
    listing = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found: dict[str, str] = {}
    for environment in ready.values():
        found |= json.loads(subprocess.run([environment.python, "-c", listing], capture_output=True, check=True).stdout)
    return {name: found[name] for name in ("openrouter-speech", *PACKAGES) if name in found}


if __name__ == "__main__":
    main()
