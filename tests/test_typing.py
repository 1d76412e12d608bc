"""Type checkers accept correct code of a user, and reject mistakes."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import PROJECT

FOLDER = Path(__file__).parent / "typing"
BIN = Path(sys.executable).parent
FILES = [FOLDER / "accepted.py", FOLDER / "rejected.py"]

Place = tuple[str, int]
"""The name of a file, and a line of it."""


def mypy(folder: Path) -> set[Place]:
    """Return where mypy reports an error."""
    cache = PROJECT / ".mypy_cache" / "users"  # `make lint` has other settings
    command = [str(BIN / "mypy"), "--strict", "--config-file=", f"--cache-dir={cache}", "--no-error-summary"]
    result = subprocess.run([*command, *map(str, FILES)], capture_output=True, text=True, check=False, cwd=folder)
    assert not result.stderr
    found = re.findall(r"^(\S+):(\d+): error:", result.stdout, re.MULTILINE)
    return {(Path(name).name, int(line)) for name, line in found}


def pyright(folder: Path) -> set[Place]:
    """Return where pyright reports an error. basedpyright is the same checker, with its own Node.js."""
    if not (BIN / "basedpyright").exists():
        pytest.skip("basedpyright is not installed; `make lint` and `make check` install it")
    files = [str(file) for file in FILES]
    settings = {"typeCheckingMode": "strict", "include": files, "extraPaths": [], "reportMissingTypeStubs": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [str(BIN / "basedpyright"), "--pythonpath", sys.executable, "--outputjson", "--project", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    found = json.loads(result.stdout)
    assert found["summary"]["filesAnalyzed"] == len(FILES)
    errors = [item for item in found["generalDiagnostics"] if item["severity"] == "error"]
    return {(Path(item["file"]).name, item["range"]["start"]["line"] + 1) for item in errors}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_errors_are_reported_on_exactly_the_marked_lines(checker: Callable[[Path], set[Place]], tmp_path: Path) -> None:
    marked = {
        (file.name, number)
        for file in FILES
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if line.endswith("# rejected")
    }
    assert {name for name, _ in marked} == {"rejected.py"}
    assert checker(tmp_path) == marked
