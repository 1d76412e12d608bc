"""Shared by the batch tests: one interface for sync and async, and no sleeps."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from openrouter_speech import Batch
from openrouter_speech.mock import MockServer

from ..conftest import KEY, Connect, sleeps_in

Run = Callable[..., Batch]

SETTINGS: dict[str, Any] = {"model": "elevenlabs/eleven-turbo-v2", "voice": "alloy", "speed": 4}
ROWS = [{"id": f"row-{number}", "input": f"This is text {number}."} for number in range(6)]


@pytest.fixture
def batch(connect: Connect, server: MockServer, tmp_path: Path) -> Iterator[Run]:
    """Run a batch in `out`, or in `folder`, one request at a time. The test runs once per way of calling."""
    server.reset()

    def run(rows: Any = ROWS, folder: Path | None = None, *, client: Any = None, **options: Any) -> Batch:
        client = {"server_url": server.url} | (client or {})
        caller = connect(client.pop("api_key", KEY), **client)
        options = SETTINGS | {"concurrency": 1} | options
        return cast("Batch", caller.call("batch", rows, folder or tmp_path / "out", **options))

    yield run
    server.reset()


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the sleeps of the engine."""
    return sleeps_in("openrouter_speech._engine.loops", monkeypatch)


def states(folder: Path) -> dict[str, str]:
    """Return the state of each row in the ledger, by id."""
    return dict(query(folder, "SELECT id, state FROM rows ORDER BY number"))


def query(folder: Path, statement: str, *values: Any) -> list[Any]:
    """Read or change the ledger, as another program could."""
    connection = sqlite3.connect(folder / ".batch" / "ledger.sqlite")
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def metadata(folder: Path) -> list[dict[str, Any]]:
    """Return the metadata of a batch."""
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]


def jsonl(path: Path, rows: Iterable[Any] = ROWS) -> Path:
    """Write rows to a file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path
