"""Contains all the data models used in inputs/outputs"""

from .error_detail import ErrorDetail
from .error_metadata import ErrorMetadata
from .error_response import ErrorResponse
from .generation_response import GenerationResponse
from .generation_response_data import GenerationResponseData
from .model import Model
from .model_alias_target import ModelAliasTarget
from .model_architecture import ModelArchitecture
from .model_endpoints import ModelEndpoints
from .model_endpoints_response import ModelEndpointsResponse
from .models_list_response import ModelsListResponse
from .provider_option_values import ProviderOptionValues
from .provider_options import ProviderOptions
from .public_endpoint import PublicEndpoint
from .public_pricing import PublicPricing
from .response_format_enum import ResponseFormatEnum
from .routing_metadata import RoutingMetadata
from .speech_input_reference_audio import SpeechInputReferenceAudio
from .speech_input_reference_audio_input import SpeechInputReferenceAudioInput
from .speech_input_reference_image import SpeechInputReferenceImage
from .speech_input_reference_image_input import SpeechInputReferenceImageInput
from .speech_input_reference_text import SpeechInputReferenceText
from .speech_request import SpeechRequest
from .speech_request_data_collection import SpeechRequestDataCollection
from .speech_request_provider import SpeechRequestProvider
from .speech_turn import SpeechTurn
from .trace_config import TraceConfig

SpeechInputReference = SpeechInputReferenceAudio | SpeechInputReferenceText | SpeechInputReferenceImage

__all__ = (
    "ErrorDetail",
    "ErrorMetadata",
    "ErrorResponse",
    "GenerationResponse",
    "GenerationResponseData",
    "Model",
    "ModelAliasTarget",
    "ModelArchitecture",
    "ModelEndpoints",
    "ModelEndpointsResponse",
    "ModelsListResponse",
    "ProviderOptionValues",
    "ProviderOptions",
    "PublicEndpoint",
    "PublicPricing",
    "ResponseFormatEnum",
    "RoutingMetadata",
    "SpeechInputReference",
    "SpeechInputReferenceAudio",
    "SpeechInputReferenceAudioInput",
    "SpeechInputReferenceImage",
    "SpeechInputReferenceImageInput",
    "SpeechInputReferenceText",
    "SpeechRequest",
    "SpeechRequestDataCollection",
    "SpeechRequestProvider",
    "SpeechTurn",
    "TraceConfig",
)
