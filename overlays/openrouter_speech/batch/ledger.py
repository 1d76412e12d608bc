"""The ledger: each row with its state, in SQLite. It is what makes a batch resumable.

    new ──▶ sent ──▶ done
     ▲       ├─────▶ failed          nothing was charged
     └───────┴─────▶ maybe_billed    the audio may have been charged, and did not arrive

A row is `sent` on disk before its request leaves. So after a crash, a row that is `new` was never sent, and one that is
`sent` may have been.
"""

import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from attrs import frozen

from ..errors import ConfigurationError, InvalidRowsError
from .results import State
from .rows import Row, RowChecker
from .sources import Source

VERSION = 1
_APPLICATION = 0x6F727362
"""Marks the file as a ledger: "orsb"."""
_OLDEST = (3, 33, 0)
"""The version of SQLite with UPDATE FROM, of 2020."""
_PAGE = 500
"""Rows to read at a time."""
_REPORTED = 1000
"""Rows to read between reports of the progress."""
_SHOWN = 1000
"""Wrong rows to keep; the others are only counted."""

# `lost` counts requests that may have been billed without audio. `cost` is a decimal number, which SQLite could not sum
# without losing digits. The indexes are small, or the same while a row is sent. A query has to repeat their conditions.
_SCHEMA = f"""
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE rows (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, params TEXT NOT NULL, digest BLOB NOT NULL,
    line INTEGER NOT NULL, reading INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'new',
    attempts INTEGER NOT NULL DEFAULT 0, error TEXT, finished REAL, file TEXT, bytes INTEGER, sha256 TEXT,
    duration REAL, sample_rate INTEGER, generation_id TEXT,
    size INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0, cost TEXT
);
CREATE INDEX open ON rows (number) WHERE state <> 'done';
CREATE INDEX costs ON rows (cost) WHERE cost IS NOT NULL;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
"""

_ADD = """
INSERT INTO rows (id, params, digest, size, line, reading) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET line = excluded.line, reading = excluded.reading WHERE digest = excluded.digest
"""
_EDIT = """
UPDATE rows SET params = ?, digest = ?, size = ?, line = ?, reading = ?, state = 'new', attempts = 0, error = NULL
WHERE id = ? AND state IN ('new', 'failed')
"""
_USES = """
SELECT model, sum(state = 'new'), sum(is_unpriced), sum(requests), sum(requests * size) FROM (
    SELECT coalesce(json_extract(params, '$.model'), ?) AS model, state, size,
        state = 'done' AND cost IS NULL AS is_unpriced,
        lost + (state = 'done' AND cost IS NULL) AS requests
    FROM rows
) GROUP BY model
"""
_UNPRICED = """
SELECT number, generation_id, finished, json_extract(params, '$.model'), size FROM rows
WHERE state = 'done' AND cost IS NULL AND generation_id IS NOT NULL AND number > ? ORDER BY number LIMIT ?
"""


class Todo(NamedTuple):
    """A row to send."""

    number: int
    id: str
    params: dict[str, Any]
    size: int


class Unpriced(NamedTuple):
    """A row with audio whose cost is not known."""

    number: int
    generation_id: str
    finished: float
    """When the audio arrived, in seconds since 1970."""
    model: str | None
    """None for that of all rows."""
    size: int


class Use(NamedTuple):
    """What the rows of a model use, as far as their costs are not known."""

    model: str
    new: int
    """Rows to send."""
    unpriced: int
    """Rows with audio."""
    requests: int
    """Requests that were billed, or may have been."""
    bytes: int
    """The sizes of these requests."""


class Costs(NamedTuple):
    """What rows cost, of those whose cost is known."""

    rows: int
    sum: Decimal
    """US dollars."""


class Done(NamedTuple):
    """A row with its audio, as the metadata describes it."""

    file: str
    text: str
    id: str
    duration: float | None
    sample_rate: int | None
    generation_id: str | None
    sha256: str
    attempts: int
    cost: str | None


def connect(path: Path) -> sqlite3.Connection:
    """Open the database. A commit is on disk when it returns, also after a power failure."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # only macOS has a difference
        connection.execute("PRAGMA cache_size = -4000")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors in the block into an `OSError` that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        raise OSError(
            errno.ENOSPC if full else errno.EIO,
            "The disk is full: free some space, and run the same again" if full else f"The ledger failed ({error})",
            str(path),
        ) from error


class Ledger:
    """The ledger of one batch, for the thread that reads from it; `recorder` writes what happens later."""

    def __init__(self, path: Path) -> None:
        """Open a ledger; create it if there is none.

        Raises:
            ConfigurationError: The file is not a ledger of this version, or SQLite is too old.
            OSError: It cannot be opened.
        """
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigurationError(f"A batch needs SQLite 3.33; this Python has {sqlite3.sqlite_version}")
        self.path = path
        is_new = not path.exists() or not path.stat().st_size
        with explained(path):
            self._connection = connect(path)
        try:
            if is_new:
                with explained(path):
                    self._connection.executescript(_SCHEMA)
            marks = [self._one(f"PRAGMA {name}") for name in ("application_id", "user_version")]
            if marks != [_APPLICATION, VERSION]:
                raise ConfigurationError(f"{path} is not a ledger that this version can read: choose another folder")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def about(self, name: str) -> str | None:
        """Return an entry about the batch."""
        found = self._connection.execute("SELECT value FROM about WHERE name = ?", [name]).fetchone()
        return found and str(found[0])

    def note(self, name: str, value: str) -> None:
        """Set an entry about the batch."""
        with explained(self.path):
            self._connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", [name, value])

    def read(self, source: Source, checker: RowChecker, *, skip_invalid: bool, shard: "Shard | None") -> Iterator[int]:
        """Take in the rows of a source, all or none. Yields how many were read, now and then.

        Rows that are known stay as they are. One that was edited before it was done is replaced, and one that is gone
        before it was sent is removed.

        Raises:
            InvalidRowsError: There are wrong rows, or none at all. The ledger is as it was.
            ConfigurationError: The ledger is of another batch.
        """
        with explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            with explained(self.path):
                yield from self._read(source, checker, skip_invalid=skip_invalid, shard=shard)
                self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _read(self, source: Source, checker: RowChecker, *, skip_invalid: bool, shard: "Shard | None") -> Iterator[int]:
        before = self._one("SELECT max(number) FROM rows") or 0
        reading = (self._one("SELECT max(reading) FROM rows") or 0) + 1
        problems, invalid, count, noun = list[str](), 0, 0, source.noun
        for number, item in source.read():
            try:
                row = checker.check(item)
                if shard is None or shard.has(row.id):
                    self._add(row, number, reading, noun)
            except (TypeError, ValueError) as error:
                invalid += 1
                if len(problems) < _SHOWN:
                    problems.append(f"{noun.capitalize()} {number} {error}")
            count += 1
            if not count % _REPORTED:
                yield count
        if not count:
            raise InvalidRowsError(f"{source.name} has no rows", [])
        if invalid and not skip_invalid:
            raise InvalidRowsError(_counted(invalid, source.name), problems)
        if invalid == count:
            raise InvalidRowsError(f"{source.name} has no valid row", problems)
        known = "SELECT EXISTS (SELECT 1 FROM rows WHERE number <= ? AND reading = ?)"
        if before and not self._one(known, before, reading):
            raise ConfigurationError(
                f"The folder {self.path.parent.parent} is of another batch: none of its rows is in {source.name}. "
                "Choose another folder"
            )
        self._connection.execute("DELETE FROM rows WHERE reading < ? AND state IN ('new', 'failed')", [reading])
        self._connection.execute("INSERT OR REPLACE INTO about VALUES ('invalid', ?)", [str(invalid)])

    def _add(self, row: Row, line: int, reading: int, noun: str) -> None:
        if self._connection.execute(_ADD, [row.id, row.params, row.digest, row.size, line, reading]).rowcount:
            return
        found = self._connection.execute("SELECT line, reading, state FROM rows WHERE id = ?", [row.id]).fetchone()
        earlier, its_reading, state = found
        if its_reading == reading:
            raise ValueError(f"has the id {row.id!r} of {noun} {earlier}, but other content")
        if not self._connection.execute(_EDIT, [row.params, row.digest, row.size, line, reading, row.id]).rowcount:
            is_what = f"is {state.replace('_', ' ')} with other content"
            raise ValueError(f"has the id {row.id!r} of a row that {is_what}: give it another id")

    def counts(self) -> dict[State, int]:
        """Count the rows in each state."""
        found = dict(self._connection.execute("SELECT state, count(*) FROM rows WHERE state <> 'done' GROUP BY state"))
        found["done"] = self._one("SELECT count(*) FROM rows") - sum(found.values())
        return {state: found.get(state, 0) for state in ("new", "sent", "done", "failed", "maybe_billed")}

    def todo(self) -> Iterator[Todo]:
        """Yield the rows to send, in order, from memory that does not grow. The ledger may change meanwhile."""
        query = (
            "SELECT number, id, params, size FROM rows WHERE state <> 'done' AND state = 'new' AND number > ? "
            "ORDER BY number LIMIT ?"
        )
        after = 0
        while page := self._connection.execute(query, [after, _PAGE]).fetchall():
            for number, name, params, size in page:
                yield Todo(number, name, json.loads(params), size)
            after = page[-1][0]

    def in_state(self, state: State) -> list[Todo]:
        """Return the rows in a state of which there are few."""
        query = "SELECT number, id, params, size FROM rows WHERE state <> 'done' AND state = ? ORDER BY number"
        found = self._connection.execute(query, [state])
        return [Todo(number, name, json.loads(params), size) for number, name, params, size in found]

    def uses(self, model: str) -> list[Use]:
        """Sum up what is used without a known cost, by model; `model` is that of rows without one. Reads all rows."""
        return [Use(*found) for found in self._connection.execute(_USES, [model])]

    def costs(self) -> Costs:
        """Sum up the costs that are known."""
        query = "SELECT cost, count(*) FROM rows WHERE cost IS NOT NULL GROUP BY cost"
        found = [(Decimal(cost), count) for cost, count in self._connection.execute(query)]
        return Costs(sum(count for _, count in found), sum((cost * count for cost, count in found), Decimal(0)))

    def unpriced(self) -> Iterator[Unpriced]:
        """Yield the rows whose cost can be looked up, as `todo` does."""
        after = 0
        while page := self._connection.execute(_UNPRICED, [after, _PAGE]).fetchall():
            yield from map(Unpriced._make, page)
            after = page[-1][0]

    def problems(self) -> Iterator[tuple[str, State, str | None]]:
        """Yield the id, the state and the error of each row that has no audio and is not new, in order."""
        yield from self._connection.execute(
            "SELECT id, state, error FROM rows WHERE state <> 'done' AND state <> 'new' ORDER BY number"
        )

    def done(self) -> Iterator[Done]:
        """Yield the rows that have audio, in order."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(
                "SELECT file, params, id, duration, sample_rate, generation_id, sha256, attempts, cost FROM rows "
                "WHERE state = 'done' ORDER BY number"
            )
            for file, params, *facts in cursor:
                yield Done(file, _text(json.loads(params)["input"]), *facts)

    def holds(self, file: str, number: int) -> bool:
        """Whether a file is another row's."""
        return bool(self._one("SELECT EXISTS (SELECT 1 FROM rows WHERE file = ? AND number <> ?)", file, number))

    def again(self, states: list[State]) -> None:
        """Make the rows in these states new."""
        with explained(self.path):
            query = "UPDATE rows SET state = 'new' WHERE state <> 'done' AND state = ?"
            self._connection.executemany(query, [[state] for state in states])

    def not_lost(self, numbers: list[int]) -> None:
        """Make rows sent that were taken for maybe billed."""
        with explained(self.path):
            query = "UPDATE rows SET state = 'sent', lost = lost - 1 WHERE state <> 'done' AND number = ?"
            self._connection.executemany(query, [[number] for number in numbers])

    def finished_since(self, seconds: float) -> list[tuple[int, str, int]]:
        """Return the number, the file and its size of the rows that were done in the last seconds of the last run."""
        last = self._one("SELECT max(finished) FROM rows WHERE state = 'done'") or 0
        query = "SELECT number, file, bytes FROM rows WHERE state = 'done' AND finished >= ?"
        return self._connection.execute(query, [last - seconds]).fetchall()

    def _one(self, query: str, *values: Any) -> Any:
        with explained(self.path):
            return self._connection.execute(query, values).fetchone()[0]


@frozen
class Shard:
    """A part of the rows, by the hash of their ids: the same on every machine."""

    number: int
    """From 1."""
    count: int

    @classmethod
    def of(cls, text: str) -> "Shard":
        """Parse "3/16".

        Raises:
            ValueError: It is not a shard.
        """
        number, _, count = text.partition("/")
        if number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
            return cls(int(number), int(count))
        raise ValueError(f'shard must be a part of the rows, such as "3/16", the third of 16, not {text!r}')

    def has(self, name: str) -> bool:
        """Whether the row with this id belongs to the shard."""
        return hash_of(name) % self.count == self.number - 1


def hash_of(name: str) -> int:
    """Return a number for an id that is the same on every machine."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def remove(path: Path) -> None:
    """Remove a ledger that holds nothing."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            os.unlink(f"{path}{suffix}")  # noqa: PTH108


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(str(turn.get("text", "")) for turn in value)


def _counted(invalid: int, name: str) -> str:
    return f"{name} has {invalid:,} wrong row{'' if invalid == 1 else 's'}"
