"""The format of audio, from its headers and its bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_speech._core import audio, wav
from openrouter_speech._core.audio import AudioInfo, Unidentified

NEEDS_MORE, NOT_AUDIO = Unidentified.NEEDS_MORE, Unidentified.NOT_AUDIO
PCM, MP3, WAV = AudioInfo("pcm", 24_000, 1), AudioInfo("mp3"), AudioInfo("wav")
LABELS = [PCM, MP3, WAV, AudioInfo("ogg"), AudioInfo("x-new")]

# From the Content-Type


@pytest.mark.parametrize(
    ("content_type", "info"),
    [
        ("audio/pcm;rate=24000;channels=1", PCM),
        ('Audio/PCM; channels=2; rate="44100"', AudioInfo("pcm", 44_100, 2)),
        ("audio/pcm", PCM),
        ("audio/L16;rate=16000", AudioInfo("pcm", 16_000, 1)),
        ("application/octet-stream;rate=44100", AudioInfo("pcm", 44_100, 1)),
        ("", PCM),
        ("application/ogg", AudioInfo("ogg")),
        ("audio/ogg; codecs=opus", AudioInfo("ogg")),
        ("audio/x-new", AudioInfo("x-new")),
        ("application/json", None),
        ("text/html; charset=utf-8", None),
        ("audio/pcm; rate=8000, audio/pcm; rate=8000", AudioInfo("pcm", 8_000, 1)),
        ("audio/mpeg, audio/mpeg", MP3),
        ("audio/pcm;codec=mulaw", AudioInfo("mulaw")),
        ("audio/pcm; encoding=signed-integer; bits=16; endian=little", PCM),
        ("audio/pcm; bits=24", AudioInfo("pcm with 24 bits")),
        ("audio/L16; endianness=big", AudioInfo("big-endian pcm")),
        ("audio/pcm;rate=70000000", AudioInfo("pcm at 70000000 Hz")),
        (f"audio/pcm;rate={10**12}", AudioInfo("pcm at 1000000000 Hz")),
        ("audio/pcm;rate=24", AudioInfo("pcm at 24 Hz")),
        ("audio/pcm;channels=70000", AudioInfo("pcm with 70000 channels")),
        *((f"audio/{subtype};rate=8000", AudioInfo(subtype)) for subtype in ("l8", "l24", "basic", "pcmu", "alaw")),
    ],
)
def test_a_content_type_names_the_format(content_type: str, info: AudioInfo | None) -> None:
    assert audio.info_from_content_type(content_type) == info


@pytest.mark.parametrize(
    ("audio_format", "subtypes"),
    {
        "mp3": "mpeg MP3 x-mp3 mpeg3 x-mpeg x-mpeg3 x-mpeg-3 mpeg-3 mpg x-mpg mpa",
        "pcm": "pcm x-pcm raw x-raw L16 l16",
        "wav": "wav wave x-wav vnd.wave x-pn-wav",
        "ogg": "ogg x-ogg",
        "opus": "opus x-opus",
        "flac": "flac x-flac",
        "aac": "aac x-aac aacp",
    }.items(),
)
def test_a_format_has_many_names(audio_format: str, subtypes: str) -> None:
    found = [audio.info_from_content_type(f"audio/{subtype}") for subtype in subtypes.split()]
    assert {info.format for info in found if info} == {audio_format}


@pytest.mark.parametrize("name", ["rate", "samplerate", "sample_rate", "sample-rate", "SampleRate"])
def test_a_rate_is_written_in_many_ways(name: str) -> None:
    for value in ("44100", '"44100"', " 44100 ", "'44100'", "44100.0"):
        assert audio.info_from_content_type(f"audio/pcm;{name}={value};Channels=2") == AudioInfo("pcm", 44_100, 2)


@pytest.mark.parametrize("value", ["0", "-1", "x", "44.1", "1e5", "٣", "\u00b2", "="])
def test_an_unreadable_number_is_ignored(value: str) -> None:
    assert audio.info_from_content_type(f"audio/pcm;rate={value};channels={value}") == PCM


@given(st.text(), st.sampled_from([None, "mp3", "pcm"]))
def test_any_content_type_is_parsed(text: str, requested: str | None) -> None:
    for content_type in (text, "audio/pcm;" + text, "audio/" + text):
        info = audio.info_from_content_type(content_type, requested)
        if info is not None and info.format == "pcm":
            wav.header(info.frame_size, info.sample_rate or 0, info.channels or 0)


@pytest.mark.parametrize("content_type", ["application/octet-stream", "binary/octet-stream", "", "audio/*", "audio/"])
def test_the_requested_format_counts_if_the_type_says_nothing(content_type: str) -> None:
    assert audio.info_from_content_type(content_type, requested="mp3") == MP3
    assert audio.info_from_content_type("audio/wav", requested="mp3") == WAV


def test_a_pcm_frame_is_a_sample_of_each_channel() -> None:
    assert (AudioInfo("pcm", 24_000, 2).frame_size, AudioInfo("mp3").frame_size) == (4, 1)


# Its duration, rate and channels

MPEG_1_STEREO_44100 = b"\xff\xfb\x90\x00" + bytes(413)
"""1152 samples at 128 kbit/s, by the table of the format: 144 * 128,000 // 44,100 bytes."""
MPEG_2_MONO_24000 = b"\xff\xf3\x84\xc0" + bytes(188)
"""576 samples at 64 kbit/s: 72 * 64,000 // 24,000 bytes."""
AN_MP3 = MPEG_2_MONO_24000 * 3
ID3 = b"ID3\x04\0\0\0\0\x01\0" + b"\xff\xfb" * 64
A_WAV = wav.header(4, 16_000, 2) + bytes(4)


@pytest.mark.parametrize(
    ("content", "label", "info", "seconds"),
    [
        (bytes(24_000 * 2 * 3), PCM, PCM, 3.0),
        (MPEG_1_STEREO_44100 * 100, MP3, AudioInfo("mp3", 44_100, 2), 100 * 1152 / 44_100),
        (ID3 + MPEG_2_MONO_24000 * 100, MP3, AudioInfo("mp3", 24_000, 1), 100 * 576 / 24_000),
        (wav.header(96_000, 48_000, 2) + bytes(96_000), WAV, AudioInfo("wav", 48_000, 2), 0.5),
        (b"OggS" + bytes(100), AudioInfo("ogg"), AudioInfo("ogg"), None),
        *((b"not audio at all", label, label, None) for label in (MP3, WAV)),
    ],
    ids=range(7),
)
def test_audio_has_a_rate_channels_and_a_duration(
    content: bytes, label: AudioInfo, info: AudioInfo, seconds: float | None
) -> None:
    assert audio.info_from_audio(content, label) == info
    assert audio.duration(content, label) == pytest.approx(seconds)


# The bytes are believed before the label


@pytest.mark.parametrize(
    ("content", "info"),
    [
        (A_WAV, AudioInfo("wav", 16_000, 2)),
        (A_WAV[:36] + b"LIST\x04\0\0\0abcd" + A_WAV[36:], AudioInfo("wav", 16_000, 2)),
        (b"RIFX" + A_WAV[4:], WAV),
        (b"RF64" + A_WAV[4:], AudioInfo("wav", 16_000, 2)),
        (A_WAV[:20], WAV),
        (AN_MP3, MP3),
        (ID3 + AN_MP3, MP3),
        (b"OggS\0\x02" + bytes(20), AudioInfo("ogg")),
        (b"fLaC\0\0\0\x22" + bytes(20), AudioInfo("flac")),
        (b"\x1aE\xdf\xa3" + bytes(20), AudioInfo("webm")),
        (b"\0\0\0\x20ftypM4A " + bytes(20), AudioInfo("mp4")),
    ],
    ids=range(11),
)
def test_bytes_override_any_label(content: bytes, info: AudioInfo) -> None:
    assert [audio.identify(content, label, complete=True) for label in LABELS] == [info] * len(LABELS)


@pytest.mark.parametrize(
    ("label", "content", "found"),
    [
        ("opus", b"OggS" + bytes(20), "opus"),
        ("flac", ID3 + b"fLaC" + bytes(20), "flac"),
        ("aac", b"\xff\xf1" + bytes(20), "aac"),
        ("aac", ID3, "aac"),
        ("m4a", b"\0\0\0\x20ftypM4A ", "m4a"),
        ("mp3", b"\xff\xf1\x50\x80" + bytes(20), "aac"),
    ],
)
def test_a_label_that_fits_the_bytes_is_kept(label: str, content: bytes, found: str) -> None:
    assert audio.identify(content, AudioInfo(label), complete=True) == AudioInfo(found)


ERROR = b'{"error": {"message": "no such voice", "code": 400}}'


@pytest.mark.parametrize("label", [PCM, MP3], ids=lambda info: info.format)
@pytest.mark.parametrize(
    "text",
    [
        ERROR, b"\xef\xbb\xbf" + ERROR, b"\n  \n" + ERROR, ERROR * 100, b'[{"error": 1}, {"error": 2}]', b'{"a":"b"}',
        b"{}", b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>",
        b'<?xml version="1.0"?><Error/>', b"upstream connect error or disconnect/reset before headers",
        '{"error": "Stimme fehlt: wähle eine andere"}'.encode(), '{"error": "声が見つかりません"}'.encode() * 40,
    ],
    ids=range(12),
)  # fmt: skip
def test_text_is_not_audio_whether_whole_or_as_it_arrives(label: AudioInfo, text: bytes) -> None:
    found = [audio.identify(text[:size], label, complete=size == len(text)) for size in range(len(text) + 1)]
    assert found[-1] is NOT_AUDIO
    assert next(one for one in found if one is not NEEDS_MORE) is NOT_AUDIO


@pytest.mark.parametrize("text", [b"error", "<html>für".encode("latin-1"), b"<p>" * 500])
def test_short_or_repetitive_text_is_not_mp3(text: bytes) -> None:
    assert audio.identify(text, MP3, complete=True) is NOT_AUDIO


@pytest.mark.parametrize(
    "samples",
    [
        b"{", b"{\0", b"[1", b"<a", b"ab", b"{" * 12 + b"\0", b"<p>" + bytes(100), b"ab" * 50, b"{\x80" * 400,
        "{für".encode("latin-1") * 10, bytes(1000), b"\xff" * 1000, b"\xff\xff\0\0" * 300, b"\xff\xfb\x90\x64" * 300,
        MPEG_2_MONO_24000, MPEG_2_MONO_24000 + bytes(400), b"ID3\x04" + bytes(100), ID3, b"RIFF" + bytes(40),
        b"RIFFabcdAVI " + bytes(40), b" " * 100, b"OggX" + bytes(40), b"abcdftyp" + bytes(40),
    ],
    ids=range(23),
)  # fmt: skip
def test_samples_that_look_like_something_else_stay_pcm(samples: bytes) -> None:
    assert audio.identify(samples, PCM, complete=True) == PCM


@given(st.integers(-32_768, 32_767))
def test_a_constant_or_slow_signal_is_pcm(value: int) -> None:
    still = value.to_bytes(2, "little", signed=True)
    for content in (still * 2, still * 5000, (still + b"\0\0") * 2000, (still * 5 + b"\x01\x02" * 7) * 100):
        assert audio.identify(content, PCM, complete=True) == PCM


@given(st.integers(0, 2**32 - 1))
def test_noise_is_pcm(seed: int) -> None:
    """From silence to full scale."""
    source = np.random.default_rng(seed)
    loudness = source.integers(1, 32_768)
    content = source.integers(-loudness, loudness, 400, dtype=np.int16).astype("<i2").tobytes()
    assert audio.identify(content, PCM, complete=True) == PCM


@pytest.mark.parametrize(
    ("head", "label"),
    [(bytes(12), PCM), (b"\x01\0\xff\xff" * 3, PCM), (b"\x80\x30" * 6, PCM), (AN_MP3, MP3), (ID3, MP3)],
    ids=range(5),
)
def test_twelve_bytes_are_usually_enough(head: bytes, label: AudioInfo) -> None:
    assert audio.identify(head[:12], label, complete=False) == label
    assert audio.identify(head[:11], label, complete=False) is NEEDS_MORE


def test_a_wav_header_is_awaited_up_to_a_limit() -> None:
    head = A_WAV[:12] + b"LIST\xff\xff\xff\0"
    assert audio.identify(A_WAV[:43], PCM, complete=False) is NEEDS_MORE
    assert audio.identify(A_WAV[:44], PCM, complete=False) == AudioInfo("wav", 16_000, 2)
    assert audio.identify(head + bytes(1000), PCM, complete=False) is NEEDS_MORE
    assert audio.identify(head + bytes(1 << 16), PCM, complete=False) == WAV


def test_a_tag_with_a_picture_is_awaited_up_to_a_limit() -> None:
    tag = b"ID3\x04\0\0\0\x10\0\0" + bytes(100)
    assert audio.identify(tag, PCM, complete=False) is NEEDS_MORE
    assert audio.identify(tag + bytes(1 << 16), PCM, complete=False) == MP3


@given(st.binary(max_size=600), st.sampled_from(LABELS), st.booleans())
def test_any_bytes_are_identified(content: bytes, label: AudioInfo, complete: bool) -> None:
    for before in (b"", b"RIFF....WAVE", b"ID3", b"\xff\xf3\x84\xc4", b"{", b"<"):
        found = audio.identify(before + content, label, complete=complete)
        assert not complete or found is not NEEDS_MORE
        if isinstance(found, AudioInfo):
            audio.has_sound(before + content, found)
            audio.duration(before + content, found)


@pytest.mark.parametrize(
    ("audio_format", "sound", "silence"),
    [
        ("mp3", AN_MP3, ID3), ("mp3", ID3 + AN_MP3, b"\xff"), ("wav", A_WAV, A_WAV[:44]), ("wav", A_WAV, bytes(100)),
        ("pcm", b"ab", b"a"), ("ogg", b"OggS" + bytes(9), bytes(9)), ("opus", b"OggS" + bytes(9), b"OggS"),
        ("flac", b"fLaC" + bytes(9), bytes(9)), ("flac", ID3 + b"fLaC" + bytes(9), ID3), ("x-new", b"anything", b""),
    ],
)  # fmt: skip
def test_sound_needs_more_than_a_header(audio_format: str, sound: bytes, silence: bytes) -> None:
    assert audio.has_sound(sound, AudioInfo(audio_format))
    assert not audio.has_sound(silence, AudioInfo(audio_format))
