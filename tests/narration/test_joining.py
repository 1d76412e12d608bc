"""Joining: exact to the sample, in constant memory, all or nothing."""

import sys
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import miniaudio
import numpy as np
import pytest
import soundfile
from openrouter_speech import errors
from openrouter_speech._core import audio, mp3
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.narration import joining
from openrouter_speech.narration.joining import Joined

RATE = 24_000
LENGTHS = (1, 575, 576, 24_000, 70_001)


def part(path: Path, frames: int, *, rate: int = RATE, channels: int = 1) -> Path:
    """Make a part of noise that begins and ends with a quiet sample."""
    samples = np.random.default_rng(frames).integers(-9000, 9000, (frames, channels), dtype=np.int16)
    samples[[0, -1]] = 7
    soundfile.write(path, samples, rate)
    return path


def parts(folder: Path, lengths: Sequence[int] = LENGTHS, suffix: str = ".wav") -> list[Path]:
    return [part(folder / f"{number}{suffix}", length) for number, length in enumerate(lengths)]


def join(files: Sequence[Path | None], target: Path, pauses: Sequence[float] | None = None) -> Joined:
    steps = joining.join(files, pauses or [0] * len(files), target, target.with_name("scratch"))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            joined: Joined = end.value
            return joined


def samples(path: Path) -> bytes:
    content: bytes = soundfile.read(path, dtype="int16")[0].tobytes()
    return content


def test_wav_and_pcm_hold_the_samples_of_all_parts(tmp_path: Path) -> None:
    files = parts(tmp_path)
    expected = b"".join(map(samples, files))
    for name in ("book.wav", "book.pcm"):
        joined = join(files, tmp_path / name)
        assert joined.frames == sum(LENGTHS)
        assert (tmp_path / name).read_bytes()[44 if name.endswith("wav") else 0 :] == expected
    assert samples(tmp_path / "book.wav") == expected


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_an_mp3_is_as_long_as_its_parts_to_the_sample(tmp_path: Path, suffix: str) -> None:
    """As players decode it, and as we count it."""
    lengths = LENGTHS[1:]
    joined = join(parts(tmp_path, lengths, suffix), tmp_path / "book.mp3", [0, 100, 0, 250])
    assert joined.frames == sum(lengths) + 350 * 24
    assert miniaudio.mp3_read_file_s16(str(tmp_path / "book.mp3")).num_frames == joined.frames
    assert audio.duration((tmp_path / "book.mp3").read_bytes(), AudioInfo("mp3")) == joined.frames / RATE


def test_an_mp3_without_its_encoders_note_is_decoded_to_its_end(tmp_path: Path) -> None:
    """As in a stream: its length is known only by counting its frames."""
    noted = part(tmp_path / "0.mp3", 70_001).read_bytes()
    note = mp3.first_frame(noted)
    assert note is not None
    streamed = noted[note.end :]
    (tmp_path / "1.mp3").write_bytes(streamed)
    frames = round((audio.duration(streamed, AudioInfo("mp3")) or 0) * RATE)
    assert frames > 70_001
    joined = join([tmp_path / "0.mp3", tmp_path / "1.mp3"], tmp_path / "book.wav")
    assert joined.spans == ((0, 70_001), (70_001, frames))


def test_a_part_may_be_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that synthesize sentence by sentence send several, each with its own note or header."""
    monkeypatch.setattr(joining, "_CLICK", 1 << 16)  # the noise of an mp3 does not end in silence
    one, two = part(tmp_path / "one.mp3", 24_000), part(tmp_path / "two.mp3", 12_345)
    three, four = part(tmp_path / "three.wav", 500), part(tmp_path / "four.wav", 700)
    (tmp_path / "both.mp3").write_bytes(one.read_bytes() + two.read_bytes())
    (tmp_path / "both.wav").write_bytes(three.read_bytes() + four.read_bytes())
    joined = join([tmp_path / "both.mp3", tmp_path / "both.wav"], tmp_path / "book.wav")
    assert joined.spans == ((0, 36_345), (36_345, 1200))
    expected = [miniaudio.mp3_read_file_s16(str(file)).samples.tobytes() for file in (one, two)]
    assert samples(tmp_path / "book.wav") == b"".join([*expected, samples(three), samples(four)])


def test_mp3s_of_different_rates_in_one_part_are_all_decoded(tmp_path: Path) -> None:
    one, two = part(tmp_path / "one.mp3", 24_000), part(tmp_path / "two.mp3", 44_100, rate=44_100, channels=2)
    (tmp_path / "both.mp3").write_bytes(one.read_bytes() + two.read_bytes())
    assert join([tmp_path / "both.mp3"], tmp_path / "book.pcm").frames == pytest.approx(48_000, abs=2)


@pytest.mark.parametrize("size", [0, 0x7FFF_F024])
def test_a_wav_header_may_not_know_the_size(size: int, tmp_path: Path) -> None:
    """As in parts that an older version stored as they came."""
    content = part(tmp_path / "one.wav", 500).read_bytes()
    field = size.to_bytes(4, "little")
    (tmp_path / "two.wav").write_bytes(content[:4] + field + content[8:40] + field + content[44:])
    assert join([tmp_path / "two.wav"], tmp_path / "book.pcm").frames == 500
    assert (tmp_path / "book.pcm").read_bytes() == content[44:]


@pytest.mark.parametrize(
    ("name", "subtype", "kind"),
    [
        *(("one.wav", subtype, "WAV") for subtype in ("PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")),
        ("one.wav", "IMA_ADPCM", "WAV"), ("one.flac", "PCM_16", "FLAC"), ("one.ogg", "VORBIS", "OGG"),
    ],
)  # fmt: skip
def test_other_samples_and_formats_are_converted_to_16_bits(name: str, subtype: str, kind: str, tmp_path: Path) -> None:
    tone = np.sin(np.arange(4800) / 20) / 2
    soundfile.write(tmp_path / name, tone, RATE, subtype=subtype, format=kind)
    frames = soundfile.info(tmp_path / name).frames
    assert join([tmp_path / name], tmp_path / "book.pcm").frames == frames >= 4800
    joined = np.frombuffer((tmp_path / "book.pcm").read_bytes(), "<i2")[:4800] / 32768
    assert np.abs(joined - tone)[100:-100].max() < 0.1


@pytest.mark.parametrize("name", ["empty.mp3", "empty.wav", "no.mp3", "no.wav", "different.wav"])
def test_a_part_that_cannot_be_decoded_is_named(name: str, tmp_path: Path) -> None:
    one, two = part(tmp_path / "one.wav", 500), part(tmp_path / "two.wav", 500, rate=16_000)
    both = one.read_bytes() + two.read_bytes()
    contents = {"no.mp3": b"not audio at all", "no.wav": b"RIFF not at all", "different.wav": both}
    (tmp_path / name).write_bytes(contents.get(name, b""))
    with pytest.raises(ValueError, match=f"{name} cannot be decoded"):
        join([tmp_path / name], tmp_path / "book.wav")
    assert (tmp_path / name).exists()


def test_big_endian_samples_are_converted(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", np.arange(500, dtype=np.int16), RATE, endian="BIG")
    join([tmp_path / "one.wav"], tmp_path / "book.pcm")
    assert (tmp_path / "book.pcm").read_bytes() == np.arange(500, dtype="<i2").tobytes()


def test_the_spans_locate_each_part(tmp_path: Path) -> None:
    files = parts(tmp_path, [100, 200])
    joined = join([files[0], None, files[1]], tmp_path / "book.pcm", [0, 0, 10])
    assert joined.spans == ((0, 100), (100, 0), (340, 200))
    content = (tmp_path / "book.pcm").read_bytes()
    assert content == samples(files[0]) + bytes(480) + samples(files[1])


def test_stereo_stays_stereo(tmp_path: Path) -> None:
    files = [part(tmp_path / f"{number}.wav", 300, channels=2) for number in (1, 2)]
    assert join(files, tmp_path / "book.wav", [0, 10]).frames == 840
    with soundfile.SoundFile(tmp_path / "book.wav") as book:
        assert (book.channels, book.frames) == (2, 840)


def test_a_loud_mp3_is_clipped(tmp_path: Path) -> None:
    """Decoded mp3 may exceed the range of 16 bits."""
    square = np.repeat(np.tile(np.array([32767, -32768], np.int16), 200), 60)
    soundfile.write(tmp_path / "loud.mp3", square, RATE)
    decoded, _ = soundfile.read(tmp_path / "loud.mp3", dtype="float32")
    assert np.abs(decoded).max() > 1
    join([tmp_path / "loud.mp3"], tmp_path / "book.pcm")
    joined = np.frombuffer((tmp_path / "book.pcm").read_bytes(), "<i2") / 32768
    assert np.abs(joined - decoded.clip(-1, 1)).max() < 0.001


def tone(path: Path, seconds: float, *, rate: int = RATE, channels: int = 1, hertz: float = 440) -> Path:
    """Make a sine of half the full scale."""
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate) * 16_384
    soundfile.write(path, np.repeat(wave[:, None], channels, 1).astype(np.int16), rate)
    return path


@pytest.mark.parametrize(
    "other", [{"rate": 16_000}, {"rate": 44_100}, {"channels": 2}, {"rate": 44_100, "channels": 2}]
)
def test_parts_with_another_format_are_resampled(tmp_path: Path, other: dict[str, int]) -> None:
    """To the format of most of the audio; half a sine is as loud as it was."""
    files = [tone(tmp_path / "one.wav", 2), tone(tmp_path / "two.wav", 1, **other)]
    joined = join(files, tmp_path / "book.wav")
    assert joined.sample_rate == RATE
    assert joined.spans == ((0, 48_000), (48_000, 24_000))
    book, _ = soundfile.read(tmp_path / "book.wav")
    expected = np.sin(2 * np.pi * 440 * np.arange(24_000) / RATE) / 2
    error = book[48_000:] - (expected[:, None] if book.ndim > 1 else expected)
    assert 10 * np.log10((expected**2).mean() / (error[200:-200] ** 2).mean()) > 60  # dB


def test_the_format_of_most_parts_is_one_that_the_file_can_hold(tmp_path: Path) -> None:
    files = [tone(tmp_path / "one.wav", 2, rate=96_000), tone(tmp_path / "two.wav", 1, rate=48_000)]
    assert join(files, tmp_path / "book.wav").sample_rate == 96_000
    assert join(files, tmp_path / "book.mp3").sample_rate == 48_000


def test_only_resampling_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "samplerate", None)
    files = [part(tmp_path / "one.wav", 100), part(tmp_path / "two.wav", 100, rate=16_000)]
    assert join(files[:1], tmp_path / "book.wav").frames == 100
    with pytest.raises(errors.ConfigurationError, match=r"samplerate: pip install 'openrouter-speech\[long\]'"):
        join(files, tmp_path / "other.wav")
    assert not (tmp_path / "other.wav").exists()


@pytest.mark.parametrize(("suffix", "channels"), [(".wav", 1), (".wav", 2), (".mp3", 1)])
def test_the_loudness_of_a_part_is_measured(tmp_path: Path, suffix: str, channels: int) -> None:
    loud = tone(tmp_path / f"loud{suffix}", 3, channels=channels)
    assert joining.sound(loud).peak == pytest.approx(0.5, abs=0.05)
    assert joining.sound(loud).end > 0.4
    wave = np.zeros((72_000, channels), np.int16)
    wave[1_000:2_000, -1] = 16_384
    soundfile.write(tmp_path / f"fading{suffix}", wave, RATE)
    fading = joining.sound(tmp_path / f"fading{suffix}")
    assert fading.peak == pytest.approx(0.5, abs=0.1)
    assert fading.end < 0.001
    soundfile.write(tmp_path / f"silent{suffix}", wave[3_000:], RATE)
    assert joining.sound(tmp_path / f"silent{suffix}").peak < 0.001


def steps(path: Path) -> int:
    """Return the largest step between two samples."""
    return int(np.abs(np.diff(np.frombuffer(path.read_bytes(), "<i2").astype(int))).max())


@pytest.mark.parametrize("pause", [0, 100])
@pytest.mark.parametrize("seconds", [1.0005, 0.0015])
def test_a_join_does_not_click(tmp_path: Path, pause: float, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cosine of 110 Hz begins at its peak. Without fades, the step is that high."""
    wave = (np.cos(2 * np.pi * 110 * np.arange(round(seconds * RATE)) / RATE) * 16_384).astype(np.int16)
    soundfile.write(tmp_path / "one.wav", wave, RATE)
    files = [tone(tmp_path / "first.wav", 1.0003), *[tmp_path / "one.wav"] * 2]
    joined = join(files, tmp_path / "book.pcm", [0, pause, pause])
    assert joined.frames == sum(frames for _, frames in joined.spans) + 2 * pause * 24
    assert steps(tmp_path / "book.pcm") < 2_100
    content = np.frombuffer((tmp_path / "book.pcm").read_bytes(), "<i2")
    start, frames = joined.spans[2]
    inside = content[start + 120 : start + frames]
    assert (inside == wave[120:]).all()
    monkeypatch.setattr(joining, "_CLICK", 1 << 16)
    join(files, tmp_path / "clicking.pcm", [0, pause, pause])
    assert steps(tmp_path / "clicking.pcm") > 5_900


def test_a_join_of_stereo_does_not_click(tmp_path: Path) -> None:
    files = [tone(tmp_path / f"{number}.wav", 0.1003, channels=2, hertz=500) for number in (1, 2)]
    join(files, tmp_path / "book.pcm", [0, 10])
    content = np.frombuffer((tmp_path / "book.pcm").read_bytes(), "<i2").reshape(-1, 2)
    assert (content[:, 0] == content[:, 1]).all()
    assert np.abs(np.diff(content[:, 0].astype(int))).max() < 2_500


def test_a_rate_that_mp3_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mp3 cannot hold 5000 Hz .* choose \.wav"):
        join([part(tmp_path / "one.wav", 100, rate=5000)], tmp_path / "book.mp3")
    assert {path.name for path in tmp_path.iterdir()} == {"one.wav"}


def test_audio_too_large_for_wav_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = parts(tmp_path)
    monkeypatch.setattr("openrouter_speech._core.wav._LARGEST", 2 * sum(LENGTHS))
    join(files, tmp_path / "fits.wav")
    with pytest.raises(ValueError, match="do not fit into a WAV file"):
        next(joining.join(files, [0, 0, 0, 0, 1], tmp_path / "book.wav", tmp_path / "scratch"))
    assert not (tmp_path / "book.wav").exists()


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_closing_the_generator_early_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    files, target = parts(tmp_path), tmp_path / f"book{suffix}"
    target.write_bytes(b"old")
    before = set(tmp_path.iterdir())
    steps = joining.join(files, [0] * len(files), target, tmp_path / "scratch")
    next(steps)
    assert set(tmp_path.iterdir()) != before
    steps.close()
    assert set(tmp_path.iterdir()) == before
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_memory_does_not_grow_with_the_text(tmp_path: Path, suffix: str) -> None:
    one = part(tmp_path / "one.wav", 200_000)
    join([one], tmp_path / f"warm{suffix}")

    def peak(count: int) -> int:
        tracemalloc.start()
        join([one] * count, tmp_path / f"book{suffix}", [500] * count)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20) < peak(1) + 1_000_000  # the parts are 8,000,000 bytes together; a block more or less is chance
