"""Audio that the file cannot hold is refused as soon as that is known."""

from pathlib import Path

import pytest
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.narration.fit import Fit, least_seconds

WAV, FULL = Path("book.wav"), 0xFFFF_FFFF / 48_000
"""4 GiB, in seconds of 24 kHz mono."""
PCM = AudioInfo("pcm", 24_000, 1)


@pytest.mark.parametrize(
    ("text", "speed", "seconds"),
    [("a" * 200, None, 2), ("a" * 200, 0.5, 2), ("a" * 200, 4, 0.5), ("a -- 1\n今", None, 0.03), ("a" * 200, "4", 2)],
)
def test_a_text_takes_at_least_as_long_as_its_letters(text: str, speed: object, seconds: float) -> None:
    assert least_seconds(text, speed) == seconds


def test_only_a_wav_file_is_limited_to_4_gib() -> None:
    Fit(Path("book.mp3"), 1e9).check()
    Fit(Path("book.pcm"), 1e9).check()
    Fit(WAV, FULL - 1).check()
    with pytest.raises(ValueError, match=r"24\.9 hours .* 4 GiB .* \.mp3 or \.pcm: the same parts"):
        Fit(WAV, FULL + 1).check()


@pytest.mark.parametrize(
    ("start", "rate", "lengths"),
    [
        (0.6, 48_000, [0]),  # twice the rate, half the time
        (0, 24_000, [0.4, 0.4, 0.4]),
    ],
)
def test_each_part_updates_the_estimate(start: float, rate: int, lengths: list[float]) -> None:
    fit = Fit(WAV, FULL * start)
    for number, length in enumerate(lengths):
        fit.check()
        fit.add(Path(f"{number}.wav"), PCM._replace(sample_rate=rate), FULL * length)
    with pytest.raises(ValueError, match="4 GiB"):
        fit.check()


@pytest.mark.parametrize("info", [AudioInfo("wav", 96_000, 1), AudioInfo("wav", 44_100, 3)])
def test_the_first_part_shows_what_mp3_cannot_hold(info: AudioInfo) -> None:
    described = f"{info.sample_rate} Hz and {info.channels} channel"
    with pytest.raises(ValueError, match=rf"{described}.*Name book.mp3 \.wav or \.pcm"):
        Fit(Path("book.mp3"), 0).add(Path("a.wav"), info, 1)
    Fit(WAV, 0).add(Path("a.wav"), info, 1)


def test_a_part_that_differs_from_the_first_has_to_be_resampled() -> None:
    fit = Fit(WAV, 0)
    fit.add(Path("a.wav"), PCM, 1)
    fit.add(Path("c.wav"), AudioInfo("wav", 24_000, 2), 1)
    fit = Fit(WAV, 0, resamples=False)
    fit.add(Path("a.wav"), PCM, 1)
    fit.add(Path("b.mp3"), AudioInfo("mp3", 24_000, 1), 1)
    with pytest.raises(ValueError, match=r"a\.wav has 24000 Hz and 1 channel, c\.wav has 24000 Hz and 2 channels"):
        fit.add(Path("c.wav"), AudioInfo("wav", 24_000, 2), 1)
