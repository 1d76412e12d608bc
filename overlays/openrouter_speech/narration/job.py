"""A narration, worked out before any of it is sent: what to ask for, what is there, what it costs."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from .. import _files as files
from .._core import retries
from .._core.retries import BackoffStrategy, RetryConfig
from .._files import StrPath
from .._http.sending import Call
from ..errors import ConfigurationError
from . import LimitUnit, joining, plan
from .fit import Fit, least_seconds
from .plan import Part
from .results import NarrationPlan
from .storage import PartStore, StoredPart

PATIENT = evolve(retries.DEFAULT, max_retries=10, backoff=BackoffStrategy(500, 30_000, 2, 600_000, jitter_ms=250))
"""What is done for each part where nothing is configured: at most 10 retries, within 10 minutes."""


@frozen
class NarrationJob:
    """All that a narration needs."""

    target: Path
    folder: PartStore
    parts: tuple[Part, ...]
    requests: dict[str, str]
    """The texts to ask for, by key, in the order of the text."""
    stored: dict[str, StoredPart]
    """What the folder has of them."""
    pause_ms: float
    retry: RetryConfig
    about: dict[str, Any]
    """What the manifest tells of the text and the settings. No key and no header is in it."""

    @property
    def times(self) -> Counter[str]:
        """How often each text stands in the file, by key."""
        return Counter(part.key for part in self.parts if part.key)

    @property
    def missing(self) -> dict[str, str]:
        """What is to be asked for."""
        return {key: text for key, text in self.requests.items() if key not in self.stored}

    @property
    def plan(self) -> NarrationPlan:
        """What it will cost."""
        missing = self.missing
        return NarrationPlan(
            folder=self.folder.path,
            paragraphs=len({part.paragraph for part in self.parts if part.key}),
            requests=len(self.requests),
            characters=sum(map(len, self.requests.values())),
            missing_requests=len(missing),
            missing_characters=sum(map(len, missing.values())),
        )

    def least_seconds(self, key: str) -> float:
        """How long the audio of a text is at least."""
        return least_seconds(self.requests[key], self.about["settings"]["speed"])

    def fit(self) -> Fit:
        """What is known of the file that will be.

        Raises:
            ValueError: It cannot be.
        """
        silence = sum(plan.pauses_before(self.parts)) * self.pause_ms / 1000
        missing, times = self.missing, self.times
        fit = Fit(self.target, silence + sum(times[key] * self.least_seconds(key) for key in missing))
        for key, part in self.stored.items():
            fit.add(part.file, self.folder.info(part), times[key] * part.seconds)
        fit.check()
        return fit

    def looked_up(self) -> "NarrationJob":
        """The same, with what the folder has now.

        Raises:
            ConfigurationError: For a part that is missing, there is something that is of no use and was paid for.
        """
        job = evolve(self, stored=self.folder.stored(self.requests))
        useless = self.folder.useless()
        for key in job.missing:
            if key in useless:
                raise ConfigurationError(
                    f"What came for {plan.whereabouts(self.parts, key)} cannot be joined, and was paid for: "
                    f"{useless[key]}. Remove that file, and the same call asks for the part again, and pays again"
                )
        return job


def prepare(
    call: Call,
    text: str,
    path: StrPath,
    *,
    limit: int,
    limit_unit: LimitUnit,
    pause_ms: float,
    folder: StrPath | None,
) -> NarrationJob:
    """Work out a narration. Nothing is written.

    Args:
        call: A call with the settings that all parts are asked for with.
        text: As `tts.TTS.narrate` has it, like all that follows.
        path: The file.
        limit: The most that goes into one request.
        limit_unit: What that counts.
        pause_ms: Silence between paragraphs.
        folder: Where the parts are kept.
    """
    target = Path(path)
    _check(call, target, pause_ms)
    joining.check_installed()
    parts = plan.parts_of(text, limit, limit_unit, plan.keys_for(call))
    requests = {part.key: part.text for part in parts if part.key}
    place = PartStore(_default_folder(target) if folder is None else Path(folder))
    place.check()
    if place.holds(target):
        raise ValueError(f"{target} is in the folder of the parts, {place.path}, which can go afterwards: name another")
    job = NarrationJob(
        target=target,
        folder=place,
        parts=parts,
        requests=requests,
        stored={},
        pause_ms=pause_ms,
        retry=PATIENT if call.retry is retries.DEFAULT else call.retry,
        about={
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "settings": {**plan.settings(call), "limit": limit, "limit_unit": limit_unit, "pause_ms": pause_ms},
        },
    ).looked_up()
    job.fit()
    return job


def _default_folder(target: Path) -> Path:
    """Named after the file without its suffix: the parts are the same whatever they are joined to.

    Earlier versions named it after the file with its suffix; where there is such a one, what it holds is not bought
    again.
    """
    whole = target.with_suffix("")
    folder = Path(f"{whole}.narration")
    earlier = (Path(f"{whole}{suffix}.narration") for suffix in (target.suffix, ".mp3", ".wav", ".pcm"))
    return next((place for place in (folder, *earlier) if place.exists()), folder)


def _check(call: Call, target: Path, pause_ms: float) -> None:
    files.check_writable(target)
    if files.format_of(target) not in {"wav", "pcm", "mp3"}:
        raise ValueError(f"A narration is saved as .wav, .pcm or .mp3, not as {target.name}")
    if call.response_format not in {"pcm", "mp3"}:
        raise ValueError(f'response_format must be "pcm" or "mp3" for parts to be joined, not {call.response_format!r}')
    if isinstance(pause_ms, bool) or not isinstance(pause_ms, int | float):
        raise TypeError(f"pause_ms must be a number of milliseconds, not {type(pause_ms).__name__}")
    if not 0 <= pause_ms < float("inf"):
        raise ValueError(f"pause_ms must be 0 milliseconds or more, and finite, not {pause_ms}")
