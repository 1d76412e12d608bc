"""Report failures: one line, a hint, an exit code."""

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
from .._core.bodies import escaped
from .options import OTHERS, Settings, option_of

REFUSED, WRONG_USAGE, INTERRUPTED, NO_READER = 1, 2, 130, 141
"""Exit codes. 128 + n stands for signal n, as in shells: SIGINT is 2, SIGPIPE 13."""

_DOCTOR = "run openrouter-speech doctor to check the setup"
_LATER = "try later, or wait longer: --retries, --retry-for"
_CHARGED = "you may have been charged; another try may be charged again"


class WrongUsageError(Exception):
    """The command cannot run as given. Nothing was sent."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


_TABLE: tuple[tuple[type[Exception], int, str], ...] = (
    (WrongUsageError, WRONG_USAGE, "--help lists the options and their variables"),
    (errors.ConfigurationError, WRONG_USAGE, _DOCTOR),
    (errors.PlaybackError, REFUSED, ""),
    (errors.BadRequestResponseError, REFUSED, "check model, voice and options; for a long text, use narrate"),
    (errors.UnauthorizedResponseError, REFUSED, "check the key in OPENROUTER_API_KEY, and that it is for this server"),
    (errors.PaymentRequiredResponseError, REFUSED, "add credits to the account of this key"),
    (errors.NotFoundResponseError, REFUSED, "check --model and --server-url"),
    (errors.TooManyRequestsResponseError, REFUSED, _LATER),
    (errors.PayloadTooLargeResponseError, REFUSED, "for a long text, use narrate"),
    (errors.RedirectError, REFUSED, "if the new URL is right, pass it as --server-url"),
    (errors.APIStatusError, REFUSED, "try again later, or allow more retries: --retries, --retry-for"),
    (errors.APITimeoutError, REFUSED, "wait longer: --timeout"),
    (errors.APIConnectionError, REFUSED, _DOCTOR),
    (errors.AudioError, REFUSED, _CHARGED),
    (errors.OpenRouterError, REFUSED, ""),
    (OSError, REFUSED, "free some space, or save elsewhere: -o"),
    (Exception, REFUSED, "--debug shows the traceback"),
)
"""Class, exit code, hint; the first match counts."""


_SAME = (
    "server_url", "check_models", "cache", "http_referer", "x_open_router_title", "x_open_router_categories",
    "retry_maybe_billed", "rate", "shard", "name", "metadata", "upload", "limit", "limit_unit", "concurrency", "folder",
    "heading", "say", "turns", "max_cost",
    "cluster", "convert_to",
)  # fmt: skip
_OPTIONS = (
    {name: f"--{name.replace('_', '-')}" for name in _SAME}
    | {name: option_of(name) for name in OTHERS}
    | {
        "response_format": "--format",
        "timeout_ms": "--timeout",
        "pause_ms": "--pause",
        "voices": "--voice-of",
        "http_headers": "--header",
        "provider.options": "--provider-options",
        "input_references": "--reference",
        "max_retries": "--retries",
        "initial_interval": "--retry-wait",
        "max_interval": "--retry-wait",
        "jitter_ms": "--retry-wait",
        "max_elapsed_time": "--retry-for",
    }
)
"""The option for each parameter that the library's messages start with."""
_PARAMETER = re.compile(rf"({'|'.join(map(re.escape, sorted(_OPTIONS, reverse=True)))})(?=[ .\[])")


def by_option(message: str) -> str:
    """Replace the parameter at the start of a message with the option that sets it."""
    message = message.replace("pass OpenRouter(check_models=False)", "pass --no-check-models")
    return _PARAMETER.sub(lambda match: _OPTIONS[match[0]], message, count=1) if _PARAMETER.match(message) else message


@contextmanager
def before_sending() -> Iterator[None]:
    """Report errors in this block as wrong usage: an invalid value, a file that cannot be written."""
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
    """Run a command inside the block, and turn failures into exit codes.

    Args:
        settings: `debug` adds the traceback, `json` prints an object for programs.
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
    except Exception as error:  # noqa: BLE001  (users of a command see no traceback)
        code, hint = outcome(error)
        if settings.debug:
            traceback.print_exception(error)
        if settings.json:
            print(json.dumps({"error": described(error)}))
        _print(f"Error: {in_words(error)}", [hint, *getattr(error, "__notes__", ())])
        raise typer.Exit(code) from None


def outcome(error: Exception) -> tuple[int, str]:
    """Return the exit code and the hint for an error."""
    code, hint = next((code, hint) for kind, code, hint in _TABLE if isinstance(error, kind))
    if getattr(error, "throttled", False):
        hint = _LATER
    elif isinstance(error, errors.APIStatusError) and error.maybe_billed:
        hint = _CHARGED
    return code, getattr(error, "hint", "") or hint


def in_words(error: Exception) -> str:
    """Return the message of an error; for system errors, without the errno."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, errors.OpenRouterError):
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def described(error: Exception) -> dict[str, Any]:
    """Describe an error for programs."""
    names = ("status_code", "retry_after", "generation_id", "maybe_billed")
    return {
        "type": type(error).__name__,
        "message": in_words(error),
        **({"notes": notes} if (notes := getattr(error, "__notes__", None)) else {}),
        **{name: getattr(error, name) for name in names if getattr(error, name, None) is not None},
    }


def one_line(text: str) -> str:
    """Put a text on one line, and escape it: the message may come from a server."""
    return escaped(" ".join(text.split()))


def _print(message: str, hints: list[str]) -> None:
    print(one_line(message), file=sys.stderr)
    for hint in filter(None, hints):
        print(f"Hint: {one_line(hint)}", file=sys.stderr)


def _forget_stdout() -> None:
    """Redirect standard output to nowhere: Python flushes it on exit, and would report the broken pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
