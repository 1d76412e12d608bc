"""WAV: where the samples are, whatever the header says; and what a finished file says of itself."""

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
from openrouter_speech import files, wav
from openrouter_speech.audio import AudioFacts

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
    return chunk(
        b"fmt ",
        struct.pack(
            "<HHIIHH", encoding, channels, rate, wrong.get("speed", rate * block), wrong.get("block", block), bits
        ),
    )


def riff(*chunks: bytes, size: int | None = None, magic: bytes = b"RIFF") -> bytes:
    content = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", magic, len(content) if size is None else size) + content


def file(pcm: bytes = PCM, size: int | None = None, before: bytes = b"", after: bytes = b"", **about: int) -> bytes:
    """A WAV file; `size` stands in its header instead of the sizes."""
    return riff(form(**about), before, chunk(b"data", pcm, size), after, size=size)


def samples(content: bytes) -> bytes:
    return b"".join(content[span.start : span.start + span.size] for span in wav.spans(content))


def streamed(content: bytes, size: int) -> bytes:
    reader, given = wav.Reader(), bytearray()
    for start in range(0, len(content), size):
        given += reader.feed(content[start : start + size])
    return bytes(given) + reader.end()


@pytest.mark.parametrize("after", [b"", NOTE])
@pytest.mark.parametrize("before", [b"", NOTE, ODD_NOTE, chunk(b"fact", bytes(4))])
def test_only_the_samples_are_sound(before: bytes, after: bytes) -> None:
    content = file(before=before, after=after)
    assert samples(content) == streamed(content, 1000) == PCM
    assert wav.duration(content) == 1.0


@pytest.mark.parametrize("size", PLACEHOLDERS)
def test_a_size_beyond_what_is_there_means_to_the_end(size: int) -> None:
    content = file(size=size)
    assert samples(content) == streamed(content, 1000) == PCM
    assert wav.duration(content) == 1.0


@pytest.mark.parametrize("size", [10, 999, len(PCM) // 2])
def test_a_size_that_fits_nothing_means_to_the_end(size: int) -> None:
    """Where it says that the samples end, there are more of them: that of the first piece, say."""
    content = file(size=size)
    assert samples(content) == streamed(content, 1000) == PCM


@pytest.mark.parametrize("size", [1 << 25, 0x7FFF_FFFF])
def test_samples_may_look_like_a_note_that_is_too_long(size: int) -> None:
    pcm = PCM[:100] + struct.pack("<4sI", b"ABCD", size) + PCM[108:]
    content = file(pcm, size=100)
    assert samples(content) == streamed(content, 1000) == pcm


def test_a_note_ends_within_the_body() -> None:
    pcm = PCM[:100] + struct.pack("<4sI", b"ABCD", len(PCM)) + PCM[108:]
    assert samples(file(pcm, size=100)) == pcm


@pytest.mark.parametrize("pad", [b"", b"\0"])
@pytest.mark.parametrize("after", [NOTE, file(PCM[:999], bits=8), NOTE * 2])
def test_an_odd_size_may_be_padded(pad: bytes, after: bytes) -> None:
    content = file(PCM[:999], bits=8, after=pad) + after
    assert samples(content) == streamed(content, 100) == PCM[:999] + samples(after)


def test_chunks_before_the_samples_may_be_empty() -> None:
    assert samples(file(before=bytes(8 * 20))) == PCM
    assert wav.layout(riff(form(), bytes(8 * 2000), chunk(b"data", PCM))) is None


def test_no_samples_are_no_sound() -> None:
    for after in (b"", NOTE):
        content = file(b"", after=after)
        assert samples(content) == streamed(content, 10) == b""
        assert wav.duration(content) == 0.0


def test_a_format_behind_the_samples_is_found() -> None:
    content = riff(chunk(b"data", PCM), form())
    assert samples(content) == streamed(content, 1000) == PCM


@pytest.mark.parametrize("wrong", [{"block": 0}, {"speed": 0}, {"speed": 1, "block": 7}])
@pytest.mark.parametrize(("bits", "encoding"), [(8, 1), (16, 1), (24, 1), (32, 1), (32, 3), (64, 3), (8, 7)])
def test_the_bits_count_where_a_header_contradicts_itself(bits: int, encoding: int, wrong: dict[str, int]) -> None:
    content = riff(form(8000, 2, bits, encoding, **wrong), chunk(b"data", bytes(8000 * 2 * bits // 8)))
    assert wav.duration(content) == 1.0
    layout = wav.layout(content)
    assert layout is not None
    assert (layout.sample_width, layout.encoding) == (bits // 8, encoding)


@pytest.mark.parametrize(
    ("kind", "endian"), [("WAV", "LITTLE"), ("WAVEX", "LITTLE"), ("RF64", "LITTLE"), ("WAV", "BIG")]
)
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
def test_what_another_library_writes_is_read(kind: str, endian: str, subtype: str) -> None:
    content = io.BytesIO()
    soundfile.write(content, np.zeros((4410, 2)), 44_100, format=kind, subtype=subtype, endian=endian)
    layout = wav.layout(content.getvalue())
    assert layout is not None
    assert (layout.sample_rate, layout.channels) == (44_100, 2)
    assert wav.duration(content.getvalue()) == 0.1


def test_long_files_keep_their_sizes_elsewhere() -> None:
    sizes = chunk(b"ds64", struct.pack("<QQQI", 72 + len(PCM) + len(NOTE), len(PCM), 0, 0))
    content = riff(sizes, form(), chunk(b"data", PCM, 0xFFFF_FFFF), NOTE, size=0xFFFF_FFFF, magic=b"RF64")
    assert samples(content) == streamed(content, 1000) == PCM
    assert wav.repair(content) is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"RIFF", b"RIFF....WAVE", b"RIFF....WAVEdata\0\0\0\0", b"RIFF....AVI LIST", riff(form()),
        riff(form(channels=0), chunk(b"data", PCM)), riff(form(rate=0), chunk(b"data", PCM)), riff(b"\0" * 10_000),
        riff(file()), riff(chunk(b"fmt ", b"short"), chunk(b"data", PCM)),
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_wav_has_no_samples(content: bytes) -> None:
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
def test_all_of_them_is_the_sum(contents: list[bytes], size: int) -> None:
    content = b"".join(contents)
    assert samples(content) == b"".join(map(samples, contents)) == streamed(content, size)
    durations = [wav.duration(content) or 0 for content in contents]
    assert wav.duration(content) == pytest.approx(sum(durations))


@given(st.binary(max_size=3000), st.integers(1, 500))
def test_any_bytes_are_read_in_one_way(garbage: bytes, size: int) -> None:
    """Whole, or as they arrive."""
    for content in (garbage, file()[:44] + garbage, file(size=0)[:44] + garbage, file(b"ab") + garbage):
        assert samples(content) == streamed(content, size)
        wav.repair(content)


def test_notes_between_files_are_no_sound() -> None:
    content = file(after=NOTE) + file(OTHER, before=ODD_NOTE)
    assert samples(content) == streamed(content, 77) == PCM + OTHER


@pytest.mark.parametrize("about", [{"rate": 16_000}, {"channels": 2}, {"bits": 8}, {"encoding": 7}])
def test_files_of_different_kinds_are_refused(about: dict[str, Any]) -> None:
    content = file() + file(OTHER, **about)
    with pytest.raises(ValueError, match="do not fit together"):
        wav.repair(content)
    with pytest.raises(ValueError, match="do not fit together"):
        streamed(content, 1000)


# A header of our own


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (-1, 1), (10**12, 1), (24_000, 0), (24_000, 70_000)])
def test_a_header_that_cannot_be_is_refused_in_a_sentence(rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        wav.header(1000, rate, channels)


def test_a_header_without_a_size_is_read_to_the_end() -> None:
    content = wav.header(None, RATE, 1) + PCM
    assert samples(content) == PCM
    assert soundfile.read(io.BytesIO(content), dtype="int16")[0].tobytes() == PCM


# A file that was saved


def save(path: Path, content: bytes, audio_format: str = "wav") -> Path:
    with files.saving(path, AudioFacts(audio_format, RATE, 1)) as sink:
        for start in range(0, len(content), 5000):
            sink.write(content[start : start + 5000])
    return path


def read(path: Path) -> bytes:
    """By the standard library, which believes every size."""
    with wave.open(str(path)) as reader:
        assert reader.getframerate() == RATE
        content: bytes = reader.readframes(reader.getnframes())
        assert len(content) == reader.getnframes() * reader.getnchannels() * reader.getsampwidth()
    size = path.stat().st_size
    assert int.from_bytes(path.read_bytes()[4:8], "little") == size - 8
    assert size % 2 == 0
    return content


@pytest.mark.parametrize("size", PLACEHOLDERS)
@pytest.mark.parametrize("before", [b"", ODD_NOTE])
def test_sizes_that_a_server_did_not_know_are_filled_in(size: int, before: bytes, tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.wav", file(size=size, before=before))) == PCM


def test_an_odd_number_of_bytes_is_padded(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.wav", file(PCM[:999], 0xFFFF_FFFF, bits=8))) == PCM[:999]


def test_a_correct_file_is_left_as_it_came(tmp_path: Path) -> None:
    for content in (file(), file(before=ODD_NOTE, after=NOTE), file(b"")):
        assert save(tmp_path / "a.wav", content).read_bytes() == content


@pytest.mark.parametrize("sizes", [(None, None), (0, None), (0xFFFF_FFFF, 0), (None, 0x7FFF_F024)])
def test_several_files_become_one(sizes: tuple[int | None, int | None], tmp_path: Path) -> None:
    content = file(PCM, sizes[0]) + file(OTHER, sizes[1]) + file(PCM)
    assert read(save(tmp_path / "a.wav", content)) == PCM + OTHER + PCM


def test_what_is_moved_may_be_larger_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_BLOCK", 1000)
    content = file() + file(OTHER, after=NOTE) + file(PCM, before=NOTE)
    assert read(save(tmp_path / "a.wav", content)) == PCM + OTHER + PCM


def test_long_files_that_are_short_enough_become_ordinary_ones(tmp_path: Path) -> None:
    sizes = chunk(b"ds64", bytes(28))
    content = riff(sizes, form(), chunk(b"data", PCM, 0xFFFF_FFFF), size=0, magic=b"RF64")
    assert read(save(tmp_path / "a.wav", content)) == PCM


def test_files_that_do_not_fit_together_are_not_joined(tmp_path: Path) -> None:
    """They are in the file as they came when the error is raised, for whoever keeps it."""
    content = file() + file(OTHER, rate=16_000)
    with (tmp_path / "a.part").open("wb") as opened:
        sink = files._sink(opened, AudioFacts("wav"), "wav")
        sink.write(content)
        with pytest.raises(ValueError, match="do not fit together"):
            sink.finish()
    assert (tmp_path / "a.part").read_bytes() == content


def piped(folder: Path, content: bytes, audio_format: str) -> bytes:
    """What comes out at the other end of a FIFO."""
    os.mkfifo(folder / "pipe.wav")
    received: list[bytes] = []
    reading = threading.Thread(target=lambda: received.append((folder / "pipe.wav").read_bytes()))
    reading.start()
    save(folder / "pipe.wav", content, audio_format)
    reading.join()
    return received[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
@pytest.mark.parametrize(
    ("content", "audio_format"),
    [(PCM + OTHER, "pcm"), (file() + file(OTHER, 0), "wav"), (file(PCM + OTHER, 0x7FFF_F024), "wav")],
)
def test_in_a_pipe_the_sizes_are_unknown(content: bytes, audio_format: str, tmp_path: Path) -> None:
    received = piped(tmp_path, content, audio_format)
    assert received == wav.header(None, RATE, 1) + PCM + OTHER


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
def test_what_is_no_wav_goes_through_a_pipe_as_it_is(tmp_path: Path) -> None:
    assert piped(tmp_path, b"not what it is called", "wav") == b"not what it is called"


def test_pcm_that_does_not_fit_is_refused_when_that_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "_LARGEST", 1000)
    with (tmp_path / "a.part").open("wb") as opened:
        sink = files._sink(opened, AudioFacts("pcm", RATE, 1), "wav")
        sink.write(PCM[:1000])
        with pytest.raises(ValueError, match="4 GiB"):
            sink.write(b"ab")
    assert (tmp_path / "a.part").read_bytes()[44:] == PCM[:1000]


def test_wav_that_is_too_large_for_its_fields_stays_marked_as_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav, "UNKNOWN_SIZE", 1000)
    content = save(tmp_path / "a.wav", file(size=0)).read_bytes()
    assert struct.unpack_from("<I", content, 4) == struct.unpack_from("<I", content, 40) == (1000,)
    assert content[44:] == PCM
