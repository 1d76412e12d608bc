"""What is published: the sdist builds the same wheel as the project does, and all of it the same way each time."""

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from .conftest import PROJECT, Make

EPOCH = "1790000000"


def build(kind: str, source: Path, folder: Path) -> Path:
    """Build with hatchling, as any build front end would."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built, with other times and permissions."""
    folder = tmp_path_factory.mktemp("copied") / "project"
    folder.mkdir()
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "openapi.yaml", "pyproject.toml", ".gitignore"):
        shutil.copyfile(PROJECT / name, folder / name)
    for name in ("generated", "overlays"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    return folder


def test_the_sdist_builds_the_same_wheel(copied: Path, tmp_path: Path) -> None:
    sdist = build("sdist", copied, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    wheel = build("wheel", tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "from-sdist")
    assert wheel.read_bytes() == build("wheel", copied, tmp_path / "from-project").read_bytes()
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"openrouter_speech", "openrouter_speech_api", f"{wheel.name.partition('-py3')[0]}.dist-info"}


def test_the_sdist_does_not_depend_on_times(copied: Path, tmp_path: Path) -> None:
    first = build("sdist", copied, tmp_path / "first").read_bytes()
    for path in copied.rglob("*"):
        os.utime(path, (1.1e9, 1.1e9))
    assert build("sdist", copied, tmp_path / "second").read_bytes() == first


def test_make_dist_builds_both_with_the_time_of_the_commit(make: Make, tmp_path: Path) -> None:
    result = make("dist", f"DIST={tmp_path}")
    assert result.returncode == 0, result.stderr
    sdist, wheel = sorted(tmp_path.iterdir(), key=lambda path: path.suffix)
    assert (sdist.suffix, wheel.suffix) == (".gz", ".whl")
    commit = ["git", "log", "-1", "--format=%ct"]
    seconds = subprocess.run(commit, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    committed = time.gmtime(int(seconds) // 2 * 2)[:6]  # zip has even seconds
    assert {info.date_time for info in zipfile.ZipFile(wheel).infolist()} == {committed}
