"""What will not fit is told as soon as it is known."""

from pathlib import Path

import pytest
from openrouter_speech._core.audio import AudioInfo
from openrouter_speech.narration.fit import Fit, least_seconds

WAV, HOURS_OF_4_GIB = Path("book.wav"), 0xFFFF_FFFF / 48_000 / 3600
PCM = AudioInfo("pcm", 24_000, 1)


@pytest.mark.parametrize(
    ("text", "speed", "seconds"),
    [("a" * 200, None, 2), ("a" * 200, 0.5, 2), ("a" * 200, 4, 0.5), ("a -- 1\n今", None, 0.03), ("a" * 200, "4", 2)],
)
def test_a_text_takes_as_long_as_its_letters_take(text: str, speed: object, seconds: float) -> None:
    assert least_seconds(text, speed) == seconds


@pytest.mark.parametrize("name", ["book.mp3", "book.pcm"])
def test_other_files_are_as_long_as_they_are(name: str) -> None:
    Fit(Path(name), 1e9).check()


def test_a_wav_file_holds_4_gib() -> None:
    Fit(WAV, HOURS_OF_4_GIB * 3600 - 1).check()
    with pytest.raises(ValueError, match=r"24\.9 hours .* 4 GiB .* \.mp3 or \.pcm: the same parts"):
        Fit(WAV, HOURS_OF_4_GIB * 3600 + 1).check()


def test_what_the_parts_are_decides_how_long_it_may_be() -> None:
    """Twice the rate is half the time."""
    fit = Fit(WAV, HOURS_OF_4_GIB * 3600 * 0.6)
    fit.check()
    fit.add(Path("a.wav"), PCM._replace(sample_rate=48_000), 0)
    with pytest.raises(ValueError, match="4 GiB"):
        fit.check()


def test_each_part_makes_it_longer() -> None:
    fit = Fit(WAV, 0)
    for number in range(3):
        fit.check()
        fit.add(Path(f"{number}.wav"), PCM, HOURS_OF_4_GIB * 3600 * 0.4)
    with pytest.raises(ValueError, match="4 GiB"):
        fit.check()


@pytest.mark.parametrize("info", [AudioInfo("wav", 96_000, 1), AudioInfo("wav", 44_100, 3)])
def test_what_mp3_cannot_hold_is_told_by_the_first_part(info: AudioInfo) -> None:
    described = f"{info.sample_rate} Hz and {info.channels} channel"
    with pytest.raises(ValueError, match=rf"{described}.*Name book.mp3 \.wav or \.pcm"):
        Fit(Path("book.mp3"), 0).add(Path("a.wav"), info, 1)
    Fit(WAV, 0).add(Path("a.wav"), info, 1)


def test_parts_that_differ_are_told_apart() -> None:
    fit = Fit(WAV, 0)
    fit.add(Path("a.wav"), PCM, 1)
    fit.add(Path("b.mp3"), AudioInfo("mp3", 24_000, 1), 1)
    with pytest.raises(ValueError, match=r"a\.wav has 24000 Hz and 1 channel, c\.wav has 24000 Hz and 2 channels"):
        fit.add(Path("c.wav"), AudioInfo("wav", 24_000, 2), 1)
