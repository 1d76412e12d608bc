"""Where audio goes: names that every file system takes, and folders that are not too full."""

import os
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.batch.store import Arrived, Store, check_pattern

PCM = AudioInfo("pcm", 24_000, 1)


def name(row: str, pattern: str = "{id}", audio_format: str = "pcm") -> str:
    return Store(Path("x"), pattern, 1).place(7, row, audio_format).removeprefix("audio/")


@pytest.mark.parametrize(
    ("row", "pattern", "audio_format", "expected"),
    [
        ("LJ001-0001", "{id}", "pcm", "LJ001-0001.wav"),
        ("a.b", "{id}", "mp3", "a.b.mp3"),
        ("Grüße_世界", "{id}", "flac", "Grüße_世界.flac"),
        ("any", "{number:04}", "mp3", "0007.mp3"),
        ("any", "{number}_{id}", "mp3", "7_any.mp3"),
    ],
)
def test_a_name_that_fits_is_kept(row: str, pattern: str, audio_format: str, expected: str) -> None:
    assert name(row, pattern, audio_format) == expected


@pytest.mark.parametrize(
    "row", ["a/b", "../a", ".hidden", "__a", "a b", "a:b", "a\\b", "con", "LPT1.x", "a.", "ü" * 100, "a?", "%"]
)
def test_a_name_that_does_not_is_changed_and_stays_unique(row: str) -> None:
    made = name(row)
    assert "/" not in made
    assert not made.startswith((".", "__"))
    assert len(made.encode()) < 143
    assert made != f"{row}.wav"
    assert made != name(row + "!")
    assert made == name(row)  # on every machine


def test_no_folder_is_too_full() -> None:
    for rows, depth in ((10_000, 1), (10_001, 2), (2_000_000, 2), (2_000_001, 3)):
        store = Store(Path("x"), "{id}", rows)
        assert len(PurePosixPath(store.place(1, "a", "mp3")).parts) == depth + 1
    store = Store(Path("x"), "{id}", 100_000)
    folders = Counter(store.place(number, f"row-{number}", "mp3").split("/")[1] for number in range(100_000))
    assert len(folders) == 256
    assert max(folders.values()) < 500


def test_no_file_replaces_another(tmp_path: Path) -> None:
    """Names may differ in case only, on a file system that takes them as one."""
    store = Store(tmp_path, "{id}", 3)
    store.open()
    places = [store.put(number, "audio/a.wav", Arrived(bytes([number] * 9), PCM, None)).file for number in (1, 2, 3)]
    assert places == ["audio/a.wav", "audio/a-2.wav", "audio/a-3.wav"]
    assert [(tmp_path / place).read_bytes()[-9:] for place in places] == [bytes([n] * 9) for n in (1, 2, 3)]


def test_a_write_that_is_short_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a disk gets full, or a file reaches the size that a process may write."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:5]))
    store = Store(tmp_path, "{id}", 1)
    store.open()
    facts = store.put(1, "audio/a.wav", Arrived(bytes(range(24)), PCM, None))
    assert (tmp_path / facts.file).read_bytes()[44:] == bytes(range(24))


def test_text_is_not_kept_and_bytes_are(tmp_path: Path) -> None:
    store = Store(tmp_path, "{id}", 1)
    store.open()
    assert store.keep(1, b'{"error": "no audio"}') is None
    kept = [store.keep(1, b"\xff\xfb") for _ in range(2)]
    assert [path and path.name for path in kept] == ["1.bin", "1-2.bin"]


@pytest.mark.parametrize("pattern", ["", "x", "{voice}", "{}", "{id", "{id.__class__}", "{number:q}"])
def test_a_pattern_that_tells_no_rows_apart_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"name must have \{id\} or \{number\}"):
        check_pattern(pattern)
