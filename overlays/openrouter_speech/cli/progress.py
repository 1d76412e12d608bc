"""Show the progress of a command: a bar on a terminal, nothing in a pipe."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._core.bodies import escaped
from .._core.retries import logger
from .failures import one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Watcher:
    """Receives the progress of the work. This one shows nothing."""

    def show(self, details: str, done: float = 0, total: float | None = None) -> None:
        """Show the progress; without a total, only that the work goes on."""

    def note(self, text: str) -> None:
        """Show an event, such as a retry."""


class _Bar(Watcher):
    def __init__(self, progress: "Progress", task: "TaskID") -> None:
        self._progress, self._task = progress, task

    def show(self, details: str, done: float = 0, total: float | None = None) -> None:
        self._progress.update(self._task, completed=done, total=total, details=details)

    def note(self, text: str) -> None:
        self._progress.update(self._task, details=text, refresh=True)  # the next update may take a while


class _Notes(logging.Handler):
    """Passes log messages of the library on: which attempt failed, when the next one is."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__(logging.INFO)
        self._watcher = watcher

    def emit(self, record: logging.LogRecord) -> None:
        self._watcher.note(one_line(record.getMessage()))


@contextmanager
def watched(name: str, *, debug: bool) -> Iterator[Watcher]:
    """Show a bar on standard error during the block, if that is a terminal.

    Args:
        name: The title of the bar.
        debug: Log each attempt instead.
    """
    if debug:
        with _logged(logging.StreamHandler(), logging.DEBUG):
            yield Watcher()
    elif not sys.stderr.isatty():
        yield Watcher()
    else:
        with _bar(name) as bar, _logged(_Notes(bar), logging.INFO):
            yield bar


@contextmanager
def _logged(handler: logging.Handler, level: int) -> Iterator[None]:
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


@contextmanager
def _bar(name: str) -> Iterator[Watcher]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    console = Console(stderr=True)
    columns = (
        SpinnerColumn("dots" if console.encoding.startswith("utf") else "line"),
        TextColumn(escape(escaped(name)), table_column=Column(no_wrap=True, overflow="ellipsis", max_width=24)),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[details]}", table_column=Column(no_wrap=True, overflow="ellipsis"), markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, progress.add_task("", total=None, details="waiting for the first audio"))


def length(seconds: float, *, exactly: bool = True) -> str:
    """Format a duration: `7.84 s`, `12:34` or `1:02:03`."""
    if seconds < 60:
        return f"{seconds:.2f} s" if exactly else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def counted(number: int, noun: str) -> str:
    """`1,234 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(count: float) -> str:
    """Format a size: `812 bytes`, `20.1 kB` or `3.4 MB`."""
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} GB"
