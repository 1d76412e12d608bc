"""The keyword arguments of each operation, for `Unpack`, type checkers and editors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Required, TypedDict

from .models import *

__all__ = [
    "CreateSpeechOptions",
    "CreateSpeechParams",
]


class CreateSpeechOptions(TypedDict, total=False):
    """The optional arguments of `POST /audio/speech`. None leaves one out."""

    voice: str | None
    """The voice to speak with. Each model has its own; some need one, some have none."""

    provider: SpeechRequestProvider | Mapping[str, Any] | None
    """Settings that are handed to the provider which serves the request."""

    response_format: ResponseFormatEnum | str | None
    """The audio format of the response. Default: 'pcm'."""

    speed: float | None
    """How fast to speak: 1 is the voice's own pace, 2 is twice as fast. Models without such a setting ignore it."""

    input_references: (
        Sequence[SpeechInputReferenceAudio | Mapping[str, Any] | SpeechInputReferenceText | SpeechInputReferenceImage]
        | None
    )
    """Recordings of the voice to speak with, each with its transcript if there is one. An empty list is as good as
    none."""

    session_id: str | None
    """Groups the requests of a conversation, for instance, in logs. At most 256 characters."""

    trace: TraceConfig | Mapping[str, Any] | None
    """Where the request belongs in a trace. Further fields are kept as they are."""

    user: str | None
    """Your name for the person who makes the request, for logs."""

    instructions: str | None
    """How to speak, in words ("Calmly, with a smile"). Models without such a setting ignore it."""

    http_referer: str | None
    """The URL of your app. It identifies the app in usage statistics and rankings."""

    x_open_router_title: str | None
    """The name under which your app is shown."""

    x_open_router_categories: str | Iterable[str] | None
    """The categories your app is ranked in, separated by commas."""


class CreateSpeechParams(CreateSpeechOptions, total=False):
    """The arguments of `POST /audio/speech`."""

    input: Required[str | Sequence[SpeechTurn | Mapping[str, Any]]]
    """The text to speak, or a list of turns for models with several speakers. Billing is by its characters."""

    model: Required[str]
    """The text-to-speech model, as `author/name`."""
