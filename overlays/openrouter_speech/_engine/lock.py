"""The lock on a folder: one narration or batch uses it at a time, across processes, threads and tasks.

It is a lock of the operating system (`flock`, or the equivalent on Windows), released when its process ends, even if
killed. A file beside it names the holder. That file is read only while the lock is taken, so a stale one from a killed
process misleads nobody.
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

from .. import _files as files
from ..errors import ConfigurationError
from . import extra as extras

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
"""Errors of file systems without locks."""


@contextmanager
def held(folder: Path, user: str, extra: str) -> Iterator[bool]:
    """Create the folder, and hold its lock inside the block. It does not wait for a taken lock.

    Args:
        folder: The folder.
        user: What uses it: "narration".
        extra: The extra that has the package for locks.

    Yields:
        Whether the lock is held. False, with a warning, on a file system without locks.

    Raises:
        ConfigurationError: Another one holds the lock, or the extra is not installed.
        OSError: The folder cannot be created or written to.
    """
    with extras.needed(user.capitalize(), extra):
        from filelock import FileLock, Timeout  # noqa: PLC0415
    folder.mkdir(parents=True, exist_ok=True)
    place, holder = folder / ".lock", folder / ".lock-holder.json"
    # No fallback to a lock file: it would outlive a killed process.
    lock = FileLock(place, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(_in_use(folder, user, holder)) from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        warnings.warn(_without_lock(folder, user), UserWarning, stacklevel=3)
        with suppress(OSError):
            place.unlink()
        yield False
        return
    try:
        files.write_text(holder, json.dumps(_myself()))
        yield True
    finally:
        # Removed while the lock is held: filelock does not accept a lock on a file that is gone.
        for file in (holder, place):
            with suppress(OSError):  # Windows cannot remove an open file
                file.unlink()
        lock.release()


def _myself() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": datetime.now().astimezone().isoformat(" ", "seconds"),
    }


def _in_use(folder: Path, user: str, holder: Path) -> str:
    try:
        entry = json.loads(holder.read_text("utf-8"))
        owner = f"process {entry['pid']} on {entry['host']}, since {entry['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # the holder has just started, or just ended
        owner = "another process"
    return f"The folder {folder} is in use by another {user} ({owner}). Wait until it ends, or choose another folder"


def _without_lock(folder: Path, user: str) -> str:
    return (
        f"The file system of {folder} has no locks, so nothing stops another {user} from using the folder. "
        "Run one at a time, or choose a folder on another file system"
    )
