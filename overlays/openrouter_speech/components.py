"""Request and error models, generated from openapi.yaml."""

from openrouter_speech_api.models import (
    ErrorDetail,
    ErrorMetadata,
    ErrorResponse,
    ProviderOptions,
    ProviderOptionValues,
    ResponseFormatEnum,
    RoutingMetadata,
    SpeechRequest,
    SpeechRequestProvider,
)

__all__ = [
    "ErrorDetail",
    "ErrorMetadata",
    "ErrorResponse",
    "ProviderOptionValues",
    "ProviderOptions",
    "ResponseFormatEnum",
    "RoutingMetadata",
    "SpeechRequest",
    "SpeechRequestProvider",
]
