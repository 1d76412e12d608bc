"""Implicit constructors: those that attrs generates from fields, and the keywords of a TypedDict.

griffe already expands dataclasses. With these added, a field without a default appears as what it is to callers: a
required parameter.
"""

from collections.abc import Iterator

from griffe import Attribute, Class, Expr, ExprCall, ExprKeyword, ExprSubscript, Function, Parameter, ParameterKind
from griffe import Parameters as Signature

LEFT_OUT = "..."
"""Marks an optional key, which has no default."""

_ATTRS = ("attr", "attrs")
_TYPING = ("typing", "typing_extensions")


def add_constructor(cls: Class) -> None:
    """Add the run-time `__init__` to a TypedDict or an attrs class."""
    family = [*reversed(cls.mro()), cls]
    if any(_is(base, _TYPING, "TypedDict") for member in family for base in member.bases):
        parameters = [parameter for member in family for parameter in _keys(member)]
        for attribute in _attributes(cls):
            attribute.public = False  # a key is not an attribute
    elif _made_by_attrs(cls) and "__init__" not in cls.members:
        parameters = [parameter for member in family if _made_by_attrs(member) for parameter in _fields(member)]
    else:
        return
    last_of_each = {parameter.name: parameter for parameter in parameters}.values()
    itself = Parameter("self", kind=ParameterKind.positional_or_keyword)
    cls.set_member("__init__", Function("__init__", parameters=Signature(itself, *last_of_each), returns="None"))


def _attributes(cls: Class) -> list[Attribute]:
    return [member for member in cls.members.values() if isinstance(member, Attribute)]


def _keys(cls: Class) -> Iterator[Parameter]:
    for key in _attributes(cls):
        annotation, required = key.annotation, str(cls.keywords.get("total", True)) == "True"
        while isinstance(annotation, ExprSubscript) and _is(annotation, _TYPING, "Required", "NotRequired", "ReadOnly"):
            if annotation.canonical_name != "ReadOnly":
                required = annotation.canonical_name == "Required"
            annotation = annotation.slice
        default = None if required else LEFT_OUT
        yield Parameter(key.name, annotation=annotation, kind=ParameterKind.keyword_only, default=default)


def _made_by_attrs(cls: Class) -> bool:
    return any(decorator.callable_path.partition(".")[0] in _ATTRS for decorator in cls.decorators)


def _fields(cls: Class) -> Iterator[Parameter]:
    options = _arguments(cls.decorators[0].value)
    for field in _attributes(cls):
        if field.annotation is None or "instance-attribute" not in field.labels:  # a ClassVar, or a property
            continue
        described = isinstance(field.value, ExprCall) and _is(field.value, _ATTRS, "field", "ib")
        said = _arguments(field.value) if described else {"default": field.value}
        if str(said.get("init")) == "False":
            continue
        by_keyword = str(said.get("kw_only", options.get("kw_only"))) == "True"
        yield Parameter(
            str(said.get("alias", field.name.lstrip("_"))).strip("'\""),
            annotation=field.annotation,
            kind=ParameterKind.keyword_only if by_keyword else ParameterKind.positional_or_keyword,
            default=f"{said['factory']}()" if "factory" in said else said.get("default"),
        )


def _arguments(call: str | Expr | None) -> dict[str, str | Expr | None]:
    named = call.arguments if isinstance(call, ExprCall) else ()
    return {argument.name: argument.value for argument in named if isinstance(argument, ExprKeyword)}


def _is(expression: str | Expr, modules: tuple[str, ...], *names: str) -> bool:
    return isinstance(expression, Expr) and expression.canonical_path in {f"{m}.{n}" for m in modules for n in names}
