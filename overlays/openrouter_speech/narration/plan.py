"""Plan the requests for a text: its parts, their keys, their titles. Pure: no I/O."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import takewhile
from typing import Any

from attrs import frozen

from .._generated import OPERATIONS
from .._http.sending import Call
from . import SMALLEST_LIMIT, headings, splitting
from .script import BETWEEN, NOBODY, Cast, Speech
from .splitting import Splitter

_LONGEST_TITLE = 60


@frozen
class Part:
    """A piece of the text, as it is written: without the names of speakers, and not respelled."""

    paragraph: int
    """The index of its first paragraph, from 0."""
    text: str
    """A piece of one paragraph, or several whole ones, of which the first may be the end of a long one."""
    key: str | None
    """Identifies the audio: a hash of the request and all settings. None without a letter or digit: no audio."""
    chapter: str | None = None
    """The title of the chapter that begins here."""
    speakers: tuple[str | None, ...] = ()
    """The speaker of each paragraph, if the text is a script."""

    @property
    def texts(self) -> list[str]:
        """The text by paragraph."""
        return self.text.split(BETWEEN)

    @property
    def paragraphs(self) -> range:
        """The indexes of its paragraphs."""
        return range(self.paragraph, self.paragraph + len(self.texts))


def parts_of(
    text: str, splitter: Splitter, key_of: Callable[[Speech], str], *,
    cast: Cast = NOBODY, packed: bool = True, stored: AbstractSet[str] = frozenset(),
    heading: re.Pattern[str] | None = None,
) -> tuple[Part, ...]:  # fmt: skip
    """Split a text into parts.

    Args:
        text: The text.
        splitter: Cuts paragraphs that are too long.
        key_of: Computes the key of a request.
        cast: The speakers.
        packed: Whether short paragraphs, and the ends of long ones, share a part, up to the next chapter or paragraph
            without speech.
        stored: The keys of stored parts. Paragraphs that are one of these stay together, so that an edit changes no
            part but its own.
        heading: A pattern for the headings of chapters, in place of the known ones.

    Raises:
        ValueError: The text has nothing to speak, or a speaker without a voice.
    """
    lines = cast.lines(splitting.paragraphs(cast.separated(text)))
    speakers = [line.speaker for line in lines]
    titles = _chapters(["" if line.speaker else line.text for line in lines], heading)
    pieces = [
        (number, place, piece)
        for number, line in enumerate(lines)
        for place, piece in enumerate(splitter.parts(headings.spoken(line.text)))
    ]
    texts = [piece for _, _, piece in pieces]
    begins = [place == 0 and number in titles for number, place, _ in pieces]
    follows = [place > 0 for _, place, _ in pieces]

    def speech_of(first: int, end: int) -> Speech:
        return cast.speech(texts[first:end], [speakers[number] for number, _, _ in pieces[first:end]])

    def fit(first: int, end: int) -> bool:
        """Whether these pieces can be one part: the end of a paragraph may be its beginning."""
        last = end - 1
        alone = not (splitting.has_speech(texts[first]) and splitting.has_speech(texts[last]))
        if last > first and (alone or begins[last] or follows[last]):
            return False
        together = cast.can_share(speakers[number] for number, _, _ in pieces[first:end])
        return together and splitter.fits(BETWEEN.join(texts[first:end]))

    @cache
    def stored_end(first: int) -> int | None:
        """Return the end of the longest stored part that begins here."""
        ends = takewhile(lambda end: fit(first, end), range(first + 1, len(pieces) + 1)) if stored else ()
        return max((end for end in ends if key_of(speech_of(first, end)) in stored), default=None)

    def packed_end(first: int) -> int:
        if known := stored_end(first):
            return known
        ends = takewhile(lambda end: fit(first, end) and not stored_end(end - 1), range(first + 2, len(pieces) + 1))
        return max(ends, default=first + 1)

    parts, first = [], 0
    while first < len(pieces):
        end = packed_end(first) if packed else first + 1
        number = pieces[first][0]
        said_by = tuple(speakers[number : number + end - first]) if cast.voices else ()
        speech = speech_of(first, end)
        key = key_of(speech) if splitting.has_speech(speech.text) else None
        parts.append(
            Part(number, BETWEEN.join(texts[first:end]), key, titles.get(number) if begins[first] else None, said_by)
        )
        first = end
    if not any(part.key for part in parts):
        raise ValueError("The text has nothing to speak: no letters and no digits")
    return tuple(parts)


def splitter_for(limit: int, limit_unit: str, language: str, cast: Cast = NOBODY) -> Splitter:
    """Make a splitter, which measures texts as they are sent.

    Raises:
        TypeError, ValueError: A setting is wrong.
        ConfigurationError: The extra `long` is not installed.
    """
    whole_number("limit", limit, SMALLEST_LIMIT)
    if limit_unit not in ("characters", "bytes"):
        raise ValueError(f'limit_unit must be "characters" or "bytes", not {limit_unit!r}')
    return Splitter(limit, cast.size(len if limit_unit == "characters" else splitting.size_in_bytes), language)


def _chapters(paragraphs: Sequence[str], heading: re.Pattern[str] | None) -> dict[int, str]:
    """Return the titles of the chapters, by paragraph. Headings in a row are one: "Chapter 1", "The sea"."""
    titles: dict[int, list[str]] = {}
    last, begin = None, 0
    for number in headings.found(paragraphs, heading):
        begin = begin if last == number - 1 else number
        titles.setdefault(begin, []).append(headings.spoken(paragraphs[number]))
        last = number
    return {number: title(". ".join(word.rstrip(".") for word in words)) for number, words in titles.items()}


def keys_for(call: Call) -> Callable[[Speech], str]:
    """Return a function that computes the key of a request, given the settings of this call."""
    body = json.loads(call.request.body)
    del body["input"]

    def settings_with(params: dict[str, Any]) -> str:
        return json.dumps([call.server_url, call.request.path, body | params], sort_keys=True)

    settings_of = cache(lambda voice: settings_with({} if voice is None else {"voice": voice}))

    def key_of(speech: Speech) -> str:
        # With turns, the input is one of the settings, so that no text has the same key.
        text = speech.input if isinstance(speech.input, str) else ""
        settings = settings_of(speech.voice) if text else settings_with(speech.params)
        return hashlib.sha256(f"{settings}\n{text}".encode()).hexdigest()[:32]

    return key_of


def settings(call: Call) -> dict[str, object]:
    """Return the settings for the manifest. What may hold anything is left out: objects, and `extra_body`."""
    body = json.loads(call.request.body)
    names = [p.name for p in OPERATIONS["create_speech"].parameters.values() if p.location == "body"]
    return {"server_url": call.server_url} | {
        name: body.get(name) for name in names if name != "input" and not isinstance(body.get(name), dict | list)
    }


def pauses_before(parts: Iterable[Part]) -> list[int]:
    """Count the pauses before each part: one between two paragraphs, none before the first audio."""
    pauses, last = [], None
    for part in parts:
        spoken = part.key is not None
        pauses.append(part.paragraph - last if spoken and last is not None else 0)
        last = part.paragraphs[-1] if spoken else last
    return pauses


def title(paragraph: str) -> str:
    """Shorten a paragraph to a title on one line."""
    line = " ".join(paragraph.split())
    if len(line) <= _LONGEST_TITLE:
        return line
    beginning = line[:_LONGEST_TITLE]
    words = beginning.rpartition(" ")[0]
    return (words if len(words) > _LONGEST_TITLE // 2 else beginning) + "…"


def whereabouts(parts: Iterable[Part], key: str) -> str:
    """Locate a request in the text: the numbers of its paragraphs, from 1, and its first words."""
    mine = [part for part in parts if part.key == key]
    numbers = list(dict.fromkeys(_numbers(part.paragraphs) for part in mine))
    noun = "paragraph" if len(numbers) == 1 and len(mine[0].paragraphs) == 1 else "paragraphs"
    return f'{noun} {", ".join(numbers)} ("{title(mine[0].text)}")'


def _numbers(paragraphs: range) -> str:
    return f"{paragraphs[0] + 1}" if len(paragraphs) == 1 else f"{paragraphs[0] + 1} to {paragraphs[-1] + 1}"


def whole_number(name: str, value: object, least: int) -> None:
    """Check that a setting is a whole number, and not too small."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")
