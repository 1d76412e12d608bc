"""The API key, kept where nothing shows it."""

import os
from collections.abc import Callable

from . import errors


class Credential:
    """The API key, which no `repr` shows. A callable is asked anew for each call, so that keys can rotate."""

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str] | None) -> None:
        source = os.environ.get("OPENROUTER_API_KEY") if source is None else source
        if not (source is None or isinstance(source, str) or callable(source)):
            raise TypeError(f"api_key must be a str or a callable that gives one, not {type(source).__name__}")
        self._source = source

    def authorization(self) -> str:
        """The value of the `Authorization` header.

        Raises:
            ConfigurationError: There is no key, or it is not one.
        """
        key = self._source() if callable(self._source) else self._source
        if key is None or (isinstance(key, str) and not key.strip()):
            raise errors.ConfigurationError(
                "No API key: set the environment variable OPENROUTER_API_KEY, or pass OpenRouter(api_key=...)."
            )
        if not isinstance(key, str):
            raise errors.ConfigurationError(
                f"The callable given as api_key must return a str, not {type(key).__name__}."
            )
        key = key.strip()  # a key read from a file ends in a line break
        if not key.isascii() or not key.isprintable() or " " in key:
            raise errors.ConfigurationError(
                "The API key has a character that keys do not have, such as a blank or an accented letter. "
                "Was it copied whole?"
            )
        return f"Bearer {key}"

    def __repr__(self) -> str:
        return "Credential(**********)"

    def __reduce__(self) -> str:
        raise TypeError("an API key is not pickled")
