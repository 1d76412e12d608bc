"""What the contract tests accept as audio: whole files of each format, and nothing else."""

import gzip

import pytest
from openrouter_speech._core import wav
from openrouter_speech.contract import audio

from .peer import SILENCE, SILENT_MP3

PCM_TYPE = "audio/pcm;rate=24000;channels=1"
WAV = wav.header(len(SILENCE), 24_000, 1) + SILENCE
ID3 = b"ID3\x04\x00\x00\x00\x00\x01\x02" + bytes(130)
"""A tag of 130 bytes: its length is written in seven bits a byte."""


@pytest.mark.parametrize(
    ("asked", "content_type", "content"),
    [
        ("pcm", PCM_TYPE, SILENCE),
        ("pcm", 'Audio/PCM; channels=1; rate="24000"', b"\xff\xfb" * 100),
        ("mp3", "audio/mpeg", SILENT_MP3),
        ("mp3", "audio/mpeg", ID3 + SILENT_MP3 + b"TAG" + bytes(125)),
        ("wav", "audio/wav", WAV),
    ],
)
def test_whole_audio_passes(asked: str, content_type: str, content: bytes) -> None:
    audio.check(content, content_type, asked)


@pytest.mark.parametrize(
    ("asked", "content_type", "content", "named"),
    [
        ("opus", "audio/opus", SILENCE, "cannot check 'opus'"),
        ("pcm", PCM_TYPE, b"<html>!", "bytes are no whole number"),
        ("pcm", PCM_TYPE, b"<html>", "text under the name of pcm"),
        ("pcm", PCM_TYPE, WAV, "a WAV file under the name of pcm"),
        ("pcm", PCM_TYPE, gzip.compress(SILENCE, mtime=0).ljust(64, b"\0"), "gzip under the name of pcm"),
        ("pcm", PCM_TYPE, ID3 + SILENT_MP3, "mp3 under the name of pcm"),
        ("mp3", "audio/mpeg", WAV, "no mp3 frame begins at byte 0"),
        ("mp3", "audio/mpeg", ID3, "there is no mp3 frame"),
        ("mp3", "audio/mpeg", SILENT_MP3 + SILENCE, "no mp3 frame begins at byte 480"),
        ("mp3", "audio/mpeg", SILENT_MP3 + b"\xff\xe3\x18\xc0" + bytes(68), "sample rate changes at byte 480"),
        ("mp3", "audio/mpeg", SILENT_MP3[:-95], "no mp3 frame begins at byte 384"),
        ("mp3", "audio/mpeg", SILENT_MP3[:-92], "it ends at byte 480, the audio at 388"),
        ("mp3", "audio/mpeg", (SILENT_MP3[:4] + b"\xff" * 92) * 5, "the mp3 does not decode"),
        ("wav", "audio/wav", WAV[:-2], "announces 4800 bytes of samples and holds 4798"),
        ("wav", "audio/wav", WAV[:20], "the WAV file cannot be read"),
        ("wav", "audio/wav", SILENCE, "the WAV file cannot be read"),
        ("wav", "audio/wav", wav.header(0, 24_000, 1), "holds no sample"),
        ("wav", PCM_TYPE, WAV, "where wav was asked for"),
    ],
)
def test_anything_else_is_rejected(asked: str, content_type: str, content: bytes, named: str) -> None:
    with pytest.raises(AssertionError, match=named):
        audio.check(content, content_type, asked)


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (b"\xff\xfb\x90\x00", 417),  # MPEG 1, 128 kbit/s, 44.1 kHz: 144 * 128000 / 44100
        (b"\xff\xfb\x92\x00", 418),  # the same, padded
        (b"\xff\xf3\x44\xc0", 96),  # MPEG 2, 32 kbit/s, 24 kHz: 72 * 32000 / 24000
        (b"\xff\xe3\x18\xc0", 72),  # MPEG 2.5, 8 kbit/s, 8 kHz: 72 * 8000 / 8000
    ],
)
def test_a_frame_is_as_long_as_its_header_says(header: bytes, size: int) -> None:
    frame = header.ljust(size, b"\0")
    assert audio.mp3_frames(frame * 3) == 3
    with pytest.raises(AssertionError, match="cut off"):
        audio.mp3_frames(frame[:-1])


@pytest.mark.parametrize(
    "bits",
    [0xFFEB9000, 0xFFFD9000, 0xFFFB0000, 0xFFFBF000, 0xFFFB9C00, 0xFF1B9000],
    ids=["reserved version", "layer II", "free bit rate", "bad bit rate", "reserved sample rate", "no sync"],
)
def test_other_headers_begin_no_frame(bits: int) -> None:
    with pytest.raises(AssertionError, match="no mp3 frame begins at byte 0"):
        audio.mp3_frames(bits.to_bytes(4) + bytes(1000))
