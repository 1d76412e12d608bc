"""Type checkers accept what a user writes, and see a user's mistakes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "typing"
BIN = Path(sys.executable).parent


def mypy(file: Path, tmp_path: Path) -> set[int]:
    """The lines that mypy complains of."""
    command = [
        str(BIN / "mypy"),
        "--strict",
        "--config-file=",
        f"--cache-dir={tmp_path}",
        "--no-error-summary",
        str(file),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert not result.stderr
    return {int(line) for line in re.findall(r"^\S+:(\d+): error:", result.stdout, re.MULTILINE)}


def pyright(file: Path, tmp_path: Path) -> set[int]:
    """The lines that pyright complains of; basedpyright is the same checker with its own Node inside."""
    if not (BIN / "basedpyright").exists():
        pytest.skip("basedpyright is not installed; `make lint` and `make check` install it")
    settings = {"typeCheckingMode": "strict", "include": [str(file)], "extraPaths": [], "reportMissingTypeStubs": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [str(BIN / "basedpyright"), "--pythonpath", sys.executable, "--outputjson", "--project", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    found = json.loads(result.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return {item["range"]["start"]["line"] + 1 for item in found["generalDiagnostics"] if item["severity"] == "error"}


@pytest.mark.parametrize("checker", [mypy, pyright])
@pytest.mark.parametrize("name", ["accepted.py", "rejected.py"])
def test_a_users_file(checker: object, name: str, tmp_path: Path) -> None:
    file = FOLDER / name
    marked = {number for number, line in enumerate(file.read_text().splitlines(), 1) if line.endswith("# rejected")}
    assert checker(file, tmp_path) == marked  # type: ignore[operator]
