"""Request headers. Pure: values in, checked values out."""

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
        name: The parameter's name, for error messages.
        value: None or a blank string omits the header. A list is joined with commas.

    Raises:
        TypeError, ValueError: The value is not a string, or has a character that no header can hold.
    """
    if value is None:
        return None
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        parts = [header_value(name, part) for part in value]
        for part in parts:
            if "," in part:
                raise ValueError(f"{name} has {part!r}, whose comma would split it in two: pass separate entries")
        value = ",".join(parts)
    return header_value(name, value) or None


def header_value(name: str, value: object) -> str:
    """Check a header's value, and strip it as HTTP does (RFC 9110 section 5.5)."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if found := _FORBIDDEN.search(value):
        raise ValueError(
            f"{name} has {found[0]!r}, which no header can hold: remove line breaks and control characters"
        )
    return value.strip(" \t")


def extra_headers(headers: object) -> dict[str, str]:
    """Check `http_headers`: names are tokens (RFC 9110 section 5.6.2), values are strings."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"http_headers must be a dict, not {type(headers).__name__}")
    for name in headers:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError(f"http_headers has the name {name!r}, which is not a header name")
    return {name: header_value(f"http_headers[{name!r}]", value) for name, value in headers.items()}


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Encode headers for the wire. Values beyond ASCII are sent as UTF-8, which RFC 9110 section 5.5 allows."""
    return [(name.encode("ascii"), value.encode()) for name, value in headers.items()]


def merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """Merge headers. Later ones win; case does not matter."""
    by_name = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    return dict(by_name.values())


def generation_id(headers: Mapping[str, str]) -> str | None:
    """The ID of the synthesis: `gen-tts-<timestamp>-<suffix>`."""
    return headers.get("x-generation-id")
