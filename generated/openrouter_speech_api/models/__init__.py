"""Contains all the data models used in inputs/outputs"""

from .error_detail import ErrorDetail
from .error_metadata import ErrorMetadata
from .error_response import ErrorResponse
from .provider_option_values import ProviderOptionValues
from .provider_options import ProviderOptions
from .response_format_enum import ResponseFormatEnum
from .routing_metadata import RoutingMetadata
from .speech_input_reference_audio import SpeechInputReferenceAudio
from .speech_input_reference_audio_input import SpeechInputReferenceAudioInput
from .speech_input_reference_audio_type import SpeechInputReferenceAudioType
from .speech_input_reference_text import SpeechInputReferenceText
from .speech_input_reference_text_type import SpeechInputReferenceTextType
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
    "SpeechInputReferenceAudio",
    "SpeechInputReferenceAudioInput",
    "SpeechInputReferenceAudioType",
    "SpeechInputReferenceText",
    "SpeechInputReferenceTextType",
    "SpeechRequest",
    "SpeechRequestProvider",
)
