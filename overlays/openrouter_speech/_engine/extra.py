"""The error for a missing extra."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ConfigurationError


@contextmanager
def needed(what: str, extra: str) -> Iterator[None]:
    """Wrap imports of packages from an extra.

    Args:
        what: What needs it, as a sentence begins: "Narration".
        extra: The extra.

    Raises:
        ConfigurationError: The extra is not installed, or a system library is missing; the message says what to do.
    """
    try:
        yield
    except (ImportError, OSError) as error:  # soundfile without its library raises OSError
        name = getattr(error, "name", None) or "soundfile"
        raise ConfigurationError(
            f"{what} needs the package {name.replace('_', '-')}: pip install 'openrouter-speech[{extra}]' ({error})"
        ) from error
