"""The API key, kept where nothing shows it: no `repr`, and no traceback, even one that shows local variables."""

import os
from collections.abc import Callable

from .. import errors

_MISSING = "No API key: set the environment variable OPENROUTER_API_KEY, or pass OpenRouter(api_key=...)."
_NOT_A_KEY = (
    "The API key has a character that keys do not have, such as a blank or an accented letter. Was it copied whole?"
)


class Credential:
    """A key, or a callable that gives one and is asked anew for each call, so that keys can rotate."""

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str] | None) -> None:
        self._source = os.environ.get("OPENROUTER_API_KEY") if source is None else source

    def check(self) -> None:
        """Refuse what can give no key.

        Raises:
            TypeError: It is neither a string nor a callable.
        """
        if not (self._source is None or isinstance(self._source, str) or callable(self._source)):
            raise TypeError(f"api_key must be a str or a callable that gives one, not {type(self._source).__name__}")

    def authorization(self) -> str:
        """The value of the `Authorization` header.

        Raises:
            ConfigurationError: There is no key, or it is not one.
        """
        header, problem = _bearer(self._source() if callable(self._source) else self._source)
        if problem is not None:
            raise errors.ConfigurationError(problem)
        return header

    def __repr__(self) -> str:
        return "Credential(**********)"

    def __reduce__(self) -> str:
        raise TypeError("An API key is not pickled")


def _bearer(key: object) -> tuple[str, str | None]:
    """The header's value, or what is wrong with the key. It does not raise: its frame holds the key."""
    if key is None or (isinstance(key, str) and not key.strip()):
        return "", _MISSING
    if not isinstance(key, str):
        return "", f"The callable given as api_key must return a str, not {type(key).__name__}."
    key = key.strip()  # a key read from a file ends in a line break
    if not key.isascii() or not key.isprintable() or " " in key:
        return "", _NOT_A_KEY
    return f"Bearer {key}", None
