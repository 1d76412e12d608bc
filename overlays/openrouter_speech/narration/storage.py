"""The folder of a narration: `parts/`, with one file per part, named by its key, and `manifest.json`.

A part's file is moved into place once it is complete, and is kept from then on, whatever happens. Unusable audio was
paid for, so it is kept under another suffix. The manifest is for people and programs: if it is missing or unreadable,
only the generation ids are lost.
"""

import errno
import json
import mmap
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from .. import _files as files
from .._core import audio, wav
from .._core.audio import AudioInfo
from .._files import StrPath
from .doubts import Sound

VERSION = 2
"""The version of the manifest's schema."""
SUFFIXES = (".wav", ".mp3")
AGAIN = ".again"
"""Added to the key of a part in the name of its second audio."""
_LARGEST_PART = 1 << 28
"""Bytes: 1.5 hours at 24 kHz, and a request makes minutes. Servers that do not know the size yet write larger ones:
0x7FFFFFFF, 0x7FFFF024, 2000000036, 0xFFFFFFFF."""
_UNKNOWN = ".bin"
"""The suffix for unknown formats."""


@frozen
class StoredPart:
    """A part whose audio is in the folder."""

    file: Path
    bytes: int
    seconds: float
    generation_id: str | None = None
    sound: Sound | None = None
    """None if it is not measured yet."""
    cost: str | None = None
    """US dollars, if they were looked up."""


class PartStore:
    """The folder of one narration. Nothing is written before `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = path / "manifest.json"
        self._parts = path / "parts"

    def open(self, *, alone: bool = True) -> None:
        """Create the folder.

        Args:
            alone: Remove half-written files of killed processes: no other process can be writing here.
        """
        self._parts.mkdir(parents=True, exist_ok=True)
        if alone:
            files.remove_partial(self._parts)
            files.remove_partial(self.path)

    def check(self) -> None:
        """Check that parts can be stored here.

        Raises:
            OSError: The path is not a folder.
            ValueError: The folder has an unrelated `manifest.json`, which would be replaced.
        """
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "The parts cannot be stored: it is not a folder", str(self.path))
        if self.manifest.exists() and not self._parts.exists():
            raise ValueError(f"{self.manifest} is not a narration's, and would be replaced: choose another folder")

    def holds(self, path: StrPath) -> bool:
        """Whether a path is the folder, or inside it."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.path))

    def place(self, key: str, audio_format: str) -> Path:
        """Return the path for a part. pcm is stored as WAV, which has its rate. Unusable audio replaces no file."""
        name = "wav" if audio_format == "pcm" else audio_format
        suffix = f".{name}" if f".{name}" in audio.SUFFIXES else _UNKNOWN
        place = self._parts / f"{key}{suffix}"
        return place if suffix in SUFFIXES else Path(files.free_path(str(place), "."))

    def look_at(self, file: Path, generation_id: str | None) -> StoredPart | None:
        """Return the part in a file that was just written; None if no audio can be read from it."""
        part = _whole(file, {}) if file.suffix in SUFFIXES else None
        return evolve(part, generation_id=generation_id) if part else None

    def keep(self, key: str, audio: bytes) -> Path:
        """Keep unusable audio of a part."""
        file = Path(files.free_path(str(self._parts / f"{key}{_UNKNOWN}"), "."))
        with files.replacing(file) as opened:
            opened.write(audio)
        return file

    def put_aside(self, file: Path) -> Path:
        """Keep a file without readable audio, but not as a part."""
        return file.rename(files.free_path(str(file.with_suffix(_UNKNOWN)), "."))

    def useless(self) -> dict[str, Path]:
        """Return the files with unusable audio, by key."""
        files = sorted(self._parts.iterdir()) if self._parts.is_dir() else []
        firsts = (file for file in files if AGAIN not in file.name)
        found = {file.name.partition(".")[0]: file for file in firsts if file.suffix not in {*SUFFIXES, ".part"}}
        found.pop("", None)  # hidden files are not ours
        return found

    def keys(self) -> frozenset[str]:
        """Return the keys of the files that are here."""
        files = self._parts.iterdir() if self._parts.is_dir() else ()
        return frozenset(file.stem for file in files if file.suffix in SUFFIXES)

    def stored(self, keys: Iterable[str]) -> dict[str, StoredPart]:
        """Return those of these parts that are stored and complete."""
        known = self._known()
        found = {}
        for key in keys:
            for suffix in SUFFIXES:
                if part := self._stored(f"{key}{suffix}", known.get(key, {})):
                    found[key] = part
        return found

    def again(self, keys: Iterable[str]) -> dict[str, StoredPart | None]:
        """Return the second audio of those of these parts that have any; None if it is unusable."""
        known, wanted = self._known(), frozenset(keys)
        found: dict[str, StoredPart | None] = {}
        for file in sorted(self._parts.glob(f"[!.]*{AGAIN}.*")):
            key = file.name.partition(".")[0]
            if key in wanted and not found.get(key):
                usable = file.suffix in SUFFIXES
                found[key] = self._stored(file.name, known.get(key, {})) if usable else None
        return found

    def _stored(self, name: str, known: dict[str, Any]) -> StoredPart | None:
        # Of a part with two files, the manifest knows the one that was used.
        file = known.get("file")
        return _whole(self._parts / name, known if file is None or str(file).endswith(f"/{name}") else {})

    def info(self, part: StoredPart) -> AudioInfo:
        """Return the sample rate and the channels of a part."""
        with part.file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return audio.info_from_audio(content, AudioInfo(part.file.suffix[1:]))

    def write_manifest(self, content: dict[str, Any]) -> None:
        """Replace the manifest."""
        write_json(self.manifest, {"version": VERSION, **content})

    def _known(self) -> dict[str, dict[str, Any]]:
        """Return the manifest's entry for each part, by key; empty if there is no readable manifest."""
        try:
            content = json.loads(self.manifest.read_text("utf-8"))
            return {part["key"]: part for part in content["parts"] if part["key"]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file as a whole."""
    files.write_text(file, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _whole(file: Path, known: dict[str, Any]) -> StoredPart | None:
    """Return the part in a file; None if it is missing, has no sound, or is shorter than its header says."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if file.suffix == ".wav" and _is_cut(content):
                return None
            seconds = _known_seconds(known, size) or audio.duration(content, AudioInfo(file.suffix[1:]))
    except (OSError, ValueError):  # missing or empty
        return None
    generation_id = known.get("generation_id")
    generation_id = generation_id if isinstance(generation_id, str) else None
    cost = known.get("cost") if isinstance(known.get("cost"), str) else None
    return StoredPart(file, size, seconds, generation_id, _known_sound(known, size), cost) if seconds else None


def _is_cut(content: mmap.mmap) -> bool:
    """Whether a WAV file is shorter than its header says. An impossibly large size means that it was unknown."""
    layout = wav.layout(content)
    return layout is not None and len(content) - layout.data_start < layout.data_size < _LARGEST_PART


def _known_seconds(known: dict[str, Any], size: int) -> float | None:
    """Return the manifest's duration if the size matches: counting the frames of an mp3 is slow."""
    milliseconds = known.get("duration_ms")
    return milliseconds / 1000 if known.get("bytes") == size and isinstance(milliseconds, int) else None


def _known_sound(known: dict[str, Any], size: int) -> Sound | None:
    """Return the manifest's peaks if the size matches: measuring decodes all of the audio."""
    peak, end = known.get("peak"), known.get("end_peak")
    if known.get("bytes") == size and isinstance(peak, int | float) and isinstance(end, int | float):
        return Sound(peak, end)
    return None
