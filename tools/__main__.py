"""Follow the provider's description, and say what a change of openapi.yaml or of the Python API means for callers."""

import argparse
import sys
from pathlib import Path

from . import api, contract, curate, document, git, packages, release, update

_UNUSABLE = (
    document.DescriptionError, packages.PackageError, git.GitError, update.UpdateError, release.ReleaseError,
)  # fmt: skip
_BASE = "a branch, a tag or a hash"


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands.

    Returns:
        The exit status. 0: done, or nothing to do. 1: something is to be done. 2: not possible; the reason is printed.
    """
    options = _parser().parse_args(arguments)
    try:
        status, lines = _COMMANDS[options.command](options)
    except _UNUSABLE as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print(*lines, sep="\n", end="\n" if lines else "")  # noqa: T201
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("update", help="take in the provider's description, and all that follows from it")
    command.add_argument("source", help="a file, or an http or https URL")
    command.add_argument(
        "--dry-run", action="store_true", help="change nothing; exit with 1 if something is to be done"
    )
    command = commands.add_parser("curate", help="write openapi.yaml from upstream/")
    command.add_argument("--check", action="store_true", help="change nothing; show the diff, and what lacks words")
    for name, what in (("spec-diff", "openapi.yaml"), ("api-diff", "the Python API")):
        command = commands.add_parser(name, help=f"compare {what} with an earlier commit")
        command.add_argument("base", help=_BASE)
    command = commands.add_parser("release-check", help="check the version and the changelog against what changed")
    command.add_argument("base", nargs="?", help=f"{_BASE} (default: the newest tag v*)")
    command = commands.add_parser("release-notes", help="print what the changelog says of the version here")
    command.add_argument("tag", help="the tag of the release, such as v0.1.0")
    return parser


def _update(options: argparse.Namespace) -> tuple[int, list[str]]:
    plan = update.plan(options.source)
    if not options.dry_run:
        plan.carry_out()
    return int(options.dry_run and bool(plan.files)), plan.report


def _curate(options: argparse.Namespace) -> tuple[int, list[str]]:
    if options.check:
        problems = curate.check()
        return int(bool(problems)), problems
    Path(curate.DESCRIPTION).write_text(curate.text(curate.curated()), encoding="utf-8")
    return 0, [f"{curate.DESCRIPTION} matches {curate.OVERLAY}"]


def _spec_diff(options: argparse.Namespace) -> tuple[int, list[str]]:
    old = release.description_at(options.base)
    return 0, contract.spec_diff(old, document.read(curate.DESCRIPTION)).lines


def _api_diff(options: argparse.Namespace) -> tuple[int, list[str]]:
    return 0, api.api_diff(packages.packages_at(options.base), packages.packages_here()).lines


def _release_check(options: argparse.Namespace) -> tuple[int, list[str]]:
    ready, lines = release.check(options.base or release.last_tag())
    return int(not ready), lines


def _release_notes(options: argparse.Namespace) -> tuple[int, list[str]]:
    return 0, release.notes(options.tag)


_COMMANDS = {
    "update": _update,
    "curate": _curate,
    "spec-diff": _spec_diff,
    "api-diff": _api_diff,
    "release-check": _release_check,
    "release-notes": _release_notes,
}

if __name__ == "__main__":
    sys.exit(main())
