"""The folder of parts: what is in it counts, whatever became of the process and of the manifest."""

import json
from pathlib import Path

import pytest
import soundfile
from openrouter_speech.narration.storage import PartStore, write_text

KEY = "a" * 32


@pytest.fixture
def folder(tmp_path: Path) -> PartStore:
    made = PartStore(tmp_path / "book.narration")
    made.open()
    soundfile.write(made.place(KEY, "pcm"), [0.0] * 2400, 24_000)
    return made


def test_nothing_is_written_until_it_is_opened(tmp_path: Path) -> None:
    assert PartStore(tmp_path / "book.narration").stored([KEY]) == {}
    assert not list(tmp_path.iterdir())


def test_a_part_counts_without_a_manifest(folder: PartStore) -> None:
    stored = folder.stored([KEY, "b" * 32])
    assert set(stored) == {KEY}
    assert (stored[KEY].seconds, stored[KEY].bytes, stored[KEY].generation_id) == (0.1, 4844, None)


def test_an_mp3_counts_too(folder: PartStore) -> None:
    soundfile.write(folder.place("b" * 32, "mp3"), [0.0] * 2400, 24_000)
    assert folder.stored(["b" * 32])["b" * 32].seconds == 0.1


@pytest.mark.parametrize("size", [0, 20, 44, 4843])
def test_a_part_that_is_cut_short_does_not_count(folder: PartStore, size: int) -> None:
    file = folder.place(KEY, "pcm")
    file.write_bytes(file.read_bytes()[:size])
    assert folder.stored([KEY]) == {}


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F024, 2_000_000_036, 1 << 28])
def test_a_size_that_a_server_did_not_know_is_no_measure(size: int, folder: PartStore) -> None:
    file, field = folder.place(KEY, "wav"), size.to_bytes(4, "little")
    content = file.read_bytes()
    file.write_bytes(content[:4] + field + content[8:40] + field + content[44:])
    assert folder.stored([KEY])[KEY].seconds == 0.1


def test_a_part_of_several_files_counts(folder: PartStore) -> None:
    file = folder.place(KEY, "wav")
    file.write_bytes(file.read_bytes() * 2)
    assert folder.stored([KEY])[KEY].seconds == 0.2


def test_a_part_that_is_no_audio_does_not_count(folder: PartStore) -> None:
    for content in (b"nothing of the kind", b"\xff", b"ID3\x04\0\0\0\0\x01\0" + bytes(128)):
        folder.place("b" * 32, "mp3").write_bytes(content)
        assert folder.stored(["b" * 32]) == {}


def test_a_part_of_another_length_than_the_manifest_has_is_looked_at(folder: PartStore) -> None:
    """An mp3 that was cut at the end of a frame cannot be told from a whole one; but this is what it can be."""
    folder.write_manifest({"parts": [{"key": KEY, "bytes": 1, "duration_ms": 5}]})
    assert folder.stored([KEY])[KEY].seconds == 0.1


def test_the_manifest_remembers_what_the_files_do_not_tell(folder: PartStore) -> None:
    folder.write_manifest({"parts": [{"key": KEY, "bytes": 4844, "duration_ms": 100, "generation_id": "gen-1"}]})
    assert folder.stored([KEY])[KEY].generation_id == "gen-1"


UNREADABLE = [
    "", "not JSON", "[]", "{}", '{"parts": 5}', '{"parts": [5]}', '{"parts": [{"key": null}]}', "\udcff", "[" * 100_000,
    json.dumps({"parts": [{"key": KEY, "bytes": 4844, "duration_ms": "x", "generation_id": 5}]}),
]  # fmt: skip


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: content[:40])
def test_a_manifest_that_cannot_be_read_costs_no_part(folder: PartStore, content: str) -> None:
    folder.manifest.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert set(folder.stored([KEY])) == {KEY}


def test_what_a_killed_process_left_half_written_goes(folder: PartStore) -> None:
    half = folder.path / "parts" / f".{KEY}.wav.1234.part"
    half.write_bytes(b"half")
    folder.open()
    assert [file.name for file in (folder.path / "parts").iterdir()] == [f"{KEY}.wav"]


def test_the_manifest_is_json_in_utf_8_with_a_version(folder: PartStore) -> None:
    folder.write_manifest({"title": "日本"})
    assert "日本" in folder.manifest.read_text("utf-8")
    assert json.loads(folder.manifest.read_text("utf-8")) == {"version": 1, "title": "日本"}


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", "\ud800")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]
