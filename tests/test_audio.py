"""What an audio answer is, told from its headers and its bytes."""

import io
import struct
import wave

import miniaudio
import numpy as np
import pytest
from openrouter_speech import audio, wav
from openrouter_speech.audio import AudioFacts
from openrouter_speech.mock.encoder import encode
from openrouter_speech.mock.synthesizer import speak


@pytest.mark.parametrize(
    ("content_type", "facts"),
    [
        ("audio/mpeg", AudioFacts("mp3")),
        ("audio/pcm;rate=24000;channels=1", AudioFacts("pcm", 24_000, 1)),
        ('Audio/PCM; channels=2; rate="44100"', AudioFacts("pcm", 44_100, 2)),
        ("audio/pcm", AudioFacts("pcm", 24_000, 1)),
        ("audio/L16;rate=16000", AudioFacts("pcm", 16_000, 1)),
        ("audio/pcm;rate=0;channels=many", AudioFacts("pcm", 24_000, 1)),
        ("audio/x-wav", AudioFacts("wav")),
        ("audio/ogg; codecs=opus", AudioFacts("ogg")),
        ("application/octet-stream", AudioFacts("pcm", 24_000, 1)),
        ("", AudioFacts("pcm", 24_000, 1)),
        ("application/json", None),
        ("text/html; charset=utf-8", None),
    ],
)
def test_the_type_tells_the_format(content_type: str, facts: AudioFacts | None) -> None:
    assert audio.facts_from_content_type(content_type) == facts


@pytest.mark.parametrize("content_type", ["application/octet-stream", ""])
def test_what_was_asked_for_counts_where_the_type_says_nothing(content_type: str) -> None:
    assert audio.facts_from_content_type(content_type, requested="mp3") == AudioFacts("mp3")


def test_what_was_asked_for_does_not_count_where_the_type_speaks() -> None:
    assert audio.facts_from_content_type("audio/mpeg", requested="pcm") == AudioFacts("mp3")


def test_a_pcm_frame_is_a_sample_of_each_channel() -> None:
    assert (AudioFacts("pcm", 24_000, 2).frame_size, AudioFacts("mp3").frame_size) == (4, 1)


def test_pcm_duration_is_exact() -> None:
    assert audio.duration(bytes(24_000 * 2 * 3), AudioFacts("pcm", 24_000, 1)) == 3.0


@pytest.mark.parametrize("text", ["Hi", "Hello world", "A longer sentence, with a pause in it. And another one!"])
def test_mp3_duration_is_what_a_decoder_plays(text: str) -> None:
    """Without the silence that the encoder added at both ends."""
    samples = speak(text, "alloy")
    encoded, _ = encode(samples, "mp3")
    decoded = miniaudio.decode(encoded)
    duration = audio.duration(encoded, AudioFacts("mp3"))
    assert duration == decoded.num_frames / decoded.sample_rate == len(samples) / 24_000


def mp3_frame(bits: int, size: int) -> bytes:
    return bits.to_bytes(4) + bytes(size - 4)


MPEG_1_128K_44100 = mp3_frame(0xFFFB9000, 417)
"""1152 samples of stereo at 44,100 Hz, by the table of the format: 144 * 128,000 // 44,100 bytes."""
MPEG_2_MONO_24000 = mp3_frame(0xFFF384C0, 192)
"""576 samples at 24,000 Hz, 64 kbit/s: 72 * 64,000 // 24,000 bytes."""


def test_mp3_frames_without_an_encoders_note_are_counted() -> None:
    assert audio.duration(MPEG_1_128K_44100 * 100, AudioFacts("mp3")) == pytest.approx(100 * 1152 / 44_100)
    assert audio.duration(MPEG_2_MONO_24000 * 100, AudioFacts("mp3")) == 100 * 576 / 24_000


@pytest.mark.parametrize("note", [b"Info\0\0\0\0", b"Xing\0\0\0\x0f" + bytes(116) + b"????"])
def test_a_note_without_a_lame_part_is_no_sound(note: bytes) -> None:
    """It takes the place of a frame; what the encoder added is not known then."""
    first = MPEG_2_MONO_24000[:13] + note
    frames = first.ljust(192, b"\0") + MPEG_2_MONO_24000 * 10
    assert audio.duration(frames, AudioFacts("mp3")) == 10 * 576 / 24_000


@pytest.mark.parametrize("before", [b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128), b"\x00\xff\x00junk"])
def test_mp3_tags_and_junk_are_passed_over(before: bytes) -> None:
    assert audio.duration(before + MPEG_2_MONO_24000 * 10, AudioFacts("mp3")) == 10 * 576 / 24_000


@pytest.mark.parametrize(
    ("content", "facts"),
    [(MPEG_1_128K_44100, AudioFacts("mp3", 44_100, 2)), (MPEG_2_MONO_24000, AudioFacts("mp3", 24_000, 1))],
)
def test_the_first_mp3_frame_tells_rate_and_channels(content: bytes, facts: AudioFacts) -> None:
    assert audio.facts_from_audio(content, AudioFacts("mp3")) == facts


@pytest.mark.parametrize("name", ["mp3", "wav"])
@pytest.mark.parametrize(
    "content",
    [b"RIFF....WAVEdata\0\0\0\0", b"RIFF....WAVE", b"", b"RIFF", b"not audio at all", b"\xff\xfb", bytes(100)],
)
def test_bytes_that_are_no_audio_tell_nothing(name: str, content: bytes) -> None:
    assert audio.facts_from_audio(content, AudioFacts(name)) == AudioFacts(name)
    assert audio.duration(content, AudioFacts(name)) is None


def test_other_formats_are_not_measured() -> None:
    assert audio.duration(b"OggS", AudioFacts("ogg")) is None


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
        assert audio.facts_from_audio(content, AudioFacts("wav")) == AudioFacts("wav", 48_000, 2)
        assert audio.duration(content, AudioFacts("wav")) == 1.0
        assert audio.duration(content[: -len(pcm) // 2], AudioFacts("wav")) == 0.5


def test_a_wav_file_cannot_be_larger_than_its_header_can_say() -> None:
    with pytest.raises(ValueError, match="4 GiB"):
        wav.header(1 << 32, 24_000, 1)
