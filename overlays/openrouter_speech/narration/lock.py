"""The lock on a narration's folder: one narration at a time uses it, in whatever process, thread or task.

The lock is the system's (`flock`, or its like on Windows): it goes with the process that holds it, however that ends.
Who holds it stands in a file beside it, which is read only where the lock is found taken: what a killed process has
left there is never believed by itself.
"""

import errno
import json
import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from . import extra, storage

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
"""What file systems say that have no locks."""


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Make the folder, and hold its lock for the block. It never waits for one that is taken.

    Yields:
        Whether there is a lock: on a file system without any, there is a warning instead.

    Raises:
        ConfigurationError: Another narration holds it, or the extra `long` is not installed.
        OSError: The folder cannot be made or written in.
    """
    with extra.needed():
        from filelock import FileLock, Timeout  # noqa: PLC0415
    folder.mkdir(parents=True, exist_ok=True)
    place, holder = folder / ".lock", folder / ".lock-holder.json"
    # Without the fallback to a file that stands for a lock: it would outlast a process that is killed.
    lock = FileLock(place, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(_in_use(folder, holder)) from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        warnings.warn(_without_lock(folder), UserWarning, stacklevel=3)
        with suppress(OSError):
            place.unlink()
        yield False
        return
    try:
        storage.write_text(holder, json.dumps(_myself()))
        yield True
    finally:
        # Removed while it is held: filelock does not take a lock for one whose file is gone.
        for file in (holder, place):
            with suppress(OSError):  # Windows removes no open file
                file.unlink()
        lock.release()


def _myself() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": datetime.now().astimezone().isoformat(" ", "seconds"),
    }


def _in_use(folder: Path, holder: Path) -> str:
    try:
        told = json.loads(holder.read_text("utf-8"))
        who = f"process {told['pid']} on {told['host']}, since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has just begun, or just ended
        who = "another process"
    return (
        f"The folder {folder} is in use by another narration ({who}). "
        "Wait until that has ended, or choose another folder"
    )


def _without_lock(folder: Path) -> str:
    return (
        f"The file system of {folder} has no locks: nothing keeps another narration from using the folder. "
        "Run one at a time, or choose a folder on another file system"
    )
