"""`make bench`: measure all clients in turns, print the report, and write results.json and chart.svg."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from . import report, throughput
from .cases import measure
from .processes import PROJECT, prepare_environments, run
from .server import Server

PACKAGES = ("openrouter-speech", "openrouter", "openai", "httpx", "attrs", "aiohttp", "pydantic")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="take a sixth of the turns: about a minute")
    parser.add_argument("--mock", action="store_true", help="measure only the mock server; keep the other results")
    parser.add_argument("--folder", type=Path, default=PROJECT / "benchmarks", help="for results.json and chart.svg")
    options = parser.parse_args()
    file = options.folder / "results.json"
    if options.mock:
        results = json.loads(file.read_text()) | {"mock_server": _mock_server(quick=options.quick)}
        file.write_text(json.dumps(results, indent=1) + "\n")
        print(report.text(results))
        return
    with tempfile.TemporaryDirectory() as work, Server() as server:
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", work, PROJECT)
        (wheel,) = Path(work).glob("*.whl")
        folders = prepare_environments(Path(sys.prefix) / "bench", wheel)
        begun, load, limits = time.monotonic(), os.getloadavg()[0], server.limits()
        measurements = measure(server, folders, wheel, quick=options.quick)
    libraries = [str(path) for folder in folders.values() for path in folder.parent.glob("lib/python*/site-packages")]
    versions = {package.name: package.version for package in distributions(path=libraries)}
    measured = {
        **_circumstances(load, quick=options.quick),
        "seconds": round(time.monotonic() - begun),
        "versions": {name: versions[name] for name in PACKAGES if name in versions},
        "server_limits": limits,
    }
    results = report.judge(measurements, measured) | {"mock_server": _mock_server(quick=options.quick)}
    options.folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1) + "\n")
    (options.folder / "chart.svg").write_text(report.chart(results))
    print(report.text(results))
    print(f"results.json and chart.svg are in {options.folder}. Set-up apart, the run took {measured['seconds']} s.")


def _mock_server(*, quick: bool) -> report.Json:
    load = os.getloadavg()[0]
    return report.rounded({"measured": _circumstances(load, quick=quick), **throughput.measure(quick=quick)})


def _circumstances(load: float, *, quick: bool) -> report.Json:
    system = platform.uname()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "changed": bool(_git("status", "--porcelain", "--", "generated", "overlays", "pyproject.toml")),
        "quick": quick,
        "machine": f"{os.cpu_count()} cores, {system.system} {system.machine}, Python {platform.python_version()}",
        "load": round(load, 1),
    }


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
