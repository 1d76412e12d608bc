"""`make api-diff`: what changed in the Python API since a commit, and the version step that this requires.

`packages` says what is public. The API becomes flat facts: "openrouter_speech.OpenRouter(timeout_ms) type" is "float or
None". Docstrings are no facts, nor are the values of constants: a version number has to change.

- A parameter may accept more types, and a return value or an attribute may have fewer. Other type changes break.
- A class may gain a base but not lose one. Removing a name breaks callers; adding one does not.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from griffe import Alias, AliasResolutionError, Attribute, Class, CyclicAliasError, Expr, Function, Module, Object
from griffe import ParameterKind as Kind

from .packages import LEFT_OUT, Packages
from .report import Changes, Finding, changes

Fact = bool | str | tuple[str, ...]

TYPE, RETURNS, BASES, VALUE, CALLED, SETTABLE = "type", "returned type", "bases", "value", "is called", "can be set"
REQUIRED, DEFAULT, KIND, ORDER = "required", "default", "kind", "order of parameters"

_POSITIONAL = {Kind.positional_only, Kind.positional_or_keyword}
_VARIADIC = {Kind.var_positional, Kind.var_keyword}
_WRAPPERS = {"contextlib.contextmanager": "by with", "contextlib.asynccontextmanager": "by async with"}
_EVERYWHERE = set(dir(object)) - {"__init__"}
"""Methods of every object: no class gains or loses them."""


@dataclass(frozen=True)
class _Place:
    """What a fact is about: a named object, one of its parameters, or an aspect of either."""

    name: str
    parameter: str | None = None
    aspect: str | None = None

    def __str__(self) -> str:
        if self.parameter is None and self.aspect is None:
            return self.name
        called = self.name.removesuffix(".__init__") + (f"({self.parameter})" if self.parameter else "")
        return f"{called} {self.aspect}" if self.aspect else called

    @property
    def owner(self) -> "_Place":
        """The place that contains this one."""
        if self.aspect:
            return _Place(self.name, self.parameter)
        return _Place(self.name if self.parameter else self.name.rpartition(".")[0])


_Facts = dict[_Place, Fact]


def api_diff(base: Packages, now: Packages) -> Changes:
    """Compare two versions of the API, and determine the SemVer step that the changes require."""
    old, new = _Api(base), _Api(now)
    found: dict[_Place, tuple[_Place, Finding]] = {}
    for place in old.facts | new.facts:
        finding = _finding(place, old, new)
        if finding is not None:  # one line for a thing, even under several public names
            found.setdefault((new if place.owner in new.facts else old).defined(place), (place, finding))
    findings = sorted(_joined(dict(found.values())), key=lambda finding: finding.where)
    return changes(findings, same=base.files == now.files, subject="API", rest="code")


def _finding(place: _Place, old: "_Api", new: "_Api") -> Finding | None:
    before, after = old.facts.get(place), new.facts.get(place)
    if place.aspect == BASES and isinstance(before, tuple) and isinstance(after, tuple):
        # An added or removed base has its own line; do not repeat it for each subclass.
        before = tuple(base for base in before if base not in old.things or base in new.things)
        after = tuple(base for base in after if base not in new.things or base in old.things)
    if before == after or (place.owner in old.facts) != (place.owner in new.facts):
        return None
    if place.aspect and None in (before, after):
        return None  # of what came or went, which has a line of its own
    breaking = _breaks(place, before, after, new.facts)
    if place.aspect == ORDER and not breaking:
        return None
    hint = "put new parameters last, or " if place.aspect == ORDER else ""
    return Finding(str(place), _text(place, before, old.facts), _text(place, after, new.facts), breaking, hint)


def _breaks(place: _Place, before: Fact | None, after: Fact | None, facts: _Facts) -> bool:
    if place.aspect is None and before is None:  # callers break if they must now pass something
        constructor = place.name.endswith(".__init__") or place.parameter
        required = (other for other, fact in facts.items() if other.aspect == REQUIRED and fact is True)
        taken = {other.parameter for other in required if other.name == place.name}
        return bool(constructor) and (place.parameter in taken if place.parameter else bool(taken))
    if place.aspect is None and after is None and place.parameter:  # one that others take is still taken
        return not any(fact == Kind.var_keyword.value for other, fact in facts.items() if other.name == place.name)
    if place.aspect in {SETTABLE, REQUIRED}:
        return after is (place.aspect == REQUIRED)
    if place.aspect == KIND:
        return after != Kind.positional_or_keyword.value
    if isinstance(before, tuple) and isinstance(after, tuple):
        return _narrows(place, before, after)
    return True


def _narrows(place: _Place, before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    """Whether a change of types, bases or order breaks callers."""
    lost, gained = set(before) - set(after), set(after) - set(before)
    if place.aspect == ORDER:
        left = tuple(name for name in before if name in after)
        return after[: len(left)] != left
    if place.aspect == BASES:
        return bool(lost)
    if place.parameter:
        return bool(lost) and not {"Any", "object"} & gained
    return bool(gained) and before != ("None",) and "Any" not in after


def _text(place: _Place, fact: Fact | None, facts: _Facts) -> str | None:
    if fact is not None and place.parameter and not place.aspect:
        parts = [replace(place, aspect=aspect) for aspect in (REQUIRED, TYPE, DEFAULT)]
        return (
            ", ".join(f"{part.aspect} {_text(part, facts[part], facts)}" for part in parts if part in facts) or "given"
        )
    if isinstance(fact, tuple):
        return (", " if place.aspect in {BASES, ORDER} else " or ").join(fact) or None
    return str(fact).lower() if isinstance(fact, bool) else fact


def _joined(found: dict[_Place, Finding]) -> list[Finding]:
    """Merge a field with its constructor parameter: one line for both, breaking if either is."""
    for place, finding in list(found.items()):
        owner, _, name = place.name.rpartition(".")
        if name == "__init__" and place.parameter:
            field = found.pop(_Place(f"{owner}.{place.parameter}", aspect=place.aspect), finding)
            found[place] = replace(finding, breaking=finding.breaking or field.breaking)
    return list(found.values())


class _Api:
    """The names that callers can use, and the facts about them."""

    def __init__(self, packages: Packages) -> None:
        self.things: dict[str, Object | None] = {}
        """Public names with their objects; None if imported from another package."""
        self._packages = {module.path for module in packages.modules}
        inherited: set[str] = set()
        for module in packages.modules:
            self._collect(module.path, module, (), inherited)
        defined = {thing.path for name, thing in self.things.items() if thing is not None and name not in inherited}
        for name in inherited:
            thing = self.things[name]
            if thing is not None and thing.parent is not None and thing.parent.path in defined:
                del self.things[name]  # its class is public too: report it once, there
        self._names: dict[str, list[str]] = {}
        for name, thing in self.things.items():
            if thing is not None:
                self._names.setdefault(thing.path, []).append(name)
        self.facts: _Facts = {
            place: fact for name, thing in self.things.items() for place, fact in self._facts(name, thing)
        }

    def _collect(self, name: str, thing: Object | Alias, above: tuple[str, ...], inherited: set[str]) -> None:
        try:
            target = thing.final_target if isinstance(thing, Alias) else thing
        except (AliasResolutionError, CyclicAliasError):
            target = None
        self.things[name] = target
        if thing.inherited:
            inherited.add(name)
        if isinstance(target, Module | Class) and target.path not in above:
            for member in target.all_members.values():
                if _is_public(member, target):
                    self._collect(f"{name}.{member.name}", member, (*above, target.path), inherited)

    def defined(self, place: _Place) -> _Place:
        """Identify a place by where it is defined; an import counts as its own place."""
        owner, _, name = place.name.rpartition(".")
        thing = self.things.get(owner)
        if isinstance(thing, Class):
            return replace(place, name=f"{thing.path}.{name}")
        thing = self.things.get(place.name)
        return replace(place, name=thing.path) if thing and (place.parameter or place.aspect) else place

    def _facts(self, name: str, thing: Object | None) -> Iterator[tuple[_Place, Fact]]:
        if thing is None:
            yield _Place(name), "import"
            return
        yield _Place(name), "property" if "property" in thing.labels else thing.kind.value
        if isinstance(thing, Class):
            yield _Place(name, aspect=BASES), tuple(sorted(self._bases(thing)))
        elif isinstance(thing, Function):
            yield from _function_facts(name, thing)
        elif isinstance(thing, Attribute):
            if thing.annotation is not None:
                yield _Place(name, aspect=TYPE), _alternatives(thing.annotation)
            if isinstance(thing.parent, Class):
                yield _Place(name, aspect=SETTABLE), "property" not in thing.labels or "writable" in thing.labels
                if any(base.startswith("enum.") for base in self._bases(thing.parent)):
                    yield _Place(name, aspect=VALUE), str(thing.value)

    def _bases(self, cls: Class) -> set[str]:
        """Find the ancestors that callers can name: public ones, and those from other packages."""
        ancestors = cls.mro()
        written = {base.canonical_path for one in (cls, *ancestors) for base in one.bases if isinstance(base, Expr)}
        ours = {name for ancestor in ancestors for name in self._names.get(ancestor.path, ())}
        return ours | {path for path in written if path.partition(".")[0] not in self._packages}


def _is_public(member: Object | Alias, owner: Object) -> bool:
    if member.is_special and isinstance(owner, Class):
        return member.is_function and member.name not in _EVERYWHERE
    if member.is_special and isinstance(owner, Module):
        return member.name in (owner.exports or ())
    return member.is_public


def _function_facts(name: str, function: Function) -> Iterator[tuple[_Place, Fact]]:
    if function.name != "__init__":
        wrapped = [_WRAPPERS[d.callable_path] for d in function.decorators if d.callable_path in _WRAPPERS]
        words = [
            *sorted({"classmethod", "staticmethod"} & function.labels),
            *["by await"] * ("async" in function.labels),
        ]
        yield _Place(name, aspect=CALLED), " ".join(wrapped[:1] or words) or "plainly"
        if function.returns is not None:
            yield _Place(name, aspect=RETURNS), _alternatives(function.returns)
    # Callers do not pass a parameter with an underscore; pytest does, if it is a fixture.
    parameters = [p for p in function.parameters if p.name not in {"self", "cls"} and not p.name.startswith("_")]
    for parameter in parameters:
        yield _Place(name, parameter.name), "parameter"
        if parameter.kind not in _VARIADIC:
            yield _Place(name, parameter.name, REQUIRED), parameter.required
        if parameter.annotation is not None:
            yield _Place(name, parameter.name, TYPE), _alternatives(parameter.annotation)
        if parameter.kind not in _VARIADIC and not parameter.required and parameter.default != LEFT_OUT:
            yield _Place(name, parameter.name, DEFAULT), str(parameter.default)
        if parameter.kind is not None:
            yield _Place(name, parameter.name, KIND), parameter.kind.value
    yield _Place(name, aspect=ORDER), tuple(p.name for p in parameters if p.kind in _POSITIONAL)


def _alternatives(annotation: str | Expr) -> tuple[str, ...]:
    """Split a type into the alternatives of its union, without module prefixes."""
    return tuple(_split(ast.parse(str(annotation), mode="eval").body))


def _split(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _split(node.left)
        yield from _split(node.right)
    else:
        yield ast.unparse(_Short().visit(node))


class _Short(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr)
