"""One narration at a time uses a folder; the lock goes with who holds it."""

import errno
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openrouter_speech import errors
from openrouter_speech.narration import lock

HOLDER = """
import sys
from pathlib import Path
from openrouter_speech.narration import lock

with lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process, which holds the lock of the folder until its standard input ends."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def take(folder: Path) -> bool:
    with lock.held(folder) as alone:
        return alone


def test_it_names_the_process_that_holds_it(other: "subprocess.Popen[str]", tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError) as raised:
        take(tmp_path)
    message = str(raised.value)
    assert str(tmp_path) in message
    assert f"process {other.pid} on {platform.node()}, since 20" in message


def test_it_goes_with_a_process_that_is_killed(other: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """What that has left behind is not believed."""
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert (tmp_path / ".lock-holder.json").exists()
    assert take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_is_taken_within_a_process_too(tmp_path: Path) -> None:
    with lock.held(tmp_path), pytest.raises(errors.ConfigurationError, match=rf"process {os.getpid()} on "):
        take(tmp_path)
    assert take(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", "\udcff"])
def test_who_holds_it_may_be_unknown(tmp_path: Path, content: str) -> None:
    with lock.held(tmp_path):
        (tmp_path / ".lock-holder.json").write_bytes(content.encode("utf-8", "surrogateescape"))
        with pytest.raises(errors.ConfigurationError, match="another process"):
            take(tmp_path)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_it_is_released_whatever_happens(tmp_path: Path, kind: type[BaseException]) -> None:
    def fail() -> None:
        with lock.held(tmp_path / "new" / "folder"):
            told = json.loads((tmp_path / "new" / "folder" / ".lock-holder.json").read_text())
            assert told["pid"] == os.getpid()
            raise kind

    with pytest.raises(kind):
        fail()
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    assert take(tmp_path / "new" / "folder")


def failing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A file system that says this to who would lock a file."""

    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_locks_there_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """And nothing that looks like a lock, which would outlast a process that is killed."""
    failing(monkeypatch, number)
    with pytest.warns(UserWarning, match="has no locks"):
        assert not take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_else_goes_wrong_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        take(tmp_path)
