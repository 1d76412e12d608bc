"""Check that a response is the requested audio, without the client's code: a shared mistake would go unnoticed."""

import io
import wave
from collections.abc import Callable, Mapping

import miniaudio

Parameters = Mapping[str, str]


def check(content: bytes, content_type: str | None, requested: str) -> None:
    """Check a success's body and type against the requested (or default) `response_format`.

    Args:
        content: The body.
        content_type: Its `Content-Type`; None leaves that out of the check.
        requested: One of `FORMATS`.

    Raises:
        AssertionError: It is not that audio; the message says why.
    """
    _ensure(requested in FORMATS, f"these checks cannot check {requested!r}")
    _ensure(content != b"", "a success without a byte of audio")
    documented, check_format = FORMATS[requested]
    if content_type is not None:
        media_type, parameters = _parsed(content_type)
        _ensure(media_type == documented, f"Content-Type is {content_type!r} where {requested} was asked for")
        _ensure(
            requested != "pcm" or parameters == {"rate": "24000", "channels": "1"},
            f"Content-Type says {dict(parameters)} of the pcm, where rate=24000;channels=1 is documented",
        )
    check_format(content)


def _pcm(content: bytes) -> None:
    _ensure(len(content) % 2 == 0, f"{len(content)} bytes are no whole number of 16-bit samples")
    _ensure(not content.startswith(b"RIFF"), "a WAV file under the name of pcm")
    _ensure(not content.startswith(b"\x1f\x8b\x08"), "gzip under the name of pcm")
    _ensure(not _is_text(content), f"text under the name of pcm: {content[:80]!r}")
    try:
        mp3_frames(content)
    except AssertionError:
        return
    raise AssertionError("mp3 under the name of pcm")


def _mp3(content: bytes) -> None:
    mp3_frames(content)
    try:
        miniaudio.decode(content)
    except miniaudio.DecodeError as error:
        raise AssertionError(f"the mp3 does not decode: {error}") from error


def _wav(content: bytes) -> None:
    try:
        with wave.open(io.BytesIO(content)) as reader:
            announced = reader.getnframes() * reader.getnchannels() * reader.getsampwidth()
            samples = reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise AssertionError(f"the WAV file cannot be read: {error}") from error
    _ensure(samples != b"", "the WAV file holds no sample")
    _ensure(len(samples) == announced, f"the WAV file announces {announced} bytes of samples and holds {len(samples)}")


FORMATS: dict[str, tuple[str, Callable[[bytes], None]]] = {
    "pcm": ("audio/pcm", _pcm),
    "mp3": ("audio/mpeg", _mp3),
    "wav": ("audio/wav", _wav),
}
"""The media type and the check of each format."""


# The header of an MPEG frame: https://www.datavoyage.com/mpgscript/mpeghdr.htm
_KBITS_V1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_V2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44_100, 48_000, 32_000)
_RATE_DIVISORS = {0b11: 1, 0b10: 2, 0b00: 4}
"""By the two bits of the version: MPEG 1, 2 and 2.5."""


def mp3_frames(content: bytes) -> int:
    """Count the frames of an mp3, which decoders do not: they skip a cut frame.

    Raises:
        AssertionError: They do not fill the content.
    """
    position = count = 0
    if content.startswith(b"ID3") and len(content) >= 10:
        position = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
    kind = b""
    while position < len(content) and content[position : position + 3] not in {b"TAG", b"APE"}:
        size = _frame_size(content[position : position + 4])
        end = position + size
        _ensure(size > 0, f"no mp3 frame begins at byte {position} of {len(content)}")
        _ensure(
            end <= len(content), f"the last mp3 frame is cut off: it ends at byte {end}, the audio at {len(content)}"
        )
        # The bits of the version and of the sample rate, which is one in a whole file.
        latest = bytes((content[position + 1] & 0x18, content[position + 2] & 0x0C))
        _ensure(kind in {b"", latest}, f"the sample rate changes at byte {position} of the mp3")
        kind = latest
        position = end
        count += 1
    _ensure(count > 0, "there is no mp3 frame")
    return count


def _frame_size(header: bytes) -> int:
    """Return the size of a layer III frame in bytes, or 0 if this is no header of one."""
    bits = int.from_bytes(header)
    version, layer, kbits, rate, padding = (
        bits >> 19 & 3,
        bits >> 17 & 3,
        bits >> 12 & 15,
        bits >> 10 & 3,
        bits >> 9 & 1,
    )
    if len(header) < 4 or bits >> 21 != 0x7FF or version == 0b01 or layer != 0b01 or kbits in {0, 15} or rate == 3:
        return 0
    divisor = _RATE_DIVISORS[version]
    table, words = (_KBITS_V1, 144) if divisor == 1 else (_KBITS_V2, 72)
    return words * table[kbits - 1] * 1000 // (_RATES[rate] // divisor) + padding


def _is_text(content: bytes) -> bool:
    """Whether it is a JSON object or HTML."""
    try:
        return content.decode().lstrip()[:1] in {"{", "<"}
    except UnicodeDecodeError:
        return False


def _parsed(content_type: str) -> tuple[str, Parameters]:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    return media_type, {name.strip(): value.strip(' "') for name, _, value in pairs}


def _ensure(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)
