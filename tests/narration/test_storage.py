"""The folder of parts: complete files count, whatever happened to the process or the manifest."""

import json
from pathlib import Path

import pytest
import soundfile
from openrouter_speech.narration.doubts import Sound
from openrouter_speech.narration.storage import PartStore, StoredPart

KEY = "a" * 32


@pytest.fixture
def folder(tmp_path: Path) -> PartStore:
    made = PartStore(tmp_path / "book.narration")
    made.open()
    soundfile.write(made.place(KEY, "pcm"), [0.0] * 2400, 24_000)
    return made


def test_nothing_is_written_before_open(tmp_path: Path) -> None:
    assert PartStore(tmp_path / "book.narration").stored([KEY]) == {}
    assert not list(tmp_path.iterdir())


def test_parts_count_without_a_manifest(folder: PartStore) -> None:
    soundfile.write(folder.place("b" * 32, "mp3"), [0.0] * 2400, 24_000)
    stored = folder.stored([KEY, "b" * 32, "c" * 32])
    assert set(stored) == {KEY, "b" * 32}
    assert (stored[KEY].seconds, stored[KEY].bytes, stored[KEY].generation_id) == (0.1, 4844, None)
    assert stored["b" * 32].seconds == 0.1


@pytest.mark.parametrize("size", [0, 20, 44, 4843])
def test_a_truncated_part_does_not_count(folder: PartStore, size: int) -> None:
    file = folder.place(KEY, "pcm")
    file.write_bytes(file.read_bytes()[:size])
    assert folder.stored([KEY]) == {}


@pytest.mark.parametrize("size", [0, 0x7FFF_F024, 1 << 28])
def test_a_wav_size_that_the_server_did_not_know_is_ignored(size: int, folder: PartStore) -> None:
    file, field = folder.place(KEY, "wav"), size.to_bytes(4, "little")
    content = file.read_bytes()
    file.write_bytes(content[:4] + field + content[8:40] + field + content[44:])
    assert folder.stored([KEY])[KEY].seconds == 0.1


def test_a_part_may_be_several_files(folder: PartStore) -> None:
    file = folder.place(KEY, "wav")
    file.write_bytes(file.read_bytes() * 2)
    assert folder.stored([KEY])[KEY].seconds == 0.2


@pytest.mark.parametrize("content", [b"nothing of the kind", b"\xff", b"ID3\x04\0\0\0\0\x01\0" + bytes(128)])
def test_a_part_without_audio_does_not_count(folder: PartStore, content: bytes) -> None:
    folder.place("b" * 32, "mp3").write_bytes(content)
    assert folder.stored(["b" * 32]) == {}


@pytest.mark.parametrize(("size", "duration", "seconds"), [(4844, 5, 0.005), (1, 5, 0.1)])
def test_the_manifest_is_trusted_if_the_size_matches(
    folder: PartStore, size: int, duration: int, seconds: float
) -> None:
    """Only it knows the generation id. A changed file is measured again."""
    entry = {"key": KEY, "bytes": size, "duration_ms": duration, "generation_id": "gen-1"}
    folder.write_manifest({"parts": [entry]})
    stored = folder.stored([KEY])[KEY]
    assert (stored.seconds, stored.generation_id) == (seconds, "gen-1")


def test_the_manifest_knows_the_one_of_two_files_that_was_used(folder: PartStore) -> None:
    second = folder.place(f"{KEY}.again", "wav")
    second.write_bytes(folder.place(KEY, "wav").read_bytes())
    entry = {"key": KEY, "file": f"parts/{second.name}", "generation_id": "gen-2"}
    folder.write_manifest({"parts": [entry | {"bytes": 4844, "duration_ms": 5, "peak": 0.5, "end_peak": 0.1}]})
    assert folder.again([KEY, "b" * 32])[KEY] == StoredPart(second, 4844, 0.005, "gen-2", Sound(0.5, 0.1))
    assert folder.stored([KEY])[KEY] == StoredPart(folder.place(KEY, "wav"), 4844, 0.1)


def test_a_second_file_that_is_unusable_is_known_and_stops_nothing(folder: PartStore) -> None:
    folder.keep(f"{KEY}.again", b"noise")
    assert folder.again([KEY]) == {KEY: None}
    assert (folder.again(["b" * 32]), folder.useless()) == ({}, {})


UNREADABLE = [
    "", "not JSON", "[]", "{}", '{"parts": 5}', '{"parts": [5]}', '{"parts": [{"key": null}]}', "\udcff", "[" * 100_000,
    json.dumps({"parts": [{"key": KEY, "bytes": 4844, "duration_ms": "x", "generation_id": 5}]}),
]  # fmt: skip


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: content[:40])
def test_an_unreadable_manifest_costs_no_part(folder: PartStore, content: str) -> None:
    folder.manifest.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert set(folder.stored([KEY])) == {KEY}


def test_half_written_files_of_a_killed_process_are_removed(folder: PartStore) -> None:
    half = folder.path / "parts" / f".{KEY}.wav.1234.part"
    half.write_bytes(b"half")
    folder.open()
    assert [file.name for file in (folder.path / "parts").iterdir()] == [f"{KEY}.wav"]


def test_the_manifest_is_json_in_utf_8_with_a_version(folder: PartStore) -> None:
    folder.write_manifest({"title": "日本"})
    assert "日本" in folder.manifest.read_text("utf-8")
    assert json.loads(folder.manifest.read_text("utf-8")) == {"version": 2, "title": "日本"}
