"""Complete the names of models and voices in a shell, from the models that were listed last. Nothing is asked for."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._core.catalog import Model


def models(ctx: Any, incomplete: str) -> list[str]:
    """Complete the ID of a model."""
    return _beginning(incomplete, _listed(ctx))


def voices(ctx: Any, incomplete: str) -> list[str]:
    """Complete the name of a voice of the model that was named before."""
    model = _listed(ctx).get(ctx.params.get("of_model") or os.environ.get("OPENROUTER_SPEECH_MODEL", ""))
    return _beginning(incomplete, (model and model.voices) or ())


def _listed(ctx: Any) -> "dict[str, Model]":
    from .._generated import SERVER_URL
    from .._http.known_models import KnownModels

    variable = os.environ.get("OPENROUTER_SPEECH_SERVER_URL")
    return dict(KnownModels(None).listed((ctx.params.get("server_url") or variable or SERVER_URL).rstrip("/")))


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
