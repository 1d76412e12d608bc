"""A client for OpenRouter's text-to-speech: text in, audio out.

with OpenRouter(api_key=...) as open_router:
    open_router.tts.create_speech(input="Hello world", model="...", voice="...").save("hello.mp3")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import components, errors, utils
    from ._http.cache import SpeechCache
    from .batch.results import Batch, BatchProgress, BatchRow
    from .client import OpenRouter
    from .narration.results import Narration, NarrationPlan, NarrationProgress
    from .responses import SavedSpeech, SpeechResponse
    from .streams import AsyncSpeechStream, SpeechStream

__all__ = [
    "AsyncSpeechStream",
    "Batch",
    "BatchProgress",
    "BatchRow",
    "Narration",
    "NarrationPlan",
    "NarrationProgress",
    "OpenRouter",
    "SavedSpeech",
    "SpeechCache",
    "SpeechResponse",
    "SpeechStream",
    "__version__",
    "components",
    "errors",
    "utils",
]

_MODULES = {
    "AsyncSpeechStream": "streams",
    "Batch": "batch.results",
    "BatchProgress": "batch.results",
    "BatchRow": "batch.results",
    "Narration": "narration.results",
    "NarrationPlan": "narration.results",
    "NarrationProgress": "narration.results",
    "OpenRouter": "client",
    "SavedSpeech": "responses",
    "SpeechCache": "_http.cache",
    "SpeechResponse": "responses",
    "SpeechStream": "streams",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, and keep it: commands that do not need it start faster."""
    if name in {"components", "errors", "utils"}:
        value: Any = import_module(f".{name}", __name__)
    elif name in _MODULES:
        value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
