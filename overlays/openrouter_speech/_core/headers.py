"""The headers of a request. Pure: values in, checked values out."""

import re
import sys
from collections.abc import Iterable, Mapping

from .._version import __version__

_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def user_agent(httpx_version: str) -> str:
    """`openrouter-speech/1.2.3 Python/3.12.1 httpx/0.28.1`."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"openrouter-speech/{__version__} Python/{python} httpx/{httpx_version}"


def app_header(name: str, value: object) -> str | None:
    """Check one of the three app headers.

    Args:
        name: The parameter, for the message of an error.
        value: None or a blank text leaves the header out. A list is joined with commas.

    Raises:
        TypeError, ValueError: The value is not a text, or holds a character that no header can.
    """
    if value is None:
        return None
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        parts = [header_value(name, part) for part in value]
        for part in parts:
            if "," in part:
                raise ValueError(f"{name} has {part!r}, whose comma would make two entries of it; pass them apart")
        value = ",".join(parts)
    return header_value(name, value) or None


def header_value(name: str, value: object) -> str:
    """Check the value of a header; blanks around it are taken off, as HTTP does (RFC 9110 section 5.5)."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if found := _FORBIDDEN.search(value):
        raise ValueError(
            f"{name} has {found[0]!r}, which no header can carry: remove line breaks and control characters"
        )
    return value.strip(" \t")


def extra_headers(headers: object) -> dict[str, str]:
    """Check `http_headers`: names are tokens (RFC 9110 section 5.6.2), values are texts."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"http_headers must be a dict, not {type(headers).__name__}")
    for name in headers:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError(f"http_headers has the name {name!r}, which is not a header name")
    return {name: header_value(f"http_headers[{name!r}]", value) for name, value in headers.items()}


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The bytes that go over the wire. A value beyond ASCII goes as UTF-8, which RFC 9110 section 5.5 lets pass."""
    return [(name.encode("ascii"), value.encode()) for name, value in headers.items()]


def merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """One set of headers out of several; a later one wins, and case does not matter."""
    by_name = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    return dict(by_name.values())


def generation_id(headers: Mapping[str, str]) -> str | None:
    """What identifies the synthesis, in the form `gen-tts-<timestamp>-<suffix>`."""
    return headers.get("x-generation-id")
