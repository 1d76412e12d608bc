"""A client for OpenRouter's text-to-speech: text in, audio out.

with OpenRouter(api_key=...) as open_router:
    open_router.tts.create_speech(input="Hello world", model="...", voice="...").save("hello.mp3")
"""

from . import components, errors, utils
from .client import OpenRouter
from .narration.results import Narration, NarrationPlan, NarrationProgress
from .responses import SavedSpeech, SpeechResponse
from .streams import AsyncSpeechStream, SpeechStream
from .version import __version__

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
