"""Models, their voices and prices, as far as the server tells; and what a model is known to refuse."""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from attrs import field, frozen

Prices = Mapping[str, Decimal]

_NOTICE = datetime.timedelta(days=30)
"""How long before a model expires to warn of it."""


@frozen
class Model:
    """A text-to-speech model.

    What the server does not tell is None or empty.
    """

    id: str
    """As `author/name`: what `model=` takes."""
    name: str
    description: str = field(repr=False)
    voices: tuple[str, ...] | None
    """What `voice=` takes. None if the model has no voices, or if they are not known."""
    formats: tuple[str, ...] | None
    """What `response_format=` takes. None if that is not known."""
    prices: Prices
    """US dollars for a unit of each kind: `prompt` is a unit of input. The unit is the model's own, and not told. The
    dearest endpoint can cost several times as much."""
    expires: datetime.date | None
    """The day after which the model may be removed."""
    alias_of: str | None
    """The model that this name stands for at the moment."""
    raw: Mapping[str, Any] = field(repr=False, eq=False)
    """All that the server sent."""


@frozen
class Endpoint:
    """A provider that serves a model."""

    name: str
    provider: str
    prices: Prices
    """As for `Model`."""
    clones_voices: bool | None
    """Whether it speaks with the voice of a recording."""
    raw: Mapping[str, Any] = field(repr=False, eq=False)
    """All that the server sent."""


class Habits(NamedTuple):
    """What a model needs and refuses, beside what the catalog tells."""

    pattern: str
    voice: str = "optional"
    """"required", "refused" or "optional"."""
    formats: tuple[str, ...] | None = None


HABITS = (
    Habits("google/gemini*", formats=("pcm",)),
    Habits("minimax/*", "required", ("mp3",)),
    Habits("deepgram/*", "required"),
    Habits("hexgrad/kokoro*", "required"),
    Habits("fish-audio/s2.1-pro-free", "refused"),
)
"""Source: refusals in public logs, 2026-05 to 2026-10. The catalog has no such facts."""
_UNKNOWN = Habits("*")


@lru_cache(maxsize=64)
def habits(model: str) -> Habits:
    """Look up what a model needs and refuses."""
    return next((one for one in HABITS if fnmatchcase(model, one.pattern)), _UNKNOWN)


def models(content: Any) -> list[Model]:
    """Read the answer of `GET /models`, as far as it can be read: models without an ID are left out."""
    return [_model(raw) for raw in _items(content, "data") if _text(raw.get("id"))]


def endpoints(content: Any) -> list[Endpoint]:
    """Read the answer of `GET /models/{author}/{slug}/endpoints`."""
    data = content.get("data") if isinstance(content, Mapping) else None
    return [
        Endpoint(
            name=_text(raw.get("name")),
            provider=_text(raw.get("provider_name")),
            prices=_prices(raw.get("pricing")),
            clones_voices=clones if isinstance(clones := raw.get("supports_voice_cloning"), bool) else None,
            raw=raw,
        )
        for raw in _items(data, "endpoints")
    ]


def refusal(model: Model | None, identity: str, voices: Sequence[Any], audio_format: str) -> str | None:
    """Tell why a model would refuse a request; None if nothing is known against it.

    Args:
        model: The model, if the catalog has it.
        identity: Its ID.
        voices: The voice of each turn; None for one without.
        audio_format: The format to request, or that is the default.
    """
    known = habits(identity)
    if known.voice == "required" and not all(voices):
        return f"voice is missing: {identity} needs one{_such_as(model)}"
    if known.voice == "refused" and any(voices):
        return f"voice cannot be set: {identity} has only one"
    if model is not None and model.voices:
        for voice in voices:
            if voice and str(voice) not in model.voices:
                return f"voice {str(voice)!r} is not a voice of {identity}{_instead(str(voice), model.voices)}"
    if known.formats and str(audio_format) not in known.formats:
        return f"response_format must be {' or '.join(known.formats)} for {identity}, not {str(audio_format)!r}"
    return None


def most(found: Iterable[Endpoint], size: int, requests: int) -> Decimal | None:
    """Return the most that texts can cost at any of these endpoints, in US dollars; None if that is not known.

    The unit of the price is not known, but a text has no more characters, tokens or seconds than it has bytes.

    Args:
        found: The endpoints of the model.
        size: UTF-8 bytes of all texts.
        requests: How many requests they are sent in.
    """
    costs = []
    for endpoint in found:
        prices = {kind: price for kind, price in endpoint.prices.items() if price}
        if "prompt" not in endpoint.prices or prices.keys() - {"prompt", "request"}:
            return None  # it also counts what it returns
        costs.append(prices.get("prompt", Decimal(0)) * size + prices.get("request", Decimal(0)) * requests)
    return max(costs, default=None)


def without_bound(model: str) -> ValueError:
    """Make the error for a limit on what a model costs, if `most` does not know it."""
    return ValueError(f"max_cost cannot be kept: what {model} costs is not known before it is paid. Leave it out")


def notice(model: Model | None, now: float) -> str | None:
    """Return a warning if a model expires soon. `now` is in seconds since 1970."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    if model is None or model.expires is None or model.expires - today > _NOTICE:
        return None
    verb = "expires" if model.expires >= today else "expired"
    return f"The model {model.id} {verb} on {model.expires}: choose another one"


_LANGUAGES = {
    "ar": "arabic", "de": "german", "en": "english", "es": "spanish", "fr": "french", "hi": "hindi", "id": "indonesian",
    "it": "italian", "ja": "japanese", "ko": "korean", "nl": "dutch", "pl": "polish", "pt": "portuguese",
    "ru": "russian", "tr": "turkish", "uk": "ukrainian", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
_KOKORO = {"a": "en", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt", "z": "zh"}
"""The first letter of Kokoro's voices. Source: the model's list of voices, VOICES.md."""


def speaks(model: str, voice: str, language: str) -> bool:
    """Tell by a voice's name whether it speaks a language; the catalog says nothing of it.

    Args:
        model: The ID of its model.
        voice: Its name, such as "fr_marie_neutral", "de-DE-Anna" or "English_narrator".
        language: A code such as "fr" or "pt-BR", or an English name.
    """
    wanted = language.casefold()
    code = next((code for code, name in _LANGUAGES.items() if name == wanted), wanted.partition("-")[0])
    if "kokoro" in model and voice[2:3] == "_":
        return _KOKORO.get(voice[0]) == code
    words = voice.casefold().replace("-", "_").split("_")
    return words[0] == code or _LANGUAGES.get(code, code) in words


def close_to(name: str, known: Iterable[str]) -> list[str]:
    """Return the most similar names, whatever their case."""
    from difflib import get_close_matches  # noqa: PLC0415  (only needed here)

    by_case = {one.casefold(): one for one in known}
    return [by_case[one] for one in get_close_matches(name.casefold(), by_case, 3)]


def _such_as(model: Model | None) -> str:
    return f", such as {model.voices[0]}" if model is not None and model.voices else ""


def _instead(voice: str, voices: Sequence[str]) -> str:
    if close := close_to(voice, voices):
        return f"; did you mean {' or '.join(map(repr, close))}?"
    return f"; it has {', '.join(voices[:5])}{f' and {len(voices) - 5} more' if len(voices) > 5 else ''}"


def _model(raw: Mapping[str, Any]) -> Model:
    voices, alias = raw.get("supported_voices"), raw.get("alias_target")
    return Model(
        id=raw["id"],
        name=_text(raw.get("name")) or raw["id"],
        description=_text(raw.get("description")),
        voices=tuple(filter(_text, voices)) or None if isinstance(voices, list) else None,
        formats=habits(raw["id"]).formats,
        prices=_prices(raw.get("pricing")),
        expires=_day(raw.get("expiration_date")),
        alias_of=_text(alias.get("slug")) or None if isinstance(alias, Mapping) else None,
        raw=raw,
    )


def _items(content: Any, name: str) -> Iterator[Mapping[str, Any]]:
    found = content.get(name) if isinstance(content, Mapping) else None
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, Mapping))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _prices(value: Any) -> Prices:
    found: dict[str, Decimal] = {}
    if isinstance(value, Mapping):
        for kind, price in value.items():
            # A price is text. Other values, such as a discount, are none; a negative one stands for "it depends".
            with suppress(InvalidOperation):
                if isinstance(price, str) and (amount := Decimal(price)).is_finite() and amount >= 0:
                    found[str(kind)] = amount
    return MappingProxyType(found)


def _day(value: Any) -> datetime.date | None:
    with suppress(ValueError):
        return datetime.date.fromisoformat(_text(value)[:10])
    return None
