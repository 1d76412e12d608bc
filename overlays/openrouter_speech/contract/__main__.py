"""Compare openapi.yaml with the provider's description, or with what it was at a commit."""

import argparse
import json
import sys

from . import deviations, document, history, upstream


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two commands.

    Returns:
        The exit status. 0: nothing to do. 1: upstream differs. 2: something cannot be read.
    """
    options = _parser().parse_args(arguments)
    try:
        return _upstream_diff(options) if options.command == "upstream-diff" else _spec_diff(options)
    except document.DescriptionError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--ours", default="openapi.yaml", help="our description (default: openapi.yaml)")
    common.add_argument("--json", action="store_true", help="print JSON in place of lines")
    parser = argparse.ArgumentParser(prog="python -m openrouter_speech.contract", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    diff = commands.add_parser("upstream-diff", parents=[common], help="compare with the provider's description")
    diff.add_argument("upstream", help="a file, or an http or https URL")
    diff.add_argument("--deviations", default="docs/deviations.yaml", help="what differs on purpose")
    diff = commands.add_parser("spec-diff", parents=[common], help="compare with what it was at a commit")
    diff.add_argument("base", help="a branch, a tag or a hash")
    return parser


def _upstream_diff(options: argparse.Namespace) -> int:
    entries = deviations.load(options.deviations)
    findings = upstream.upstream_diff(document.read(options.ours), document.read(options.upstream), entries)
    if options.json:
        _print_json({"differences": [finding.as_dict("ours", "upstream") for finding in findings]})
    else:
        lines = [str(finding) for finding in findings] or [f"Nothing differs but what {options.deviations} allows"]
        print(*lines, sep="\n")  # noqa: T201
    return 1 if findings else 0


def _spec_diff(options: argparse.Namespace) -> int:
    result = history.spec_diff(history.read_at(options.base, options.ours), document.read(options.ours))
    if options.json:
        findings = [finding.as_dict("before", "now") for finding in result.findings]
        _print_json({"version_step": result.step, "differences": findings})
    else:
        print(*result.findings, result.verdict, sep="\n")  # noqa: T201
    return 0


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
