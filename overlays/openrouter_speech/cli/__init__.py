"""The command line: `openrouter-speech`.

Commands import their modules on first use, so that `--help` and shell completion are instant.
"""

import os
import signal
import sys
import warnings
from types import FrameType

__all__ = ["main"]

_EXTRA = frozenset({"typer", "rich", "shellingham", "annotated_doc"})
"""The packages of the extra `cli`; typer needs the others."""
_INTERRUPTED = 128 + signal.SIGINT


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command-line arguments, without the program's name; `sys.argv[1:]` by default.

    Returns:
        The exit code: 0 success, 1 failure, 2 wrong usage, 128 + n ended by signal n.
    """
    received = _end_in_order()
    _show_anything()
    warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"
    try:
        from .app import run

        code = run(sys.argv[1:] if arguments is None else arguments)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        print(f"The command line needs {error.name}: pip install 'openrouter-speech[cli]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        code = _INTERRUPTED
    return 128 + received[0] if received and code == _INTERRUPTED else code


def _show_anything() -> None:
    """Escape characters that the terminal's encoding lacks (`\\xe9`), instead of failing.

    A standard stream that was closed before the start is replaced with the null device.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _end_in_order() -> list[int]:
    """Treat SIGTERM and SIGHUP like Ctrl-C. Return a list to which the received signals are added."""
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):  # Ctrl-C is ignored, as for a background job of a script
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP; under nohup it stays ignored
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)
    return received
