"""Find the message in an error body of any form. Pure: texts in, texts out; it never raises."""

import json
import re
from collections.abc import Mapping
from typing import Any

_MAX_EXCERPT = 300
"""Characters of an undocumented text to show in a message."""
_MAX_DEPTH = 16
"""Levels of objects, lists and JSON in strings to search. Real ones have 7 at most."""
_MIN_KEY = 16
"""Characters. A shorter key, as in a test, may be an ordinary word of the message, and is not masked."""

_MESSAGE_FIELDS = ("message", "msg", "detail", "error_message", "err_msg", "status_msg", "base_resp", "error", "errors")
"""Where servers put the message: OpenRouter and OpenAI, pydantic, FastAPI, ..., Deepgram, MiniMax (two)."""
_JOINERS = "\u200c\u200d"
"""Harmless, and Persian, Hindi and many emoji need them."""


def message(body: str, documented: str | None = None) -> str:
    """Summarize an error body in one line: its message, then the provider and the provider's reason.

    Args:
        body: The response's text.
        documented: The message of a body that matches the spec; it is shown as is.

    Returns:
        An empty string if there is no message.
    """
    sentence = excerpt(said(body) or "") if documented is None else documented
    details = metadata(body)
    provider, reason = (excerpt(said(details.get(name)) or "") for name in ("provider_name", "raw"))
    for addition in (provider if not _is_in(provider, reason) else "", reason):
        if not _is_in(addition, sentence):
            sentence = f"{sentence.rstrip(' .:')}: {addition}" if sentence else addition
    return sentence


def metadata(body: str) -> dict[str, Any]:
    """Return the `error.metadata` of a body, or {}. It, or its `headers`, may be JSON in a string."""
    content = _json_in(body)
    error = _json_in(content.get("error", content)) if isinstance(content, dict) else None
    details = _json_in(error.get("metadata")) if isinstance(error, dict) else None
    if not isinstance(details, dict):
        return {}
    return {**details, "headers": _json_in(details["headers"])} if "headers" in details else details


def said(value: object, depth: int = _MAX_DEPTH) -> str | None:
    """Find the message in a text, HTML, JSON, or JSON in a string of JSON; None if there is none."""
    if depth == 0:
        return None
    if isinstance(value, str):
        content = _json_in(value)
        inner = None if content is value else said(content, depth - 1)
        return inner or _title(value) or value.strip() or None
    if isinstance(value, list):
        return "; ".join(filter(None, (said(item, depth - 1) for item in value))) or None
    if not isinstance(value, Mapping):
        return None
    names = ("error", *_MESSAGE_FIELDS) if isinstance(value.get("error"), dict | list) else _MESSAGE_FIELDS
    sentence = next(filter(None, (said(value.get(name), depth - 1) for name in names)), None)
    place = value.get("path", value.get("loc"))  # from zod or pydantic
    if sentence and place and isinstance(place, list):
        return f"{'.'.join(map(str, place))}: {sentence}"
    return sentence


def excerpt(text: str) -> str:
    """Shorten a text to one line."""
    text = " ".join(re.split(r"[ \t\r\n]+", text.strip(" \t\r\n")[: 4 * _MAX_EXCERPT]))
    return text if len(text) <= _MAX_EXCERPT else text[:_MAX_EXCERPT] + "…"


def escaped(text: str) -> str:
    r"""Escape what could control a terminal or hide text, as Python does: `\x1b`, `\u202e`.

    That is control and format characters, line separators and lone surrogates (Unicode's Cc, Cf, Zl, Zp, Cs).
    """
    if text.isprintable():
        return text
    from unicodedata import category  # noqa: PLC0415  (rarely needed)

    return "".join(
        character.encode("unicode_escape").decode()
        if category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"} and character not in _JOINERS
        else character
        for character in text
    )


def without(key: str, text: str) -> str:
    """Mask an API key that the server echoed."""
    return text.replace(key, "**********") if len(key) >= _MIN_KEY else text


def _is_in(addition: str, text: str) -> bool:
    return addition.strip(" .").casefold() in text.casefold()


def _json_in(value: object) -> object:
    """Parse a string of JSON; return any other value as is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in {"{", "[", '"'}:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _title(text: str) -> str | None:
    found = re.search(r"<title[^>]*>(.*?)</title>", text[:20_000], re.IGNORECASE | re.DOTALL)
    return found[1].strip() or None if found else None
