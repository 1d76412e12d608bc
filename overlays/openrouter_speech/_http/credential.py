"""The API key, kept out of `repr` and of tracebacks, even those that show local variables."""

import os
from collections.abc import Callable

from .. import errors

_MISSING = "No API key: set the environment variable OPENROUTER_API_KEY, or pass OpenRouter(api_key=...)."
_NOT_A_KEY = "The API key has an invalid character, such as a space or an accented letter. Was it copied correctly?"


class Credential:
    """A key, or a callable that returns one and is called for each request, so that keys can rotate."""

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str] | None) -> None:
        self._source = os.environ.get("OPENROUTER_API_KEY") if source is None else source

    def check(self) -> None:
        """Check the type.

        Raises:
            TypeError: It is neither a string nor a callable.
        """
        if not (self._source is None or isinstance(self._source, str) or callable(self._source)):
            raise TypeError(f"api_key must be a str or a callable that returns one, not {type(self._source).__name__}")

    def authorization(self, *, required: bool = True) -> str:
        """Return the value of the `Authorization` header; "" if there is no key and none is required.

        Raises:
            ConfigurationError: The key is missing or invalid.
        """
        if self._source is None and not required:
            return ""
        header, problem = _bearer(self._source() if callable(self._source) else self._source)
        if problem is not None:
            raise errors.ConfigurationError(problem)
        return header

    def fixed(self) -> str:
        """Return the key, for a process of our own.

        Raises:
            ConfigurationError: It is missing or invalid, or a callable, which other processes cannot call.
        """
        if callable(self._source):
            raise errors.ConfigurationError(
                "A cluster cannot call the function given as api_key: pass the key itself, or set OPENROUTER_API_KEY."
            )
        return self.authorization().removeprefix("Bearer ")

    def __repr__(self) -> str:
        return "Credential(**********)"

    def __reduce__(self) -> str:
        raise TypeError("An API key cannot be pickled")


def _bearer(key: object) -> tuple[str, str | None]:
    """Return the header's value and None, or "" and the problem. Never raise: this frame holds the key."""
    if key is None or (isinstance(key, str) and not key.strip()):
        return "", _MISSING
    if not isinstance(key, str):
        return "", f"The callable given as api_key must return a str, not {type(key).__name__}."
    key = key.strip()  # a key read from a file ends in a line break
    if not key.isascii() or not key.isprintable() or " " in key:
        return "", _NOT_A_KEY
    return f"Bearer {key}", None
