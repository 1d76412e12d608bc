"""The error for an extra that is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from .. import errors


@contextmanager
def needed() -> Iterator[None]:
    """Around an import of what the extra `long` installs.

    Raises:
        ConfigurationError: It is not installed, or lacks something of the system; the message says what to do.
    """
    try:
        yield
    except (ImportError, OSError) as error:  # soundfile without its library raises OSError
        name = getattr(error, "name", None) or "soundfile"
        raise errors.ConfigurationError(
            f"Narration needs the package {name.replace('_', '-')}: pip install 'openrouter-speech[long]' ({error})"
        ) from error
