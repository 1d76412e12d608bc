"""Read an OpenAPI description from an untrusted file or URL."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import yaml

from . import ToolError

SIZE_LIMIT = 16 << 20
"""The largest description accepted, in bytes; the largest known one has 1.4 million."""

DEPTH_LIMIT = 200
"""The deepest nesting of collections accepted. Beyond some depth, the C parser crashes the process."""

VALUES_LIMIT = 5_000_000
"""The most values accepted once aliases are expanded."""

TIMEOUT = 30
"""Seconds to wait for a connection, and for the next bytes."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Operation = tuple[str, str]
"""A method in lower case, and a path."""


@dataclass(frozen=True)
class Document:
    """A description, and the file or URL it came from."""

    name: str
    content: Mapping[str, Any]

    def target(self, reference: object) -> Any:
        """Look up the target of a `$ref`, which may be another reference."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise self.error(
                f"the reference {reference!r} leads out of the file; bundle everything into one file first"
            )
        node: Any = self.content
        for step in reference.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            children = {str(index): child for index, child in enumerate(node)} if isinstance(node, list) else node
            if not isinstance(children, Mapping) or key not in children:
                raise self.error(f"the reference {reference!r} leads nowhere")
            node = children[key]
        return node

    def resolved(self, node: Any, place: str) -> Mapping[str, Any]:
        """Follow references to a mapping."""
        seen: list[object] = []
        while "$ref" in (node := self.mapping(node, place)):
            if node["$ref"] in seen:
                raise self.error(f"the reference {node['$ref']!r} leads back to itself")
            seen.append(node["$ref"])
            node = self.target(node["$ref"])
        return node

    def mapping(self, node: Any, place: str) -> Mapping[str, Any]:
        """Check that the node is a mapping."""
        if not isinstance(node, Mapping):
            raise self.error(f"{place} must be a mapping, not {json.dumps(node):.40}")
        return node

    def sequence(self, node: Any, place: str) -> list[Any]:
        """Check that the node is a list."""
        if not isinstance(node, list):
            raise self.error(f"{place} must be a list, not {json.dumps(node):.40}")
        return node

    def error(self, problem: str) -> ToolError:
        """Build an error that names this description."""
        return ToolError(f"{self.name}: {problem}.")

    @contextmanager
    def expected_valid(self) -> Iterator[None]:
        """Turn what goes wrong with an invalid description into an error of ours."""
        try:
            yield
        except RecursionError as error:
            raise self.error("it is nested too deeply") from error
        except (AttributeError, KeyError, TypeError) as error:  # such as a number in the place of a mapping
            raise self.error(f"it is not a valid description ({error})") from error

    def operations(self) -> dict[Operation, Mapping[str, Any]]:
        """Return the operations."""
        found: dict[Operation, Mapping[str, Any]] = {}
        for path, node in self._paths.items():
            item = self.resolved(node, path)
            found |= {(method, path): self.mapping(item[method], method) for method in METHODS if method in item}
        return found

    def path_item(self, operation: Operation, known_id: str | None = None) -> Mapping[str, Any]:
        """Find the path item of an operation. `known_id` is the operationId that it used to have.

        If there is no such operation, the error suggests what could be meant.
        """
        method, path = operation
        gone = f"there is no {method.upper()} {path}"
        item = self.resolved(self._paths[path], path) if path in self._paths else {}
        if method in item:
            return item
        ids = {str(found.get("operationId")): key for key, found in self.operations().items()}
        if known_id in ids:
            raise self.error(f"{gone}; {known_id} is now {named(ids[known_id])}")
        if item:
            raise self.error(f"{gone}; the path has {', '.join(m.upper() for m in METHODS if m in item) or 'nothing'}")
        if close := difflib.get_close_matches(path, self._paths, n=3, cutoff=0.5):
            raise self.error(f"{gone}; similar paths: {', '.join(close)}")
        if close := difflib.get_close_matches(known_id or path, ids, n=3):
            raise self.error(f"{gone}; similar operations: {', '.join(f'{one} ({named(ids[one])})' for one in close)}")
        raise self.error(f"{gone}; nothing is similar")

    @property
    def _paths(self) -> Mapping[str, Any]:
        return self.mapping(self.content.get("paths", {}), "paths")


def named(operation: Operation) -> str:
    """Format an operation: `POST /audio/speech`."""
    return f"{operation[0].upper()} {operation[1]}"


def read(source: str) -> Document:
    """Read a description from a file, or from an http or https URL."""
    return parse(content_of(source), source)


def content_of(source: str) -> bytes:
    """Read a file, or fetch an http or https URL."""
    try:
        if not re.match(r"https?://", source, re.IGNORECASE):
            with Path(source).open("rb") as file:
                return _limited(iter(lambda: file.read(1 << 20), b""), source)
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client,
            client.stream("GET", source) as response,
        ):
            response.raise_for_status()
            return _limited(response.iter_bytes(), source)
    except httpx.HTTPStatusError as error:
        reason = f"the server responded with {error.response.status_code}"
    except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    raise ToolError(f"{source} cannot be read: {reason}.")


def _limited(chunks: Iterator[bytes], name: str) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > SIZE_LIMIT:
            raise ToolError(f"{name} is larger than {SIZE_LIMIT >> 20} MB; is it an OpenAPI description?")
    return bytes(content)


def parse(content: bytes, name: str) -> Document:
    """Parse a description: YAML or JSON in the form of OpenAPI 3."""
    value = values(content, name)
    if not isinstance(value, Mapping) or not {"openapi", "swagger"} & value.keys():
        raise ToolError(f"{name} is not an OpenAPI description: it has no field openapi.")
    if not (version := str(value.get("openapi", ""))).startswith("3."):
        found = f"Swagger {value['swagger']}" if "swagger" in value else f"OpenAPI {version}"
        raise ToolError(f"{name} is {found}; only OpenAPI 3 can be read.")
    return Document(name, value)


def values(content: bytes, name: str) -> Any:
    """Parse YAML or JSON into what JSON can hold: keys and dates become strings."""
    try:
        if content.lstrip().startswith(b"{"):
            try:
                return json.loads(content)  # YAML covers JSON, except for its surrogate pairs
            except ValueError:
                pass
        _check_size(content, name)
        return json.loads(json.dumps(yaml.load(content, yaml.CSafeLoader), default=str))
    except (yaml.YAMLError, ValueError, TypeError, ArithmeticError) as error:  # a bad date, number or key
        problem = str(error).partition("\n")[0]
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
            problem = f"{error.problem} in line {error.problem_mark.line + 1}"
        raise ToolError(f"{name} is not YAML: {problem}.") from error
    except RecursionError as error:
        raise ToolError(f"{name} is nested too deeply.") from error


def _check_size(content: bytes, name: str) -> None:
    """Reject deep nesting and alias bombs before building anything in memory."""
    sizes: dict[str | None, int] = {}
    outer: list[tuple[str | None, int]] = []  # the open collections, each with the size of what is around it
    size = 0
    for event in yaml.parse(content, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            outer.append((event.anchor, size))
            size = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, around = outer.pop()
            sizes[anchor] = size
            size += around
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in outer):
                raise ToolError(f"{name}: the alias *{event.anchor} refers to a value that contains it.")
            size += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            size += 1
            sizes[event.anchor] = 1
        if len(outer) > DEPTH_LIMIT:
            raise ToolError(f"{name} is nested too deeply: more than {DEPTH_LIMIT} levels.")
        if size > VALUES_LIMIT:
            raise ToolError(f"{name} is too large: its aliases unfold to more than {VALUES_LIMIT} values.")
