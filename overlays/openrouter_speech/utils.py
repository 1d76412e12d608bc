"""The retry settings, under the reference SDK's import path, and `reference_clip`."""

from ._core.retries import BackoffStrategy, RetryConfig
from ._references import reference_clip

__all__ = ["BackoffStrategy", "RetryConfig", "reference_clip"]
