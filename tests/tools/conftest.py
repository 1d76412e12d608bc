"""A copy of the files that the commands read, and the commands."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import griffe
import pytest

from tools.__main__ import main

from ..conftest import PROJECT

NO_SETUP = f"--assume-old={sys.prefix}/.installed"
"""Keeps make from setting up the environment that runs the tests."""

Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="session", autouse=True)
def no_links_to_a_forge() -> Iterator[None]:
    """Keep griffe from asking git where each package comes from, which is slow."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(griffe.GitInfo, "from_package", lambda _: None)
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files of this project that the commands read."""
    folder = tmp_path / "project"
    for name in ("generated", "templates", "upstream"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CHANGELOG.md", "Makefile", "generator-config.yaml", "openapi.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command; return its exit status and its lines, those of stderr if it failed."""
    monkeypatch.setenv("LC_ALL", "C")  # git's sentences are in the language of the person who runs the tests
    for name in [name for name in os.environ if name.startswith("GIT_")]:  # a hook of git that runs them sets these
        monkeypatch.delenv(name)

    def command(*arguments: Any) -> tuple[int, list[str]]:
        assert Path.cwd() != PROJECT, "the commands write files: take the fixture project, or change the folder"
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert not (printed.out and printed.err)
        return status, (printed.err or printed.out).splitlines()

    return command


def contents(folder: Path) -> dict[Path, bytes]:
    """The files in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files if "__pycache__" not in path.parts}


def git(folder: Path, *arguments: str) -> None:
    # Whoever runs the tests may sign commits, or have hooks for all repositories.
    settings = {
        "user.name": "Someone", "user.email": "someone@example.com",
        "commit.gpgSign": "false", "tag.gpgSign": "false", "core.hooksPath": os.devnull,
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    subprocess.run(["git", "-C", folder, *options, *arguments], check=True, capture_output=True)
