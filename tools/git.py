"""Read commits, tags and old files from git."""

import io
import subprocess
import zipfile
from pathlib import Path

from . import ToolError


def file_at(ref: str, path: str) -> bytes:
    """Read a file at a commit."""
    return _git(f"The commit {ref} has no {path}", "show", f"{_commit(ref)}:./{path}")


def unpack(ref: str, path: str, target: Path) -> None:
    """Extract a folder at a commit into another folder. The repository is only read."""
    archive = _git(f"The commit {ref} has no {path}", "archive", "--format=zip", "-0", _commit(ref), path)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(target)


def tags(pattern: str) -> list[str]:
    """List the tags that match a pattern in the history of the current commit."""
    return _git("The tags cannot be listed", "tag", "--list", pattern, "--merged", "HEAD").decode().split()


def _commit(ref: str) -> str:
    """Resolve a branch, a tag or a hash to the hash of its commit."""
    # The suffix ^{commit} keeps a ref such as --output=file from being read as an option of git.
    found = _git(f"git knows no commit {ref!r} here", "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return found.decode().strip()


def _git(problem: str, *arguments: str) -> bytes:
    """Run git and return its output. `problem` begins the error message if git fails."""
    try:
        result = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except (OSError, ValueError) as error:
        raise ToolError(f"git cannot be run: {error}.") from error
    if result.returncode:
        reason = result.stderr.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
        raise ToolError(f"{problem}: {reason}." if reason else f"{problem}.")
    return result.stdout
