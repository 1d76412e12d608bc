"""Audio bodies: format, sample rate, duration. Pure: bytes and header values in, info out."""

import codecs
import json
from enum import Enum
from functools import lru_cache
from mmap import mmap
from typing import NamedTuple

# `mp3` and `wav` are imported late, so that a client starts fast.

DEFAULT_FORMAT = "pcm"
"""The format of a response if none is requested, by openapi.yaml."""
PCM_SAMPLE_RATE = 24_000
"""Hz. The rate of `audio/pcm` without parameters; the API sends `audio/pcm;rate=24000;channels=1`."""
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
"""The audio format of each file suffix. The spec has the first two; the rest is up to the server."""

_FORMATS = {
    "mp3": ("mp3", "mpeg", "mpeg3", "mpg", "mpa", "mpegaudio"),
    "pcm": ("pcm", "raw", "l16", "s16le"),
    "wav": ("wav", "wave", "vnd.wave", "pn-wav"),
    "ogg": ("ogg", "vorbis"),
    "opus": ("opus",),
    "flac": ("flac",),
    "aac": ("aac", "aacp"),
}
"""The media subtypes of each format, with or without `x-` in front.

`audio/L16` is big-endian on paper (RFC 2586), but services send little-endian samples, so it is read as such. Types
with other samples (`L8`, `L24`, `basic`, `PCMU`, `PCMA`) are separate formats.
"""
_BY_SUBTYPE = {
    prefix + name: format_ for format_, names in _FORMATS.items() for name in names for prefix in ("", "x-")
} | {"x-mpeg-3": "mp3", "mpeg-3": "mp3"}
_SILENT_TYPES = {
    "",
    "*/*",
    "audio/",
    "audio/*",
    "application/octet-stream",
    "application/x-octet-stream",
    "binary/octet-stream",
    "application/binary",
}
"""Types that say nothing about the format."""
_OGG_TYPES = {"application/ogg": "ogg", "application/x-ogg": "ogg", "video/ogg": "ogg"}
_RATES = range(1_000, 768_001)
"""Hz. A rate outside this range is a mistake."""
_CHANNELS = range(1, 33)
_RATE_NAMES = ("rate", "samplerate", "sample_rate", "sample-rate")
_CHANNELS_NAMES = ("channels", "channel", "numchannels", "num_channels")
_BITS_NAMES = ("bits", "bitdepth", "bit_depth", "bit-depth", "bits_per_sample", "bitspersample", "sample_size")
_CODEC_NAMES = ("codec", "codecs", "encoding", "format")
_ORDER_NAMES = ("endian", "endianness", "byteorder", "byte_order", "byte-order")
_BIG_ENDIAN = ("big", "be", "big-endian", "bigendian")
_SIXTEEN_BITS = (
    *("", "1", "pcm", "lpcm", "pcm16", "pcm_16", "pcm-16", "pcm_s16le", "s16le", "s16_le", "s16", "int16", "l16"),
    *("linear16", "linear", "signed", "signed-int", "signed-integer", "raw"),
)
"""Names for 16-bit samples."""

Audio = bytes | bytearray | mmap
"""Audio from its start, in memory or in a file."""


class AudioInfo(NamedTuple):
    """The format of some audio: first from the headers, then from its first bytes."""

    format: str
    """"mp3", "pcm", "wav", or the subtype of any other audio type."""
    sample_rate: int | None = None
    """Hz; None if unknown."""
    channels: int | None = None

    @property
    def frame_size(self) -> int:
        """Bytes of one frame for pcm: a sample of each channel. 1 for other formats."""
        return PCM_SAMPLE_WIDTH * (self.channels or PCM_CHANNELS) if self.format == "pcm" else 1


class Unidentified(Enum):
    """Why the first bytes of a body do not identify its format."""

    NEEDS_MORE = "needs more bytes"
    NOT_AUDIO = "text, not audio"


_MIN_HEAD = 12
"""Bytes that identify most bodies."""
_MAX_HEAD = 1 << 16
"""Bytes to inspect before trusting the label."""
_TEXT_HEAD = 512
"""Bytes to inspect to tell text from audio."""
_SHORT = 16
"""Bytes. A shorter body labelled pcm counts as text only if it is JSON: it may be a few loud samples."""
_VARIETY = 8
"""Distinct bytes in a text of that length. A constant or alternating signal has up to four."""
_NO_CONTROL = bytes(byte for byte in range(256) if byte in b"\t\n\f\r" or (byte >= 0x20 and byte != 0x7F))
_OF_TEXT = _NO_CONTROL[:-2]  # text rarely starts with þ or ÿ; samples and mp3 have 0xFF
_WAV_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_SIGNATURES = {b"OggS": "ogg", b"fLaC": "flac", b"\x1aE\xdf\xa3": "webm"}
"""The first bytes of some formats. WAV and mp3 need a closer look."""
_CORRECT_LABELS = {"ogg": ("ogg", "opus"), "mp4": ("mp4", "m4a", "x-m4a", "aac")}
"""Labels that are correct for each detected format."""


def identify(head: bytes, info: AudioInfo, *, complete: bool) -> AudioInfo | Unidentified:
    """Identify a body by its first bytes, which take precedence over its label.

    Args:
        head: The first bytes of the body. After `NEEDS_MORE`, call again with more, from the start.
        info: The format by its label.
        complete: Whether `head` is the whole body.
    """
    if len(head) < _MIN_HEAD and not complete:
        return Unidentified.NEEDS_MORE
    first = head[:4]
    if head[8:12] == b"WAVE" and first in _WAV_MAGICS:
        return _wav(head, complete=complete)
    if first in _SIGNATURES or (head[4:8] == b"ftyp" and not any(head[:2])):  # the size of that box, and its name
        name = _SIGNATURES.get(first, "mp4")
        return info if info.format in _CORRECT_LABELS.get(name, (name,)) else AudioInfo(name)
    if not head[:_MIN_HEAD].translate(None, _OF_TEXT):
        is_text = _is_text(head, is_pcm=info.format == "pcm", complete=complete)
        if is_text is not False:
            return Unidentified.NOT_AUDIO if is_text else Unidentified.NEEDS_MORE
    if first[:1] == b"\xff" or first[:3] == b"ID3":
        return _mpeg(head, info, complete=complete)
    return info


def _wav(head: bytes, *, complete: bool) -> AudioInfo | Unidentified:
    from . import wav  # noqa: PLC0415

    if layout := wav.layout(head):
        return AudioInfo("wav", layout.sample_rate, layout.channels)
    return AudioInfo("wav") if complete or len(head) >= _MAX_HEAD else Unidentified.NEEDS_MORE


def _mpeg(head: bytes, info: AudioInfo, *, complete: bool) -> AudioInfo | Unidentified:
    """Identify a body that begins like mp3.

    Under another label that takes two frames, or a tag and a frame: samples can look like a single frame.
    """
    if info.format == "mp3":
        is_adts = head[0] == 0xFF and len(head) > 1 and head[1] & 0xF6 == 0xF0  # mp3 has no layer 0
        return AudioInfo("aac") if is_adts else info
    if info.format in {"aac", "flac"}:  # they can have the same tags and similar frames
        return info
    from . import mp3  # noqa: PLC0415

    tag = mp3.id3_size(head)
    if tag and complete and tag >= len(head):
        return info
    if not tag and head[:4] == head[4:8]:  # a constant signal, not a row of frames
        return info
    begins = mp3.begins(head, tag, frames=1 if tag else 2, complete=complete)
    if begins is None and len(head) < _MAX_HEAD:
        return Unidentified.NEEDS_MORE
    # A tag longer than `head` has a picture in it; no samples look like that.
    return AudioInfo("mp3") if begins or tag > len(head) else info


def _is_text(head: bytes, *, is_pcm: bool, complete: bool) -> bool | None:
    """Whether a body is text and not audio; None if more bytes are needed."""
    start, ends = head[:_TEXT_HEAD], complete or len(head) >= _TEXT_HEAD
    if start.translate(None, _NO_CONTROL):
        return False
    try:
        text = codecs.utf_8_decode(start, "strict", complete and len(head) <= _TEXT_HEAD)[0]
    except UnicodeDecodeError:
        text = "" if is_pcm else start.decode("latin-1")
        if not text.lstrip().startswith("<"):
            return False
    text = text.lstrip("\ufeff \t\r\n\f")
    if not ends:
        return None
    if not is_pcm:
        return bool(text)
    if len(start) < _SHORT:
        return text[:1] in {"{", "["} and _is_json(text)
    # Loud samples can be printable, but not so many distinct ones.
    return len(set(start)) >= _VARIETY and (text[:1] in {"{", "[", "<"} or len(text.split()) > 1)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def has_sound(audio: Audio, info: AudioInfo) -> bool:
    """Whether complete audio has sound in its format, by the checks there are for that format."""
    if info.format == "pcm":
        return len(audio) >= info.frame_size
    from . import mp3, wav  # noqa: PLC0415

    if info.format == "mp3":
        return mp3.has_sound(audio)
    if info.format == "wav":
        return any(span.size for span in wav.spans(audio))
    sign = {"ogg": b"OggS", "opus": b"OggS", "flac": b"fLaC"}.get(info.format, b"")
    if info.format == "flac":
        audio = audio[mp3.id3_size(audio) :][:5] if audio[:3] == b"ID3" else audio
    return len(audio) > len(sign) and audio[: len(sign)] == sign


@lru_cache(maxsize=64)
def info_from_content_type(content_type: str, requested: str | None = None) -> AudioInfo | None:
    """Parse a `Content-Type`.

    Args:
        content_type: The header's value; empty if the response had none.
        requested: The requested format, used if the type says nothing (`application/octet-stream`, or none).

    Returns:
        None if it is not an audio type. PCM that is not 16-bit little-endian, or whose rate or number of channels is
        impossible, has a format that says so: it can be kept, but not be played, joined or saved as WAV.
    """
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.partition(",")[0].strip().lower()  # the header was sent twice
    kind, _, subtype = media_type.partition("/")
    if media_type in _SILENT_TYPES:
        name = requested or "pcm"
    elif media_type in _OGG_TYPES:
        name = _OGG_TYPES[media_type]
    elif kind == "audio":
        name = _BY_SUBTYPE.get(subtype, subtype)
    else:
        return None
    return _pcm(_parameters(parameters)) if name == "pcm" else AudioInfo(name)


def _pcm(given: dict[str, str]) -> AudioInfo:
    """Read the parameters of a pcm type. Only 16-bit little-endian integers count as pcm."""

    def said(names: tuple[str, ...]) -> str:
        return next((given[name] for name in names if name in given), "")

    codec, bits = said(_CODEC_NAMES), said(_BITS_NAMES)
    if codec not in _SIXTEEN_BITS:
        return AudioInfo(codec)
    if bits not in {"", "16"}:
        return AudioInfo(f"pcm with {bits} bits")
    if said(_ORDER_NAMES) in _BIG_ENDIAN:
        return AudioInfo("big-endian pcm")
    rate, channels = _number(said(_RATE_NAMES)) or PCM_SAMPLE_RATE, _number(said(_CHANNELS_NAMES)) or PCM_CHANNELS
    if rate not in _RATES:
        return AudioInfo(f"pcm at {rate} Hz")
    if channels not in _CHANNELS:
        return AudioInfo(f"pcm with {channels} channels")
    return AudioInfo("pcm", rate, channels)


def _parameters(text: str) -> dict[str, str]:
    given = {}
    for parameter in text.lower().split(";"):
        name, _, value = parameter.partition("=")
        given[name.strip()] = value.partition(",")[0].strip().strip("\"'").strip()
    return given


def _number(text: str) -> int:
    """Parse a whole number, of which 10 digits are enough; 0 for anything else."""
    text = text.removesuffix(".0")
    return int(text[:10]) if text.isascii() and text.isdigit() else 0


def info_from_audio(audio: Audio, info: AudioInfo) -> AudioInfo:
    """Fill in the sample rate and channels from the first bytes of the audio. Unknown values stay None."""
    if info.format not in {"mp3", "wav"}:
        return info
    from . import mp3, wav  # noqa: PLC0415

    if info.format == "wav" and (layout := wav.layout(audio)):
        return AudioInfo("wav", layout.sample_rate, layout.channels)
    if info.format == "mp3" and (frame := mp3.first_frame(audio)):
        return AudioInfo("mp3", frame.header.sample_rate, frame.header.channels)
    return info


def duration(audio: Audio, info: AudioInfo) -> float | None:
    """Return the duration in seconds, of all files if the body is several concatenated ones.

    Exact for pcm and uncompressed wav. For mp3 the frames are counted; if there is a LAME tag, the silence that the
    encoder added at both ends is subtracted, as players do. None for formats that are not parsed.
    """
    if info.format == "pcm" and info.sample_rate:
        return len(audio) / info.frame_size / info.sample_rate
    from . import mp3, wav  # noqa: PLC0415

    if info.format == "wav":
        return wav.duration(audio)
    if info.format == "mp3":
        return mp3.duration(audio)
    return None
