"""Check a call against what is known of its model, before it is paid for. Nothing is asked for."""

import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from .. import _generated as wire
from .._core import catalog
from .._core.audio import DEFAULT_FORMAT
from .._core.catalog import Model
from .._files import StrPath
from .lookups import DAY, Lookups, cache_folder

LIST_MODELS = wire.OPERATIONS["list_models"]
SPEAKING = {"output_modalities": "speech"}
"""What to list."""

_TRUSTED = 7 * DAY
"""Seconds for which a list of models is good enough to refuse what it lacks."""

_warned_of: set[str] = set()
"""Models that a warning was issued for; one is enough."""


class KnownModels:
    """The models that were listed last, by this process or by another one.

    Args:
        cache_dir: The folder where look-ups are kept; None for the user's.
    """

    def __init__(self, cache_dir: StrPath | None) -> None:
        self.lookups = Lookups(cache_folder(cache_dir))
        self._models: dict[str, dict[str, Model]] = {}
        """By the server's URL, then by ID."""

    def remember(self, server_url: str, models: Iterable[Model]) -> None:
        """Keep a list of models."""
        self._models[server_url] = {model.id: model for model in models}

    def check(self, server_url: str, arguments: Mapping[str, Any]) -> None:
        """Refuse what the model would refuse.

        Raises:
            ValueError: The model lacks the voice or the format; the message names what it has.
        """
        identity, voice, said = str(arguments.get("model")), arguments.get("voice"), arguments.get("input")
        turns = said if isinstance(said, list | tuple) else ()
        voices = [_voice_of(turn) or voice for turn in turns] or [voice]
        model = self.listed(server_url).get(identity)
        audio_format = arguments.get("response_format") or DEFAULT_FORMAT
        if problem := catalog.refusal(model, identity, voices, str(audio_format)):
            raise ValueError(f"{problem} (if that is out of date, pass OpenRouter(check_models=False))")
        if model is not None and identity not in _warned_of and (text := catalog.notice(model, time.time())):
            _warned_of.add(identity)
            warnings.warn(text, UserWarning, stacklevel=_callers_level())

    def listed(self, server_url: str) -> Mapping[str, Model]:
        """Return the models of a server by ID, as far as they are known."""
        if server_url not in self._models:
            stored = self.lookups.load(server_url + wire.prepare(LIST_MODELS, SPEAKING).path)
            usable = stored is not None and 0 <= stored.age < _TRUSTED
            self.remember(server_url, catalog.models(stored.content) if stored and usable else ())
        return self._models[server_url]


def _callers_level() -> int:
    """Return the stack level, for a warning from the caller of this function, of the code that called the package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(f"{__name__.partition('.')[0]}."):
        frame, level = frame.f_back, level + 1
    return level


def _voice_of(turn: object) -> object:
    return turn.get("voice") if isinstance(turn, Mapping) else getattr(turn, "voice", None)
