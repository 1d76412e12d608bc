"""Read an OpenAPI description from an untrusted file or URL."""

import difflib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx
import yaml

SIZE_LIMIT = 16 << 20
"""The largest description accepted, in bytes; the largest known one has 1.2 million."""

DEPTH_LIMIT = 500
"""The deepest nesting of collections accepted. Beyond some depth, the C parser crashes the process."""

UNFOLDED_LIMIT = 5_000_000
"""The most values accepted once aliases are expanded."""

TIMEOUT = 30
"""Seconds to wait for a connection, and for the next bytes."""

LONGEST = 120
"""Seconds for the whole download: `TIMEOUT` alone never ends one that trickles in."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class DescriptionError(Exception):
    """A description is unusable. The message is a full sentence for the user."""


@dataclass(frozen=True)
class Document:
    """A description, and the file or URL it came from."""

    name: str
    content: Mapping[str, Any]

    def target(self, reference: object) -> Any:
        """Look up the target of a `$ref`, which may be another reference.

        Raises:
            DescriptionError: The target is outside the document, or does not exist.
        """
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise self.error(
                f"the reference {reference!r} leads out of the file; bundle everything into one file first"
            )
        node: Any = self.content
        for step in reference.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            children = dict(enumerate(node)) if isinstance(node, list) else node
            if not isinstance(children, Mapping):
                raise self.error(f"the reference {reference!r} leads nowhere")
            if key not in children:  # an unquoted status is a number here
                children = {str(name): child for name, child in children.items()}
            if key not in children:
                raise self.error(f"the reference {reference!r} leads nowhere")
            node = children[key]
        return node

    def resolved(self, node: Any, place: str) -> Mapping[str, Any]:
        """Follow references to a mapping. For schemas, which have their own rules, see `schemas`."""
        seen: list[object] = []
        while "$ref" in (node := self.mapping(node, place)):
            if node["$ref"] in seen:
                raise self.error(f"the reference {node['$ref']!r} leads back to itself")
            seen.append(node["$ref"])
            node = self.target(node["$ref"])
        return node

    def mapping(self, node: Any, place: str) -> Mapping[str, Any]:
        """Check that the node is a mapping, and make its keys strings."""
        if not isinstance(node, Mapping):
            raise self.error(f"{place} must be a mapping, not {json.dumps(node, default=str):.40}")
        return node if all(isinstance(key, str) for key in node) else {str(key): node[key] for key in node}

    def sequence(self, node: Any, place: str) -> list[Any]:
        """Check that the node is a list."""
        if not isinstance(node, list):
            raise self.error(f"{place} must be a list, not {json.dumps(node, default=str):.40}")
        return node

    def error(self, problem: str) -> DescriptionError:
        """Build an error that names this description."""
        return DescriptionError(f"{self.name}: {problem}.")

    def operations(self) -> Iterator[tuple[str, str]]:
        """Yield the method and the path of each operation."""
        for path in self._paths:
            item = self.resolved(self._paths[path], path)
            yield from ((method, path) for method in METHODS if method in item)

    def path_item(self, method: str, path: str) -> Mapping[str, Any]:
        """Find the path item of an operation.

        Raises:
            DescriptionError: There is no such operation; the message suggests similar paths.
        """
        if path not in self._paths:
            close = difflib.get_close_matches(path, self._paths, n=3, cutoff=0.5)
            hint = f"similar paths: {', '.join(close)}" if close else "no path is similar"
            raise self.error(f"there is no {method.upper()} {path}; {hint}")
        item = self.resolved(self._paths[path], path)
        if method not in item:
            others = ", ".join(other.upper() for other in METHODS if other in item)
            raise self.error(f"there is no {method.upper()} {path}; the path has {others or 'no operation'}")
        return item

    @property
    def _paths(self) -> Mapping[str, Any]:
        return self.mapping(self.content.get("paths", {}), "paths")


def read(source: str) -> Document:
    """Read a description from a file, or from an http or https URL.

    Raises:
        DescriptionError: It cannot be read.
    """
    return parse(content_of(source), source)


def content_of(source: str) -> bytes:
    """Read a file, or fetch an http or https URL.

    Raises:
        DescriptionError: It cannot be read, or exceeds a limit.
    """
    return _fetched(source) if re.match(r"https?://", source, re.IGNORECASE) else _read(source)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - open raises ValueError on a name with a NUL
            return _limited(iter(lambda: file.read(1 << 20), b""), path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DescriptionError(f"{path} cannot be read: {reason}.") from error


def _fetched(url: str) -> bytes:
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=True, event_hooks={"request": [_check_port]}) as client,
            client.stream("GET", url) as response,
        ):
            if not response.is_success:
                raise DescriptionError(f"{url} cannot be read: the server responded with {response.status_code}.")
            return _limited(response.iter_bytes(), url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DescriptionError(f"{url} cannot be read: {str(error) or type(error).__name__}.") from error


def _check_port(request: httpx.Request) -> None:
    """Reject a port above 65535. The system would wrap 65537 to 1 and contact another server."""
    port = request.url.port
    if port is not None and port > 65_535:
        raise httpx.InvalidURL(f"there is no port {port}; the highest is 65535")


def _limited(chunks: Iterator[bytes], name: str) -> bytes:
    content = bytearray()
    begun = time.monotonic()
    for chunk in chunks:
        content += chunk
        if time.monotonic() - begun > LONGEST:
            raise DescriptionError(f"{name} cannot be read: the download took more than {LONGEST} seconds.")
        if len(content) > SIZE_LIMIT:
            raise DescriptionError(f"{name} is larger than {SIZE_LIMIT >> 20} MB; is it an OpenAPI description?")
    return bytes(content)


def parse(content: bytes, name: str) -> Document:
    """Parse a description.

    Raises:
        DescriptionError: It is not YAML or JSON, or not OpenAPI 3.
    """
    value = values(content, name)
    if not isinstance(value, Mapping) or not {"openapi", "swagger"} & value.keys():
        raise DescriptionError(f"{name} is not an OpenAPI description: it has no field openapi.")
    if not (version := str(value.get("openapi", ""))).startswith("3."):
        found = f"Swagger {value['swagger']}" if "swagger" in value else f"OpenAPI {version}"
        raise DescriptionError(f"{name} is {found}; only OpenAPI 3 can be compared.")
    return Document(name, value)


def values(content: bytes, name: str) -> Any:
    """Parse YAML or JSON.

    Raises:
        DescriptionError: It is neither, or exceeds a limit.
    """
    try:
        return _json(content) or _yaml(content, name)
    except (yaml.YAMLError, ValueError, ArithmeticError) as error:  # an invalid date or number raises one of several
        raise DescriptionError(f"{name} is not YAML: {_first_line(error)}.") from error
    except RecursionError as error:
        raise DescriptionError(f"{name} is nested too deeply.") from error


def _json(content: bytes) -> Any:
    """Parse JSON if it is JSON: YAML covers all of it except surrogate pairs."""
    if content.lstrip().startswith(b"{"):
        try:
            return json.loads(content)
        except ValueError:
            pass
    return None


def _yaml(content: bytes, name: str) -> Any:
    _check_size(content, name)
    return yaml.load(content, yaml.CSafeLoader)


def _check_size(content: bytes, name: str) -> None:
    """Reject deep nesting and alias bombs before building anything in memory."""
    sizes: dict[str | None, int] = {}
    open_: list[tuple[str | None, int]] = []
    size = 0  # of the innermost open collection
    for event in yaml.parse(content, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, size))
            size = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, outer = open_.pop()
            sizes[anchor] = size
            size += outer
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                raise DescriptionError(f"{name}: the alias *{event.anchor} refers to a value that contains it.")
            size += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            size += 1
            sizes[event.anchor] = 1
        if len(open_) > DEPTH_LIMIT:
            raise DescriptionError(f"{name} is nested too deeply: more than {DEPTH_LIMIT} levels.")
        if size > UNFOLDED_LIMIT:
            raise DescriptionError(f"{name} is too large: its aliases unfold to more than {UNFOLDED_LIMIT} values.")


def _first_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    return str(error).partition("\n")[0]
