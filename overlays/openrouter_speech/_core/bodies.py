"""What the body of an error says, in whatever form it comes. Pure: texts in, texts out, and never an exception."""

import json
import re
from collections.abc import Mapping
from typing import Any

_LONGEST_EXCERPT = 300
"""Characters of an undocumented text that a message shows."""
_DEEPEST = 16
"""Levels of objects, lists and JSON in strings that are looked into: real ones have 7 at most."""
_SHORTEST_KEY = 16
"""Characters of a key that is looked for in messages; a shorter one, in a test, may be a word of theirs."""

_SENTENCES = ("message", "msg", "detail", "error_message", "err_msg", "status_msg", "base_resp", "error", "errors")
"""Where servers put the sentence: OpenRouter and OpenAI, pydantic, FastAPI, ..., Deepgram, MiniMax (two)."""
_JOINERS = "\u200c\u200d"
"""They have no direction and steer nothing, and Persian, Hindi and many emoji cannot be written without them."""


def message(body: str, documented: str | None = None) -> str:
    """Say in one line what a body says: its message, then the provider and the provider's own reason.

    Args:
        body: The text of the response.
        documented: Its message, where the body is of the documented shape; it is shown as it is.

    Returns:
        An empty text if the body says nothing.
    """
    sentence = excerpt(said(body) or "") if documented is None else documented
    details = metadata(body)
    provider, reason = (excerpt(said(details.get(name)) or "") for name in ("provider_name", "raw"))
    for addition in (provider if not _is_in(provider, reason) else "", reason):
        if not _is_in(addition, sentence):
            sentence = f"{sentence.rstrip(' .:')}: {addition}" if sentence else addition
    return sentence


def metadata(body: str) -> dict[str, Any]:
    """The `error.metadata` of a body, also where it, or its `headers`, is JSON in a string; empty if there is none."""
    content = _json_in(body)
    error = _json_in(content.get("error", content)) if isinstance(content, dict) else None
    details = _json_in(error.get("metadata")) if isinstance(error, dict) else None
    if not isinstance(details, dict):
        return {}
    return {**details, "headers": _json_in(details["headers"])} if "headers" in details else details


def said(value: object, depth: int = _DEEPEST) -> str | None:
    """The sentence inside a value: a text, HTML, JSON, or JSON in a string of JSON; None if there is none."""
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
    names = ("error", *_SENTENCES) if isinstance(value.get("error"), dict | list) else _SENTENCES
    sentence = next(filter(None, (said(value.get(name), depth - 1) for name in names)), None)
    place = value.get("path", value.get("loc"))  # of an issue that zod or pydantic found
    if sentence and place and isinstance(place, list):
        return f"{'.'.join(map(str, place))}: {sentence}"
    return sentence


def excerpt(text: str) -> str:
    """The beginning of a text, in one line."""
    text = " ".join(re.split(r"[ \t\r\n]+", text.strip(" \t\r\n")[: 4 * _LONGEST_EXCERPT]))
    return text if len(text) <= _LONGEST_EXCERPT else text[:_LONGEST_EXCERPT] + "…"


def escaped(text: str) -> str:
    r"""A text in which everything that steers a terminal or hides something is shown as in Python: `\x1b`, `\u202e`.

    That is control and format characters, line separators and lone surrogates: Unicode's categories Cc, Cf, Zl, Zp, Cs.
    """
    if text.isprintable():
        return text
    from unicodedata import category  # noqa: PLC0415  (hardly a message needs it)

    return "".join(
        character.encode("unicode_escape").decode()
        if category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"} and character not in _JOINERS
        else character
        for character in text
    )


def without(key: str, text: str) -> str:
    """A text in which an API key that a server sent back is not shown."""
    return text.replace(key, "**********") if len(key) >= _SHORTEST_KEY else text


def _is_in(addition: str, text: str) -> bool:
    return addition.strip(" .").casefold() in text.casefold()


def _json_in(value: object) -> object:
    """What a string of JSON holds; any other value as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in {"{", "[", '"'}:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _title(text: str) -> str | None:
    found = re.search(r"<title[^>]*>(.*?)</title>", text[:20_000], re.IGNORECASE | re.DOTALL)
    return found[1].strip() or None if found else None
