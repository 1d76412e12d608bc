"""WAV: where the samples are, whatever the header says; and the sizes in a saved file."""

import io
import os
import struct
import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from openrouter_speech import _files as files
from openrouter_speech._core import wav
from openrouter_speech._core.audio import AudioInfo

RATE = 24_000
PLACEHOLDERS = [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F024, 2_000_000_036, 10_000_000, 0x8000_0000]
PCM = np.random.default_rng(1).integers(-9000, 9000, RATE, dtype=np.int16).tobytes()
"""One second."""
OTHER = np.random.default_rng(2).integers(-9000, 9000, RATE // 2, dtype=np.int16).tobytes()
NOTE = struct.pack("<4sI", b"LIST", 4) + b"abcd"
ODD_NOTE = struct.pack("<4sI", b"LIST", 3) + b"abc\0"


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(content) if size is None else size) + content


def form(rate: int = RATE, channels: int = 1, bits: int = 16, encoding: int = 1, **wrong: int) -> bytes:
    block = channels * bits // 8
    speed, block = wrong.get("speed", rate * block), wrong.get("block", block)
    return chunk(b"fmt ", struct.pack("<HHIIHH", encoding, channels, rate, speed, block, bits))


def riff(*chunks: bytes, size: int | None = None, magic: bytes = b"RIFF") -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", magic, len(content) if size is None else size) + content


def file(pcm: bytes = PCM, size: int | None = None, before: bytes = b"", after: bytes = b"", **about: int) -> bytes:
    """Build a WAV file. `size` overrides the sizes in its header."""
    return riff(form(**about), before, chunk(b"data", pcm, size), after, size=size)


def samples(content: bytes) -> bytes:
    return b"".join(content[span.start : span.start + span.size] for span in wav.spans(content))


def streamed(content: bytes, size: int) -> bytes:
    reader, given = wav.Reader(), bytearray()
    for start in range(0, len(content), size):
        given += reader.feed(content[start : start + size])
    return bytes(given) + reader.end()


def look_alike(size: int) -> bytes:
    """Return samples that look like the head of a chunk after the first 100 bytes."""
    return PCM[:100] + struct.pack("<4sI", b"ABCD", size) + PCM[108:]


SHAPES = {
    "notes around": (file(before=NOTE, after=NOTE), PCM),
    "an odd note before": (file(before=ODD_NOTE), PCM),
    "empty chunks before": (file(before=bytes(8 * 20)), PCM),
    "the format after the samples": (riff(chunk(b"data", PCM), form()), PCM),
    # Sizes that the server did not know:
    **{f"size {size:#x}": (file(size=size), PCM) for size in (*PLACEHOLDERS, 10, 999, len(PCM) // 2)},
    "a size of 0xffffffff in ds64": (
        riff(
            chunk(b"ds64", struct.pack("<QQQI", 72 + len(PCM) + len(NOTE), len(PCM), 0, 0)), form(),
            chunk(b"data", PCM, 0xFFFF_FFFF), NOTE, size=0xFFFF_FFFF, magic=b"RF64",
        ),
        PCM,
    ),
    "samples like a long chunk": (file(look_alike(1 << 25), size=100), look_alike(1 << 25)),
    "an odd size": (file(PCM[:999], bits=8, after=NOTE * 2), PCM[:999]),
    "an odd size, padded": (file(PCM[:999], bits=8, after=b"\0" + NOTE), PCM[:999]),
    "two odd sizes": (file(PCM[:999], bits=8) + file(PCM[:99], bits=8), PCM[:999] + PCM[:99]),
    "two odd sizes, padded": (file(PCM[:999], bits=8, after=b"\0") + file(PCM[:99], bits=8), PCM[:999] + PCM[:99]),
    "no samples": (file(b""), b""),
    "no samples, and a note": (file(b"", after=NOTE), b""),
    "two files, with notes between": (file(after=NOTE) + file(OTHER, before=ODD_NOTE), PCM + OTHER),
}  # fmt: skip


@pytest.mark.parametrize(("content", "pcm"), SHAPES.values(), ids=SHAPES)
def test_only_the_samples_are_sound(content: bytes, pcm: bytes) -> None:
    assert samples(content) == streamed(content, 1000) == streamed(content, 77) == pcm
    layout = wav.layout(content)
    assert layout is not None
    assert wav.duration(content) == len(pcm) / layout.bytes_per_second


def test_a_chunk_after_the_samples_must_end_within_the_body() -> None:
    pcm = look_alike(len(PCM))
    assert samples(file(pcm, size=100)) == pcm


@pytest.mark.parametrize("wrong", [{"block": 0}, {"speed": 0}, {"speed": 1, "block": 7}])
@pytest.mark.parametrize(("bits", "encoding"), [(8, 1), (24, 1), (64, 3), (8, 7)])
def test_the_bits_override_a_contradicting_header(bits: int, encoding: int, wrong: dict[str, int]) -> None:
    content = riff(form(8000, 2, bits, encoding, **wrong), chunk(b"data", bytes(8000 * 2 * bits // 8)))
    assert wav.duration(content) == 1.0
    layout = wav.layout(content)
    assert layout is not None
    assert (layout.sample_width, layout.encoding) == (bits // 8, encoding)


@pytest.mark.parametrize(
    ("kind", "endian"), [("WAV", "LITTLE"), ("WAVEX", "LITTLE"), ("RF64", "LITTLE"), ("WAV", "BIG")]
)
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "ULAW"])
def test_files_of_another_library_are_read(kind: str, endian: str, subtype: str) -> None:
    content = io.BytesIO()
    soundfile.write(content, np.zeros((4410, 2)), 44_100, format=kind, subtype=subtype, endian=endian)
    layout = wav.layout(content.getvalue())
    assert layout is not None
    assert (layout.sample_rate, layout.channels) == (44_100, 2)
    assert wav.duration(content.getvalue()) == 0.1


@pytest.mark.parametrize(
    "content",
    [
        b"", b"RIFF....WAVE", b"RIFF....WAVEdata\0\0\0\0", b"RIFF....AVI LIST", riff(form()),
        riff(form(channels=0), chunk(b"data", PCM)), riff(form(rate=0), chunk(b"data", PCM)), riff(b"\0" * 10_000),
        riff(form(), bytes(8 * 2000), chunk(b"data", PCM)), riff(chunk(b"fmt ", b"short"), chunk(b"data", PCM)),
    ],
    ids=range(10),
)  # fmt: skip
def test_other_bytes_have_no_samples(content: bytes) -> None:
    assert wav.layout(content) is None
    assert list(wav.spans(content)) == []
    assert wav.duration(content) is None
    assert wav.repair(content) is None
    assert streamed(content, 100) == b""


# Several files in one body

FILES = st.builds(
    file,
    st.integers(0, 3000).map(lambda frames: PCM[: 2 * frames]),
    st.sampled_from([None, *PLACEHOLDERS]),
    st.sampled_from([b"", NOTE, ODD_NOTE]),
)


@given(st.lists(FILES, min_size=1, max_size=5), st.integers(1, 5000))
def test_concatenated_files_are_the_sum(contents: list[bytes], size: int) -> None:
    content = b"".join(contents)
    assert samples(content) == b"".join(map(samples, contents)) == streamed(content, size)
    durations = [wav.duration(content) or 0 for content in contents]
    assert wav.duration(content) == pytest.approx(sum(durations))


@given(st.binary(max_size=3000), st.integers(1, 500))
def test_any_bytes_are_read_alike_whole_or_as_they_arrive(garbage: bytes, size: int) -> None:
    for content in (garbage, file()[:44] + garbage, file(size=0)[:44] + garbage, file(b"ab") + garbage):
        assert samples(content) == streamed(content, size)
        wav.repair(content)


@pytest.mark.parametrize("about", [{"rate": 16_000}, {"channels": 2}, {"bits": 8}, {"encoding": 7}])
def test_files_of_different_kinds_are_refused(about: dict[str, Any]) -> None:
    content = file() + file(OTHER, **about)
    with pytest.raises(ValueError, match="do not fit together"):
        wav.repair(content)
    with pytest.raises(ValueError, match="do not fit together"):
        streamed(content, 1000)


# A header of our own


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (-1, 1), (10**12, 1), (24_000, 0), (24_000, 70_000)])
def test_a_header_that_cannot_exist_is_refused(rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        wav.header(1000, rate, channels)


def test_a_file_larger_than_4_gib_is_refused() -> None:
    with pytest.raises(ValueError, match="4 GiB"):
        wav.header(1 << 32, 24_000, 1)


@pytest.mark.parametrize("size", [None, len(PCM)])
def test_readers_understand_our_header(size: int | None) -> None:
    content = wav.header(size, RATE, 1) + PCM
    assert samples(content) == PCM
    assert soundfile.read(io.BytesIO(content), dtype="int16")[0].tobytes() == PCM
    assert size is None or content[4:8] == (36 + size).to_bytes(4, "little")  # of all that follows


# A file that was saved


def save(path: Path, content: bytes, audio_format: str = "wav") -> Path:
    with files.saving(path, AudioInfo(audio_format, RATE, 1)) as sink:
        for start in range(0, len(content), 5000):
            sink.write(content[start : start + 5000])
    return path


def read(path: Path) -> bytes:
    """Read a file with the standard library, which believes every size."""
    with wave.open(str(path)) as reader:
        assert reader.getframerate() == RATE
        content: bytes = reader.readframes(reader.getnframes())
        assert len(content) == reader.getnframes() * reader.getnchannels() * reader.getsampwidth()
    size = path.stat().st_size
    assert int.from_bytes(path.read_bytes()[4:8], "little") == size - 8
    assert size % 2 == 0
    return content


BROKEN = {
    **{f"size {size:#x}": (file(size=size), PCM) for size in PLACEHOLDERS},
    "an odd note before": (file(size=0, before=ODD_NOTE), PCM),
    "an odd number of bytes": (file(PCM[:999], 0xFFFF_FFFF, bits=8), PCM[:999]),
    "three files": (file() + file(OTHER) + file(PCM), PCM + OTHER + PCM),
    "three files of unknown size": (file(PCM, 0xFFFF_FFFF) + file(OTHER, 0) + file(PCM), PCM + OTHER + PCM),
    "three files with notes": (file() + file(OTHER, after=NOTE) + file(PCM, before=NOTE), PCM + OTHER + PCM),
    "RF64 without sizes": (
        riff(chunk(b"ds64", bytes(28)), form(), chunk(b"data", PCM, 0xFFFF_FFFF), size=0, magic=b"RF64"), PCM
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "pcm"), BROKEN.values(), ids=BROKEN)
def test_a_saved_file_is_one_file_with_correct_sizes(
    content: bytes, pcm: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(save(tmp_path / "a.wav", content)) == pcm
    monkeypatch.setattr(files, "_BLOCK", 1000)  # of what is moved at once
    assert read(save(tmp_path / "a.wav", content)) == pcm


@pytest.mark.parametrize(
    "content", [file(), file(before=ODD_NOTE, after=NOTE), file(b""), SHAPES["a size of 0xffffffff in ds64"][0]],
    ids=range(4),
)  # fmt: skip
def test_a_correct_file_is_saved_unchanged(content: bytes, tmp_path: Path) -> None:
    assert wav.repair(content) is None
    assert save(tmp_path / "a.wav", content).read_bytes() == content


def test_files_that_do_not_fit_together_are_kept_as_they_came(tmp_path: Path) -> None:
    content = file() + file(OTHER, rate=16_000)
    with (tmp_path / "a.part").open("wb") as opened:
        sink = files._sink(opened, AudioInfo("wav"), "wav")
        sink.write(content)
        with pytest.raises(ValueError, match="do not fit together"):
            sink.finish()
    assert (tmp_path / "a.part").read_bytes() == content


OPEN = wav.header(None, RATE, 1) + PCM + OTHER


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
@pytest.mark.parametrize(
    ("content", "audio_format", "expected"),
    [
        (PCM + OTHER, "pcm", OPEN),
        (file() + file(OTHER, 0), "wav", OPEN),
        (file(PCM + OTHER, 0x7FFF_F024), "wav", OPEN),
        (b"not what it is called", "wav", b"not what it is called"),
    ],
    ids=range(4),
)
def test_a_pipe_gets_unknown_sizes(content: bytes, audio_format: str, expected: bytes, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    received: list[bytes] = []
    reading = threading.Thread(target=lambda: received.append((tmp_path / "pipe.wav").read_bytes()))
    reading.start()
    save(tmp_path / "pipe.wav", content, audio_format)
    reading.join()
    assert received == [expected]


def test_pcm_is_refused_once_it_exceeds_a_wav_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "_LARGEST", 1000)
    with (tmp_path / "a.part").open("wb") as opened:
        sink = files._sink(opened, AudioInfo("pcm", RATE, 1), "wav")
        sink.write(PCM[:1000])
        with pytest.raises(ValueError, match="4 GiB"):
            sink.write(b"ab")
    assert (tmp_path / "a.part").read_bytes()[44:] == PCM[:1000]


def test_sizes_that_exceed_their_fields_stay_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "UNKNOWN_SIZE", 1000)
    content = save(tmp_path / "a.wav", file(size=0)).read_bytes()
    assert struct.unpack_from("<I", content, 4) == struct.unpack_from("<I", content, 40) == (1000,)
    assert content[44:] == PCM
