"""`openrouter-speech contract`: test a server against the description, or watch an application's requests to it."""

import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from .._core.bodies import escaped
from .failures import one_line

if TYPE_CHECKING:
    from ..contract import Report

_NOTICED = 0.2
"""Seconds until a signal ends the proxy."""
_BROKEN, _BAD_INPUT, _INTERRUPTED = 1, 2, 130


def contract(
    url: str | None,
    *,
    key_env: str,
    proxy: str | None,
    port: int | None,
    live: bool,
    seed: str | None,
    examples: int | None,
    spec: Path | None,
    fail_under: float,
    reports: Mapping[str, Path | None],
) -> None:
    """Run the command.

    Args:
        url: The base URL of the server to send requests to.
        key_env: The variable with the key.
        proxy: The base URL of the server to pass requests on to, in place of `url`.
        port: The port of the proxy.
        live: Whether to send few requests.
        seed: A number, or `random`.
        examples: The number of generated requests.
        spec: The description, if not the one of this package.
        fail_under: The coverage that is needed, in percent.
        reports: The files to write, by the name of the report's attribute.
    """
    try:
        from ..contract import InputError
    except ModuleNotFoundError as error:  # its message names the extra
        raise _refused(str(error)) from None
    if (url is None) == (proxy is None):
        raise _refused("name one server: URL to test it, or --proxy URL to watch an application's requests to it")
    files = {name: path for name, path in reports.items() if path is not None}
    given = {
        "--live": live, "--seed": seed is not None, "--examples": examples is not None, "--har": "har" in files,
    }  # fmt: skip
    if proxy is not None and any(given.values()):
        raise _refused(f"{next(name for name in given if given[name])} is for requests of our own, not for --proxy")
    if proxy is None and port is not None:
        raise _refused("--port is the port of the proxy: it needs --proxy")
    for path in files.values():
        if path.is_dir() or not path.parent.is_dir():
            raise _refused(f"{path} cannot be written: {'it' if path.is_dir() else path.parent} is "
                           f"{'a folder' if path.is_dir() else 'no folder'}")  # fmt: skip
    try:
        if proxy is not None:
            report = _watched(proxy, port or 0, spec)
        else:
            report = _tested(str(url), key_env, live=live, seed=seed, examples=examples, spec=spec, har="har" in files)
    except InputError as error:
        raise _refused(str(error)) from None
    _end(report, fail_under, files)


def _tested(
    url: str, key_env: str, *, live: bool, seed: str | None, examples: int | None, spec: Path | None, har: bool
) -> "Report":
    from ..contract import EXAMPLES, random_seed, run

    key = os.environ.get(key_env, "").strip()
    if not key:
        raise _refused(f"{key_env} is not set: it has to hold a key of the server; --key-env names another variable")
    if seed not in {None, "random"} and not seed.isdecimal():
        raise _refused("--seed must be a number of at least 0, or random")
    number = None if seed is None else random_seed() if seed == "random" else int(seed)
    try:
        return run(
            url, key, live=live, seed=number, examples=examples or EXAMPLES, description=spec, key_name=key_env, har=har
        )
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None


def _watched(url: str, port: int, spec: Path | None) -> "Report":
    from ..contract import Proxy

    try:
        proxy = Proxy(url, port=port, description=spec)
    except OSError as error:
        raise _refused(f"port {port} cannot be used: {error.strerror}") from None
    with proxy, suppress(KeyboardInterrupt):
        print(f"{proxy.url} passes requests on to {url}. Ctrl-C ends it, with a report.", flush=True)
        # Another thread may be given the signal, which does not wake this one.
        while not threading.Event().wait(_NOTICED):
            pass
    return proxy.report()


def _end(report: "Report", fail_under: float, files: Mapping[str, Path]) -> NoReturn:
    """Show and write a report, and exit as it says."""
    print(*(escaped(line) for line in report.text().split("\n")), sep="\n")
    for name, path in files.items():
        content = getattr(report, name)
        path.write_text(content if isinstance(content, str) else content(), encoding="utf-8")
    if not report.requests:
        raise _refused("no request came to the proxy: the application needs its URL as the base URL")
    if report.percent < fail_under:
        print(f"The coverage of {report.percent:.1f}% is less than --fail-under {fail_under:g}.", file=sys.stderr)
    raise typer.Exit(_BROKEN if report.broken or report.stopped or report.percent < fail_under else 0)


def _refused(message: str) -> typer.Exit:
    print(f"Error: {one_line(message)}", file=sys.stderr)
    return typer.Exit(_BAD_INPUT)
