"""Programs from npm, with fakes of Node.js and npx."""

import os
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path

import pytest

from .npx import LONGEST_FETCH, Program, UnavailableError
from .test_makefile import program

TOOL = Program("a-tool@1.2.3", node=(20, 19))


def needs(wanted: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip a test of a program that was not fetched. `make check` fetches them; no test connects to npm."""
    monkeypatch.setenv("npm_config_offline", "true")
    if error := _missing(wanted):
        if os.environ.get("NODE_TOOLS") == "required":
            raise error
        pytest.skip(str(error))


@cache
def _missing(wanted: Program) -> UnavailableError | None:
    try:
        wanted.fetch()
    except UnavailableError as error:
        return error
    return None


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the only folder on the path, with a recent Node.js, and an npx whose program finds nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("NODE_TOOLS", raising=False)
    program(tmp_path / "node", "echo v20.19.0")
    program(tmp_path / "npx", f'echo "$*" >> {tmp_path}/calls')
    return tmp_path


def test_a_program_is_fetched_and_then_runs_offline(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert TOOL.check("The tool", "--strict", "file") == 0
    assert capsys.readouterr() == ("The tool finds nothing.\n", "")
    assert (path / "calls").read_text().splitlines() == [
        "--yes --prefer-offline --package=a-tool@1.2.3 -- node --version",
        "--yes --offline a-tool@1.2.3 --strict file",
    ]


@pytest.mark.parametrize("stream", ["", ">&2"])
def test_findings_are_shown_and_telemetry_is_off(stream: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(path / "npx", f'case "$*" in *--offline*) (pwd; echo "$REDOCLY_TELEMETRY") {stream}; exit 1; esac')
    (path / "folder").mkdir()
    assert TOOL.check("The tool", cwd=str(path / "folder")) == 1
    assert capsys.readouterr().err == f"{path}/folder\noff\nThe tool finds what is named above.\n"


NPM_ERROR = "printf 'npm warn old\\nnpm error code ENOTFOUND\\nnpm error at somewhere\\n' >&2; exit 1"


@pytest.mark.parametrize(
    ("node", "npx", "reason"),
    [
        (None, "", "it needs Node.js 20.19 or later, and there is none here"),
        ("echo v20.19.0", None, "it needs Node.js 20.19 or later, and there is none here"),
        ("echo v20.18.3", "", "it needs Node.js 20.19 or later, and here is v20.18.3"),
        ("echo v9.99.9", "", "it needs Node.js 20.19 or later, and here is v9.99.9"),
        ("exit 127", "", "it needs Node.js 20.19 or later, and here is one that does not start"),
        ("echo v22.0.0", NPM_ERROR, "npx could not fetch a-tool@1.2.3 (ENOTFOUND)"),
        ("echo v22.0.0", "echo npx is broken >&2; exit 1", "npx could not fetch a-tool@1.2.3 (npx is broken)"),
        ("echo v22.0.0", "exit 3", "npx could not fetch a-tool@1.2.3 (exit 3)"),
    ],
)
def test_an_unavailable_program_is_skipped_unless_it_is_required(
    node: str | None, npx: str | None, reason: str, path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, script in (("node", node), ("npx", npx)):
        program(path / name, script) if script is not None else (path / name).unlink()
    assert TOOL.check("The tool") == 0
    assert capsys.readouterr() == ("", f"The tool was left out: {reason}.\n")
    monkeypatch.setenv("NODE_TOOLS", "required")
    assert TOOL.check("The tool") == 2
    assert capsys.readouterr() == ("", f"The tool cannot run: {reason}.\n")


def test_a_fetch_that_hangs_times_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = subprocess.run

    def stuck(command: tuple[str, ...], *, timeout: float, **options: object) -> object:
        if command[0] == "npx":
            raise subprocess.TimeoutExpired(command, timeout)
        return run(command, timeout=timeout, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", stuck)
    with pytest.raises(UnavailableError, match=f"did not fetch a-tool@1.2.3 within {LONGEST_FETCH} seconds"):
        TOOL.fetch()


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npx")), reason="Node.js is not installed")
def test_the_real_npx_reports_a_refused_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:  # bound but not listening, so that connections are refused
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{unused.getsockname()[1]}/")
        monkeypatch.setenv("npm_config_cache", str(tmp_path))
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        with pytest.raises(UnavailableError, match=r"^npx could not fetch a-tool@1\.2\.3 \(ECONNREFUSED\)$"):
            Program("a-tool@1.2.3", node=(1, 0)).fetch()
