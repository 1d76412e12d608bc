"""What was looked up, kept on disk so that it is not asked for again on the same day."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from .. import _files as files
from .._core.retries import logger

DAY = 86_400
"""Seconds for which a look-up is not repeated."""
_VERSION = 1


@frozen
class Stored:
    """A look-up on disk."""

    content: Any
    tag: str | None
    """The `ETag`."""
    age: float
    """Seconds."""

    @property
    def is_fresh(self) -> bool:
        """Whether it need not be repeated."""
        return 0 <= self.age < DAY


class Lookups:
    """Look-ups by URL, each in a file of its own. A file that cannot be read or written is as good as none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder and folder / "lookups"

    def load(self, url: str) -> Stored | None:
        """Read a look-up. A damaged file is deleted."""
        if self._folder is None:
            return None
        file = self._file(self._folder, url)
        try:
            stored = json.loads(file.read_bytes())
            if isinstance(stored, Mapping) and stored["version"] == _VERSION and stored["url"] == url:
                tag = stored["tag"]
                return Stored(stored["content"], None if tag is None else str(tag), time.time() - float(stored["at"]))
        except FileNotFoundError:
            return None
        except (OSError, KeyError, TypeError, ValueError, RecursionError):
            pass
        logger.info("%s is damaged, and is deleted", file)
        with suppress(OSError):
            file.unlink()
        return None

    def store(self, url: str, content: Any, tag: str | None) -> None:
        """Write a look-up."""
        if self._folder is None:
            return
        text = json.dumps(
            {"version": _VERSION, "url": url, "at": time.time(), "tag": tag, "content": content}, default=float
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with files.replacing(self._file(self._folder, url)) as file:
                file.write(text.encode())
        except OSError as error:
            logger.info("look-ups cannot be kept in %s: %s", self._folder, error)

    @staticmethod
    def _file(folder: Path, url: str) -> Path:
        return folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"


def cache_folder(given: files.StrPath | None = None) -> Path | None:
    """Return the folder for caches: the given one, OPENROUTER_SPEECH_CACHE_DIR, or the system's, if there is any."""
    if chosen := given or os.environ.get("OPENROUTER_SPEECH_CACHE_DIR"):
        return Path(chosen)
    try:
        return _system_folder() / "openrouter-speech"
    except RuntimeError:  # the user has no home
        return None


def _system_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
