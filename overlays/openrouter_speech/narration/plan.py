"""Plan the requests for a text: its parts, their keys, their titles. Pure: no I/O."""

import hashlib
import json
from collections.abc import Callable, Iterable

from attrs import frozen

from .._generated import OPERATIONS
from .._http.sending import Call
from . import SMALLEST_LIMIT, splitting

_LONGEST_TITLE = 60


@frozen
class Part:
    """A piece of the text, as it is sent."""

    paragraph: int
    """The index of its paragraph, from 0."""
    text: str
    key: str | None
    """Identifies the audio: a hash of the text and all settings. None without a letter or digit: there is no audio."""


def parts_of(
    text: str, limit: int, limit_unit: str, key_of: Callable[[str], str], language: str = "en"
) -> tuple[Part, ...]:
    """Split a text into parts. Each paragraph starts a new one.

    Raises:
        TypeError, ValueError: A setting is wrong, or the text has nothing to speak.
        ConfigurationError: The extra `long` is not installed.
    """
    whole_number("limit", limit, SMALLEST_LIMIT)
    if limit_unit not in ("characters", "bytes"):
        raise ValueError(f'limit_unit must be "characters" or "bytes", not {limit_unit!r}')
    size = len if limit_unit == "characters" else splitting.size_in_bytes
    splitter = splitting.Splitter(limit, size, language)
    parts = tuple(
        Part(number, part, key_of(part) if splitting.has_speech(part) else None)
        for number, paragraph in enumerate(splitting.paragraphs(text))
        for part in splitter.parts(paragraph)
    )
    if not any(part.key for part in parts):
        raise ValueError("The text has nothing to speak: no letters and no digits")
    return parts


def keys_for(call: Call) -> Callable[[str], str]:
    """Return a function that computes the key of a text, given the settings of this call."""
    body = json.loads(call.request.body)
    del body["input"]
    settings = json.dumps([call.server_url, call.request.path, body], sort_keys=True)

    def key_of(text: str) -> str:
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
        last = part.paragraph if spoken else last
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
    numbers = list(dict.fromkeys(str(part.paragraph + 1) for part in mine))
    return f'paragraph{"s" if len(numbers) > 1 else ""} {", ".join(numbers)} ("{title(mine[0].text)}")'


def whole_number(name: str, value: object, least: int) -> None:
    """Check that a setting is a whole number, and not too small."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")
