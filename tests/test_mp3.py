"""mp3: what is a frame and what only looks like one; how long a player plays."""

import io
import random
from functools import cache
from itertools import pairwise

import miniaudio
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from openrouter_speech._core import mp3

RATE = 24_000


@cache
def encoded(frames: int, rate: int = RATE, channels: int = 1) -> bytes:
    """Encode noise: with an info tag, and with silence at both ends."""
    samples = np.random.default_rng(frames).integers(-9000, 9000, (frames, channels), dtype=np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="MP3")
    return file.getvalue()


@cache
def frames_of(content: bytes) -> tuple[mp3.Frame, ...]:
    cutter, found, end = mp3.Cutter(), [], 0
    while frame := cutter.next(content, end):
        found.append(frame)
        end = frame.end
    return tuple(found)


def bare(frames: int) -> bytes:
    """Encode without the info tag, as a server does that encodes while it speaks."""
    content = encoded(frames)
    return content[frames_of(content)[0].end :]


def silent(bits: int, count: int = 1) -> bytes:
    """Build frames with this header."""
    header = mp3._header(bits)
    assert header is not None
    return (bits.to_bytes(4) + bytes(header.size - 4)) * count


FRAME = silent(0xFFF384C0)
ID3 = b"ID3\x04\0\0\0\0\x02\0" + b"\xff\xf3\x84\xc4" * 64
ID3_WITH_FOOTER = b"ID3\x04\0\x10\0\0\x02\0" + b"\xff\xf3\x84\xc4" * 64 + b"3DI\x04\0\x10\0\0\x02\0"
ID3V1 = b"TAG" + bytes(125)
APE = b"APETAGEX" + b"\xd0\x07\0\0" + b"\x40\0\0\0" + b"\x01\0\0\0" + b"\0\0\0\xa0" + bytes(8) + bytes(32)
APE += b"APETAGEX" + b"\xd0\x07\0\0" + b"\x40\0\0\0" + b"\x01\0\0\0" + b"\0\0\0\x80" + bytes(8)


def samples(content: bytes) -> int:
    return sum(segment.samples for segment in mp3.segments(content))


def decoded(content: bytes, rate: int = RATE, channels: int = 1) -> int:
    """Count the samples that an independent decoder makes of it."""
    number: int = miniaudio.decode(content, nchannels=channels, sample_rate=rate).num_frames
    return number


# What is a frame


def test_random_bytes_are_no_sound() -> None:
    source = random.Random(1)
    for _ in range(500):
        blob = source.randbytes(source.randrange(1, 1 << source.randrange(1, 17)))
        assert not mp3.has_sound(blob)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfb", FRAME[:-1], FRAME + b"\0", FRAME + b"\0" * 400, FRAME + silent(0xFFFB9000),
     b"junk" + FRAME, b"junk" + FRAME + b"junk", b"junk" + FRAME + FRAME[:50], ID3[:6] + b"\x7f" * 4 + FRAME * 10,
     ID3, ID3 + ID3V1, APE, ID3V1, b"\xff" * 10_000, b"\xff\xfb" * 10_000],
    ids=range(16),
)  # fmt: skip
def test_what_only_looks_like_a_frame_is_none(content: bytes) -> None:
    assert not mp3.has_sound(content)
    assert mp3.first_frame(content) is None
    assert mp3.duration(content) is None


@pytest.mark.parametrize("after", [b"", FRAME, ID3, ID3V1, APE, FRAME[:4]])
def test_a_frame_is_recognized_by_what_follows(after: bytes) -> None:
    frame = mp3.first_frame(FRAME + after)
    assert frame is not None
    assert (frame.start, frame.end) == (0, len(FRAME))
    assert mp3.has_sound(FRAME + after)


@pytest.mark.parametrize("other", [ID3, ID3_WITH_FOOTER, APE, ID3V1, APE[-32:], ID3 + APE + ID3V1, bytes(99)])
def test_tags_and_damage_are_no_sound(other: bytes) -> None:
    assert samples(other + FRAME * 3 + other + FRAME * 4 + other) == 7 * 576
    assert samples(b"\xff\xf3junk" + FRAME * 3 + other + FRAME * 4 + FRAME[:50]) == 7 * 576


@pytest.mark.parametrize("tag", [ID3, ID3_WITH_FOOTER, APE, ID3V1])
def test_a_tag_is_skipped_to_the_byte(tag: bytes) -> None:
    """One frame is enough right after a tag; after anything else it takes two."""
    assert samples(tag + FRAME) == samples(FRAME + tag + FRAME) / 2 == 576


@pytest.mark.parametrize(
    ("bits", "rate", "channels"),
    [
        (0xFFFB9000, 44_100, 2), (0xFFFB90C0, 44_100, 1), (0xFFF384C0, 24_000, 1), (0xFFE384C0, 12_000, 1),
        (0xFFFA9000, 44_100, 2),  # with a checksum
        (0xFFFD9000, 44_100, 2), (0xFFF590C0, 22_050, 1),  # layer II
        (0xFFFF9000, 44_100, 2), (0xFFF790C0, 22_050, 1),  # layer I
    ],
)  # fmt: skip
def test_each_version_and_layer_lasts_as_long_as_a_decoder_plays(bits: int, rate: int, channels: int) -> None:
    content = silent(bits, 20)
    frame = mp3.first_frame(content)
    assert frame is not None
    assert (frame.header.sample_rate, frame.header.channels) == (rate, channels)
    assert samples(content) == decoded(content, rate, channels)


@pytest.mark.parametrize(
    "bits",
    [0xFFEB9000, 0xFFF99000, 0xFFFBF000, 0xFFFB0000, 0xFFFB9C00, 0xFFFB9002, 0x7FFB9000],
    ids=["version", "layer", "bit rate", "free format", "sample rate", "emphasis", "sync"],
)
def test_a_header_with_a_reserved_value_is_none(bits: int) -> None:
    assert mp3._header(bits) is None


# How long a player plays


@pytest.mark.parametrize("rate", [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
def test_every_rate_lasts_as_long_as_a_decoder_plays(rate: int) -> None:
    for channels in (1, 2):
        content = encoded(4321, rate, channels)
        assert samples(content) == decoded(content, rate, channels) == 4321


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("count", [2, 3, 20])
def test_mp3_that_stops_short_lasts_as_long_as_a_decoder_plays(tagged: bool, count: int) -> None:
    frames = frames_of(encoded(24_000))
    for missing in (0, 7):
        content = encoded(24_000)[0 if tagged else frames[0].end : frames[count].end - missing]
        assert samples(content) == decoded(content)


@pytest.mark.parametrize("count", [0, 5, 54])
def test_an_info_tag_that_counts_wrong_loses_nothing(count: int) -> None:
    """A decoder plays as many frames as it counts; the rest is another segment."""
    content = encoded(24_000)
    at = content.index(b"Xing") + 8
    wrong = content[:at] + count.to_bytes(4) + content[at + 4 :]
    first, *others = mp3.segments(wrong)
    assert first.samples == decoded(wrong)
    assert first.frames + sum(other.frames for other in others) == len(frames_of(content)) - 1
    assert [other.samples for other in others] == [576 * 39] * (count == 5)


@pytest.mark.parametrize(("bits", "at"), [(0xFFF384C0, 13), (0xFFF284C0, 15), (0xFFFB9000, 36), (0xFFFB90C0, 21)])
def test_an_info_tag_follows_the_side_information_and_the_checksum(bits: int, at: int) -> None:
    frame = silent(bits)
    note = frame[:at] + b"Info" + (1).to_bytes(4) + (10).to_bytes(4) + b"LAME3.100" + bytes(12) + b"\x24\x04\x50"
    content = note + frame[len(note) :] + frame * 10
    header = mp3._header(bits)
    assert header is not None
    [segment] = mp3.segments(content)
    assert segment.note == mp3.Note(10, 0x240 + 529, 0x450 - 529)
    assert segment.samples == decoded(content, header.sample_rate, header.channels)


@pytest.mark.parametrize("note", [b"Info\0\0\0\0", b"Xing\0\0\0\x0f" + bytes(116) + b"????"])
def test_an_info_tag_without_the_encoders_delay_is_no_sound(note: bytes) -> None:
    tag = (FRAME[:13] + note).ljust(len(FRAME), b"\0")
    assert not mp3.has_sound(tag)
    [segment] = mp3.segments(tag + FRAME * 10)
    assert (segment.note, segment.samples) == (mp3.Note(0, 0, 0), 10 * 576)


PIECES = st.lists(
    st.sampled_from([encoded(1200), encoded(24_000), bare(2400), bare(9600), ID3, APE, ID3V1]), max_size=6
)


@given(PIECES)
def test_concatenated_files_are_decoded_one_by_one(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    segments = list(mp3.segments(content))
    assert all(before.end <= after.start for before, after in pairwise(segments))
    assert [decoded(content[one.start : one.end]) for one in segments] == [one.samples for one in segments]
    assert samples(content) == sum(map(samples, pieces))


def test_two_rates_in_one_body_are_two_segments() -> None:
    content = encoded(4800, 24_000) + encoded(8820, 44_100, 2)
    assert [segment.header.sample_rate for segment in mp3.segments(content)] == [24_000, 44_100]
    assert mp3.duration(content) == pytest.approx(0.4)


@given(st.binary(max_size=4000))
def test_any_bytes_are_read(content: bytes) -> None:
    mp3.has_sound(content)
    mp3.duration(FRAME + content)
    mp3.duration(b"ID3" + content)


# As it arrives


@pytest.mark.parametrize("content", [encoded(9600), bare(9600) + encoded(1200), ID3 + bare(2400) + APE + bare(2400)])
@pytest.mark.parametrize("size", [1, 77, 100_000])
def test_frames_are_the_same_however_they_arrive(content: bytes, size: int) -> None:
    cutter, there, gone, found = mp3.Cutter(), bytearray(), 0, []
    for start in range(0, len(content) + size, size):
        there += content[start : start + size]
        while frame := cutter.next(there, complete=start >= len(content)):
            found.append((gone + frame.start, gone + frame.end, frame.begins))
            gone += frame.end
            del there[: frame.end]
    assert found == [(frame.start, frame.end, frame.begins) for frame in frames_of(content)]


def test_a_frame_does_not_wait_for_the_next_one() -> None:
    """Only the first does, for the four bytes that confirm it."""
    cutter = mp3.Cutter()
    assert cutter.next(FRAME, complete=False) is None
    first = cutter.next(FRAME + FRAME[:4], complete=False)
    assert first is not None
    assert first.begins
    assert cutter.next(FRAME, complete=False) is not None
