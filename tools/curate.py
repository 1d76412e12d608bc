"""`make curate`: write openapi.yaml from the provider's facts and our overlay; `make check-curated` compares them.

After the overlay, components that nothing refers to are left out, since no JSONPath can select those. So a component is
renamed by copying it and by referring to the copy.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from . import overlay
from .cut import components, mapped
from .document import content_of, parse

FACTS, OVERLAY, DESCRIPTION = "upstream/openrouter.yaml", "upstream/curation.overlay.yaml", "openapi.yaml"

_HEADER = f"""\
# Written by `make curate` from {FACTS} and {OVERLAY}.
# Do not edit it: edit the overlay. CONTRIBUTING.md says how.
"""
_ORDER = re.findall(
    r"\S+",
    """
    openapi info servers operationId tags title version $ref url name in type scheme format summary description license
    security securitySchemes parameters required requestBody headers content responses paths components schemas schema
    enum default properties additionalProperties items""",
)
_LAST = ("example", "examples")
_WIDTH = 112


def curated(folder: Path = Path()) -> dict[str, Any]:
    """Return the description that the facts and the overlay in a folder give."""
    facts = parse(content_of(str(folder / FACTS)), FACTS)
    result = overlay.applied(overlay.parse(content_of(str(folder / OVERLAY)), OVERLAY), dict(facts.content))
    del result["x-cut-from"]
    result["components"] = components(DESCRIPTION, result)
    result["tags"] = sorted(result.get("tags", ()), key=lambda tag: str(tag["name"]))
    return dict(mapped(result, _tidied))


def text(description: Mapping[str, Any]) -> str:
    """Format the description."""
    return _HEADER + dumped(description)


def check(folder: Path = Path()) -> list[str]:
    """Return what is wrong with openapi.yaml: the diff, and a line for each text that is still to be written."""
    description = curated(folder)
    now = (folder / DESCRIPTION).read_text() if (folder / DESCRIPTION).exists() else ""
    diff = list(
        difflib.unified_diff(now.splitlines(), text(description).splitlines(), DESCRIPTION, "curated", lineterm="")
    )
    if diff:
        diff.append(f"{DESCRIPTION} does not match {OVERLAY} (diff above): run 'make curate' and commit the result.")
    return diff + [f"{OVERLAY}: {place} has no {key} yet." for place, key in unwritten(description)]


def unwritten(description: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what still needs words, as JSONPath, each with the field that is missing or empty."""
    return list(_unwritten(description, "$", "root"))


_CHILDREN = {
    "root": {"paths": "*path", "components": "components"},
    "path": {"parameters": "parameter"} | dict.fromkeys(("get", "put", "post", "delete", "patch", "head"), "operation"),
    "components": {f"{kind}s": f"*{kind}" for kind in ("schema", "parameter", "header", "response")},
    "operation": {"parameters": "parameter", "requestBody": "content", "responses": "*response"},
    "response": {"headers": "*header", "content": "*content"},
    "content": {"content": "*content", "schema": "part"},
    "parameter": {"schema": "schema"},
    "header": {"schema": "part"},
    "schema": {"properties": "*schema"}
    | dict.fromkeys(("items", "allOf", "anyOf", "oneOf", "additionalProperties"), "part"),
}
_CHILDREN["part"] = _CHILDREN["schema"]
_WORDS = {"operation": ("summary", "description")} | dict.fromkeys(
    ("schema", "parameter", "header", "response"), ("description",)
)
"""What has words. A part is a schema that needs none: an alternative, the items of a list."""


def _unwritten(node: Any, place: str, kind: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            named = isinstance(item, Mapping) and "in" in item
            step = f"?@.name == '{item['name']}' && @.in == '{item['in']}'" if named else index
            yield from _unwritten(item, f"{place}[{step}]", kind)
    elif kind.startswith("*"):
        for name, child in node.items():
            yield from _unwritten(child, place + _step(name), kind[1:])
    elif isinstance(node, Mapping) and "$ref" not in node:
        yield from ((place, key) for key in _WORDS.get(kind, ()) if not str(node.get(key) or "").strip())
        for key, child in _CHILDREN[kind].items():
            if key in node:
                yield from _unwritten(node[key], place + _step(key), child)


def _step(name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f".{name}" if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"['{quoted}']"


def empty_words(places: list[tuple[str, str]], reason: str) -> str:
    """Format actions with empty words for these places, to be appended to the overlay."""
    updates: dict[str, dict[str, str]] = {}
    for place, key in places:
        updates.setdefault(place, {})[key] = ""
    actions = [{"target": place, "description": reason, "update": update} for place, update in updates.items()]
    lines = dumped(actions).splitlines() if actions else []
    return "".join(f"  {line}\n" for line in lines)


def _tidied(node: dict[str, Any]) -> dict[str, Any]:
    """Drop what the overlay has emptied, and put keywords in their conventional order; statuses, too."""
    if isinstance(node.get("type"), list) and len(node["type"]) == 1:
        node["type"] = node["type"][0]
    if node.get("properties") == {}:
        del node["properties"]
    if "responses" in node:
        node["responses"] = dict(sorted(node["responses"].items()))
    keys = sorted(node, key=lambda key: (key in _LAST, _ORDER.index(key) if key in _ORDER else len(_ORDER)))
    return {key: node[key] for key in keys}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    folded = len(value) > 90 and " " in value and value == value.strip() and "\n" not in value
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=">" if folded else None)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    short = all(isinstance(item, str | int | None) for item in value) and len(str(value)) < 90
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=short)


_Dumper.add_representer(str, _string)
_Dumper.add_representer(list, _list)


def dumped(value: object) -> str:
    """Format as YAML: in blocks, without aliases, long texts folded."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
