"""Turn the public API into flat facts: "openrouter_speech.OpenRouter(timeout_ms) type" is "float or None".

Docstrings are not facts, nor are the values of constants: a version number has to change.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from griffe import Alias, AliasResolutionError, Attribute, Class, CyclicAliasError, Expr, Function, Module, Object
from griffe import ParameterKind as Kind

from .constructors import LEFT_OUT

Fact = bool | str | tuple[str, ...]

TYPE, RETURNS, BASES, VALUE, CALLED, SETTABLE = "type", "returned type", "bases", "value", "is called", "can be set"
REQUIRED, DEFAULT, KIND, ORDER = "required", "default", "kind", "order of parameters"

_POSITIONAL = {Kind.positional_only, Kind.positional_or_keyword}
_VARIADIC = {Kind.var_positional, Kind.var_keyword}
_WRAPPERS = {"contextlib.contextmanager": "by with", "contextlib.asynccontextmanager": "by async with"}
_EVERYWHERE = set(dir(object)) - {"__init__"}
"""Methods of every object: no class gains or loses them."""


@dataclass(frozen=True)
class Place:
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
    def owner(self) -> "Place":
        """The place that contains this one."""
        if self.aspect:
            return Place(self.name, self.parameter)
        return Place(self.name if self.parameter else self.name.rpartition(".")[0])


@dataclass
class PublicApi:
    """The names that callers can use."""

    things: dict[str, Object | None] = field(default_factory=dict)
    """Public names with their objects; None if imported from another package."""

    def facts(self) -> dict[Place, Fact]:
        """Return all facts, in source order."""
        return {place: fact for name, thing in self.things.items() for place, fact in self._facts_of(name, thing)}

    def _facts_of(self, name: str, thing: Object | None) -> Iterator[tuple[Place, Fact]]:
        if thing is None:
            yield Place(name), "import"
            return
        yield Place(name), "property" if "property" in thing.labels else thing.kind.value
        if isinstance(thing, Class):
            yield Place(name, aspect=BASES), tuple(sorted(self._bases(thing)))
        elif isinstance(thing, Function):
            yield from _function_facts(name, thing)
        elif isinstance(thing, Attribute):
            if thing.annotation is not None:
                yield Place(name, aspect=TYPE), _alternatives(thing.annotation)
            if isinstance(thing.parent, Class):
                yield Place(name, aspect=SETTABLE), "property" not in thing.labels or "writable" in thing.labels
                if any(base.startswith("enum.") for base in self._bases(thing.parent)):
                    yield Place(name, aspect=VALUE), str(thing.value)

    def _bases(self, cls: Class) -> set[str]:
        """Find the ancestors that callers can name: public ones, and those from other packages."""
        ancestors = cls.mro()
        packages = {name.partition(".")[0] for name in self.things}
        written = {base.canonical_path for one in (cls, *ancestors) for base in one.bases if isinstance(base, Expr)}
        ours = {name for ancestor in ancestors for name in self._names.get(ancestor.path, ())}
        return ours | {path for path in written if path.partition(".")[0] not in packages}

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The public names of each definition, by its path."""
        names: dict[str, list[str]] = {}
        for name, thing in self.things.items():
            if thing is not None:
                names.setdefault(thing.path, []).append(name)
        return names


def public_api(modules: Iterable[Module]) -> PublicApi:
    """Collect the public API of these packages."""
    found, inherited = PublicApi(), set[str]()
    for module in modules:
        _collect(module.path, module, (), found.things, inherited)
    defined = {thing.path for name, thing in found.things.items() if thing is not None and name not in inherited}
    for name in inherited:
        thing = found.things[name]
        if thing is not None and thing.parent is not None and thing.parent.path in defined:
            del found.things[name]  # its class is public too: report it once, there
    return found


def _collect(
    name: str, thing: Object | Alias, above: tuple[str, ...], things: dict[str, Object | None], inherited: set[str]
) -> None:
    target = things[name] = _target(thing)
    if thing.inherited:
        inherited.add(name)
    if isinstance(target, Module | Class) and target.path not in above:
        for member in target.all_members.values():
            if _is_public(member, target):
                _collect(f"{name}.{member.name}", member, (*above, target.path), things, inherited)


def _target(thing: Object | Alias) -> Object | None:
    try:
        return thing.final_target if isinstance(thing, Alias) else thing
    except (AliasResolutionError, CyclicAliasError):
        return None


def _is_public(member: Object | Alias, owner: Object) -> bool:
    if member.is_special and isinstance(owner, Class):
        return member.is_function and member.name not in _EVERYWHERE
    if member.is_special and isinstance(owner, Module):
        return member.name in (owner.exports or ())
    return member.is_public


def _function_facts(name: str, function: Function) -> Iterator[tuple[Place, Fact]]:
    if function.name != "__init__":
        yield Place(name, aspect=CALLED), _manner(function)
        if function.returns is not None:
            yield Place(name, aspect=RETURNS), _alternatives(function.returns)
    # Callers do not pass a parameter with an underscore; pytest does, if it is a fixture.
    parameters = [p for p in function.parameters if p.name not in {"self", "cls"} and not p.name.startswith("_")]
    for parameter in parameters:
        yield Place(name, parameter.name), "parameter"
        if parameter.kind not in _VARIADIC:
            yield Place(name, parameter.name, REQUIRED), parameter.required
        if parameter.annotation is not None:
            yield Place(name, parameter.name, TYPE), _alternatives(parameter.annotation)
        if parameter.kind not in _VARIADIC and not parameter.required and parameter.default != LEFT_OUT:
            yield Place(name, parameter.name, DEFAULT), str(parameter.default)
        if parameter.kind is not None:
            yield Place(name, parameter.name, KIND), parameter.kind.value
    yield Place(name, aspect=ORDER), tuple(p.name for p in parameters if p.kind in _POSITIONAL)


def _manner(function: Function) -> str:
    wrapper = [_WRAPPERS[d.callable_path] for d in function.decorators if d.callable_path in _WRAPPERS]
    if wrapper:
        return wrapper[0]
    words = sorted({"classmethod", "staticmethod"} & function.labels)
    return " ".join([*words, "by await"] if "async" in function.labels else words) or "plainly"


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
