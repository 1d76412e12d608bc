"""The folder of a narration: `parts/`, a file for each part under its key, and `manifest.json`, which tells of them.

A part's file is moved into its place when it is whole, and counts from then on, whatever happens. The manifest is for
people and programs; without it, or with one that cannot be read, nothing is lost but the generation ids.
"""

import json
import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import frozen

from .. import audio, files, wav
from ..audio import AudioFacts
from ..files import StrPath

VERSION = 1
"""Of the manifest's form."""
SUFFIXES = (".wav", ".mp3")
_LARGEST_PART = 1 << 28
"""Bytes: 1.5 hours at 24 kHz, where a request makes minutes. What servers write for a size that they do not know yet is
larger: 0x7FFFFFFF, 0x7FFFF024, 2000000036, 0xFFFFFFFF."""


@frozen
class Stored:
    """A part whose audio is in the folder."""

    file: Path
    bytes: int
    seconds: float
    generation_id: str | None = None


class Folder:
    """The folder of one narration. It is made by `open`; until then, nothing is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = path / "manifest.json"
        self._parts = path / "parts"

    def open(self) -> None:
        """Make the folder, and remove what a process that was killed left half written."""
        self._parts.mkdir(parents=True, exist_ok=True)
        for half in self._parts.glob(".*.part"):
            half.unlink(missing_ok=True)

    def place(self, key: str, audio_format: str) -> Path:
        """Where a part goes. pcm is kept as WAV, which tells its rate."""
        return self._parts / f"{key}.{'wav' if audio_format == 'pcm' else audio_format}"

    def stored(self, keys: Iterable[str]) -> dict[str, Stored]:
        """What is there of these parts, and whole."""
        known = self._known()
        found = {}
        for key in keys:
            for suffix in SUFFIXES:
                file = self._parts / f"{key}{suffix}"
                if part := _whole(file, known.get(key, {})):
                    found[key] = part
        return found

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


def _whole(file: Path, known: dict[str, Any]) -> Stored | None:
    """The part in a file, unless it is missing, has no sound, or lacks some of what its header says."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if file.suffix == ".wav" and _is_cut(content):
                return None
            seconds = _known_seconds(known, size) or audio.duration(content, AudioFacts(file.suffix[1:]))
    except (OSError, ValueError):  # it is not there, or empty
        return None
    generation_id = known.get("generation_id")
    return Stored(file, size, seconds, generation_id if isinstance(generation_id, str) else None) if seconds else None


def _is_cut(content: mmap.mmap) -> bool:
    """Whether a WAV file ends before its header says. A size that no part can have is not one: it was not known."""
    layout = wav.layout(content)
    return layout is not None and len(content) - layout.data_start < layout.data_size < _LARGEST_PART


def _known_seconds(known: dict[str, Any], size: int) -> float | None:
    """The duration that the manifest has for a file of this size: counting the frames of an mp3 takes its time."""
    milliseconds = known.get("duration_ms")
    return milliseconds / 1000 if known.get("bytes") == size and isinstance(milliseconds, int) else None
