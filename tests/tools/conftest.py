"""The provider's descriptions, and the command that compares with them."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import griffe
import pytest

from tools.__main__ import main

from ..conftest import PROJECT
from .samples import COPIES, UPSTREAM, Upstream, cut_out, small

Run = Callable[..., tuple[int, list[str]]]
_cut_out = cache(cut_out)


@pytest.fixture(scope="session", autouse=True)
def no_links_to_a_forge() -> Iterator[None]:
    """griffe asks git where each package comes from, for links that nobody follows, and takes long for it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(griffe.GitInfo, "from_package", lambda _: None)
        yield


@pytest.fixture(params=["our own", COPIES[-1]])
def upstream(request: pytest.FixtureRequest) -> Upstream:
    """A description that promises what ours does: one written here, and the provider's."""
    if request.param == "our own":
        return Upstream(small())
    if not (UPSTREAM / f"openrouter-{request.param}.yaml").exists():
        pytest.skip("the provider's descriptions are not part of this project; they lie beside its folder, or nowhere")
    return Upstream(_cut_out(request.param))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files of this project that the commands read."""
    folder = tmp_path / "project"
    (folder / "docs").mkdir(parents=True)
    for name in ("openapi.yaml", "docs/deviations.yaml"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the folder; gives its exit status and its lines, those of stderr where it failed."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("LC_ALL", "C")  # git's sentences are in the language of the person who runs the tests
    for name in [name for name in os.environ if name.startswith("GIT_")]:  # a hook of git that runs them sets these
        monkeypatch.delenv(name)

    def command(*arguments: Any) -> tuple[int, list[str]]:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert not (printed.out and printed.err)
        return status, (printed.err or printed.out).splitlines()

    return command


@pytest.fixture
def compare(run: Run, tmp_path: Path) -> Callable[[Upstream], tuple[int, list[str]]]:
    """Runs upstream-diff with a description."""
    return lambda upstream: run("upstream-diff", upstream.write(tmp_path))
