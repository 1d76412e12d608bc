"""Apply an OpenAPI Overlay 1.1 document (https://spec.openapis.org/overlay/v1.1.0.html) to a description.

Stricter than the standard, which lets an action match nothing and succeed: here such an action is an error that names
it, since what it was written for is gone.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonpath_rfc9535

from . import ToolError
from .document import Operation, values

_FIELDS = {"overlay", "info", "extends", "actions"}
_INFO = {"title", "version", "description"}
_KINDS = {"update", "copy", "remove"}


@dataclass(frozen=True)
class Overlay:
    """An overlay, and the operations of `x-operations`: those to cut out of the published description."""

    name: str
    operations: list[Operation]
    actions: list[Mapping[str, Any]]


def parse(raw: bytes, path: str) -> Overlay:
    """Parse an overlay."""
    content = values(raw, path)
    if problem := _problem(content):
        raise ToolError(f"{path} is not an OpenAPI Overlay 1.1: {problem}.")
    operations = content.get("x-operations")
    named = [re.fullmatch(r"([A-Z]+) (/\S*)", str(one)) for one in operations or []]
    if not isinstance(operations, list) or not named or None in named:
        raise ToolError(f"{path} must list operations under x-operations, such as POST /audio/speech.")
    return Overlay(path, [(match[1].lower(), match[2]) for match in named if match], content["actions"])


def _problem(content: Any) -> str | None:
    if not isinstance(content, Mapping) or "overlay" not in content:
        return "it has no field overlay"
    info, actions, found = content.get("info"), content.get("actions"), None
    if not re.fullmatch(r"1\.[01]\.\d+", str(content["overlay"])):
        found = f"its version is {content['overlay']}"
    elif not isinstance(info, Mapping) or not all(isinstance(info.get(key), str) for key in ("title", "version")):
        found = "info must have a title and a version"
    elif not isinstance(actions, list) or not actions:
        found = "it has no actions"
    elif unknown := [*_unknown(content, _FIELDS), *_unknown(info, _INFO)]:
        found = f"the field {unknown[0]} is unknown"
    else:
        problems = ((number, _action_problem(action)) for number, action in enumerate(actions, 1))
        found = next((f"action {number} {problem}" for number, problem in problems if problem), None)
    return found


def _action_problem(action: Any) -> str | None:
    if not isinstance(action, Mapping) or not isinstance(action.get("target"), str):
        return "has no target"
    if unknown := _unknown(action, _KINDS | {"target", "description"}):
        return f"has the unknown field {unknown[0]}"
    if len(action.keys() & _KINDS) != 1 or action.get("remove", True) is not True:
        return "must have exactly one of update, copy and remove: true"
    for path in (action["target"], action.get("copy", "$")):
        try:
            jsonpath_rfc9535.compile(path)
        except (jsonpath_rfc9535.JSONPathError, TypeError) as error:
            return f"has the invalid JSONPath {path!r} ({str(error).partition(', line')[0]})"
    return None


def _unknown(node: Mapping[str, Any], known: set[str]) -> list[str]:
    return [key for key in node if key not in known and not key.startswith("x-")]


def applied(overlay: Overlay, content: Any) -> Any:
    """Apply the actions in order, and return the result. An object that is updated moves behind its siblings.

    An action that matches nothing, or does not fit what it matches, is an error.
    """
    result = copy.deepcopy(content)
    for number, action in enumerate(overlay.actions, 1):
        try:
            _apply(action, result)
        except ValueError as error:
            raise ToolError(f"{overlay.name}: action {number} ({action['target']}) {error}.") from error
    return result


def _apply(action: Mapping[str, Any], document: Any) -> None:
    nodes = jsonpath_rfc9535.find(action["target"], document)
    if not nodes:
        raise ValueError("matches nothing")
    if any(not node.location for node in nodes) and ("remove" in action or not isinstance(document, dict)):
        raise ValueError("cannot remove the whole document")
    if "remove" in action:
        for location in sorted({node.location for node in nodes}, reverse=True):  # the last item of a list first
            del _parent(document, location)[location[-1]]
        return
    value = action.get("update")
    if "copy" in action:
        sources = jsonpath_rfc9535.find(action["copy"], document).values()
        if len(sources) != 1:
            raise ValueError(f"copies {action['copy']}, which matches {len(sources)} values instead of one")
        value = sources[0]
    if len({_kind(node.value) for node in nodes}) > 1:
        raise ValueError("matches values of different kinds")
    for node in nodes:
        if not node.location:
            _merged(document, value)
            continue
        parent, key = _parent(document, node.location), node.location[-1]
        appended = isinstance(node.value, list) and not isinstance(value, list)
        parent[key] = _merged(node.value, [value] if appended else value)
        if isinstance(parent, dict):
            parent[key] = parent.pop(key)


def _parent(document: Any, location: Any) -> Any:
    for step in location[:-1]:
        document = document[step]
    return document


def _merged(old: Any, new: Any) -> Any:
    """Merge as the standard says: objects recursively, arrays by concatenation; a primitive replaces a primitive."""
    if _kind(old) != _kind(new):
        raise ValueError(f"puts {_kind(new)} in the place of {_kind(old)}")
    if isinstance(old, list):
        return [*old, *copy.deepcopy(new)]
    if not isinstance(old, dict):
        return new
    for key, value in new.items():
        old[key] = _merged(old[key], value) if key in old else copy.deepcopy(value)
    return old


def _kind(value: Any) -> str:
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "primitive"
