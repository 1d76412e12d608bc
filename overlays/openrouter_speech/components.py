"""Request and response models, generated from openapi.yaml."""

from openrouter_speech_api import models
from openrouter_speech_api.models import *  # noqa: F403

__all__ = list(models.__all__)
