"""The retry settings, under the name that the reference SDK gives them."""

from ._core.retries import BackoffStrategy, RetryConfig

__all__ = ["BackoffStrategy", "RetryConfig"]
