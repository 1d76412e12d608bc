"""What changed in the contract of each operation between two descriptions, and whether callers break.

Wording is no part of it, nor are the names of components: both descriptions are cut first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .cut import cut
from .document import Document, Operation, named
from .report import Changes, Finding, changes
from .schemas import BOTH, NARROWER, WIDER, Change, Comparison, Place, flag, rest, text

NO_SECURITY = "no credential"

_STYLES = {"query": "form", "cookie": "form"}
_OPERATION = {"operationId", "parameters", "requestBody", "responses", "security", "servers", "tags"}
_PARAMETER = {"content", "explode", "in", "name", "required", "schema", "style"}

Node = Mapping[str, Any]


def spec_diff(old: Document, new: Document) -> Changes:
    """Compare two versions of our description, and determine the SemVer step that the changes require."""
    cuts = [Document(side.name, cut(side, side.operations(), {})) for side in (old, new)]
    return changes(differences(*cuts), same=old.content == new.content, subject="contract", rest="wording")


def differences(old: Document, new: Document) -> list[Finding]:
    """List the differences between two cuts."""
    with new.expected_valid():
        return list(_differences(old, new))


def _differences(old: Document, new: Document) -> Iterator[Finding]:
    was, now = old.operations(), new.operations()
    comparison = _Comparison(old, new)
    for operation in was | now:
        if operation not in now:
            yield Finding(named(operation), "documented", None, breaking=True)
        elif operation not in was:
            yield Finding(named(operation), None, "documented", breaking=False)
        else:
            prefix = (named(operation),) if len(was | now) > 1 else ()
            yield from _findings(prefix, comparison.operation(operation))


def _findings(prefix: Place, found: Iterable[Change]) -> Iterator[Finding]:
    """Convert the changes; those that several statuses have in common become one."""
    alike: dict[Change, list[str]] = {}
    for change in found:
        status, place = "", change.place
        if place[0] == "response" and len(place) > 2:
            status, place = place[1], ("response", *place[2:])
        alike.setdefault(replace(change, place=place), []).append(status)
    for change, statuses in alike.items():
        place = ("response", ", ".join(statuses), *change.place[1:]) if statuses[0] else change.place
        breaking = change.breaks[place[0] == "response"]
        yield Finding(_rendered((*prefix, *place)), change.before, change.after, breaking)


def _rendered(place: Place) -> str:
    """Format a place: `request application/json .provider.options type`."""
    parts: list[str] = []
    for step in place:
        if parts and step.startswith(".") and parts[-1].startswith("."):
            parts[-1] += step
        else:
            parts.append(step)
    return " ".join(parts)


class _Comparison(Comparison):
    def operation(self, operation: Operation) -> Iterator[Change]:
        items = [document.path_item(operation) for document in self.documents]
        was, now = (item[operation[0]] for item in items)
        sides = self.documents[0], items[0], was
        others = self.documents[1], items[1], now
        yield from _accepted("server", _servers(*sides), _servers(*others))
        yield from _accepted("security", _security(*sides), _security(*others))
        yield from rest(was, now, _OPERATION)
        yield from self._pairs((), [_parameters(*sides), _parameters(*others)], self._parameter)
        bodies = ({"request": side["requestBody"]} if "requestBody" in side else {} for side in (was, now))
        yield from self._pairs((), self._named(bodies, str), self._parameter)
        responses = (side.get("responses", {}) for side in (was, now))
        yield from self._pairs(("response",), self._named(responses, _status), self._response)

    def _named(self, sides: Iterable[Node], normal: Callable[[str], str]) -> list[Node]:
        """Follow the references of both sides, and bring the names into a normal form."""
        return [
            {normal(name): document.resolved(part, name) for name, part in side.items()}
            for document, side in zip(self.documents, sides, strict=True)
        ]

    def _pairs(
        self, place: Place, sides: list[Node], compare: Callable[[Node, Node], Iterator[Change]]
    ) -> Iterator[Change]:
        """Compare what has the same name: parameters, headers, responses, media types."""
        old, new = sides
        for name in dict.fromkeys([*old, *new]):
            here = (*place, name)
            if name not in new:
                yield Change(here, _described(old[name], self.before), None, BOTH)
            elif name not in old:
                required = new[name].get("required") is True
                yield Change(here, None, _described(new[name], self.after), (required, False))
            else:
                yield from (replace(change, place=(*here, *change.place)) for change in compare(old[name], new[name]))

    def _parameter(self, old: Node, new: Node) -> Iterator[Change]:
        """Compare two parameters, headers or bodies."""
        was, now = (side.get("required") is True for side in (old, new))
        if was != now:
            yield flag(("required",), now, NARROWER, WIDER)
        for name, (before, after) in zip(("style", "explode"), zip(_style(old), _style(new), strict=True), strict=True):
            if before != after:
                yield Change((name,), before, after, BOTH)
                break
        yield from rest(old, new, _PARAMETER)
        had, has = "content" in old, "content" in new
        if had != has:
            yield flag(("content",), has, BOTH, BOTH)
        elif has:
            yield from self._content(old, new)
        else:
            yield from self.changes(old.get("schema", {}), new.get("schema", {}))

    def _response(self, old: Node, new: Node) -> Iterator[Change]:
        yield from rest(old, new, {"content", "headers", "links"})
        headers = self._named((side.get("headers", {}) for side in (old, new)), lambda name: f"header {name.lower()}")
        yield from self._pairs((), headers, self._parameter)
        yield from self._content(old, new)

    def _content(self, old: Node, new: Node) -> Iterator[Change]:
        contents = (side.get("content", {}) for side in (old, new))
        yield from self._pairs((), self._named(contents, lambda name: name.lower().replace(" ", "")), self._media)

    def _media(self, old: Node, new: Node) -> Iterator[Change]:
        yield from rest(old, new, {"schema"})
        yield from self.changes(old.get("schema", {}), new.get("schema", {}))


def _parameters(document: Document, *owners: Node) -> Node:
    """Collect the parameters by location and name; the operation's override those of its path."""
    nodes = [node for owner in owners for node in document.sequence(owner.get("parameters", []), "parameters")]
    parameters = [document.resolved(node, "a parameter") for node in nodes]
    return {
        " ".join([one["in"], one["name"].lower() if one["in"] == "header" else one["name"]]): one for one in parameters
    }


def _described(node: Node, describe: Callable[[Any], str]) -> str:
    parts = [f"required {str(node.get('required') is True).lower()}"] if "in" in node or "required" in node else []
    parts += [describe(node["schema"])] if "schema" in node else node.get("content", ())
    return ", ".join(parts) or "documented"


def _status(status: str) -> str:
    return status if status == "default" else status.upper()


def _style(parameter: Node) -> tuple[str, str]:
    style = str(parameter.get("style", _STYLES.get(str(parameter.get("in")), "simple")))
    return style, text(parameter.get("explode", style == "form"))


def _servers(document: Document, item: Node, operation: Node) -> set[str]:
    owners = (operation, item, document.content)
    servers: list[Any] = next((owner["servers"] for owner in owners if owner.get("servers")), [{"url": "/"}])
    return {str(document.mapping(server, "a server").get("url")).rstrip("/") for server in servers}


def _security(document: Document, _: Node, operation: Node) -> set[str]:
    """Describe the schemes themselves; their names in the description never go over the wire."""
    found = set()
    for requirement in document.sequence(operation["security"], "security"):
        schemes = []
        for name, scopes in document.mapping(requirement, "security").items():
            scheme = document.resolved(document.target(f"#/components/securitySchemes/{name}"), name)
            parts = [str(scheme[key]) for key in ("type", "in", "name") if key in scheme]
            parts += [str(scheme["scheme"]).lower()] if "scheme" in scheme else []
            schemes.append(" ".join(parts) + (f" with {', '.join(sorted(scopes))}" if scopes else ""))
        found.add(" and ".join(sorted(schemes)) or NO_SECURITY)
    return found or {NO_SECURITY}


def _accepted(name: str, before: set[str], after: set[str]) -> Iterator[Change]:
    if before != after:
        breaks = NO_SECURITY not in after and not after >= before
        yield Change((name,), " or ".join(sorted(before)), " or ".join(sorted(after)), (breaks, breaks))
