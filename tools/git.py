"""Read commits, tags and old files from git."""

import io
import subprocess
import zipfile
from pathlib import Path


class GitError(Exception):
    """git does not have the commit or file. The message is a full sentence for the user."""


def file_at(ref: str, path: str) -> bytes:
    """Read a file at a commit.

    Raises:
        GitError: There is no such commit, or no such file in it.
    """
    return _git(f"The commit {ref} has no {path}", "show", f"{_commit(ref)}:./{path}")


def unpack(ref: str, path: str, target: Path) -> None:
    """Extract a folder at a commit into another folder. The repository is only read.

    Raises:
        GitError: There is no such commit, or no such folder in it.
    """
    archive = _git(f"The commit {ref} has no {path}", "archive", "--format=zip", "-0", _commit(ref), path)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(target)


def tags(pattern: str) -> list[str]:
    """List the tags that match a pattern in the history of the current commit.

    Raises:
        GitError: There is no repository, or no commit.
    """
    return _git("The tags cannot be listed", "tag", "--list", pattern, "--merged", "HEAD").decode().split()


def _commit(ref: str) -> str:
    """Resolve a branch, a tag or a hash to the hash of its commit."""
    # The suffix ^{commit} keeps a ref such as --output=file from being read as an option of git.
    return (
        _git(f"git knows no commit {ref!r} here", "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        .decode()
        .strip()
    )


def _git(problem: str, *arguments: str) -> bytes:
    """Run git and return its output. `problem` begins the error message if git fails."""
    try:
        result = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be run: {error}.") from error
    if result.returncode:
        reason = result.stderr.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
        raise GitError(f"{problem}: {reason}." if reason else f"{problem}.")
    return result.stdout
