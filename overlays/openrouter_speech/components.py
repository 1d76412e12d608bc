"""Request and response models, generated from openapi.yaml."""

from openrouter_speech_api import models
from openrouter_speech_api.models import *  # noqa: F403
from openrouter_speech_api.models import ResponseFormatEnum

SpeechRequestResponseFormat = ResponseFormatEnum
"""The newer name in the reference SDK."""

__all__ = [*models.__all__, "SpeechRequestResponseFormat"]  # noqa: PLE0604
