"""The Makefile sets itself up, once, on any Python that is new enough; and its gates reject what they are there for."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PROJECT, Make

MAKEFILE = (PROJECT / "Makefile").read_text()
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))


def test_help_lists_every_target(make: Make) -> None:
    listed = {line.split()[0] for line in make("help").stdout.splitlines()}
    assert listed == TARGETS
    assert make().stdout == make("help").stdout


def test_a_second_run_does_not_reinstall(make: Make) -> None:
    for target in ("demo", "test"):
        planned = make("--dry-run", target).stdout
        assert planned
        assert "pip install" not in planned


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_python_that_is_too_old_gets_one_sentence(make: Make, tmp_path: Path) -> None:
    old = program(tmp_path / "python", 'test "$1" = --version && echo "Python 3.9.2" || exit 1')
    result = make("install", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}")
    assert result.returncode != 0
    (sentence, _) = result.stderr.splitlines()  # the second line is make's own
    assert sentence.startswith("openrouter-speech needs Python 3.11 or later")
    assert "Python 3.9.2" in sentence
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_not_there_gets_one_sentence(make: Make, tmp_path: Path) -> None:
    result = make("install", f"VENV={tmp_path / 'venv'}", "PYTHON=no-such-python")
    assert "needs Python 3.11 or later" in result.stderr.splitlines()[0]


def test_a_newer_python_beside_an_old_one_is_found(make: Make, tmp_path: Path) -> None:
    """Where python3 is too old, but python3.12 is there, that is taken."""
    for name in ("python3", "python3.13", "python3.11", "python3.14", "python"):
        program(tmp_path / name, "exit 1")
    program(tmp_path / "python3.12", f'exec "{sys.executable}" "$@"')
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    planned = make("--dry-run", "install", f"VENV={tmp_path / 'venv'}", PATH=path).stdout
    assert '"python3.12" -m venv' in planned


def test_a_python_without_venv_gets_one_sentence(make: Make, tmp_path: Path) -> None:
    bare = program(tmp_path / "python", f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    result = make("install", f"VENV={tmp_path / 'venv'}", f"PYTHON={bare}")
    assert "apt install python3-venv" in result.stderr.splitlines()[0]


def test_ci_runs_check_and_ends_with_the_tests() -> None:
    assert (PROJECT / ".ci/run").read_text().splitlines()[-1] == "make check"
    (prerequisites,) = re.findall(r"^check: (.*?) ##", MAKEFILE, re.MULTILINE)
    assert prerequisites.split()[-1] == "test"
    assert {"lint", "check-generated", "spec-lint", "check-wheel"} <= set(prerequisites.split())


FORBIDDEN = [
    ("generated/openrouter_speech_api/client.py", "import openrouter_speech", "Generated code knows nothing"),
    ("overlays/openrouter_speech/tts.py", "import openrouter_speech_api.client", "wire is the door"),
    ("overlays/openrouter_speech/retries.py", "import httpx", "The core decides without I/O"),
    ("overlays/openrouter_speech/errors.py", "from . import client", "Each layer knows only those below"),
    ("overlays/openrouter_speech/files.py", "from . import mock", "The client works without the mock"),
]


@pytest.mark.parametrize(("module", "line", "contract"), FORBIDDEN)
def test_an_import_that_breaks_the_structure_is_rejected(module: str, line: str, contract: str, tmp_path: Path) -> None:
    for folder in ("generated", "overlays"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path / 'generated'}{os.pathsep}{tmp_path / 'overlays'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert re.search(rf"{contract}.* BROKEN", result.stdout)
