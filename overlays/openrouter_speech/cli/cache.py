"""`openrouter-speech cache`: what is kept on disk."""

import json

from .._core.bodies import escaped
from .._http import cache as module
from . import progress
from .failures import before_sending, reported
from .options import Settings


def cache(action: str, settings: Settings) -> None:
    """Run the command. `action` is "info" or "clear"."""
    with reported(settings):
        with before_sending():
            kept = module.SpeechCache(settings.cache_dir())
        removed = kept.clear() if action == "clear" else None
        facts = module.info(kept) | ({} if removed is None else {"removed": removed})
        if settings.json:
            print(json.dumps(facts))
        elif removed is not None:
            print(escaped(f"{kept.folder}: {progress.counted(removed, 'recording')} removed"))
        else:
            size, limit = progress.size(facts["bytes"]), progress.size(kept.max_bytes)
            print(escaped(f"{kept.folder}: {progress.counted(facts['entries'], 'recording')}, {size} of {limit}"))
