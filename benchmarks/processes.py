"""Start other processes: commands, and a worker for each client in an environment with only what that client needs."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .clients import CLIENTS

PROJECT = Path(__file__).parent.parent
CONSTRAINTS = PROJECT / "constraints.txt"


def clean_environment() -> dict[str, str]:
    """Return the variables of this process without those that could make one client behave differently from another."""
    unwanted = ("PYTHON", "OPENROUTER_", "OPENAI_", "MAKE", "MFLAGS", "COV_")
    kept = (name for name in os.environ if not name.startswith(unwanted) and not name.lower().endswith("_proxy"))
    return {name: os.environ[name] for name in kept}


def run(*command: str | Path, stdin: str | None = None) -> str:
    """Run a command in the project, and return its standard output. Raise `CalledProcessError` if it fails."""
    environment, pipe = clean_environment(), subprocess.PIPE
    result = subprocess.run(command, cwd=PROJECT, env=environment, input=stdin, stdout=pipe, text=True, check=True)
    return result.stdout


def prepare_environments(root: Path, wheel: Path) -> dict[str, Path]:
    """Make the environments that are missing or out of date, and return the folder of each client's Python."""
    for client, (_, requirements) in CLIENTS.items():
        folder = root / client
        installed = [requirement.format(wheel=wheel.as_uri()) for requirement in requirements]
        content = CONSTRAINTS.read_bytes() + f"{requirements} {sys.version}".encode()
        content += wheel.read_bytes() if installed != requirements else b""
        stamp, wanted = folder / "benchmark-stamp", hashlib.sha256(content).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"Setting up {folder}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            run(sys.executable, "-m", "venv", folder)
            pip = (folder / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check")
            run(*pip, "install", "--constraint", CONSTRAINTS, *installed)
            stamp.write_text(wanted)
    return {client: root / client / "bin" for client in CLIENTS}


class Process(subprocess.Popen[str]):
    """A module of this package in a process, which writes a number for each line it reads until the block ends."""

    def __init__(self, python: str | Path, module: str, *arguments: str) -> None:
        command, pipe = [python, "-m", f"benchmarks.{module}", *arguments], subprocess.PIPE
        super().__init__(command, stdin=pipe, stdout=pipe, text=True, cwd=PROJECT, env=clean_environment())

    def measure(self, line: str) -> float:
        """Send a line, and return the number that comes back."""
        if self.returncode is None:
            print(line, file=self.stdin, flush=True)
        number = self.stdout.readline() if self.stdout else ""
        if not number:
            raise RuntimeError(f"{self.args!r} ended with {self.wait()}; the reason is above")
        return float(number)
