"""The facts of a description, and what an exchange says about each.

A fact is the smallest thing that a server can keep or break: that a field is accepted, that a text longer than the
limit is refused, that a header is there. A valid request shows the facts of its values, if it is accepted. A request
with exactly one thing wrong shows one, if it is refused.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import urlsplit

import jsonschema_rs
from attrs import define, field, frozen

from .exchanges import Exchange

Node = Mapping[str, Any]
State = Literal["kept", "broken", "never seen"]

MAY_FAIL = frozenset({402, 404, 413, 429})
"""Statuses that say nothing about a valid request: credit, an unknown model, a limit."""


@frozen(order=True)
class Fact:
    """A fact of the description."""

    part: str
    """The part of the description that it is about, such as `body` or `response 200`."""
    place: str
    """The field or header; empty for the part as a whole."""
    words: str

    def __str__(self) -> str:
        return f"{self.part}{f' {self.place}' if self.place else ''}: {self.words}"


@frozen
class _Clause:
    """A rule for one value.

    In a request, a value that reaches it shows that it is accepted, one that does not fit shows that it is refused.
    """

    accepts: str
    refuses: str
    states: str
    """In a response. Each of the three may be empty: there is no such fact."""
    concerns: Callable[[Any], bool]
    fits: Callable[[Any], bool]
    reaches: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == int(value),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_BOUNDS: dict[str, tuple[str, Callable[[Any], Any], int, str]] = {
    "minLength": ("string", len, 1, "characters"),
    "maxLength": ("string", len, -1, "characters"),
    "minItems": ("array", len, 1, "items"),
    "maxItems": ("array", len, -1, "items"),
    "minimum": ("number", lambda value: value, 1, ""),
    "maximum": ("number", lambda value: value, -1, ""),
}
"""Type, measure, direction, unit."""


_REFUSED = "is refused"
_OTHER_KIND = f"another type {_REFUSED}"


def _always(_: Any) -> bool:
    return True


def _never(_: Any) -> bool:
    return False


def _clauses(schema: Node) -> Iterator[_Clause]:
    types = [schema["type"]] if isinstance(schema.get("type"), str) else list(schema.get("type", ()))
    if types:
        words = " or ".join(types)

        def fits(value: Any) -> bool:
            return any(_TYPES[kind](value) for kind in types if kind in _TYPES)

        yield _Clause("", _OTHER_KIND, words, _always, fits, _never)
        for kind in types:
            yield _Clause(f"{kind} is accepted", "", "", _TYPES.get(kind, _never), _always, _always)
    elif not schema.keys() & {"anyOf", "oneOf", "allOf", "enum", "const"}:
        yield _Clause("any value is accepted", "", "any value", _always, _always, _always)
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    for value in values:
        yield _Clause(f"{json.dumps(value)} is accepted", "", "", _always, _always, value.__eq__)
    if values:
        listed = ", ".join(map(json.dumps, values))
        yield _Clause("", f"anything but {listed} is refused", f"one of {listed}", _always, values.__contains__, _never)
    for name, (kind, measure, direction, unit) in _BOUNDS.items():
        if _is_number(schema.get(name)):
            yield _bound(schema[name], _TYPES[kind], measure, direction, unit)
    if "pattern" in schema:
        matches = re.compile(schema["pattern"]).search
        words = f"the pattern {schema['pattern']}"
        yield _Clause(
            f"{words} is accepted", f"what does not match {words} is refused", words, _TYPES["string"],
            lambda value: bool(matches(value)), _always,
        )  # fmt: skip


def _bound(
    limit: Any, concerns: Callable[[Any], bool], measure: Callable[[Any], Any], direction: int, unit: str
) -> _Clause:
    least = direction > 0
    amount = f"{limit} {unit.removesuffix('s') if limit == 1 else unit}".rstrip()
    return _Clause(
        f"{amount} is accepted", f"{'less' if least else 'more'} than {amount} is refused",
        f"{'at least' if least else 'at most'} {amount}", concerns,
        lambda value: bool((measure(value) - limit) * direction >= 0), lambda value: bool(measure(value) == limit),
    )  # fmt: skip


@frozen
class Reading:
    """What a value says about facts."""

    shown: frozenset[Fact] = frozenset()
    violated: frozenset[Fact] = frozenset()

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(self.shown | other.shown, self.violated | other.violated)


@frozen
class Schemas:
    """Schemas of one document, as facts of requests or of responses."""

    document: Node
    of_requests: bool

    def resolved(self, node: Node) -> Node:
        """Follow references within the document."""
        while "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def facts(self, schema: Node, part: str, place: str, within: tuple[Node, ...] = ()) -> Iterator[Fact]:
        """Yield the facts of a schema."""
        schema = self.resolved(schema)
        if any(schema is outer for outer in within):  # it refers to itself
            return
        within = (*within, schema)
        for clause in _clauses(schema):
            words = (clause.accepts, clause.refuses) if self.of_requests else (clause.states,)
            for each in filter(None, words):
                if part == "body" or each != _OTHER_KIND or "string" not in schema["type"]:  # all of a header is text
                    yield Fact(part, place, each)
        for name in schema.get("required", ()):
            yield self._required(part, _inside(place, name))
        for name, child in schema.get("properties", {}).items():
            yield from self.facts(child, part, _inside(place, name), within)
        for inside, child in _others(schema, place):
            yield from self.facts(child, part, inside, within)
        for branch in schema.get("allOf", ()):
            yield from self.facts(branch, part, place, within)
        if branches := schema.get("anyOf", ()) or schema.get("oneOf", ()):
            yield self._union(part, place)
            for branch in filter(_says_something, branches):
                # What tells the branches apart is a matter of all of them: the fact above.
                shared = {place} | {_inside(place, name) for name in self._marks(self.resolved(branch))}
                for fact in self.facts(branch, part, place, within):
                    if fact.place not in shared or not fact.words.endswith(_REFUSED):
                        yield fact

    def read(self, schema: Node, value: Any, part: str, place: str) -> Reading:
        """Return what a value says about the facts of a schema."""
        schema = self.resolved(schema)
        shown, violated = set(), set()
        for clause in _clauses(schema):
            if not clause.concerns(value):
                continue
            if not clause.fits(value):
                violated.add(Fact(part, place, clause.refuses if self.of_requests else clause.states))
                if clause.reaches is _never:  # the wrong type, or the wrong value of an enum: nothing else counts
                    return Reading(frozenset(), frozenset(violated))
            elif self.of_requests and clause.accepts and clause.reaches(value):
                shown.add(Fact(part, place, clause.accepts))
            elif not self.of_requests and clause.states:
                shown.add(Fact(part, place, clause.states))
        reading = Reading(frozenset(shown), frozenset(violated))
        reading += self._read_children(schema, value, part, place)
        for branch in schema.get("allOf", ()):
            reading += self.read(branch, value, part, place)
        if branches := schema.get("anyOf", ()) or schema.get("oneOf", ()):
            reading += self._branches(branches, value, part, place, only_one="oneOf" in schema)
        return reading

    def _read_children(self, schema: Node, value: Any, part: str, place: str) -> Reading:
        reading = Reading()
        if isinstance(value, dict):
            for name in schema.get("required", ()):
                required = frozenset({self._required(part, _inside(place, name))})
                if name not in value:
                    reading += Reading(violated=required)
                elif not self.of_requests:
                    reading += Reading(required)
            for name, child in schema.get("properties", {}).items():
                if name in value:
                    reading += self.read(child, value[name], part, _inside(place, name))
            for inside, child in _others(schema, place):
                if inside != f"{place}[]":
                    for name in value.keys() - schema.get("properties", {}).keys():
                        reading += self.read(child, value[name], part, inside)
        elif isinstance(value, list) and "items" in schema:
            for item in value:
                reading += self.read(schema["items"], item, part, f"{place}[]")
        return reading

    def _branches(self, branches: Iterable[Node], value: Any, part: str, place: str, *, only_one: bool) -> Reading:
        readings = [self.read(branch, value, part, place) for branch in branches]
        fitting = [reading for reading in readings if not reading.violated]
        union = frozenset({self._union(part, place)})
        if fitting and not (only_one and len(fitting) > 1):
            return fitting[0] + Reading(frozenset() if self.of_requests else union)
        # The branch that was meant: the only one whose type, and whose word for its type, are right.
        meant = [reading for branch, reading in zip(branches, readings, strict=True) if self._is_meant(branch, value)]
        if len(meant) == 1 and not fitting:
            return meant[0]
        return Reading(violated=union)

    def _is_meant(self, branch: Node, value: Any) -> bool:
        branch = self.resolved(branch)
        is_alike = all(clause.fits(value) for clause in _clauses(branch) if clause.reaches is _never)
        marks = self._marks(branch).items() if isinstance(value, dict) else ()
        return _says_something(branch) and is_alike and all(value.get(name) == mark for name, mark in marks)

    def _marks(self, branch: Node) -> dict[str, Any]:
        """Return the properties of a branch that have only one value, which tells it from the others."""
        children = {name: self.resolved(child) for name, child in branch.get("properties", {}).items()}
        return {name: child["enum"][0] for name, child in children.items() if len(child.get("enum", ())) == 1}

    def _required(self, part: str, place: str) -> Fact:
        return Fact(part, place, "its absence is refused" if self.of_requests else "it is there")

    def _union(self, part: str, place: str) -> Fact:
        words = "what does not fit the alternatives is refused"
        return Fact(part, place, words if self.of_requests else "it fits the alternatives")


def _says_something(branch: Node) -> bool:
    """Whether it is more than a list of required fields of the schema around it."""
    return bool(branch.keys() - {"required"})


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _others(schema: Node, place: str) -> Iterator[tuple[str, Node]]:
    if "items" in schema:
        yield f"{place}[]", schema["items"]
    more = schema.get("additionalProperties")
    if more is True or isinstance(more, dict):
        yield _inside(place, "*"), {} if more is True else more


@frozen
class Operation:
    """An operation of the description."""

    document: Node
    path: str
    method: str
    node: Node
    _parameters: list[Node] = field(init=False)
    _validators: dict[str, jsonschema_rs.Validator | None] = field(init=False, factory=dict, eq=False, repr=False)
    """By media type."""

    @_parameters.default
    def _resolve_parameters(self) -> list[Node]:
        item = self._requests.resolved(self.document["paths"][self.path])
        return [
            self._requests.resolved(node) for node in (*item.get("parameters", ()), *self.node.get("parameters", ()))
        ]

    @property
    def _requests(self) -> Schemas:
        return Schemas(self.document, of_requests=True)

    @property
    def _responses(self) -> Schemas:
        return Schemas(self.document, of_requests=False)

    @property
    def _media_types(self) -> Node:
        content: Node = self._requests.resolved(self.node.get("requestBody", {})).get("content", {})
        return content

    @property
    def _is_secured(self) -> bool:
        return bool(self.node.get("security", self.document.get("security")))

    def takes(self, exchange: Exchange) -> bool:
        """Whether a request is for this operation."""
        return self.is_at(exchange.url) and exchange.method.lower() == self.method

    def is_at(self, url: str) -> bool:
        """Whether a URL has the operation's path."""
        pattern = re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(self.path))
        return bool(re.search(f"{pattern}$", urlsplit(url).path))

    def facts(self) -> Iterator[Fact]:
        """Yield everything that the description says about the operation."""
        if self._is_secured:
            yield from (_NO_KEY, _WRONG_KEY, _KEY)
        for parameter in self._parameters:
            yield from self._requests.facts(parameter.get("schema", {}), parameter["in"], parameter["name"])
            if parameter.get("required"):
                yield Fact(parameter["in"], parameter["name"], "its absence is refused")
        for media_type, content in self._media_types.items():
            yield Fact("body", "", f"{media_type} is accepted")
            if _is_json(media_type):
                yield from self._requests.facts(content.get("schema", {}), "body", "")
                yield MALFORMED
        if self._media_types:
            yield OTHER_TYPE
        for status, response in self.node["responses"].items():
            part = f"response {status}"
            yield Fact(part, "", "it is sent")
            response = self._responses.resolved(response)  # noqa: PLW2901
            for name, header in response.get("headers", {}).items():
                header = self._responses.resolved(header)  # noqa: PLW2901
                if header.get("required"):
                    yield Fact(part, name, "it is there")
                yield from self._responses.facts(header.get("schema", {}), part, name)
            for media_type, content in response.get("content", {}).items():
                yield Fact(part, "", f"Content-Type is {media_type}")
                if _is_json(media_type):
                    yield from self._responses.facts(content.get("schema", {}), _BODY, "")

    def read_request(self, exchange: Exchange) -> Reading | None:
        """Return what a request says about facts, or None if it is not clear whether it is valid."""
        reading = Reading()
        if self._is_secured:
            if exchange.key_is_right:
                reading += Reading(frozenset({_KEY}))
            else:
                reading += Reading(violated=frozenset({_WRONG_KEY if exchange.sent("authorization") else _NO_KEY}))
        for parameter in self._parameters:
            if parameter["in"] != "header":
                continue
            value = exchange.sent(parameter["name"])
            if value is not None:
                schema = parameter.get("schema", {})
                reading += self._requests.read(schema, value, "header", parameter["name"])
            elif parameter.get("required"):
                reading += Reading(violated=frozenset({Fact("header", parameter["name"], "its absence is refused")}))
        return self._read_body(exchange, reading) if self._media_types else reading

    def _read_body(self, exchange: Exchange, reading: Reading) -> Reading | None:
        media_type = _media_type(exchange.sent("content-type"))
        if media_type and media_type not in self._media_types:
            return reading + Reading(violated=frozenset({OTHER_TYPE}))
        if not media_type or not exchange.request_is_whole or exchange.sent("content-encoding"):
            return None
        reading += Reading(frozenset({Fact("body", "", f"{media_type} is accepted")}))
        if not _is_json(media_type):
            return reading
        try:
            value = json.loads(exchange.body)
        except ValueError:
            return reading + Reading(violated=frozenset({MALFORMED}))
        body = self._requests.read(self._media_types[media_type].get("schema", {}), value, "body", "")
        validator = self._validator(media_type)
        # Some keywords have no facts; where those decide, the request proves nothing.
        if validator is None or bool(body.violated) == validator.is_valid(value):
            return None
        return reading + body

    def _validator(self, media_type: str) -> jsonschema_rs.Validator | None:
        """Return the validator of a body; None if its schema is not one of JSON Schema, as in OpenAPI 3.0."""
        if media_type not in self._validators:
            schema = {
                **self._media_types[media_type].get("schema", {}),
                "components": self.document.get("components", {}),
            }
            try:
                self._validators[media_type] = jsonschema_rs.Draft202012Validator(schema)
            except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
                self._validators[media_type] = None
        return self._validators[media_type]

    def forbids(self, exchange: Exchange) -> str:
        """Return what the description forbids about a request; empty if it forbids nothing."""
        media_type = _media_type(exchange.sent("content-type"))
        if media_type in self._media_types and _is_json(media_type) and exchange.request_is_whole:
            validator = self._validator(media_type)
            with suppress(ValueError):
                error = next(validator.iter_errors(json.loads(exchange.body)), None) if validator else None
                if error is not None:
                    place = ".".join(map(str, error.instance_path))
                    return f"body{f' {place}' if place else ''}: {error.message}"
        request = self.read_request(exchange)
        violated = request.violated - {_WRONG_KEY} if request is not None else ()  # which key is right, servers know
        return "; ".join(sorted(map(str, violated)))

    def read_response(self, exchange: Exchange) -> Reading:
        """Return what a response says about facts."""
        documented = self.node["responses"]
        status = next((each for each in _spellings(exchange.status) if each in documented), None)
        if status is None:
            return Reading()
        part = f"response {status}"
        response = self._responses.resolved(documented[status])
        reading = Reading(frozenset({Fact(part, "", "it is sent")}))
        for name, header in response.get("headers", {}).items():
            header = self._responses.resolved(header)  # noqa: PLW2901
            value = exchange.headers.get(name.lower())
            there = frozenset({Fact(part, name, "it is there")} if header.get("required") else ())
            if value is None:
                reading += Reading(violated=there)
            else:
                reading += Reading(there) + self._responses.read(header.get("schema", {}), value, part, name)
        sent = _media_type(exchange.headers.get("content-type"))
        for media_type, content in response.get("content", {}).items():
            fact = frozenset({Fact(part, "", f"Content-Type is {media_type}")})
            if re.fullmatch(re.escape(media_type).replace(r"\*", ".+"), sent):
                reading += Reading(fact)
            elif len(response["content"]) == 1:
                reading += Reading(violated=fact)
            if _is_json(media_type) and exchange.response_is_whole:
                try:
                    value = json.loads(exchange.content)
                except ValueError:
                    continue
                reading += self._responses.read(content.get("schema", {}), value, _BODY, "")
        return reading


_BODY = "response body"
"""Of all statuses: most have the same schema."""
_KEY = Fact("security", "", "a right key is accepted")
_NO_KEY = Fact("security", "", "no key is refused")
_WRONG_KEY = Fact("security", "", "a wrong key is refused")
OTHER_TYPE = Fact("body", "", "another media type is refused")
MALFORMED = Fact("body", "", "what is not JSON is refused")


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _spellings(status: int | None) -> tuple[str, ...]:
    return (str(status), f"{str(status)[0]}XX", "default") if status else ()


def _modern(node: Any) -> Any:
    """Return a part of a description with what OpenAPI 3.0 writes otherwise than JSON Schema in the words of that."""
    if isinstance(node, list):
        return [_modern(each) for each in node]
    if not isinstance(node, dict):
        return node
    modern = {name: _modern(value) for name, value in node.items()}
    if modern.get("nullable") is True and isinstance(modern.get("type"), str):
        modern["type"] = [modern["type"], "null"]
        if isinstance(modern.get("enum"), list):
            modern["enum"] = [*modern["enum"], None]
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(modern.get(word), bool):
            is_exclusive = modern.pop(word)
            if is_exclusive and bound in modern:
                modern[word] = modern.pop(bound)
    return modern


def operations(document: Node) -> list[Operation]:
    """Return the operations of a description."""
    document = _modern(document)
    methods = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
    resolved = Schemas(document, of_requests=True).resolved
    items = {path: resolved(item) for path, item in document.get("paths", {}).items()}
    return [
        Operation(document, path, method, item[method])
        for path, item in items.items()
        for method in methods
        if method in item
    ]


@define
class Coverage:
    """What the exchanges of a run say about each fact of a description."""

    facts: tuple[Fact, ...]
    _kept: set[Fact] = field(init=False, factory=set)
    _broken: set[Fact] = field(init=False, factory=set)
    _refused: set[frozenset[Fact]] = field(init=False, factory=set)
    """The facts of each valid request that was refused."""

    def add(self, operation: Operation, exchange: Exchange, request: Reading | None) -> None:
        """Take in an exchange.

        Args:
            operation: The operation that it is for.
            exchange: The exchange.
            request: What its request says, or None if that is not clear.
        """
        if exchange.status is None:
            return
        response = operation.read_response(exchange)
        self._kept |= response.shown
        self._broken |= response.violated
        is_accepted = 200 <= exchange.status < 300
        is_refused = 400 <= exchange.status < 500 and exchange.status not in MAY_FAIL
        if request is None:
            return
        if not request.violated and is_accepted:
            self._kept |= request.shown
        elif not request.violated and is_refused:
            self._refused.add(request.shown)
        elif len(request.violated) == 1:
            (self._broken if is_accepted else self._kept if is_refused else set()).update(request.violated)

    def states(self) -> dict[Fact, State]:
        """Return what is known about each fact."""
        doubtful = [shown - self._kept for shown in self._refused]
        broken = set(self._broken)
        if frozenset() not in doubtful:  # else the server refuses requests for another reason than their facts
            broken.update(*(facts for facts in doubtful if len(facts) == 1))
        return {
            fact: "broken" if fact in broken else "kept" if fact in self._kept else "never seen" for fact in self.facts
        }
