"""Contains all the data models used in inputs/outputs"""

from .error_detail import ErrorDetail
from .error_metadata import ErrorMetadata
from .error_response import ErrorResponse
from .provider_option_values import ProviderOptionValues
from .provider_options import ProviderOptions
from .response_format_enum import ResponseFormatEnum
from .routing_metadata import RoutingMetadata
from .speech_request import SpeechRequest
from .speech_request_provider import SpeechRequestProvider

__all__ = (
    "ErrorDetail",
    "ErrorMetadata",
    "ErrorResponse",
    "ProviderOptionValues",
    "ProviderOptions",
    "ResponseFormatEnum",
    "RoutingMetadata",
    "SpeechRequest",
    "SpeechRequestProvider",
)
