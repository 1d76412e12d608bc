"""The keyword arguments of each operation, for `Unpack`, type checkers and editors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Required, TypedDict

from .models import *

__all__ = [
    "CreateSpeechOptions",
    "CreateSpeechParams",
    "GetGenerationOptions",
    "GetGenerationParams",
    "ListModelEndpointsOptions",
    "ListModelEndpointsParams",
    "ListModelsOptions",
    "ListModelsParams",
]


class CreateSpeechOptions(TypedDict, total=False):
    """The optional arguments of `POST /audio/speech`. None leaves one out."""

    voice: str | None
    """The voice to speak with. Each model has its own; some need one, some have none."""

    provider: SpeechRequestProvider | Mapping[str, Any] | None
    """Which providers may serve the request, and options for them."""

    response_format: ResponseFormatEnum | str | None
    """The audio format of the response. Default: 'pcm'."""

    speed: float | None
    """How fast to speak: 1 is the voice's own pace, 2 is twice as fast. Models without such a setting ignore it."""

    input_references: (
        Sequence[SpeechInputReferenceAudio | Mapping[str, Any] | SpeechInputReferenceText | SpeechInputReferenceImage]
        | None
    )
    """Recordings of the voice to clone, each optionally followed by its transcript. An empty list has no effect."""

    session_id: str | None
    """Groups related requests in logs, such as those of a conversation. At most 256 characters."""

    trace: TraceConfig | Mapping[str, Any] | None
    """Tracing metadata. Additional fields are kept as is."""

    user: str | None
    """Your identifier for the end user, for logs."""

    instructions: str | None
    """How to speak, in words ("Calmly, with a smile"). Models without such a setting ignore it."""

    http_referer: str | None
    """Your app's URL. It identifies the app in usage statistics and rankings."""

    x_open_router_title: str | None
    """Your app's name, as shown in rankings."""

    x_open_router_categories: str | Iterable[str] | None
    """Your app's categories in rankings, comma-separated."""


class CreateSpeechParams(CreateSpeechOptions, total=False):
    """The arguments of `POST /audio/speech`."""

    input: Required[str | Sequence[SpeechTurn | Mapping[str, Any]]]
    """The text to speak, or a list of turns for models with several speakers. Billing is by its characters."""

    model: Required[str]
    """The text-to-speech model, as `author/name`."""


class GetGenerationOptions(TypedDict, total=False):
    """The optional arguments of `GET /generation`. None leaves one out."""


class GetGenerationParams(GetGenerationOptions, total=False):
    """The arguments of `GET /generation`."""

    id: Required[str]
    """The `X-Generation-Id` of a response."""


class ListModelsOptions(TypedDict, total=False):
    """The optional arguments of `GET /models`. None leaves one out."""

    output_modalities: str | None
    """Kinds of output, comma-separated, or `all`. By default, models that write text."""


class ListModelsParams(ListModelsOptions, total=False):
    """The arguments of `GET /models`."""


class ListModelEndpointsOptions(TypedDict, total=False):
    """The optional arguments of `GET /models/{author}/{slug}/endpoints`. None leaves one out."""


class ListModelEndpointsParams(ListModelEndpointsOptions, total=False):
    """The arguments of `GET /models/{author}/{slug}/endpoints`."""

    author: Required[str]
    """The part of the model's ID before the slash."""

    slug: Required[str]
    """The part of the model's ID after the slash."""
