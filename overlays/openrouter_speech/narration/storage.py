"""The folder of a narration: `parts/`, a file for each part under its key, and `manifest.json`, which tells of them.

A part's file is moved into its place when it is whole, and counts from then on, whatever happens. What came for a part
and is of no use is kept under another suffix: it was paid for. The manifest is for people and programs; without it, or
with one that cannot be read, nothing is lost but the generation ids.
"""

import errno
import json
import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from .. import _files as files
from .._core import audio, wav
from .._core.audio import AudioInfo
from .._files import StrPath

VERSION = 1
"""Of the manifest's form."""
SUFFIXES = (".wav", ".mp3")
_LARGEST_PART = 1 << 28
"""Bytes: 1.5 hours at 24 kHz, where a request makes minutes. What servers write for a size that they do not know yet is
larger: 0x7FFFFFFF, 0x7FFFF024, 2000000036, 0xFFFFFFFF."""
_UNKNOWN = ".bin"
"""The suffix of what is of no known format."""


@frozen
class StoredPart:
    """A part whose audio is in the folder."""

    file: Path
    bytes: int
    seconds: float
    generation_id: str | None = None


class PartStore:
    """The folder of one narration. It is made by `open`; until then, nothing is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = path / "manifest.json"
        self._parts = path / "parts"

    def open(self, *, alone: bool = True) -> None:
        """Make the folder.

        Args:
            alone: No other process can be writing in it: what one that was killed has left half written is removed.
        """
        self._parts.mkdir(parents=True, exist_ok=True)
        if alone:
            for half in self._parts.glob(".*.part"):
                half.unlink(missing_ok=True)

    def check(self) -> None:
        """Find out what would keep parts from being stored here.

        Raises:
            OSError: There is something else of this name.
            ValueError: It is a folder with a manifest of something else, which would be replaced.
        """
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "The parts cannot be kept: it is not a folder", str(self.path))
        if self.manifest.exists() and not self._parts.exists():
            raise ValueError(f"{self.manifest} is not of a narration, and would be replaced: choose another folder")

    def holds(self, path: StrPath) -> bool:
        """Whether a path is that of the folder, or of something in it."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.path))

    def place(self, key: str, audio_format: str) -> Path:
        """Where a part goes. pcm is kept as WAV, which tells its rate; what is of no use does not replace its like."""
        name = "wav" if audio_format == "pcm" else audio_format
        suffix = f".{name}" if f".{name}" in audio.SUFFIXES else _UNKNOWN
        place = self._parts / f"{key}{suffix}"
        return place if suffix in SUFFIXES else _free(place)

    def look_at(self, file: Path, generation_id: str | None) -> StoredPart | None:
        """The part in a file that has just been written; None where no audio can be read in it."""
        part = _whole(file, {}) if file.suffix in SUFFIXES else None
        return evolve(part, generation_id=generation_id) if part else None

    def keep(self, key: str, audio: bytes) -> Path:
        """Keep what came for a part and is of no use."""
        file = _free(self._parts / f"{key}{_UNKNOWN}")
        with files.replacing(file) as opened:
            opened.write(audio)
        return file

    def put_aside(self, file: Path) -> Path:
        """Keep a file in which no audio can be read, but not as a part."""
        return file.rename(_free(file.with_suffix(_UNKNOWN)))

    def useless(self) -> dict[str, Path]:
        """What came for parts and is of no use, by key."""
        files = sorted(self._parts.iterdir()) if self._parts.is_dir() else []
        found = {file.name.partition(".")[0]: file for file in files if file.suffix not in {*SUFFIXES, ".part"}}
        found.pop("", None)  # hidden files are none of ours
        return found

    def stored(self, keys: Iterable[str]) -> dict[str, StoredPart]:
        """What is there of these parts, and whole."""
        known = self._known()
        found = {}
        for key in keys:
            for suffix in SUFFIXES:
                file = self._parts / f"{key}{suffix}"
                if part := _whole(file, known.get(key, {})):
                    found[key] = part
        return found

    def info(self, part: StoredPart) -> AudioInfo:
        """The rate and the channels of a part."""
        with part.file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return audio.info_from_audio(content, AudioInfo(part.file.suffix[1:]))

    def write_manifest(self, content: dict[str, Any]) -> None:
        """Replace the manifest."""
        write_text(self.manifest, json.dumps({"version": VERSION, **content}, ensure_ascii=False, indent=1) + "\n")

    def _known(self) -> dict[str, dict[str, Any]]:
        """What the manifest tells of each part, by key; nothing where there is none that can be read."""
        try:
            content = json.loads(self.manifest.read_text("utf-8"))
            return {part["key"]: part for part in content["parts"] if part["key"]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}


def write_text(path: StrPath, text: str) -> None:
    """Write a text file beside its place, and move it there."""
    with files.replacing(Path(path)) as file:
        file.write(text.encode())


def _free(path: Path) -> Path:
    """A name like this one that is not taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free


def _whole(file: Path, known: dict[str, Any]) -> StoredPart | None:
    """The part in a file, unless it is missing, has no sound, or lacks some of what its header says."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if file.suffix == ".wav" and _is_cut(content):
                return None
            seconds = _known_seconds(known, size) or audio.duration(content, AudioInfo(file.suffix[1:]))
    except (OSError, ValueError):  # it is not there, or empty
        return None
    generation_id = known.get("generation_id")
    return (
        StoredPart(file, size, seconds, generation_id if isinstance(generation_id, str) else None) if seconds else None
    )


def _is_cut(content: mmap.mmap) -> bool:
    """Whether a WAV file ends before its header says. A size that no part can have is not one: it was not known."""
    layout = wav.layout(content)
    return layout is not None and len(content) - layout.data_start < layout.data_size < _LARGEST_PART


def _known_seconds(known: dict[str, Any], size: int) -> float | None:
    """The duration that the manifest has for a file of this size: counting the frames of an mp3 takes its time."""
    milliseconds = known.get("duration_ms")
    return milliseconds / 1000 if known.get("bytes") == size and isinstance(milliseconds, int) else None
