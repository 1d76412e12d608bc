"""Whether the parts make the file, as far as it is known: what cannot be is told before it is paid for. Pure: no I/O.

The last word is `joining`'s, which decodes. This is told earlier: by what is missing yet, and by the first part.
"""

from pathlib import Path

from .. import _files as files
from .._core import audio, wav
from .._core.audio import AudioInfo

_LETTERS_A_SECOND = 100
"""No voice is faster: twice the fastest speaker on record, who says 637 words, some 3,300 letters, a minute."""
_MP3_RATES = frozenset({8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000})
"""Hz. Those of MPEG 1, 2 and 2.5."""
_MP3_CHANNELS = 2
_ALL_KEPT = "the same parts are joined, and nothing is paid for again"


def least_seconds(text: str, speed: object = None) -> float:
    """Seconds that a text takes at least, spoken at this speed."""
    factor = max(1.0, speed) if isinstance(speed, int | float) else 1.0
    return sum(map(str.isalnum, text)) / (_LETTERS_A_SECOND * factor)


class Fit:
    """What is known of the file that will be.

    Args:
        target: The file.
        seconds: What it has at least, in seconds, before any part is added: its pauses, and the parts that are missing.
    """

    def __init__(self, target: Path, seconds: float) -> None:
        self._target = target
        self._seconds = seconds
        self._first: tuple[Path, AudioInfo] | None = None

    def check(self) -> None:
        """Refuse what is known to be too long for the file.

        Raises:
            ValueError: It is.
        """
        if files.format_of(self._target) != "wav":
            return
        info = self._first[1] if self._first else AudioInfo("pcm")
        rate, channels = info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS
        try:
            wav.header(int(self._seconds * rate) * channels * audio.PCM_SAMPLE_WIDTH, rate, channels)
        except ValueError as error:
            raise ValueError(
                f"{self._target.name} would be {self._seconds / 3600:.1f} hours long or more, which is more than the "
                f"4 GiB that a WAV file can hold. Name it .mp3 or .pcm: {_ALL_KEPT}"
            ) from error

    def add(self, part: Path, info: AudioInfo, seconds: float) -> None:
        """Add a part that is there.

        Args:
            part: Its file.
            info: What it is.
            seconds: How much longer than reckoned it makes the whole.

        Raises:
            ValueError: The file cannot hold it, or it differs from the first.
        """
        self._seconds += seconds
        if self._first is None:
            self._first = part, info
            if files.format_of(self._target) == "mp3" and not _fits_mp3(info):
                raise ValueError(
                    f"mp3 cannot hold {_described(info)}, which {part} has. "
                    f"Name {self._target.name} .wav or .pcm: {_ALL_KEPT}"
                )
        first, like = self._first
        if _kind(info) != _kind(like):
            raise ValueError(
                f"The parts do not fit together: {first} has {_described(like)}, {part} has {_described(info)}. "
                "Remove those of the wrong kind, and the same call asks for them again"
            )


def _fits_mp3(info: AudioInfo) -> bool:
    rate, channels = _kind(info)
    return rate in _MP3_RATES and channels <= _MP3_CHANNELS


def _kind(info: AudioInfo) -> tuple[int, int]:
    return info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS


def _described(info: AudioInfo) -> str:
    rate, channels = _kind(info)
    return f"{rate} Hz and {channels} channel{'s' if channels != 1 else ''}"
