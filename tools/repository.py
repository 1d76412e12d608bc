"""What git knows of this project: commits, tags, and files as they were."""

import io
import subprocess
import zipfile
from pathlib import Path


class RepositoryError(Exception):
    """git does not have what was asked for. The message is a sentence for the person who named it."""


def commit_of(ref: str, folder: Path) -> str:
    """The hash of a branch, a tag or a hash.

    Raises:
        RepositoryError: git knows no such commit.
    """
    # What is asked for ends in ^{commit}, so that a ref that is an option of git (some write files) is no longer one.
    problem = f"git knows no commit {ref!r} here"
    return _git(folder, problem, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()


def file_at(ref: str, path: str) -> bytes:
    """A file as it was at a commit.

    Raises:
        RepositoryError: git knows no such commit, or it has no such file.
    """
    folder, name = Path(path).resolve().parent, Path(path).name
    commit = commit_of(ref, folder)
    return _git(folder, f"The commit {ref} has no {path}", "show", f"{commit}:./{name}")


def unpack(ref: str, path: str, target: Path) -> None:
    """Write a folder of the current one, as it was at a commit, into another. The repository is only read.

    Raises:
        RepositoryError: git knows no such commit, or it has no such folder.
    """
    here = Path.cwd()
    commit = commit_of(ref, here)
    archive = _git(here, f"The commit {ref} has no {path}", "archive", "--format=zip", "-0", commit, path)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(target)


def tags(pattern: str) -> list[str]:
    """The tags of that form, on the commits that the current one builds on.

    Raises:
        RepositoryError: There is no repository, or no commit.
    """
    listed = _git(Path.cwd(), "The tags cannot be listed", "tag", "--list", pattern, "--merged", "HEAD")
    return listed.decode().split()


def _git(folder: Path, problem: str, *arguments: str) -> bytes:
    """What git prints; the problem is what it means when git fails."""
    try:
        result = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except (OSError, ValueError) as error:
        raise RepositoryError(f"git cannot be run: {error}.") from error
    if result.returncode:
        reason = result.stderr.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
        raise RepositoryError(f"{problem}: {reason}." if reason else f"{problem}.")
    return result.stdout
