"""The Makefile sets itself up, once, on any Python that is new enough; and its gates reject what they are there for."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
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
    assert (PROJECT / ".ci/run").read_text().splitlines()[-2:] == ["make check", "make test-slow"]
    (gates,) = re.findall(r"^GATES = (.*)", MAKEFILE, re.MULTILINE)
    assert {*gates.split()} == {
        "lint", "page-lint", "check-wheel", "workflow-lint", "spec-lint", "check-curated",
        "check-generated",
    }  # fmt: skip


@pytest.mark.parametrize("broken", ["lint", "coverage"])
def test_check_fails_with_each_of_its_steps(broken: str, make: Make, tmp_path: Path) -> None:
    for stamp in (".installed", ".types"):
        (tmp_path / stamp).touch()
    submake = program(tmp_path / "submake", f'echo "$*" >> {tmp_path}/noted; case "$*" in *{broken}*) exit 1; esac')
    result = make("check", f"VENV={tmp_path}", f"MAKE={submake}")
    assert result.returncode != 0
    ran = (tmp_path / "noted").read_text().splitlines()
    assert broken in ran[-1]


CheckOn = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def check_on(make: Make, tmp_path: Path) -> CheckOn:
    """Runs `make check PYTHONS=...` with 3.11 on the path, and 3.12 with pyenv; in place of each check, it is noted."""
    program(tmp_path / "python3.11", 'test "$3" = 3.11')
    for name in ("python3.12", "python3.13"):
        program(tmp_path / name, "exit 127")  # as pyenv's shims for what is there and not chosen
    for version in ("3.12.1", "3.13.0"):
        (tmp_path / "versions" / version / "bin").mkdir(parents=True)
    program(tmp_path / "versions/3.12.1/bin/python", 'test "$3" = 3.12')
    noted = program(tmp_path / "submake", f'echo "$*" >> {tmp_path}/noted; case "$*" in *"$BROKEN"*) exit 1; esac')

    def run(versions: str, *, broken: str = "none") -> "subprocess.CompletedProcess[str]":
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        return make(
            "VENV=env", f"MAKE={noted}", "check", f"PYTHONS={versions}",
            PATH=path, PYENV_ROOT=str(tmp_path), BROKEN=broken,
        )  # fmt: skip

    return run


def test_check_runs_on_each_python_that_is_asked_for(check_on: CheckOn, tmp_path: Path) -> None:
    result = check_on("3.11 3.12")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "noted").read_text().splitlines() == [
        "check PYTHONS= PYTHON=python3.11 VENV=env-3.11",
        f"check PYTHONS= PYTHON={tmp_path}/versions/3.12.1/bin/python VENV=env-3.12",
    ]
    assert result.stdout.splitlines() == ["Python 3.11: passed", "Python 3.12: passed"]


def test_a_python_that_is_not_installed_is_named(check_on: CheckOn) -> None:
    result = check_on("3.13 3.11")
    assert result.returncode == 0
    assert result.stderr.splitlines() == ["Python 3.13 is not installed"]
    assert result.stdout.splitlines() == ["Python 3.13: missing", "Python 3.11: passed"]


def test_check_fails_where_one_python_fails_and_goes_on_with_the_others(check_on: CheckOn) -> None:
    result = check_on("3.11 3.12", broken="python3.11")
    assert result.returncode != 0
    assert result.stdout.splitlines() == ["Python 3.11: failed", "Python 3.12: passed"]


def test_check_fails_where_no_python_is_installed(check_on: CheckOn) -> None:
    result = check_on("3.13")
    assert result.returncode != 0
    assert "None of these versions is installed." in result.stderr.splitlines()


def test_a_version_is_a_name_and_no_command(check_on: CheckOn, tmp_path: Path) -> None:
    assert check_on("$(touch${IFS}written) ;touch ../written").returncode != 0
    assert not (tmp_path / "noted").exists()
    assert not [*PROJECT.glob("written"), *PROJECT.parent.glob("written")]


def test_the_environments_of_all_pythons_are_cleaned_away_and_never_committed(make: Make) -> None:
    assert "rm -rf env env-* " in make("--dry-run", "VENV=env", "clean").stdout
    assert ".venv-*/" in (PROJECT / ".gitignore").read_text().splitlines()


FORBIDDEN = [
    ("generated/openrouter_speech_api/client.py", "import openrouter_speech", "Generated code does not import"),
    ("overlays/openrouter_speech/tts.py", "import openrouter_speech_api.client", "Only _generated imports"),
    ("overlays/openrouter_speech/_core/retries.py", "import socket", "The core does no I/O"),
    ("overlays/openrouter_speech/errors.py", "from . import client", "Each layer imports only those below"),
    ("overlays/openrouter_speech/_files.py", "from . import mock", "The client does not need"),
    (
        "overlays/openrouter_speech/_engine/scheduler.py",
        "from .. import narration",
        "Each layer imports only those below",
    ),
    ("overlays/openrouter_speech/narration/captions.py", "import soundfile", "Only the modules that need"),
    ("overlays/openrouter_speech/batch/rows.py", "import pyarrow", "Only the modules that need the extra parquet"),
    ("overlays/openrouter_speech/batch/store.py", "import fsspec", "Only uploads need"),
    ("overlays/openrouter_speech/batch/rows.py", "from .. import narration", "Each layer imports only those below"),
    ("overlays/openrouter_speech/client.py", "from . import cli", "Each layer imports only those below"),
    ("overlays/openrouter_speech/_core/retries.py", "import rich", "Only the command line imports"),
    ("tools/contract.py", "import openrouter_speech", "The tools do not import"),
]


@pytest.mark.parametrize(("module", "line", "contract"), FORBIDDEN)
def test_an_import_that_breaks_the_structure_is_rejected(module: str, line: str, contract: str, tmp_path: Path) -> None:
    for folder in ("generated", "overlays", "tools"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (tmp_path / "generated", tmp_path / "overlays", tmp_path))),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert re.search(rf"{contract}.* BROKEN", result.stdout)
