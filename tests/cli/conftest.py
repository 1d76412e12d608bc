"""Ways to run a command: in this process, in one of its own, on a terminal."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from attrs import frozen
from openrouter_speech.cli.app import run
from openrouter_speech.mock import MockServer

from ..conftest import KEY

PROGRAM = Path(sys.executable).parent / "openrouter-speech"
"""The installed script."""


@pytest.fixture(autouse=True)
def settings(server: MockServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Set all that a command needs in the environment. The waits between attempts are too short to notice."""
    values = {
        "OPENROUTER_API_KEY": KEY,
        "OPENROUTER_SPEECH_SERVER_URL": server.url,
        "OPENROUTER_SPEECH_MODEL": "any/model",
        "OPENROUTER_SPEECH_VOICE": "alloy",
        "OPENROUTER_SPEECH_RETRY_WAIT": "0.001",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    server.reset()
    yield
    server.reset()


@frozen
class Outcome:
    """The outcome of a command."""

    code: int
    stdout: str
    stderr: str
    audio: bytes
    """Standard output, in bytes."""


Run = Callable[..., Outcome]


@pytest.fixture(name="run")
def run_here(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process."""

    def outcome(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code: int = run([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        assert KEY.encode() not in out + err
        return Outcome(code, out.decode("utf-8", "replace"), err.decode(), out)

    return outcome


@pytest.fixture
def script() -> Run:
    """Run the installed command in a process of its own, with pipes."""

    def outcome(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
        done = subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, check=False, timeout=60)
        assert KEY.encode() not in done.stdout + done.stderr
        return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode(), done.stdout)

    return outcome


@frozen
class Terminal:
    """A command on a terminal."""

    process: pexpect.spawn

    def seen(self) -> str:
        """Return all that is shown until the end."""
        self.process.expect(pexpect.EOF)
        self.process.close()
        return str(self.process.before)

    @property
    def code(self) -> int:
        """The exit code."""
        return int(self.process.exitstatus)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Start the installed command on a terminal."""
    started: list[Terminal] = []

    def start(*arguments: str | Path, **environment: str) -> Terminal:
        process = pexpect.spawn(
            str(PROGRAM),
            [str(argument) for argument in arguments],
            env={**os.environ, "TERM": "xterm-256color", **environment},
            dimensions=(40, 100),
            encoding="utf-8",
            timeout=30,
        )
        started.append(Terminal(process))
        return started[-1]

    yield start
    for one in started:
        one.process.close(force=True)


def asked(server: MockServer) -> Any:
    """Return the body of the only request for speech that arrived."""
    (request,) = [request for request in server.requests if request.path.endswith("/audio/speech")]
    return request.json
