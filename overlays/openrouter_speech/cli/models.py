"""`openrouter-speech models` and `voices`: what there is to choose from."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from .._core import catalog
from .._core.bodies import escaped
from ..models import Model
from .failures import WrongUsageError, before_sending, reported
from .options import Settings

_HEAD = ("MODEL", "VOICES", "FORMATS", "INPUT $/1M", "EXPIRES")
_WIDTH = 96
"""Columns of a list of voices."""


def models(*, language: str | None, show_voices: bool, refresh: bool, settings: Settings) -> None:
    """Run `models`. The arguments are its options."""
    with reported(settings):
        found = _found(refresh=refresh, settings=settings)
        if language:
            found = [model for model in found if _spoken(model, language)]
        if settings.json:
            print(json.dumps([_as_json(model, language) for model in found]))
            return
        if not found:
            print(f"No model has a voice whose name says {language}." if language else "The server lists no models.")
            return
        head, *lines = _aligned([_HEAD, *(_row(model, language) for model in found)])
        print(head)
        for model, line in zip(found, lines, strict=True):
            print(escaped(line))
            if show_voices and (spoken := _spoken(model, language)):
                print(textwrap.indent(textwrap.fill(escaped(", ".join(spoken)), _WIDTH), "    "))


def voices(*, model: str, language: str | None, refresh: bool, settings: Settings) -> None:
    """Run `voices`. The arguments are its options."""
    with reported(settings):
        with before_sending():
            open_router = settings.open_router(needs_key=False)
        with open_router:
            try:
                found = open_router.models.get(model, refresh=refresh)
            except ValueError as error:
                raise WrongUsageError(str(error), "openrouter-speech models lists them") from error
        spoken = _spoken(found, language)
        if settings.json:
            print(json.dumps(spoken))
        elif spoken:
            print(*map(escaped, spoken), sep="\n")
        else:
            print(f"No voice of {model} is known." if not language else f"No voice of {model} says {language}.")


def _found(*, refresh: bool, settings: Settings) -> list[Model]:
    with before_sending():
        open_router = settings.open_router(needs_key=False)
    with open_router:
        return sorted(open_router.models.list(refresh=refresh), key=lambda model: model.id)


def _spoken(model: Model, language: str | None) -> list[str]:
    voices = model.voices or ()
    return list(voices) if language is None else [name for name in voices if catalog.speaks(model.id, name, language)]


def _row(model: Model, language: str | None) -> tuple[str, ...]:
    price = model.prices.get("prompt")
    return (
        model.id,
        str(len(_spoken(model, language)) or "-"),
        ", ".join(model.formats or ("?",)),
        "?" if price is None else f"{price * 1_000_000:.2f}",
        str(model.expires or "-"),
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _as_json(model: Model, language: str | None) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "description": model.description,
        "voices": None if model.voices is None else _spoken(model, language),
        "formats": model.formats,
        "prices": {kind: f"{price:f}" for kind, price in model.prices.items()},
        "expires": model.expires and str(model.expires),
        "alias_of": model.alias_of,
    }
