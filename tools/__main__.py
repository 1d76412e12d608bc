"""Compare openapi.yaml with the provider's description, and compare it and the Python API with earlier versions."""

import argparse
import json
import sys
from pathlib import Path

from . import api, curate, deviations, document, history, packages, release, repository, upstream
from .semver import Changes

_UNUSABLE = (document.DescriptionError, packages.PackageError, repository.RepositoryError)
_BASE = "a branch, a tag or a hash"


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands.

    Returns:
        The exit status. 0: nothing to do. 1: upstream differs, or the release is not ready. 2: unreadable input.
    """
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except _UNUSABLE as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--ours", default="openapi.yaml", help="our description (default: openapi.yaml)")
    common.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    diff = commands.add_parser("upstream-diff", parents=[common], help="compare with the provider's description")
    diff.add_argument("upstream", help="a file, or an http or https URL")
    diff.add_argument(
        "--deviations",
        default="docs/deviations.yaml",
        help="the deliberate differences (default: docs/deviations.yaml)",
    )
    curated = commands.add_parser("curate", help="write openapi.yaml from upstream/")
    curated.add_argument("--check", action="store_true", help="write nothing; show the diff, and what has no words yet")
    diff = commands.add_parser("spec-diff", parents=[common], help="compare openapi.yaml with an earlier commit")
    diff.add_argument("base", help=_BASE)
    diff = commands.add_parser("api-diff", help="compare the Python API with an earlier commit")
    diff.add_argument("--json", action="store_true", help="print JSON instead of lines")
    diff.add_argument("base", help=_BASE)
    check = commands.add_parser("release-check", help="check the version and the changelog against what changed")
    check.add_argument("base", nargs="?", help=f"{_BASE} (default: the newest tag v*)")
    return parser


def _upstream_diff(options: argparse.Namespace) -> int:
    entries = deviations.load(options.deviations)
    findings = upstream.upstream_diff(document.read(options.ours), document.read(options.upstream), entries)
    if options.json:
        _print_json({"differences": [finding.as_dict("ours", "upstream") for finding in findings]})
    else:
        lines = [str(finding) for finding in findings] or [f"No differences besides those in {options.deviations}"]
        print(*lines, sep="\n")  # noqa: T201
    return 1 if findings else 0


def _curate(options: argparse.Namespace) -> int:
    if not options.check:
        Path(curate.DESCRIPTION).write_text(curate.text(curate.curated()))
        print(f"{curate.DESCRIPTION} matches {curate.OVERLAY}")  # noqa: T201
        return 0
    problems = curate.check()
    print(*problems, sep="\n" if problems else "")  # noqa: T201
    return 1 if problems else 0


def _spec_diff(options: argparse.Namespace) -> int:
    _print_changes(history.spec_diff(history.read_at(options.base, options.ours), document.read(options.ours)), options)
    return 0


def _api_diff(options: argparse.Namespace) -> int:
    _print_changes(api.api_diff(packages.packages_at(options.base), packages.packages_here()), options)
    return 0


def _release_check(options: argparse.Namespace) -> int:
    report = release.check(options.base or release.last_tag())
    print(*report.lines, sep="\n")  # noqa: T201
    return 1 if report.problems else 0


def _print_changes(changes: Changes, options: argparse.Namespace) -> None:
    if options.json:
        _print_json(changes.as_dict())
    else:
        print(*changes.findings, changes.verdict, sep="\n")  # noqa: T201


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


_COMMANDS = {
    "upstream-diff": _upstream_diff,
    "curate": _curate,
    "spec-diff": _spec_diff,
    "api-diff": _api_diff,
    "release-check": _release_check,
}

if __name__ == "__main__":
    sys.exit(main())
