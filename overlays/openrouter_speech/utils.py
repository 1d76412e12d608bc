"""The retry settings, under the reference SDK's import path."""

from ._core.retries import BackoffStrategy, RetryConfig

__all__ = ["BackoffStrategy", "RetryConfig"]
