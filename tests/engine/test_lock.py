"""The lock: one narration at a time uses a folder."""

import errno
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from openrouter_speech import errors
from openrouter_speech._engine import lock

HOLDER = """
import sys
from pathlib import Path
from openrouter_speech._engine import lock

with lock.held(Path(sys.argv[1]), "narration", "long"):
    print("held", flush=True)
    sys.stdin.read()
"""


def take(folder: Path) -> bool:
    with lock.held(folder, "narration", "long") as alone:
        return alone


def test_the_error_names_the_holder_and_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(errors.ConfigurationError) as raised:
            take(tmp_path)
        assert str(tmp_path) in str(raised.value)
        assert f"process {other.pid} on {platform.node()}, since 20" in str(raised.value)
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert (tmp_path / ".lock-holder.json").exists()  # and is not believed
    assert take(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, "", "[]", "{}", "\udcff"])
def test_the_lock_counts_within_a_process_and_its_holder_may_be_unknown(tmp_path: Path, content: str | None) -> None:
    named = f"process {os.getpid()} on " if content is None else "another process"
    with lock.held(tmp_path, "narration", "long"):
        if content is not None:
            (tmp_path / ".lock-holder.json").write_bytes(content.encode("utf-8", "surrogateescape"))
        with pytest.raises(errors.ConfigurationError, match=named):
            take(tmp_path)
    assert take(tmp_path)


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_the_lock_is_released_whatever_happens(tmp_path: Path, kind: type[BaseException]) -> None:
    folder = tmp_path / "new" / "folder"

    def fail() -> None:
        with lock.held(folder, "narration", "long"):
            assert json.loads((folder / ".lock-holder.json").read_text())["pid"] == os.getpid()
            raise kind

    with pytest.raises(kind):
        fail()
    assert list(folder.iterdir()) == []
    assert take(folder)


def no_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make locking a file fail with this error."""

    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_gets_a_warning_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A lock file would outlive a killed process."""
    no_locks(monkeypatch, number)
    with pytest.warns(UserWarning, match="has no locks"):
        assert not take(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_failure_to_lock_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_locks(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        take(tmp_path)
