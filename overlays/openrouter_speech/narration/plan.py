"""What a text will be asked for as: its parts, their keys, its chapters. Pure: no I/O in here."""

import hashlib
import json
from collections.abc import Callable, Iterable

from attrs import frozen

from .._http.sending import Call
from . import SMALLEST_LIMIT, splitting

_LONGEST_TITLE = 60


@frozen
class Part:
    """A piece of the text, as it is sent."""

    paragraph: int
    """The number of its paragraph, from 0."""
    text: str
    key: str | None
    """Names the audio: a hash of all that decides it. None where there is no letter and no digit, and so no audio."""


def parts_of(text: str, limit: int, limit_unit: str, key_of: Callable[[str], str]) -> tuple[Part, ...]:
    """Cut a text into parts. Each paragraph begins a new one.

    Raises:
        TypeError, ValueError: A setting is wrong, or there is nothing to speak in the text.
        ConfigurationError: The splitter is not installed.
    """
    whole_number("limit", limit, SMALLEST_LIMIT)
    if limit_unit not in ("characters", "bytes"):
        raise ValueError(f'limit_unit must be "characters" or "bytes", not {limit_unit!r}')
    splitter = splitting.Splitter(limit, len if limit_unit == "characters" else splitting.size_in_bytes)
    parts = tuple(
        Part(number, part, key_of(part) if splitting.has_speech(part) else None)
        for number, paragraph in enumerate(splitting.paragraphs(text))
        for part in splitter.parts(paragraph)
    )
    if not any(part.key for part in parts):
        raise ValueError("The text has nothing to speak: no letter and no digit is in it")
    return parts


def keys_for(call: Call) -> Callable[[str], str]:
    """What gives a text its key, where it is asked for with the settings of this call."""
    body = json.loads(call.request.body)
    del body["input"]
    settings = json.dumps([call.server_url, call.request.path, body], sort_keys=True)

    def key_of(text: str) -> str:
        return hashlib.sha256(f"{settings}\n{text}".encode()).hexdigest()[:32]

    return key_of


def settings(call: Call) -> dict[str, object]:
    """What the manifest tells of the settings. Options of providers are left out: nobody knows what is in them."""
    body = json.loads(call.request.body)
    return {"server_url": call.server_url} | {
        name: body.get(name) for name in ("model", "voice", "response_format", "speed")
    }


def pauses_before(parts: Iterable[Part]) -> list[int]:
    """How many pauses go before each part: one between two paragraphs, none before the first that has audio."""
    pauses, last = [], None
    for part in parts:
        spoken = part.key is not None
        pauses.append(part.paragraph - last if spoken and last is not None else 0)
        last = part.paragraph if spoken else last
    return pauses


def title(paragraph: str) -> str:
    """The beginning of a paragraph, in one line."""
    line = " ".join(paragraph.split())
    if len(line) <= _LONGEST_TITLE:
        return line
    beginning = line[:_LONGEST_TITLE]
    words = beginning.rpartition(" ")[0]
    return (words if len(words) > _LONGEST_TITLE // 2 else beginning) + "…"


def whereabouts(parts: Iterable[Part], key: str) -> str:
    """Where a request belongs in the text: the numbers of its paragraphs, counted from 1, and its first words."""
    mine = [part for part in parts if part.key == key]
    numbers = list(dict.fromkeys(str(part.paragraph + 1) for part in mine))
    return f'paragraph{"s" if len(numbers) > 1 else ""} {", ".join(numbers)} ("{title(mine[0].text)}")'


def whole_number(name: str, value: object, least: int) -> None:
    """Refuse what is not a whole number, or too small."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")
