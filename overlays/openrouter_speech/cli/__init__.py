"""The command line: `openrouter-speech`.

Modules are loaded when a command needs them, so that `--help` and shell completion answer at once.
"""

import os
import signal
import sys
import warnings
from types import FrameType

__all__ = ["main"]

_EXTRA = frozenset({"typer", "rich", "shellingham", "annotated_doc"})
"""What the extra `cli` brings; typer needs the others."""
_INTERRUPTED = 128 + signal.SIGINT


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What stands behind the program's name; those of this process by default.

    Returns:
        The exit code: 0 done, 1 refused by the service or the network, 2 wrong usage, 128 + n ended by signal n.
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
    """Have what the terminal's encoding lacks written as in Python (`\\xe9`): no title is worth failing for.

    A standard stream that was closed before the start reads nothing, and shows nothing.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _end_in_order() -> list[int]:
    """Have a polite request to end, or a terminal that goes away, do what Ctrl-C does; returns what will have come."""
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):  # Ctrl-C is ignored, as in a script's background
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP; nohup has it ignored, which stays so
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)
    return received
