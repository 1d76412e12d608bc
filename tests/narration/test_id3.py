"""Chapters in an mp3 file, as another reader sees them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import miniaudio
import numpy as np
import pytest
import soundfile
from mutagen.id3 import ID3
from openrouter_speech._core import audio, mp3
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.narration import joining
from openrouter_speech.narration.id3 import chapters_tag
from openrouter_speech.narration.results import Chapter


def read(tag: bytes) -> list[tuple[str, int, int]]:
    """Return the chapters as mutagen reads them, in the order of the table of contents."""
    found: Any = ID3(BytesIO(tag))  # type: ignore[no-untyped-call]
    (top,) = [table for table in found.getall("CTOC") if table.flags & 2]
    tables = {table.element_id: table for table in found.getall("CTOC")}
    frames = {frame.element_id: frame for frame in found.getall("CHAP")}
    names = [
        name for child in top.child_element_ids for name in getattr(tables.get(child), "child_element_ids", [child])
    ]
    assert sorted(names) == sorted(frames)
    assert all(table.flags & 1 for table in tables.values())
    return [(str(frames[name].sub_frames["TIT2"]), frames[name].start_time, frames[name].end_time) for name in names]


@pytest.mark.parametrize("count", [1, 2, 255, 256, 600])
def test_each_chapter_ends_where_the_next_begins(count: int) -> None:
    chapters = [Chapter(f"Chapter {number}: Ünïcode 第二章", number * 70_000) for number in range(count)]
    ends = [chapter.start_ms for chapter in chapters[1:]] + [count * 70_000]
    expected = [(chapter.title, chapter.start_ms, end) for chapter, end in zip(chapters, ends, strict=True)]
    tag = chapters_tag(chapters, count * 70_000)
    assert read(tag) == expected
    assert mp3.id3_size(tag) == len(tag)


def test_without_chapters_there_is_no_tag() -> None:
    assert chapters_tag([], 1_000) == b""


@pytest.mark.parametrize("suffix", [".mp3", ".wav"])
def test_only_an_mp3_file_has_the_tag(tmp_path: Path, suffix: str) -> None:
    """It changes neither the audio nor its duration, for players and for us; and the file can be a part itself."""
    noise = np.random.default_rng(1).integers(-9000, 9000, 30_000, dtype=np.int16)
    soundfile.write(tmp_path / "one.wav", noise, 24_000)

    def join(name: str, titles: list[str | None]) -> bytes:
        parts = [tmp_path / "one.wav", None, tmp_path / "one.wav"]
        list(joining.join(parts, [0, 0, 500], tmp_path / name, tmp_path / "scratch", titles))
        return (tmp_path / name).read_bytes()

    plain, tagged = join(f"plain{suffix}", [None] * 3), join(f"tagged{suffix}", ["One", None, "Two"])
    if suffix == ".wav":
        assert plain == tagged
        return
    assert tagged.endswith(plain)
    assert read(tagged) == [("One", 0, 1_750), ("Two", 1_750, 3_000)]
    assert audio.duration(tagged, AudioInfo("mp3")) == audio.duration(plain, AudioInfo("mp3")) == 3
    assert miniaudio.mp3_read_s16(tagged).samples == miniaudio.mp3_read_s16(plain).samples
    (tmp_path / "again.mp3").write_bytes(tagged + tagged)
    steps = joining.join([tmp_path / "again.mp3"], [0], tmp_path / "again.wav", tmp_path / "scratch")
    assert round([*steps][-1], 3) == 6
