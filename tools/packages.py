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

from griffe import Class, GriffeLoader, Module

from .constructors import add_constructor
from .repository import unpack

PACKAGES = ("generated/openrouter_speech_api", "overlays/openrouter_speech")

logging.getLogger("griffe").addHandler(logging.NullHandler())  # what griffe cannot resolve does not concern the user


class PackageError(Exception):
    """A package cannot be read. The message is a full sentence for the user."""


@dataclass(frozen=True)
class Packages:
    """One version of the packages: griffe's modules, and the files."""

    modules: list[Module]
    files: dict[str, bytes]


def packages_here() -> Packages:
    """Load the packages from the current folder.

    Raises:
        PackageError: A package is missing, or is not Python.
    """
    return _read(Path(), "")


def packages_at(ref: str) -> Packages:
    """Load the packages at a commit.

    Raises:
        RepositoryError: There is no such commit, or no such package in it.
        PackageError: A package is not Python.
    """
    with TemporaryDirectory(prefix="openrouter-speech-") as folder:
        for package in PACKAGES:
            unpack(ref, package, Path(folder))
        return _read(Path(folder), f" at {ref}")


def _read(root: Path, when: str) -> Packages:
    files: dict[str, bytes] = {}
    for package in PACKAGES:
        if not (root / package / "__init__.py").is_file():
            raise PackageError(f"There is no package {package}{when or ' here'}.")
        files |= _files(root, root / package)
    for name, content in files.items():
        if name.endswith(".py"):
            _check(name + when, content)
    loader = GriffeLoader(
        search_paths=[root / Path(package).parent for package in PACKAGES], allow_inspection=False, store_source=False
    )
    modules = [loader.load(Path(package).name, try_relative_path=False) for package in PACKAGES]
    loader.resolve_aliases(implicit=True, external=False)
    found = [module for module in modules if isinstance(module, Module)]
    for module in found:
        _prepare(module, module)
    return Packages(found, files)


def _files(root: Path, package: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _check(name: str, content: bytes) -> None:
    try:
        ast.parse(content)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, in older Pythons
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise PackageError(f"{name} is not Python{line}: {getattr(error, 'msg', error)}.") from error


def _prepare(module: Module, package: Module) -> None:
    """Mark the public modules, and add implicit constructors to the classes."""
    for member in list(module.members.values()):
        if isinstance(member, Module):
            member.public = _is_public(member, package)
            _prepare(member, package)
        elif isinstance(member, Class):
            add_constructor(member)


def _is_public(module: Module, package: Module) -> bool:
    name = module.path.removeprefix(f"{package.path}.")
    if "._" in f".{name}":
        return False
    if package.path == "openrouter_speech":  # a package without __all__ still leads to its modules
        return module.exports is not None or module.is_package
    return not name.startswith("models.")
