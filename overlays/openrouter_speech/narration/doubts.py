"""Find audio that does not seem to be all of its text, by comparison with the other parts. Pure: no I/O.

A model sometimes stops early, repeats itself, or returns silence, and nothing in the response says so. Within one voice
the seconds per character hardly vary, so a part that is far from the usual is suspicious.
"""

import re
from collections.abc import Hashable, Iterable
from math import exp, log
from statistics import median

from attrs import frozen

from .fit import least_seconds

SHORT, LONG, SILENT, CUT = "too short", "too long", "silent", "cut off"
"""What is wrong with a part."""

_WEIGHTS = (
    (4.0, re.compile(r"[\d\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),  # digits are spoken as words
    (2.5, re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")),
    (4.0, re.compile(r"[.!?…。！？।](?!\w)|\n\n")),  # noqa: RUF001  (a pause)
    (1.5, re.compile(r"[,;:—、，；：](?!\w)")),  # noqa: RUF001
)
"""How long these take, in letters of an alphabet."""
_SCRIPTS = re.compile(
    r"(?P<han>[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff])|(?P<hangul>[\uac00-\ud7af])|(?P<cyrillic>[\u0400-\u04ff])|"
    r"(?P<arabic>[\u0590-\u06ff])|(?P<indic>[\u0900-\u0dff])|(?P<eastern>[\u0e00-\u109f\u1780-\u17ff])|(?P<latin>[^\W\d_])"
)
_SAMPLE = 500
"""Characters that decide which script a text is in."""

_ENOUGH = 5
"""Parts to compare with."""
_LONG_ENOUGH = 40
"""Letters: shorter parts are judged, but judge no others."""
_USUAL, _MOST = log(1.35), log(3)
"""The least and the largest factor by which a part has to differ from the usual."""
_SPREADS = 5
"""Typical deviations of this voice by which a part has to differ."""
_SLACK = 2.0
"""Seconds that may come from pauses."""
_FAINT = 0.005
"""The peak of audio without speech, as a share of full scale: -46 dB."""
_ENDS_LOUD, _ENDS_QUIETLY = 0.25, 0.05
"""Peaks at the end of a part, as a share of its highest: one that is cut, and the usual."""


@frozen
class Sound:
    """How loud some audio is: peaks, as shares of full scale."""

    peak: float
    end: float
    """The peak of the last 20 ms."""


@frozen
class Take:
    """The audio of a part."""

    text: str
    """What it should say."""
    voice: Hashable
    seconds: float
    speed: object = None
    sound: Sound | None = None
    """None if it could not be measured."""


@frozen
class Verdict:
    """What is wrong with a take."""

    reasons: tuple[str, ...]
    """None if it is empty."""
    distance: float
    """How far it is from the usual: the smaller, the better."""
    expected_seconds: float | None
    """None if there is too little to compare with."""


class Usual:
    """What is usual in a narration.

    Args:
        takes: The audio of all parts.
    """

    def __init__(self, takes: Iterable[Take]) -> None:
        paces: dict[Hashable, list[float]] = {}
        ends: dict[Hashable, list[float]] = {}
        for take in takes:
            audible = take.sound is None or take.sound.peak >= _FAINT
            if audible and weight(take.text) >= _LONG_ENOUGH:
                paces.setdefault(_group(take), []).append(log(take.seconds / weight(take.text)))
            if audible and take.sound:
                ends.setdefault(take.voice, []).append(take.sound.end / take.sound.peak)
        self._paces = {
            group: (middle := median(found), 1.4826 * median(abs(pace - middle) for pace in found))
            for group, found in paces.items()
            if len(found) >= _ENOUGH
        }
        self._quiet = {
            voice for voice, found in ends.items() if len(found) >= _ENOUGH and median(found) < _ENDS_QUIETLY
        }

    def judge(self, take: Take) -> Verdict:
        """Say what is wrong with a take."""
        pace = self._paces.get(_group(take))
        expected = exp(pace[0]) * weight(take.text) if pace else None
        reasons, distance = [], 0.0
        if expected is not None and pace:
            distance = abs(log(take.seconds / expected))
            allowed = min(_MOST, max(_USUAL, _SPREADS * pace[1]))
            if distance > allowed and abs(take.seconds - expected) > _SLACK:
                reasons.append(SHORT if take.seconds < expected else LONG)
        if take.seconds < least_seconds(take.text, take.speed) and SHORT not in reasons:
            reasons.append(SHORT)
        if take.sound and take.sound.peak < _FAINT:
            reasons.append(SILENT)
        elif take.sound and take.voice in self._quiet and take.sound.end > _ENDS_LOUD * take.sound.peak:
            reasons.append(CUT)
        return Verdict(tuple(reasons), len(reasons) + distance + 10 * (SILENT in reasons), expected)


def weight(text: str) -> float:
    """Return how long a text is when it is spoken, in letters of an alphabet."""
    extra = sum(
        (letters - text[match.start()].isalnum()) for letters, kind in _WEIGHTS for match in kind.finditer(text)
    )
    return sum(map(str.isalnum, text)) + extra


def _group(take: Take) -> tuple[Hashable, str | None]:
    """Return what has to be the same for a comparison: the voice, and the most frequent script."""
    counts: dict[str, int] = {}
    for match in _SCRIPTS.finditer(take.text[:_SAMPLE]):
        counts[match.lastgroup or ""] = counts.get(match.lastgroup or "", 0) + 1
    return take.voice, max(counts, key=counts.__getitem__) if counts else None
