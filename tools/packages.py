"""The two import packages as griffe reads them, without running them: as they are here, or as they were at a commit.

What callers can rely on, and what is internal, is decided here:

- `openrouter_speech`: what stands in the `__all__` of a module whose path has no underscore.
- `openrouter_speech_api`: all its modules; of the models, what the package `models` exports.
- In a module that has `__all__`, what that names; elsewhere, what is defined there. Never a name with an underscore.
- What a public class inherits is public, wherever its base stands.
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

logging.getLogger("griffe").addHandler(logging.NullHandler())  # what it cannot follow is no matter for the reader


class PackageError(Exception):
    """A package that cannot be read. The message is a sentence for the person who asked for it."""


@dataclass(frozen=True)
class Packages:
    """The packages at one moment: what griffe has read, and their files."""

    modules: list[Module]
    files: dict[str, bytes]


def packages_here() -> Packages:
    """As they are in the current folder.

    Raises:
        PackageError: One is not there, or is not Python.
    """
    return _read(Path(), "")


def packages_at(ref: str) -> Packages:
    """As they were at a commit.

    Raises:
        RepositoryError: git knows no such commit, or it has no such package.
        PackageError: One is not Python.
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
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, for older Pythons
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise PackageError(f"{name} is not Python{line}: {getattr(error, 'msg', error)}.") from error


def _prepare(module: Module, package: Module) -> None:
    """Mark what is internal, and write out the constructors of its classes."""
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
    if package.path == "openrouter_speech":  # a package without names of its own leads to those of its modules
        return module.exports is not None or module.is_package
    return not name.startswith("models.")
