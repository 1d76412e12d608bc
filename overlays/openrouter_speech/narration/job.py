"""A narration, prepared before anything is sent: the requests, the parts already stored, the cost."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from .. import _files as files
from .._core import retries
from .._core.retries import RetryConfig
from .._engine.scheduler import PATIENT
from .._files import StrPath
from .._http.body import Costs
from .._http.sending import Call
from ..errors import ConfigurationError
from . import LimitUnit, joining, plan, sentences
from .fit import Fit, least_seconds
from .plan import Part
from .results import NarrationPlan
from .script import Cast, Respelling, Speech
from .storage import PartStore, StoredPart


@frozen
class NarrationJob:
    """Everything that a narration needs."""

    target: Path
    folder: PartStore
    parts: tuple[Part, ...]
    requests: dict[str, Speech]
    """What each request asks for, by key, in reading order."""
    stored: dict[str, StoredPart]
    """The parts already in the folder, by key."""
    again: dict[str, StoredPart | None]
    """The second audio of parts that were requested twice, by key. None if it is unusable."""
    retry_suspicious: bool
    cast: Cast
    pause_ms: float
    retry: RetryConfig
    costs: Costs | None
    about: dict[str, Any]
    """The manifest's entries about the text and the settings. It holds no API key and no headers."""

    @property
    def times(self) -> Counter[str]:
        """How often each part occurs in the file, by key."""
        return Counter(part.key for part in self.parts if part.key)

    @property
    def missing(self) -> dict[str, Speech]:
        """What is still to be requested, by key."""
        return {key: speech for key, speech in self.requests.items() if key not in self.stored}

    @property
    def plan(self) -> NarrationPlan:
        """The cost."""
        missing = self.missing
        directions = len(str(self.about["settings"].get("instructions") or "").encode())
        speakers = Counter(speaker for part in self.parts if part.key for speaker in part.speakers if speaker)
        return NarrationPlan(
            folder=self.folder.path,
            paragraphs=len({number for part in self.parts if part.key for number in part.paragraphs}),
            requests=len(self.requests),
            characters=characters(self.requests.values()),
            missing_requests=len(missing),
            missing_characters=characters(missing.values()),
            missing_bytes=sum(len(speech.text.encode()) for speech in missing.values()) + len(missing) * directions,
            respelled=self.cast.say.counts(part.text for part in self.parts),
            speakers={name: speakers[name] for name in self.cast.voices},
        )

    def least_seconds(self, key: str) -> float:
        """Return the least duration of a part."""
        return least_seconds(self.requests[key].text, self.about["settings"]["speed"])

    def fit(self) -> Fit:
        """Estimate the file to come.

        Raises:
            ValueError: It cannot be made.
        """
        silence = sum(plan.pauses_before(self.parts)) * self.pause_ms / 1000
        missing, times = self.missing, self.times
        seconds = silence + sum(times[key] * self.least_seconds(key) for key in missing)
        fit = Fit(self.target, seconds, resamples=joining.can_resample())
        for key, part in self.stored.items():
            fit.add(part.file, self.folder.info(part), times[key] * part.seconds)
        fit.check()
        return fit

    def looked_up(self) -> "NarrationJob":
        """Return this job with the parts that are in the folder now.

        Raises:
            ConfigurationError: The folder holds unusable audio for a missing part: it was paid for.
        """
        job = evolve(self, stored=self.folder.stored(self.requests), again=self.folder.again(self.requests))
        useless = self.folder.useless()
        for key in job.missing:
            if key in useless:
                raise ConfigurationError(
                    f"The audio for {plan.whereabouts(self.parts, key)} was paid for, but cannot be joined: "
                    f"{useless[key]}. Remove that file, and the same call requests it again, and pays again"
                )
        return job


def characters(speeches: Iterable[Speech]) -> int:
    """Count what is paid for."""
    return sum(len(speech.text) for speech in speeches)


def prepare(
    call: Call,
    text: str,
    path: StrPath,
    *,
    limit: int,
    limit_unit: LimitUnit,
    language: str | None,
    heading: str | re.Pattern[str] | None,
    pause_ms: float | None,
    folder: StrPath | None,
    say: Mapping[str, str] | None,
    voices: Mapping[str, str] | None,
    turns: bool,
    retry_suspicious: bool = False,
) -> NarrationJob:
    """Prepare a narration. Nothing is written.

    Args:
        call: A call with the settings of all requests.
        text: As for `tts.TTS.narrate`, like all that follow.
        path: The file.
        limit: The most text in one request.
        limit_unit: The unit of the limit.
        language: The language of the text; None to guess it.
        heading: The pattern for the headings of chapters; None for the known ones.
        pause_ms: Milliseconds of silence between paragraphs; None to leave pauses to the voice.
        folder: The folder for the parts.
        say: How words are said.
        voices: The voice of each speaker.
        turns: Whether speakers share requests.
        retry_suspicious: Whether to request suspicious parts once more.
    """
    target = Path(path)
    _check(call, target, pause_ms)
    if language is not None and not isinstance(language, str):
        raise TypeError(f'language must be a code such as "en", not {type(language).__name__}')
    language = language or sentences.guess(text)
    pattern = None if heading is None else _compiled(heading)
    cast = Cast(voices, turns, Respelling(say))
    joining.check_installed()
    splitter = plan.splitter_for(limit, limit_unit, language, cast)
    place = PartStore(_default_folder(target) if folder is None else Path(folder))
    place.check()
    parts = plan.parts_of(
        text, splitter, plan.keys_for(call),
        cast=cast, packed=pause_ms is None, stored=place.keys(), heading=pattern,
    )  # fmt: skip
    requests = {part.key: cast.speech(part.texts, part.speakers) for part in parts if part.key}
    if place.holds(target):
        raise ValueError(
            f"{target} is in the folder of the parts, {place.path}, which may be removed later: name another"
        )
    job = NarrationJob(
        target=target,
        folder=place,
        parts=parts,
        requests=requests,
        stored={},
        again={},
        retry_suspicious=retry_suspicious,
        cast=cast,
        pause_ms=pause_ms or 0,
        costs=call.costs,
        retry=PATIENT if call.retry is retries.DEFAULT else call.retry,
        about={
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "settings": {
                **plan.settings(call),
                "limit": limit,
                "limit_unit": limit_unit,
                "language": language,
                "pause_ms": pause_ms,
                "say": cast.say.words,
                "voices": cast.voices,
                "turns": turns,
            },
        },
    ).looked_up()
    job.fit()
    return job


def _default_folder(target: Path) -> Path:
    """Name the folder after the file without its suffix: the parts do not depend on the file's format.

    Earlier versions kept the suffix. If that folder exists, use it, so that nothing is paid for twice.
    """
    whole = target.with_suffix("")
    folder = Path(f"{whole}.narration")
    earlier = (Path(f"{whole}{suffix}.narration") for suffix in (target.suffix, ".mp3", ".wav", ".pcm"))
    return next((place for place in (folder, *earlier) if place.exists()), folder)


def _compiled(heading: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        return re.compile(heading)
    except re.error as error:
        raise ValueError(f"heading is not a regular expression: {error}") from error
    except TypeError as error:
        raise TypeError(f"heading must be a regular expression, not {type(heading).__name__}") from error


def _check(call: Call, target: Path, pause_ms: float | None) -> None:
    files.check_writable(target)
    if files.format_of(target) not in {"wav", "pcm", "mp3"}:
        raise ValueError(f"A narration is saved as .wav, .pcm or .mp3, not as {target.name}")
    if call.response_format not in {"pcm", "mp3"}:
        raise ValueError(f'response_format must be "pcm" or "mp3" for parts to be joined, not {call.response_format!r}')
    if pause_ms is None:
        return
    if isinstance(pause_ms, bool) or not isinstance(pause_ms, int | float):
        raise TypeError(f"pause_ms must be a number of milliseconds, not {type(pause_ms).__name__}")
    if not 0 <= pause_ms < float("inf"):
        raise ValueError(f"pause_ms must be 0 milliseconds or more, and finite, not {pause_ms}")
