"""The error for a missing extra."""

from collections.abc import Iterator
from contextlib import contextmanager

from .. import errors


@contextmanager
def needed() -> Iterator[None]:
    """Wrap imports of packages from the extra `long`.

    Raises:
        ConfigurationError: The extra is not installed, or a system library is missing; the message says what to do.
    """
    try:
        yield
    except (ImportError, OSError) as error:  # soundfile without its library raises OSError
        name = getattr(error, "name", None) or "soundfile"
        raise errors.ConfigurationError(
            f"Narration needs the package {name.replace('_', '-')}: pip install 'openrouter-speech[long]' ({error})"
        ) from error
