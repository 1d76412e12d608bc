"""What a failure looks like: one line, a hint, an exit code."""

import json
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from .. import errors
from ..bodies import escaped
from .options import Settings

REFUSED, WRONG_USAGE, INTERRUPTED, NO_READER = 1, 2, 130, 141
"""Exit codes; 128 + n stands for signal n, as shells have it: SIGINT is 2, SIGPIPE 13."""

_DOCTOR = "openrouter-speech doctor says what is set up and what is not"
_LATER = "try later, or wait longer: --retries, --retry-for"
_CHARGED = "it may have been charged, and asking again may be charged again"


class WrongUsageError(Exception):
    """The command cannot be carried out as it was given. Nothing was sent."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


_TABLE: tuple[tuple[type[Exception], int, str], ...] = (
    (WrongUsageError, WRONG_USAGE, "--help lists the options, and the variables that set them"),
    (errors.ConfigurationError, WRONG_USAGE, _DOCTOR),
    (errors.PlaybackError, REFUSED, ""),
    (errors.BadRequestResponseError, REFUSED, "check model, voice and options; narrate cuts texts that are too long"),
    (errors.UnauthorizedResponseError, REFUSED, "check the key in OPENROUTER_API_KEY, and the server that it is for"),
    (errors.PaymentRequiredResponseError, REFUSED, "add credit to the account of this key"),
    (errors.NotFoundResponseError, REFUSED, "check --model and --server-url"),
    (errors.TooManyRequestsResponseError, REFUSED, _LATER),
    (errors.RedirectError, REFUSED, "if the new address is right, give it as --server-url"),
    (errors.APIStatusError, REFUSED, "try again later, or more often: --retries, --retry-for"),
    (errors.APITimeoutError, REFUSED, "wait longer: --timeout"),
    (errors.APIConnectionError, REFUSED, _DOCTOR),
    (errors.AudioError, REFUSED, _CHARGED),
    (errors.OpenRouterError, REFUSED, ""),
    (OSError, REFUSED, "free some space, or name another place: -o"),
    (Exception, REFUSED, "--debug shows where"),
)
"""Class, exit code, hint; the first row that fits counts."""


_SAME = (
    "model", "voice", "speed", "server_url", "http_referer", "x_open_router_title", "x_open_router_categories",
    "retry_maybe_billed", "limit", "limit_unit", "concurrency", "folder",
)  # fmt: skip
_OPTIONS = {name: f"--{name.replace('_', '-')}" for name in _SAME} | {
    "response_format": "--format",
    "timeout_ms": "--timeout",
    "pause_ms": "--pause",
    "http_headers": "--header",
    "provider": "--provider-options",
    "max_retries": "--retries",
    "initial_interval": "--retry-wait",
    "max_interval": "--retry-wait",
    "jitter_ms": "--retry-wait",
    "max_elapsed_time": "--retry-for",
}
"""The option for each parameter that a message of the library begins with."""
_PARAMETER = re.compile(rf"({'|'.join(_OPTIONS)})(?=[ .\[])")


def by_option(message: str) -> str:
    """A message about a parameter as one about the option that sets it."""
    return _PARAMETER.sub(lambda match: _OPTIONS[match[0]], message, count=1) if _PARAMETER.match(message) else message


@contextmanager
def before_sending() -> Iterator[None]:
    """What goes wrong in this block is wrong usage: a value that cannot be, a file that cannot be written."""
    try:
        yield
    except errors.OpenRouterError as error:
        if (message := by_option(str(error))) != str(error):
            raise WrongUsageError(message) from error
        raise
    except (TypeError, ValueError, OSError) as error:
        raise WrongUsageError(by_option(in_words(error))) from error


@contextmanager
def reported(settings: Settings, *, interrupted: str = "") -> Iterator[None]:
    """Carry out a command; a failure in it becomes an exit code.

    Args:
        settings: Whether a traceback (`debug`), or an object for programs (`json`), goes with it.
        interrupted: The hint after Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        _print("Interrupted.", [interrupted])
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _forget_stdout()
        raise typer.Exit(NO_READER) from None
    except Exception as error:  # noqa: BLE001  (the user of a command is shown no traceback, whatever it was)
        code, hint = outcome(error)
        if settings.debug:
            traceback.print_exception(error)
        if settings.json:
            print(json.dumps({"error": described(error)}))
        _print(f"Error: {in_words(error)}", [hint, *getattr(error, "__notes__", ())])
        raise typer.Exit(code) from None


def outcome(error: Exception) -> tuple[int, str]:
    """The exit code and the hint for an error."""
    code, hint = next((code, hint) for kind, code, hint in _TABLE if isinstance(error, kind))
    if getattr(error, "throttled", False):
        hint = _LATER
    elif isinstance(error, errors.APIStatusError) and error.maybe_billed:
        hint = _CHARGED
    return code, getattr(error, "hint", "") or hint


def in_words(error: Exception) -> str:
    """What an error says; of the system's errors without their number."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, errors.OpenRouterError):
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def described(error: Exception) -> dict[str, Any]:
    """An error for programs."""
    names = ("status_code", "retry_after", "generation_id", "maybe_billed")
    return {
        "type": type(error).__name__,
        "message": in_words(error),
        **({"notes": notes} if (notes := getattr(error, "__notes__", None)) else {}),
        **{name: getattr(error, name) for name in names if getattr(error, name, None) is not None},
    }


def one_line(text: str) -> str:
    """A text without line breaks, and otherwise escaped: a message may come from a server."""
    return escaped(" ".join(text.split()))


def _print(message: str, hints: list[str]) -> None:
    print(one_line(message), file=sys.stderr)
    for hint in filter(None, hints):
        print(f"Hint: {one_line(hint)}", file=sys.stderr)


def _forget_stdout() -> None:
    """Python flushes standard output at its end, and would complain that nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
