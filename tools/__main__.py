"""Follow the provider's description, and say what a change of openapi.yaml or of the Python API means for callers."""

import argparse
import sys
from pathlib import Path

from . import ToolError, api, contract, curate, document, packages, release, update

_BASE = "a branch, a tag or a hash"


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands.

    Returns:
        The exit status. 0: done, or nothing to do. 1: something is to be done. 2: not possible; the reason is printed.
    """
    options = _parser().parse_args(arguments)
    try:
        todo, lines = options.run(options)
    except ToolError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print(*lines, sep="\n", end="\n" if lines else "")  # noqa: T201
    return int(todo)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run, purpose in (
        ("update", _update, "take in the provider's description, and all that follows from it"),
        ("curate", _curate, "write openapi.yaml from upstream/"),
        ("spec-diff", _spec_diff, "compare openapi.yaml with an earlier commit"),
        ("api-diff", _api_diff, "compare the Python API with an earlier commit"),
        ("release-check", _release_check, "check the version and the changelog against what changed"),
        ("release-notes", _release_notes, "print what the changelog says of the version here"),
    ):
        commands.add_parser(name, help=purpose).set_defaults(run=run)
    choices = commands.choices
    choices["update"].add_argument("source", help="a file, or an http or https URL")
    choices["update"].add_argument(
        "--dry-run", action="store_true", help="change nothing; exit with 1 if something is to be done"
    )
    choices["curate"].add_argument(
        "--check", action="store_true", help="change nothing; show the diff, and what lacks words"
    )
    choices["spec-diff"].add_argument("base", help=_BASE)
    choices["api-diff"].add_argument("base", help=_BASE)
    choices["release-check"].add_argument("base", nargs="?", help=f"{_BASE} (default: the newest tag v*)")
    choices["release-notes"].add_argument("tag", help="the tag of the release, such as v0.1.0")
    return parser


def _update(options: argparse.Namespace) -> tuple[bool, list[str]]:
    plan = update.plan(options.source)
    if not options.dry_run:
        plan.carry_out()
    return options.dry_run and bool(plan.files), plan.report


def _curate(options: argparse.Namespace) -> tuple[bool, list[str]]:
    if options.check:
        problems = curate.check()
        return bool(problems), problems
    Path(curate.DESCRIPTION).write_text(curate.text(curate.curated()), encoding="utf-8")
    return False, [f"{curate.DESCRIPTION} matches {curate.OVERLAY}"]


def _spec_diff(options: argparse.Namespace) -> tuple[bool, list[str]]:
    old = release.description_at(options.base)
    return False, contract.spec_diff(old, document.read(curate.DESCRIPTION)).lines


def _api_diff(options: argparse.Namespace) -> tuple[bool, list[str]]:
    return False, api.api_diff(packages.packages_at(options.base), packages.packages_here()).lines


def _release_check(options: argparse.Namespace) -> tuple[bool, list[str]]:
    ready, lines = release.check(options.base or release.last_tag())
    return not ready, lines


def _release_notes(options: argparse.Namespace) -> tuple[bool, list[str]]:
    return False, release.notes(options.tag)


if __name__ == "__main__":
    sys.exit(main())
