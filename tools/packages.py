"""Load the two import packages with griffe, without running them, from here or from a commit.

This module decides what is public:

- `openrouter_speech`: the `__all__` of each module whose path has no underscore.
- `openrouter_speech_api`: all its modules; of the models, what the package `models` exports.
- In a module with `__all__`, the names in it; otherwise, what the module defines. Never a name with an underscore.
- Whatever a public class inherits, even from a private base.
"""

import ast
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import griffe

from . import ToolError
from .git import unpack

PACKAGES = ("generated/openrouter_speech_api", "overlays/openrouter_speech")
LEFT_OUT = "..."
"""Marks an optional key, which has no default."""

logging.getLogger("griffe").addHandler(logging.NullHandler())  # what griffe cannot resolve does not concern the user


@dataclass(frozen=True)
class Packages:
    """One version of the packages: griffe's modules, and the files."""

    modules: list[griffe.Module]
    files: dict[str, bytes]


def packages_here() -> Packages:
    """Load the packages from the current folder."""
    return _read(Path(), "")


def packages_at(ref: str) -> Packages:
    """Load the packages at a commit."""
    with TemporaryDirectory(prefix="openrouter-speech-") as folder:
        for package in PACKAGES:
            unpack(ref, package, Path(folder))
        return _read(Path(folder), f" at {ref}")


def _read(root: Path, when: str) -> Packages:
    files: dict[str, bytes] = {}
    for package in PACKAGES:
        if not (root / package / "__init__.py").is_file():
            raise ToolError(f"There is no package {package}{when or ' here'}.")
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                files[path.relative_to(root).as_posix()] = path.read_bytes()
    for name in [name for name in files if name.endswith(".py")]:
        try:
            ast.parse(files[name])
        except (SyntaxError, ValueError) as error:  # ValueError: a null byte, in older Pythons
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise ToolError(f"{name}{when} is not Python{line}: {getattr(error, 'msg', error)}.") from error
    loader = griffe.GriffeLoader(
        search_paths=[root / Path(package).parent for package in PACKAGES], allow_inspection=False, store_source=False
    )
    loaded = [loader.load(Path(package).name, try_relative_path=False) for package in PACKAGES]
    loader.resolve_aliases(implicit=True, external=False)
    modules = [module for module in loaded if isinstance(module, griffe.Module)]
    for module in modules:
        _prepare(module, module)
    return Packages(modules, files)


def _prepare(module: griffe.Module, package: griffe.Module) -> None:
    """Mark the public modules, and add the constructors that griffe leaves out."""
    for member in list(module.members.values()):
        if isinstance(member, griffe.Module):
            name = member.path.removeprefix(f"{package.path}.")
            written = package.path == "openrouter_speech"  # there, a package without __all__ still leads to its modules
            exported = member.exports is not None or member.is_package if written else not name.startswith("models.")
            member.public = "._" not in f".{name}" and exported
            _prepare(member, package)
        elif isinstance(member, griffe.Class):
            _add_constructor(member)


def _add_constructor(cls: griffe.Class) -> None:
    """Add the `__init__` that a TypedDict or an attrs class has when it runs."""
    family = [*reversed(cls.mro()), cls]
    if any(_is(base, "typing.TypedDict") for member in family for base in member.bases):
        parameters = [parameter for member in family for parameter in _keys(member)]
        for attribute in _attributes(cls):
            attribute.public = False  # a key is not an attribute
    elif _made_by_attrs(cls) and "__init__" not in cls.members:
        parameters = [parameter for member in family if _made_by_attrs(member) for parameter in _fields(member)]
    else:
        return
    last_of_each = {parameter.name: parameter for parameter in parameters}.values()
    itself = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    cls.set_member(
        "__init__", griffe.Function("__init__", parameters=griffe.Parameters(itself, *last_of_each), returns="None")
    )


def _attributes(cls: griffe.Class) -> list[griffe.Attribute]:
    return [member for member in cls.members.values() if isinstance(member, griffe.Attribute)]


def _keys(cls: griffe.Class) -> Iterator[griffe.Parameter]:
    for key in _attributes(cls):
        annotation, required = key.annotation, str(cls.keywords.get("total", True)) == "True"
        while isinstance(annotation, griffe.ExprSubscript) and _is(annotation, "typing.Required", "typing.NotRequired"):
            required = annotation.canonical_name == "Required"
            annotation = annotation.slice
        default = None if required else LEFT_OUT
        yield griffe.Parameter(key.name, annotation=annotation, kind=griffe.ParameterKind.keyword_only, default=default)


def _made_by_attrs(cls: griffe.Class) -> bool:
    return any(decorator.callable_path.partition(".")[0] in {"attr", "attrs"} for decorator in cls.decorators)


def _fields(cls: griffe.Class) -> Iterator[griffe.Parameter]:
    options = _arguments(cls.decorators[0].value)
    for field in _attributes(cls):
        if field.annotation is None or "instance-attribute" not in field.labels:  # a ClassVar, or a property
            continue
        described = isinstance(field.value, griffe.ExprCall) and _is(
            field.value, "attr.ib", "attr.field", "attrs.field"
        )
        said = _arguments(field.value) if described else {"default": field.value}
        if str(said.get("init")) == "False":
            continue
        by_keyword = str(said.get("kw_only", options.get("kw_only"))) == "True"
        yield griffe.Parameter(
            str(said.get("alias", field.name.lstrip("_"))).strip("'\""),
            annotation=field.annotation,
            kind=griffe.ParameterKind.keyword_only if by_keyword else griffe.ParameterKind.positional_or_keyword,
            default=f"{said['factory']}()" if "factory" in said else said.get("default"),
        )


def _arguments(call: str | griffe.Expr | None) -> dict[str, str | griffe.Expr | None]:
    named = call.arguments if isinstance(call, griffe.ExprCall) else ()
    return {argument.name: argument.value for argument in named if isinstance(argument, griffe.ExprKeyword)}


def _is(expression: str | griffe.Expr, *paths: str) -> bool:
    return isinstance(expression, griffe.Expr) and expression.canonical_path in paths
