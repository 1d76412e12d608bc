"""Check whether the parts can make the file, before all of them are paid for. Pure: no I/O.

This is an early estimate, from the text still missing and the format of the first part. `joining` decodes the parts,
and has the last word.
"""

from pathlib import Path

from .. import _files as files
from .._core import audio, wav
from .._core.audio import AudioInfo

_LETTERS_A_SECOND = 100
"""No voice is faster: this is nearly twice the record, 637 words or some 3,300 letters a minute."""
_MP3_RATES = frozenset({8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000})
"""Hz: the rates of MPEG 1, 2 and 2.5."""
_MP3_CHANNELS = 2
_ALL_KEPT = "the same parts are joined, and nothing is paid for twice"


def least_seconds(text: str, speed: object = None) -> float:
    """Return the fewest seconds that the text can take at this speed."""
    factor = max(1.0, speed) if isinstance(speed, int | float) else 1.0
    return sum(map(str.isalnum, text)) / (_LETTERS_A_SECOND * factor)


class Fit:
    """A running estimate of the file to come.

    Args:
        target: The file.
        seconds: Its least duration before any part is added: the pauses and the missing parts.
        resamples: Whether parts with different formats can be joined.
    """

    def __init__(self, target: Path, seconds: float, *, resamples: bool = True) -> None:
        self._target = target
        self._resamples = resamples
        self._seconds = seconds
        self._first: tuple[Path, AudioInfo] | None = None

    def check(self) -> None:
        """Check that the audio is not too long for the file.

        Raises:
            ValueError: It is too long.
        """
        if files.format_of(self._target) != "wav":
            return
        info = self._first[1] if self._first else AudioInfo("pcm")
        rate, channels = info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS
        try:
            wav.header(int(self._seconds * rate) * channels * audio.PCM_SAMPLE_WIDTH, rate, channels)
        except ValueError as error:
            raise ValueError(
                f"{self._target.name} would be at least {self._seconds / 3600:.1f} hours long, more than the 4 GiB "
                f"that a WAV file can hold. Name it .mp3 or .pcm: {_ALL_KEPT}"
            ) from error

    def add(self, part: Path, info: AudioInfo, seconds: float) -> None:
        """Add a stored part.

        Args:
            part: Its file.
            info: Its format.
            seconds: Seconds to add to the estimate.

        Raises:
            ValueError: The file cannot hold this format, or it differs from the first part's and cannot be resampled.
        """
        self._seconds += seconds
        if self._first is None:
            self._first = part, info
            if not holds(self._target, info):
                raise ValueError(
                    f"mp3 cannot hold {described(info)}, which {part} has. "
                    f"Name {self._target.name} .wav or .pcm: {_ALL_KEPT}"
                )
        first, like = self._first
        if _kind(info) != _kind(like) and not self._resamples:
            raise ValueError(
                f"The parts have different formats: {first} has {described(like)}, {part} has {described(info)}. "
                f"Install samplerate to join them (pip install 'openrouter-speech[long]'): {_ALL_KEPT}"
            )


def holds(target: Path, info: AudioInfo) -> bool:
    """Whether a file can hold audio in a format, as far as its suffix says."""
    rate, channels = _kind(info)
    return files.format_of(target) != "mp3" or (rate in _MP3_RATES and channels <= _MP3_CHANNELS)


def _kind(info: AudioInfo) -> tuple[int, int]:
    return info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS


def described(info: AudioInfo) -> str:
    """Name the rate and the channels, for a message."""
    rate, channels = _kind(info)
    return f"{rate} Hz and {channels} channel{'s' if channels != 1 else ''}"
