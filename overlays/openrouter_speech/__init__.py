"""A client for OpenRouter's text-to-speech: text in, audio out.

with OpenRouter(api_key=...) as open_router:
    open_router.tts.create_speech(input="Hello world", model="...", voice="...").save("hello.mp3")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import components, errors, utils
    from .client import OpenRouter
    from .narration.results import Narration, NarrationPlan, NarrationProgress
    from .responses import SavedSpeech, SpeechResponse
    from .streams import AsyncSpeechStream, SpeechStream

__all__ = [
    "AsyncSpeechStream",
    "Narration",
    "NarrationPlan",
    "NarrationProgress",
    "OpenRouter",
    "SavedSpeech",
    "SpeechResponse",
    "SpeechStream",
    "__version__",
    "components",
    "errors",
    "utils",
]

_MODULES = {
    "AsyncSpeechStream": "streams",
    "Narration": "narration.results",
    "NarrationPlan": "narration.results",
    "NarrationProgress": "narration.results",
    "OpenRouter": "client",
    "SavedSpeech": "responses",
    "SpeechResponse": "responses",
    "SpeechStream": "streams",
}


def __getattr__(name: str) -> Any:
    """Import a name on first use, so that the command line starts fast."""
    if name in {"components", "errors", "utils"}:
        return import_module(f".{name}", __name__)
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
