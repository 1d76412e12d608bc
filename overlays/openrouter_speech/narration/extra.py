"""The error for a missing extra."""

from contextlib import AbstractContextManager

from .._engine import extra


def needed() -> AbstractContextManager[None]:
    """Wrap imports of packages from the extra `long`.

    Raises:
        ConfigurationError: The extra is not installed, or a system library is missing; the message says what to do.
    """
    return extra.needed("Narration", "long")
