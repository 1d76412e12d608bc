"""What the contract tests take for audio: whole files of each format pass, and nothing else does."""

import pytest
from openrouter_speech._core import wav

from . import audio
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
        ("opus", "audio/opus", SILENCE, "cannot tell whether an answer is 'opus'"),
        ("pcm", PCM_TYPE, b"<html>!", "bytes are no whole number"),
        ("pcm", PCM_TYPE, b"<html>", "text under the name of pcm"),
        ("pcm", PCM_TYPE, WAV, "a WAV file under the name of pcm"),
        ("pcm", PCM_TYPE, ID3 + SILENT_MP3, "mp3 under the name of pcm"),
        ("mp3", "audio/mpeg", WAV, "no mp3 frame begins at byte 0"),
        ("mp3", "audio/mpeg", ID3, "there is no mp3 frame"),
        ("mp3", "audio/mpeg", SILENT_MP3 + SILENCE, "no mp3 frame begins at byte 480"),
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
def test_anything_else_is_told_apart(asked: str, content_type: str, content: bytes, named: str) -> None:
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


NO_HEADERS = {
    "reserved version": b"\xff\xeb\x90\x00",
    "layer II": b"\xff\xfd\x90\x00",
    "free bitrate": b"\xff\xfb\x00\x00",
    "bad bitrate": b"\xff\xfb\xf0\x00",
    "reserved rate": b"\xff\xfb\x9c\x00",
    "no sync": b"\xff\x1b\x90\x00",
}


@pytest.mark.parametrize("header", NO_HEADERS.values(), ids=NO_HEADERS)
def test_what_is_no_header_is_no_frame(header: bytes) -> None:
    with pytest.raises(AssertionError, match="no mp3 frame begins at byte 0"):
        audio.mp3_frames(header + bytes(1000))
