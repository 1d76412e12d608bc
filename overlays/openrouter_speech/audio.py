"""What an audio answer is: its format, its rate, how long it plays. Pure: bytes and header values in, facts out."""

import struct
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from mmap import mmap
from typing import NamedTuple

PCM_SAMPLE_RATE = 24_000
"""Hz. The rate of `audio/pcm` where the type does not say: `audio/pcm;rate=24000;channels=1` is what the API sends."""
PCM_CHANNELS = 1
PCM_SAMPLE_WIDTH = 2
"""Bytes: samples are 16-bit little-endian integers."""

SUFFIXES = {
    ".mp3": "mp3",
    ".pcm": "pcm",
    ".wav": "wav",
    ".aac": "aac",
    ".flac": "flac",
    ".ogg": "ogg",
    ".opus": "opus",
}
"""The audio format that a file name's suffix stands for. The API has the first two; the rest is left to the server."""

_FORMATS = {
    "mpeg": "mp3",
    "mp3": "mp3",
    "pcm": "pcm",
    "l16": "pcm",
    "wav": "wav",
    "wave": "wav",
    "x-wav": "wav",
    "vnd.wave": "wav",
}
_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
WAV_HEADER_SIZE = _WAV_HEADER.size
_WAV_LARGEST = 0xFFFF_FFFF - WAV_HEADER_SIZE
_WAV_EXTENSIBLE = 0xFFFE

Audio = bytes | bytearray | mmap
"""Audio from its beginning on, in memory or in a file."""


class AudioFacts(NamedTuple):
    """What is known of an audio answer from its headers, before its first byte."""

    format: str
    """"mp3", "pcm", "wav", or the subtype of any other audio type."""
    sample_rate: int | None = None
    """Hz; None where only the audio itself tells."""
    channels: int | None = None

    @property
    def frame_size(self) -> int:
        """Bytes that belong together: one sample of each channel for pcm; other formats have no such unit here."""
        return PCM_SAMPLE_WIDTH * (self.channels or PCM_CHANNELS) if self.format == "pcm" else 1


class Unidentified(Enum):
    """Why the first bytes of a body do not tell what it is."""

    NEEDS_MORE = "needs more bytes"
    NOT_AUDIO = "text, not audio"


def identify(head: bytes, facts: AudioFacts, *, complete: bool) -> AudioFacts | Unidentified:
    """Tell what a body is by its first bytes, which are believed before its label.

    Args:
        head: The first bytes of the body.
        facts: What its label says.
        complete: Whether `head` is the whole body.
    """
    del head, complete
    return facts


def has_sound(audio: Audio, facts: AudioFacts) -> bool:
    """Tell whether there is sound of its format in the audio, or in its beginning."""
    del audio, facts
    return True


@lru_cache(maxsize=64)
def facts_from_content_type(content_type: str, requested: str | None = None) -> AudioFacts | None:
    """Read a `Content-Type` value.

    Args:
        content_type: The header's value; empty where the answer had none.
        requested: The format asked for. It counts where the type says nothing (`application/octet-stream`, or none).

    Returns:
        None where the type is not one of audio.
    """
    media_type, _, parameters = content_type.partition(";")
    kind, _, subtype = media_type.strip().lower().partition("/")
    if kind == "audio":
        name = _FORMATS.get(subtype, subtype)
    elif (kind, subtype) in {("application", "octet-stream"), ("", "")}:
        name = requested or "pcm"
    else:
        return None
    if name != "pcm":
        return AudioFacts(name)
    given = dict(_parameters(parameters))
    return AudioFacts("pcm", given.get("rate", PCM_SAMPLE_RATE), given.get("channels", PCM_CHANNELS))


def facts_from_audio(audio: Audio, facts: AudioFacts) -> AudioFacts:
    """Complete what the headers told with what the first bytes of the audio tell. An unknown stays None."""
    if facts.format == "wav" and (header := wav_layout(audio)):
        return AudioFacts("wav", header.sample_rate, header.channels)
    if facts.format == "mp3" and (frame := next(_mp3_frames(audio), None)):
        return AudioFacts("mp3", frame.sample_rate, frame.channels)
    return facts


def duration(audio: Audio, facts: AudioFacts) -> float | None:
    """How long the audio plays, in seconds.

    Exact for pcm and wav. For mp3 the frames are counted; where an encoder left its note (the LAME tag), the silence
    that encoding added at both ends is taken off, as players do. None for formats that are not read here.
    """
    if facts.format == "pcm" and facts.sample_rate:
        return len(audio) / facts.frame_size / facts.sample_rate
    if facts.format == "wav" and (header := wav_layout(audio)):
        available = min(header.data_size, len(audio) - header.data_start)
        return available / header.bytes_per_second if header.bytes_per_second else None
    if facts.format == "mp3":
        return _mp3_duration(audio)
    return None


def mp3_frame_end(audio: Audio) -> int:
    """Bytes up to the end of the first mp3 frame, with what stands before it; 0 where not all of it is there."""
    frame = next(_mp3_frames(audio), None)
    end = frame.start + frame.size if frame else 0
    return end if end <= len(audio) else 0


def wav_header(data_size: int, sample_rate: int, channels: int) -> bytes:
    """The 44 bytes that make 16-bit pcm a WAV file.

    Raises:
        ValueError: The audio is larger than the 4 GiB that a WAV file can hold.
    """
    if data_size > _WAV_LARGEST:
        raise ValueError(f"{data_size} bytes of audio do not fit into a WAV file (at most 4 GiB); save it as .pcm")
    frame_size = PCM_SAMPLE_WIDTH * channels
    return _WAV_HEADER.pack(
        b"RIFF", WAV_HEADER_SIZE - 8 + data_size, b"WAVE",
        b"fmt ", 16, 1, channels, sample_rate, sample_rate * frame_size, frame_size, PCM_SAMPLE_WIDTH * 8,
        b"data", data_size,
    )  # fmt: skip


def _parameters(text: str) -> Iterator[tuple[str, int]]:
    for parameter in text.split(";"):
        name, _, value = parameter.partition("=")
        value = value.strip().strip('"')
        if value.isascii() and value.isdigit() and int(value) > 0:
            yield name.strip().lower(), int(value)


class WavLayout(NamedTuple):
    """What the chunks before the samples of a WAV file tell."""

    encoding: int
    """1: integers, 3: floating point; others are compressed."""
    sample_rate: int
    channels: int
    bytes_per_second: int
    data_start: int
    data_size: int
    """Bytes; not to be trusted where the header was written before the audio was known."""


def wav_layout(audio: Audio) -> WavLayout | None:
    """Read a WAV header. None where the audio does not begin with one, or not with all of it."""
    if audio[:4] != b"RIFF" or audio[8:12] != b"WAVE":
        return None
    position, form = 12, None
    while position + 8 <= len(audio):
        name, size = struct.unpack_from("<4sI", audio, position)
        position += 8
        if name == b"fmt " and position + 16 <= len(audio):
            form = struct.unpack_from("<HHII", audio, position)
            if form[0] == _WAV_EXTENSIBLE and position + 26 <= len(audio):  # then the encoding is further behind
                form = (*struct.unpack_from("<H", audio, position + 24), *form[1:])
        elif name == b"data" and form:
            encoding, channels, sample_rate, bytes_per_second = form
            return WavLayout(encoding, sample_rate, channels, bytes_per_second, position, size)
        position += size + size % 2  # chunks are padded to an even length
    return None


# MPEG audio. A frame begins with eleven set bits; the rest of its four-byte header gives its length.
# https://www.datavoyage.com/mpgscript/mpeghdr.htm
_MPEG_1 = 3
_LAYER_3 = 1
_MP3_SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_MP3_BITRATES = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


class _Mp3Frame(NamedTuple):
    start: int
    size: int
    samples: int
    sample_rate: int
    channels: int
    is_mpeg_1: bool


def _mp3_frame(audio: Audio, start: int) -> _Mp3Frame | None:
    if start + 4 > len(audio):
        return None
    bits = int.from_bytes(audio[start : start + 4])
    version, layer = bits >> 19 & 3, bits >> 17 & 3
    bitrate_index, rate_index = bits >> 12 & 15, bits >> 10 & 3
    if bits >> 21 != 0x7FF or version == 1 or layer != _LAYER_3 or bitrate_index in {0, 15} or rate_index == 3:
        return None
    is_mpeg_1 = version == _MPEG_1
    samples = 1152 if is_mpeg_1 else 576
    sample_rate = _MP3_SAMPLE_RATES[version][rate_index]
    bitrate = _MP3_BITRATES[is_mpeg_1][bitrate_index - 1] * 1000
    size = samples // 8 * bitrate // sample_rate + (bits >> 9 & 1)
    return _Mp3Frame(start, size, samples, sample_rate, 1 if bits >> 6 & 3 == 3 else 2, is_mpeg_1)


def _mp3_frames(audio: Audio) -> Iterator[_Mp3Frame]:
    start = 0
    if audio[:3] == b"ID3" and len(audio) >= 10:  # a tag, its size in four bytes of seven bits
        start = 10 + (audio[6] << 21 | audio[7] << 14 | audio[8] << 7 | audio[9])
    while 0 <= start < len(audio):
        if frame := _mp3_frame(audio, start):
            yield frame
            start += frame.size
        else:  # a tag in between, or bytes that were damaged: look for the next frame
            start = audio.find(b"\xff", start + 1)


def _mp3_duration(audio: Audio) -> float | None:
    samples: Counter[int] = Counter()  # by sample rate
    for number, frame in enumerate(_mp3_frames(audio)):
        if number == 0:
            # The first frame may hold a note of the encoder's instead of sound; it lies behind the side information.
            side = (17 if frame.channels == 1 else 32) if frame.is_mpeg_1 else (9 if frame.channels == 1 else 17)
            note = audio[frame.start + 4 + side : frame.start + frame.size]
            if note[:4] in {b"Xing", b"Info"}:
                samples[frame.sample_rate] -= _mp3_padding(note)
                continue
        samples[frame.sample_rate] += frame.samples
    return max(0.0, sum(count / rate for rate, count in samples.items())) if samples else None


def _mp3_padding(note: bytes | bytearray) -> int:
    """Samples of silence that the encoder added, by the LAME part of its note: http://gabriel.mp3-tech.org/mp3infotag.html."""
    flags = int.from_bytes(note[4:8])
    lame = 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    delays = note[lame + 21 : lame + 24]
    if len(delays) < 3 or not note[lame : lame + 4].isalnum():
        return 0
    packed = int.from_bytes(delays)
    return (packed >> 12) + (packed & 0xFFF)
