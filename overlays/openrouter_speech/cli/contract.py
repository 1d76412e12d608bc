"""`openrouter-speech contract`: test a server against the description."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import typer

from .._core.bodies import escaped
from .failures import one_line

_BROKEN, _BAD_INPUT, _INTERRUPTED = 1, 2, 130


def contract(
    url: str,
    *,
    key_env: str,
    live: bool,
    seed: str | None,
    examples: int | None,
    spec: Path | None,
    fail_under: float,
    reports: Mapping[str, Path | None],
) -> None:
    """Run the command.

    Args:
        url: The base URL of the server.
        key_env: The variable with the key.
        live: Whether to send few requests.
        seed: A number, or `random`.
        examples: The number of generated requests.
        spec: The description, if not the one of this package.
        fail_under: The coverage that is needed, in percent.
        reports: The files to write, by the name of the report's method.
    """
    try:
        from ..contract import EXAMPLES, InputError, random_seed, run
    except ModuleNotFoundError as error:  # its message names the extra
        raise _refused(str(error)) from None
    key = os.environ.get(key_env, "").strip()
    if not key:
        raise _refused(f"{key_env} is not set: it has to hold a key of the server; --key-env names another variable")
    if seed not in {None, "random"} and not seed.isdecimal():
        raise _refused("--seed must be a number of at least 0, or random")
    number = None if seed is None else random_seed() if seed == "random" else int(seed)
    files = {name: path for name, path in reports.items() if path is not None}
    for path in files.values():
        if path.is_dir() or not path.parent.is_dir():
            raise _refused(f"{path} cannot be written: {'it' if path.is_dir() else path.parent} is "
                           f"{'a folder' if path.is_dir() else 'no folder'}")  # fmt: skip
    try:
        report = run(
            url, key, live=live, seed=number, examples=examples or EXAMPLES, description=spec, key_name=key_env
        )
    except InputError as error:
        raise _refused(str(error)) from None
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None
    print(*(escaped(line) for line in report.text().split("\n")), sep="\n")
    for name, path in files.items():
        path.write_text(getattr(report, name)(), encoding="utf-8")
    if report.percent < fail_under:
        print(f"The coverage of {report.percent:.1f}% is less than --fail-under {fail_under:g}.", file=sys.stderr)
    raise typer.Exit(_BROKEN if report.broken or report.stopped or report.percent < fail_under else 0)


def _refused(message: str) -> typer.Exit:
    print(f"Error: {one_line(message)}", file=sys.stderr)
    return typer.Exit(_BAD_INPUT)
