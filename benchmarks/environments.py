"""An environment for each client, with what it needs and nothing else; made once, and again only when that changes."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from .processes import PROJECT, clean_environment

CONSTRAINTS = PROJECT / "constraints.txt"

REQUIREMENTS = {
    "httpx": ("attrs", "httpx"),
    "openai": ("openai",),
    "openrouter": ("openrouter",),
    "ours": (),
    "ours-extras": ("aiohttp", "cli"),
}
"""What is installed in each; for ours, the extras of the wheel. The versions are those of constraints.txt."""


@frozen
class Environment:
    """Where one is."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def program(self, name: str) -> Path:
        """A program that was installed in it."""
        return self.folder / "bin" / name

    def installed_bytes(self) -> int:
        """The size of all that is installed in it, pip included: it is there in each."""
        (packages,) = self.folder.glob("lib/python*/site-packages")
        return sum(file.stat().st_size for file in packages.rglob("*") if file.is_file())


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this project into an empty folder."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(PROJECT)]
    _run(command)
    (wheel,) = folder.glob("*.whl")
    return wheel


def prepare(root: Path, wheel: Path) -> dict[str, Environment]:
    """Make what is not there yet, or no longer as it has to be."""
    made = {}
    for name, wanted in REQUIREMENTS.items():
        made[name] = Environment(root / name)
        if name.startswith("ours"):
            extras = f"[{','.join(wanted)}]" if wanted else ""
            _prepare(made[name], (f"openrouter-speech{extras} @ {wheel.as_uri()}",), wheel.read_bytes())
        else:
            _prepare(made[name], wanted, b"")
    return made


def _prepare(environment: Environment, requirements: tuple[str, ...], content: bytes) -> None:
    wanted = "\n".join(requirement.partition(" @ ")[0] for requirement in requirements)
    wanted += hashlib.sha256(CONSTRAINTS.read_bytes() + content + sys.version.encode()).hexdigest()
    stamp = environment.folder / "benchmark-stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Setting up {environment.folder}", flush=True)
    shutil.rmtree(environment.folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(environment.folder)])
    _run([str(environment.python), "-m", "pip", "install", "-qq", "--disable-pip-version-check",
          "--constraint", str(CONSTRAINTS), *requirements])  # fmt: skip
    stamp.write_text(wanted)


def _run(command: list[str]) -> None:
    result = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
