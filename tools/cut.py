"""Cut the facts of some operations out of a published description: everything they refer to, and no wording.

What is left is in the style of OpenAPI 3.1 and sorted, so that two cuts differ only where the facts do. The wording is
the provider's, and is not ours to copy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .document import Document, Operation, named

WORDING = frozenset({"$comment", "description", "example", "examples", "externalDocs", "summary", "title"})
NAMES = frozenset(
    {"$defs", "callbacks", "content", "definitions", "dependentSchemas", "encoding", "headers", "links"}
    | {"parameters", "pathItems", "paths", "patternProperties", "properties", "requestBodies", "responses", "schemas"}
    | {"scopes", "securitySchemes", "variables"}
)
"""The keys of mappings below these are names, and no keywords: a property may be called `description`."""

DATA = frozenset(
    {"const", "default", "dependentRequired", "enum", "example", "examples", "mapping", "security", "value"}
)
"""Below these is data, which may look like keywords."""

_FLAGS = frozenset({"allowReserved", "deprecated", "readOnly", "uniqueItems", "writeOnly"})

Node = dict[str, Any]


def mapped(node: Any, change: Callable[[Node], Any], *, names: bool = False) -> Any:
    """Copy a description. Each mapping of keywords becomes what `change` makes of a copy of it, innermost first.

    `names` means that the keys of the outermost mapping are names.
    """
    if isinstance(node, list):
        return [mapped(item, change) for item in node]
    if not isinstance(node, Mapping):
        return node
    if names:
        return {key: mapped(value, change) for key, value in node.items()}
    kept = {key for key in node if key in DATA or key.startswith("x-")}
    return change({key: node[key] if key in kept else mapped(node[key], change, names=key in NAMES) for key in node})


def cut(document: Document, operations: Iterable[Operation], ids: Mapping[Operation, str]) -> dict[str, Any]:
    """Cut out the operations. `ids` has the operationId that each used to have."""
    with document.expected_valid():
        return _cut(document, operations, ids)


def _cut(document: Document, operations: Iterable[Operation], ids: Mapping[Operation, str]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in operations:
        method, path = operation
        item = document.path_item(operation, ids.get(operation))
        found = {"security": document.content.get("security", []), **document.mapping(item[method], method)}
        _check_id(document, operation, found.get("operationId"))
        paths.setdefault(path, {key: item[key] for key in ("parameters", "servers") if key in item})[method] = found
    version = str(document.content["openapi"])
    facts = mapped(
        {
            "openapi": version if version.startswith(("3.1", "3.2")) else "3.1.0",
            "servers": document.content.get("servers", []),
            "paths": paths,
            "components": components(document.name, {**document.content, "paths": paths}),
        },
        _facts,
    )
    return {key: facts[key] for key in ("openapi", "servers", "paths", "components") if facts[key] != []}


def _check_id(document: Document, operation: Operation, known: object) -> None:
    same = [key for key, found in document.operations().items() if known and found.get("operationId") == known]
    if others := [named(other) for other in same if other != operation]:
        raise document.error(f"{named(operation)} and {', '.join(others)} share the id {known}")


def components(name: str, content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the components that the paths refer to, directly or not, by kind."""
    document = Document(name, content)
    kept: dict[tuple[str, str], Any] = {}
    left = list(_references(document, content["paths"]))
    while left:
        reference = left.pop()
        target = document.target(reference)
        _check_end(document, reference, ())
        if not reference.startswith("#/components/") or reference.count("/") < 3:
            raise document.error(f"the reference {reference!r} does not lead to a component")
        kind, part = reference.split("/")[2:4]
        if reference.count("/") > 3:
            target = document.target(f"#/components/{kind}/{part}")
        key = kind, part.replace("~1", "/").replace("~0", "~")
        if key not in kept:
            kept[key] = target
            left += _references(document, target)
    result: dict[str, dict[str, Any]] = {}
    for kind, parts in document.mapping(content.get("components", {}), "components").items():
        if found := {part: value for part, value in parts.items() if (kind, part) in kept}:
            result[kind] = found
    return result


def _references(document: Document, node: Any, *, names: bool = False) -> Iterator[str]:
    """Yield the references in a value, including those by name alone."""
    if isinstance(node, list):
        for child in node:
            yield from _references(document, child)
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        if names:
            yield from _references(document, value)
        elif key == "$ref":
            yield value
        elif key == "mapping" and "propertyName" in node:
            yield from (name if "/" in name else f"#/components/schemas/{name}" for name in value.values())
        elif key == "security":
            yield from (f"#/components/securitySchemes/{name}" for one in value for name in one)
        elif key not in DATA | WORDING:
            yield from _references(document, value, names=key in NAMES)


def _check_end(document: Document, reference: str, trail: tuple[str, ...]) -> None:
    """Reject a reference that leads back to itself by references alone. A schema may well contain itself."""
    if reference in trail:
        raise document.error(f"the reference {reference!r} leads back to itself")
    node = document.target(reference)
    if isinstance(node, Mapping):
        parts = [node, *(part for key in ("allOf", "anyOf", "oneOf") for part in node.get(key) or ())]
        for part in parts:
            if isinstance(part, Mapping) and isinstance(part.get("$ref"), str):
                _check_end(document, part["$ref"], (*trail, reference))


def _facts(node: Node) -> Any:
    """Drop the wording of keywords and flags that are not set, and sort what is left."""
    found: Node = {}
    for key, value in sorted(node.items()):
        if key in WORDING or key.startswith("x-") or (key in _FLAGS and value is False):
            continue
        if key in {"required", "enum"} and isinstance(value, list):
            found[key] = sorted(value, key=repr)
        elif key == "scopes":
            found[key] = dict.fromkeys(value, "")
        elif key in NAMES and isinstance(value, Mapping):
            extensions = key == "responses"  # a header or a property may well have such a name
            found[key] = {
                name: part for name, part in sorted(value.items()) if not (extensions and name.startswith("x-"))
            }
        else:
            found[key] = value
    return _in_3_1(found)


def _in_3_1(schema: dict[str, Any]) -> dict[str, Any]:
    """Replace what OpenAPI 3.0 has for null and for exclusive bounds."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    nullable = schema.get("nullable")
    if isinstance(nullable, bool):
        del schema["nullable"]
    if isinstance(schema.get("type"), list):
        schema["type"] = sorted(schema["type"], key=lambda name: (name == "null", name))
    if isinstance(schema.get("allOf"), list):
        schema["allOf"] = [part for part in schema["allOf"] if part != {}]  # what is left of words
        if schema.keys() == {"allOf"} and len(schema["allOf"]) == 1:
            schema = schema["allOf"][0]
    if nullable is not True:
        return schema
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    elif schema.keys() & {"$ref", "allOf", "anyOf", "oneOf"}:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema
