"""Write down what happens, in a thread of its own that commits in groups.

One commit takes the time of a disk, however many changes are in it. So what comes up during one is written with the
next. Each kind of change is one statement for the whole group: SQLite works on it without Python, and the thread hardly
ever takes the interpreter from the one that sends.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from queue import SimpleQueue
from time import sleep
from typing import Any

from attrs import define

from .ledger import connect, explained
from .results import State
from .store import Facts

_STATEMENTS = {
    "ended": """
        UPDATE rows SET state = json_extract(of.value, '$[1]'), error = json_extract(of.value, '$[2]'),
            finished = json_extract(of.value, '$[3]'), lost = lost + json_extract(of.value, '$[4]'), cost = NULL
        FROM json_each(?) AS of WHERE number = json_extract(of.value, '$[0]')
    """,
    "sent": """
        UPDATE rows SET state = 'sent', attempts = attempts + 1, error = NULL
        FROM json_each(?) AS of WHERE number = json_extract(of.value, '$[0]')
    """,
    "done": """
        UPDATE rows SET state = 'done', error = NULL, finished = json_extract(of.value, '$[1]'),
            file = json_extract(of.value, '$[2]'), bytes = json_extract(of.value, '$[3]'),
            sha256 = json_extract(of.value, '$[4]'), duration = json_extract(of.value, '$[5]'),
            sample_rate = json_extract(of.value, '$[6]'), generation_id = json_extract(of.value, '$[7]')
        FROM json_each(?) AS of WHERE number = json_extract(of.value, '$[0]')
    """,
    "cost": """
        UPDATE rows SET cost = json_extract(of.value, '$[1]')
        FROM json_each(?) AS of WHERE number = json_extract(of.value, '$[0]')
    """,
}
"""By kind of change, in the order in which they may happen to a row within a group: a failed one is sent again."""


_GATHERING = 0.004
"""Seconds from the first change of a group to its commit: little beside a request, and more than most commits take."""


@define(eq=False)
class Change:
    """A change of the ledger. `future` is done once it is on disk, if somebody waits for it."""

    kind: str
    values: list[Any]
    future: Any = None
    error: Exception | None = None


class Recorder:
    """The thread."""

    def __init__(self, path: Path, resolve: Callable[[list[Change]], None]) -> None:
        """Start the thread.

        Args:
            path: The ledger.
            resolve: Told of changes that somebody waits for, once they are on disk or failed. It is called in the
                thread.

        Raises:
            OSError: The ledger cannot be opened.
        """
        with explained(path):
            self._connection = connect(path)
        self._path = path
        self._resolve = resolve
        self._error: Exception | None = None
        self._queue = SimpleQueue[Change | None]()
        self._thread = threading.Thread(target=self._run, name="openrouter-speech-ledger", daemon=True)
        self._thread.start()

    def sent(self, number: int, future: Any) -> None:
        """Note that a request is about to be sent."""
        self._queue.put(Change("sent", [number], future))

    def ended(self, number: int, state: State, error: str | None, *, lost: bool) -> None:
        """Note how a request ended without audio. "new" if it will be sent again; `lost` if it may have been billed."""
        self._queue.put(Change("ended", [number, state, error, time.time(), int(lost)]))

    def done(self, number: int, facts: Facts, generation_id: str | None, future: Any = None) -> None:
        """Note that the audio of a row is in place. In a folder, nobody has to wait: the file alone says so, too."""
        about = [facts.file, facts.bytes, facts.sha256, facts.duration, facts.sample_rate, generation_id]
        self._queue.put(Change("done", [number, time.time(), *about], future))

    def cost(self, number: int, cost: Decimal) -> None:
        """Note what a row that is done cost."""
        self._queue.put(Change("cost", [number, f"{cost:f}"]))

    def close(self) -> None:
        """Write what is left, and end the thread.

        Raises:
            OSError: Something could not be written.
        """
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            is_over = False
            while not is_over:
                changes, is_over = self._taken()
                if not changes:
                    break
                try:
                    with explained(self._path):
                        _commit(self._connection, changes)
                except Exception as error:  # noqa: BLE001  (somebody waits for the outcome)
                    self._error = error
                    for change in changes:
                        change.error = error
                self._resolve([change for change in changes if change.future is not None])
        finally:
            self._connection.close()

    def _taken(self) -> tuple[list[Change], bool]:
        """Wait for changes, and take all there are. Also return whether none will come."""
        changes = list[Change]()
        change = self._queue.get()
        if change is not None:
            sleep(_GATHERING)
        while change is not None:
            changes.append(change)
            if self._queue.empty():
                return changes, False
            change = self._queue.get()
        return changes, True


def _commit(connection: sqlite3.Connection, changes: list[Change]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for kind, statement in _STATEMENTS.items():
            if values := [change.values for change in changes if change.kind == kind]:
                connection.execute(statement, [json.dumps(values)])
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
