"""Check rows, before anything is sent. Pure: values in, rows or sentences out."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from unicodedata import category

from .. import _references
from .._core.checks import plain
from .._generated import OPERATIONS, prepare
from .sources import PARAMETERS, check_columns

_OPERATION = OPERATIONS["create_speech"]
_REQUIRED = [name for name, parameter in PARAMETERS.items() if parameter.required]
LONGEST = 100_000
"""Characters of text: more than any model takes in one request. Longer ones are for narrations."""
_LONGEST_ID = 500


class Row(NamedTuple):
    """A row that can be sent."""

    id: str
    params: str
    """The parameters of the row, as JSON."""
    digest: bytes
    """Identifies the parameters."""
    size: int
    """UTF-8 bytes of the text and of its instructions, which decide what it may cost."""


class RowChecker:
    """Checks rows against the description and what is known of their models, with the settings that all share."""

    def __init__(
        self, shared: Mapping[str, Any], check_model: Callable[[Mapping[str, Any]], object] = lambda _: None
    ) -> None:
        self._check_model = check_model
        self._shared = {name: value for name, value in shared.items() if name in PARAMETERS and value is not None}

    def check(self, given: object) -> Row:
        """Check a row.

        Raises:
            TypeError, ValueError: It is wrong; the message continues "Line 3 ...".
        """
        if isinstance(given, ValueError):
            raise given
        if not isinstance(given, Mapping):
            raise TypeError(f"must be an object, not {type(given).__name__}")
        if not given.keys() <= _KNOWN:
            check_columns(given, "")
        own = {name: plain(value) for name, value in given.items() if value is not None and name != "id"}
        merged = {**self._shared, **own}
        for name in _REQUIRED:
            if merged.get(name) is None:
                where = " in the row, or for all rows" if name != "input" else ""
                raise ValueError(f"has no {name}: give it{where}" if where else "has no input, the text to speak")
        _check_length(merged["input"])
        if references := own.get("input_references"):
            _references.check(references)
        prepare(_OPERATION, own)  # what is shared was checked before
        self._check_model(merged)
        params = _canonical(own)
        digest = hashlib.sha256(params.encode()).digest()[:16]
        return Row(_checked_id(given.get("id")) or digest.hex(), params, digest, _size(merged))

    def check_model(self, own: Mapping[str, Any]) -> None:
        """Check the parameters of a row against what is known of its model, which may have become more.

        Raises:
            ValueError: The model would refuse the row.
        """
        self._check_model({**self._shared, **own})


_KNOWN = {"id", *PARAMETERS}
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _canonical(value: Any) -> str:
    return _ENCODER.encode(value)


def _size(params: Mapping[str, Any]) -> int:
    text = params["input"]
    turns = text if isinstance(text, list) else [{"text": text}]
    said = [turn.get(name) for turn in turns for name in ("text", "instructions")]
    return sum(len(str(each).encode()) for each in (*said, params.get("instructions")) if each)


def _check_length(text: Any) -> None:
    turns = text if isinstance(text, list) else [text]
    length = sum(len(turn.get("text") or "") if isinstance(turn, dict) else len(str(turn)) for turn in turns)
    if length > LONGEST:
        raise ValueError(f"input has {length:,} characters; a row may have {LONGEST:,}. For long texts, use narrate")


def _checked_id(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"id must be a str, not {type(value).__name__}")
    text = str(value)
    if not text.strip():
        raise ValueError("id is empty: leave it out to have one made from the content")
    if len(text) > _LONGEST_ID:
        raise ValueError(f"id has {len(text)} characters; the maximum is {_LONGEST_ID}")
    if not text.isascii() or not text.isprintable():
        wrong = next((character for character in text if category(character) in {"Cc", "Cs"}), None)
        if wrong:
            raise ValueError(f"id has the character {wrong!r}, which no name of a file can have")
    return text
