"""Read commits, tags and old files from git."""

import io
import subprocess
import zipfile
from pathlib import Path


class RepositoryError(Exception):
    """git does not have the commit or file. The message is a full sentence for the user."""


def commit_of(ref: str, folder: Path) -> str:
    """Resolve a branch, a tag or a hash to the hash of its commit.

    Raises:
        RepositoryError: There is no such commit.
    """
    # The suffix ^{commit} keeps a ref such as --output=file from being read as an option of git.
    problem = f"git knows no commit {ref!r} here"
    return _git(folder, problem, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()


def file_at(ref: str, path: str) -> bytes:
    """Read a file at a commit.

    Raises:
        RepositoryError: There is no such commit, or no such file in it.
    """
    folder, name = Path(path).resolve().parent, Path(path).name
    commit = commit_of(ref, folder)
    return _git(folder, f"The commit {ref} has no {path}", "show", f"{commit}:./{name}")


def unpack(ref: str, path: str, target: Path) -> None:
    """Extract a folder at a commit into another folder. The repository is only read.

    Raises:
        RepositoryError: There is no such commit, or no such folder in it.
    """
    here = Path.cwd()
    commit = commit_of(ref, here)
    archive = _git(here, f"The commit {ref} has no {path}", "archive", "--format=zip", "-0", commit, path)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(target)


def tags(pattern: str) -> list[str]:
    """List the tags that match a pattern in the history of the current commit.

    Raises:
        RepositoryError: There is no repository, or no commit.
    """
    listed = _git(Path.cwd(), "The tags cannot be listed", "tag", "--list", pattern, "--merged", "HEAD")
    return listed.decode().split()


def _git(folder: Path, problem: str, *arguments: str) -> bytes:
    """Run git and return its output. `problem` begins the error message if git fails."""
    try:
        result = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except (OSError, ValueError) as error:
        raise RepositoryError(f"git cannot be run: {error}.") from error
    if result.returncode:
        reason = result.stderr.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
        raise RepositoryError(f"{problem}: {reason}." if reason else f"{problem}.")
    return result.stdout
