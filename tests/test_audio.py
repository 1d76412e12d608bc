"""What an audio answer is, told from its headers and its bytes."""

import io
import struct
import wave

import miniaudio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_speech._core import audio, wav
from openrouter_speech._core.audio import AudioInfo, Unidentified
from openrouter_speech.mock.encoder import encode
from openrouter_speech.mock.synthesizer import speak


@pytest.mark.parametrize(
    ("content_type", "info"),
    [
        ("audio/mpeg", AudioInfo("mp3")),
        ("audio/pcm;rate=24000;channels=1", AudioInfo("pcm", 24_000, 1)),
        ('Audio/PCM; channels=2; rate="44100"', AudioInfo("pcm", 44_100, 2)),
        ("audio/pcm", AudioInfo("pcm", 24_000, 1)),
        ("audio/L16;rate=16000", AudioInfo("pcm", 16_000, 1)),
        ("audio/pcm;rate=0;channels=many", AudioInfo("pcm", 24_000, 1)),
        ("application/ogg", AudioInfo("ogg")),
        ("audio/x-wav", AudioInfo("wav")),
        ("audio/ogg; codecs=opus", AudioInfo("ogg")),
        ("application/octet-stream", AudioInfo("pcm", 24_000, 1)),
        ("", AudioInfo("pcm", 24_000, 1)),
        ("application/json", None),
        ("audio/pcm; rate=8000, audio/pcm; rate=8000", AudioInfo("pcm", 8_000, 1)),
        ("audio/mpeg, audio/mpeg", AudioInfo("mp3")),
        ("audio/pcm;codec=mulaw", AudioInfo("mulaw")),
        ("audio/pcm; encoding=signed-integer; bits=16; endian=little", AudioInfo("pcm", 24_000, 1)),
        ("audio/pcm; bits=24", AudioInfo("pcm with 24 bits")),
        ("audio/L16; endianness=big", AudioInfo("big-endian pcm")),
        ("text/html; charset=utf-8", None),
    ],
)
def test_the_type_tells_the_format(content_type: str, info: AudioInfo | None) -> None:
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
def test_a_format_goes_by_many_names(audio_format: str, subtypes: str) -> None:
    for subtype in subtypes.split():
        info = audio.info_from_content_type(f"audio/{subtype}")
        assert info is not None
        assert info.format == audio_format


@pytest.mark.parametrize("subtype", ["l8", "l24", "basic", "pcmu", "pcma", "mulaw", "alaw", "x-mulaw", "g722"])
def test_other_samples_are_not_called_pcm(subtype: str) -> None:
    assert audio.info_from_content_type(f"audio/{subtype};rate=8000") == AudioInfo(subtype)


@pytest.mark.parametrize("name", ["rate", "samplerate", "sample_rate", "sample-rate", "SampleRate"])
@pytest.mark.parametrize("value", ["44100", '"44100"', " 44100 ", "'44100'", "44100.0"])
def test_a_rate_is_written_in_many_ways(name: str, value: str) -> None:
    for kind in ("audio/pcm", "audio/L16", "application/octet-stream"):
        assert audio.info_from_content_type(f"{kind};{name}={value};Channels=2") == AudioInfo("pcm", 44_100, 2)


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "44.1", "1e5", "٣", "\u00b2", "=", "nan"])
def test_a_number_that_cannot_be_is_taken_for_nothing(value: str) -> None:
    info = audio.info_from_content_type(f"audio/pcm;rate={value};channels={value}")
    assert info is not None
    assert (info.sample_rate, info.channels) == (24_000, 1)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("rate=70000000", "pcm at 70000000 Hz"),
        (f"rate={10**12};channels=1", "pcm at 1000000000 Hz"),
        ("rate=" + "9" * 5000, "pcm at 9999999999 Hz"),
        ("rate=24", "pcm at 24 Hz"),
        ("rate=24000;channels=70000", "pcm with 70000 channels"),
    ],
)
def test_pcm_that_cannot_be_is_not_called_pcm(parameters: str, name: str) -> None:
    """So it is kept, but never played, joined or given a WAV header with these numbers."""
    assert audio.info_from_content_type(f"audio/pcm;{parameters}") == AudioInfo(name)


@given(st.text(), st.sampled_from([None, "mp3", "pcm"]))
def test_any_type_is_read(text: str, requested: str | None) -> None:
    for content_type in (text, "audio/pcm;" + text, "audio/" + text):
        info = audio.info_from_content_type(content_type, requested)
        if info is not None and info.format == "pcm":
            wav.header(info.frame_size, info.sample_rate or 0, info.channels or 0)


@pytest.mark.parametrize(
    "content_type",
    ["application/octet-stream", "binary/octet-stream", "application/x-octet-stream", "", "audio/*", "*/*", "audio/"],
)
def test_what_was_asked_for_counts_where_the_type_says_nothing(content_type: str) -> None:
    assert audio.info_from_content_type(content_type, requested="mp3") == AudioInfo("mp3")


def test_what_was_asked_for_does_not_count_where_the_type_speaks() -> None:
    assert audio.info_from_content_type("audio/mpeg", requested="pcm") == AudioInfo("mp3")


def test_a_pcm_frame_is_a_sample_of_each_channel() -> None:
    assert (AudioInfo("pcm", 24_000, 2).frame_size, AudioInfo("mp3").frame_size) == (4, 1)


def test_pcm_duration_is_exact() -> None:
    assert audio.duration(bytes(24_000 * 2 * 3), AudioInfo("pcm", 24_000, 1)) == 3.0


@pytest.mark.parametrize("text", ["Hi", "Hello world", "A longer sentence, with a pause in it. And another one!"])
def test_mp3_duration_is_what_a_decoder_plays(text: str) -> None:
    """Without the silence that the encoder added at both ends."""
    samples = speak(text, "alloy")
    encoded, _ = encode(samples, "mp3")
    decoded = miniaudio.decode(encoded)
    duration = audio.duration(encoded, AudioInfo("mp3"))
    assert duration == decoded.num_frames / decoded.sample_rate == len(samples) / 24_000


def mp3_frame(bits: int, size: int) -> bytes:
    return bits.to_bytes(4) + bytes(size - 4)


MPEG_1_128K_44100 = mp3_frame(0xFFFB9000, 417)
"""1152 samples of stereo at 44,100 Hz, by the table of the format: 144 * 128,000 // 44,100 bytes."""
MPEG_2_MONO_24000 = mp3_frame(0xFFF384C0, 192)
"""576 samples at 24,000 Hz, 64 kbit/s: 72 * 64,000 // 24,000 bytes."""


def test_mp3_frames_without_an_encoders_note_are_counted() -> None:
    assert audio.duration(MPEG_1_128K_44100 * 100, AudioInfo("mp3")) == pytest.approx(100 * 1152 / 44_100)
    assert audio.duration(MPEG_2_MONO_24000 * 100, AudioInfo("mp3")) == 100 * 576 / 24_000


@pytest.mark.parametrize("note", [b"Info\0\0\0\0", b"Xing\0\0\0\x0f" + bytes(116) + b"????"])
def test_a_note_without_a_lame_part_is_no_sound(note: bytes) -> None:
    """It takes the place of a frame; what the encoder added is not known then."""
    first = MPEG_2_MONO_24000[:13] + note
    frames = first.ljust(192, b"\0") + MPEG_2_MONO_24000 * 10
    assert audio.duration(frames, AudioInfo("mp3")) == 10 * 576 / 24_000


@pytest.mark.parametrize("before", [b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128), b"\x00\xff\x00junk"])
def test_mp3_tags_and_junk_are_passed_over(before: bytes) -> None:
    assert audio.duration(before + MPEG_2_MONO_24000 * 10, AudioInfo("mp3")) == 10 * 576 / 24_000


@pytest.mark.parametrize(
    ("content", "info"),
    [(MPEG_1_128K_44100, AudioInfo("mp3", 44_100, 2)), (MPEG_2_MONO_24000, AudioInfo("mp3", 24_000, 1))],
)
def test_the_first_mp3_frame_tells_rate_and_channels(content: bytes, info: AudioInfo) -> None:
    assert audio.info_from_audio(content, AudioInfo("mp3")) == info


@pytest.mark.parametrize("name", ["mp3", "wav"])
@pytest.mark.parametrize(
    "content",
    [b"RIFF....WAVEdata\0\0\0\0", b"RIFF....WAVE", b"", b"RIFF", b"not audio at all", b"\xff\xfb", bytes(100)],
)
def test_bytes_that_are_no_audio_tell_nothing(name: str, content: bytes) -> None:
    assert audio.info_from_audio(content, AudioInfo(name)) == AudioInfo(name)
    assert audio.duration(content, AudioInfo(name)) is None


def test_other_formats_are_not_measured() -> None:
    assert audio.duration(b"OggS", AudioInfo("ogg")) is None


def test_a_wav_header_is_what_readers_expect() -> None:
    pcm = np.arange(-500, 500, dtype="<i2").tobytes()
    with wave.open(io.BytesIO(wav.header(len(pcm), 24_000, 1) + pcm)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (24_000, 1, 2)
        assert reader.readframes(1000) == pcm
    assert wav.header(1000, 24_000, 1)[4:8] == (36 + 1000).to_bytes(4, "little")  # of all that follows


def test_a_wav_file_is_measured_by_its_header() -> None:
    """With other chunks before the sound, and also when it was cut short."""
    pcm = bytes(48_000 * 4)
    plain = wav.header(len(pcm), 48_000, 2) + pcm
    chunk = struct.pack("<4sI3sx", b"LIST", 3, b"abc")
    for content in (plain, plain[:36] + chunk + plain[36:]):
        assert audio.info_from_audio(content, AudioInfo("wav")) == AudioInfo("wav", 48_000, 2)
        assert audio.duration(content, AudioInfo("wav")) == 1.0
        assert audio.duration(content[: -len(pcm) // 2], AudioInfo("wav")) == 0.5


def test_a_wav_file_cannot_be_larger_than_its_header_can_say() -> None:
    with pytest.raises(ValueError, match="4 GiB"):
        wav.header(1 << 32, 24_000, 1)


# The bytes are believed before the label

NEEDS_MORE, NOT_AUDIO = Unidentified.NEEDS_MORE, Unidentified.NOT_AUDIO
PCM, MP3, WAV = AudioInfo("pcm", 24_000, 1), AudioInfo("mp3"), AudioInfo("wav")
LABELS = [PCM, MP3, WAV, AudioInfo("ogg"), AudioInfo("x-new")]
A_WAV = wav.header(4, 16_000, 2) + bytes(4)
AN_MP3 = MPEG_2_MONO_24000 * 3
ID3 = b"ID3\x04\0\0\0\0\x01\0" + b"\xff\xfb" * 64
ERROR = b'{"error": {"message": "no such voice", "code": 400}}'
HTML = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>"
SENTENCE = b"upstream connect error or disconnect/reset before headers"


@pytest.mark.parametrize("label", LABELS, ids=lambda info: info.format)
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
    ids=lambda content: repr(content[:4]) if isinstance(content, bytes) else "",
)
def test_a_body_is_what_its_bytes_say(label: AudioInfo, content: bytes, info: AudioInfo) -> None:
    assert audio.identify(content, label, complete=True) == info


@pytest.mark.parametrize(
    ("label", "content"),
    [("opus", b"OggS" + bytes(20)), ("flac", ID3 + b"fLaC" + bytes(20)), ("aac", b"\xff\xf1" + bytes(20)), ("aac", ID3),
     ("m4a", b"\0\0\0\x20ftypM4A ")],
)  # fmt: skip
def test_a_label_that_is_as_right_stays(label: str, content: bytes) -> None:
    assert audio.identify(content, AudioInfo(label), complete=True) == AudioInfo(label)


def test_aac_is_told_from_mp3() -> None:
    assert audio.identify(b"\xff\xf1\x50\x80" + bytes(20), MP3, complete=True) == AudioInfo("aac")


@pytest.mark.parametrize("label", LABELS, ids=lambda info: info.format)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n  \n"])
@pytest.mark.parametrize(
    "text",
    [ERROR, HTML, b'[{"error": 1}, {"error": 2}]', b'<?xml version="1.0"?><Error/>', SENTENCE, ERROR * 100,
     b'{"a":"b"}', '{"error": "Stimme fehlt: wähle eine andere"}'.encode(),
     '{"error": "声が見つかりません"}'.encode() * 40, b"{}"],
)  # fmt: skip
def test_text_is_not_audio(label: AudioInfo, before: bytes, text: bytes) -> None:
    assert audio.identify(before + text, label, complete=True) is NOT_AUDIO
    arrived = next(
        found
        for size in range(len(before + text) + 1)
        if (found := audio.identify((before + text)[:size], label, complete=size == len(before + text)))
        is not NEEDS_MORE
    )
    assert arrived is NOT_AUDIO


@pytest.mark.parametrize("text", [b"error", b"Unauthorized", "<html>für".encode("latin-1"), b"<p>" * 500])
def test_a_short_text_is_no_mp3(text: bytes) -> None:
    assert audio.identify(text, MP3, complete=True) is NOT_AUDIO


@pytest.mark.parametrize(
    "samples",
    [
        b"{}"[:1], b"{\0", b"[1", b"<a", b"ab", b"{" * 12 + b"\0", b"<p>" + bytes(100), b"ab" * 50, b"{\x80" * 400,
        "{für".encode("latin-1") * 10, bytes(1000), b"\xff" * 1000, b"\xff\xff\0\0" * 300,
        b"\xff\xfb\x90\x64" * 300, b"\xff\xf3\x84\xc4" * 300, MPEG_2_MONO_24000, MPEG_2_MONO_24000 + bytes(400),
        b"ID3\x04" + bytes(100), ID3, b"RIFF" + bytes(40), b"RIFFabcdAVI " + bytes(40), b" " * 100, b"OggX" + bytes(40),
        b"abcdftyp" + bytes(40),
    ],
    ids=range(24),
)  # fmt: skip
def test_samples_stay_samples(samples: bytes) -> None:
    assert audio.identify(samples, PCM, complete=True) == PCM


@pytest.mark.parametrize("value", range(-32_768, 32_768, 251))
def test_a_signal_that_stands_still_is_pcm(value: int) -> None:
    """And so is one that swings slowly."""
    still = value.to_bytes(2, "little", signed=True)
    for content in (still * 2, still * 5000, (still + b"\0\0") * 2000, (still * 5 + b"\x01\x02" * 7) * 100):
        if len(content) > 16 or content[:1] not in b"[{":
            assert audio.identify(content, PCM, complete=True) == PCM


@given(st.integers(0, 2**32 - 1))
def test_no_beginning_of_pcm_costs_a_sample(seed: int) -> None:
    """Noise, from silence to full scale."""
    source = np.random.default_rng(seed)
    loudness = source.integers(1, 32_768)
    content = source.integers(-loudness, loudness, 400, dtype=np.int16).astype("<i2").tobytes()
    assert audio.identify(content, PCM, complete=True) == PCM


@pytest.mark.parametrize("head", [bytes(12), b"\x01\0\xff\xff" * 3, b"\x80\x30" * 6])
def test_twelve_bytes_are_enough_for_ordinary_pcm(head: bytes) -> None:
    assert audio.identify(head, PCM, complete=False) == PCM
    assert audio.identify(head[:11], PCM, complete=False) is NEEDS_MORE


@pytest.mark.parametrize("head", [AN_MP3, ID3, MPEG_1_128K_44100])
def test_twelve_bytes_are_enough_for_ordinary_mp3(head: bytes) -> None:
    assert audio.identify(head[:12], MP3, complete=False) == MP3


def test_a_wav_header_is_waited_for_but_not_for_ever() -> None:
    head = A_WAV[:12] + b"LIST\xff\xff\xff\0"
    assert audio.identify(A_WAV[:43], PCM, complete=False) is NEEDS_MORE
    assert audio.identify(A_WAV[:44], PCM, complete=False) == AudioInfo("wav", 16_000, 2)
    assert audio.identify(head + bytes(1000), PCM, complete=False) is NEEDS_MORE
    assert audio.identify(head + bytes(1 << 16), PCM, complete=False) == WAV


def test_a_tag_with_a_picture_is_not_waited_for_for_ever() -> None:
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
def test_sound_is_what_has_some_of_its_format(audio_format: str, sound: bytes, silence: bytes) -> None:
    assert audio.has_sound(sound, AudioInfo(audio_format))
    assert not audio.has_sound(silence, AudioInfo(audio_format))
