"""The metadata, as AudioFolder and plain programs read it."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from openrouter_speech.batch import metadata
from openrouter_speech.batch.ledger import Done
from pyarrow import parquet

from .conftest import ROWS, Run

DONE = [
    Done("audio/a.wav", 'One, "two".\nThree.', "a", 1.5, 24_000, "gen-1", "00", 1, "0.0000112"),
    Done("audio/ü.ogg", "Grüße", "ü", None, None, None, "11", 3, None),
]


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(parquet.read_table(path).to_pylist())
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_each_format_has_the_same_rows(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"metadata.{suffix}"
    metadata.write(DONE, path)
    expected: list[dict[str, Any]] = [dict(zip(metadata.FIELDS, row, strict=True)) for row in DONE]
    if suffix == "csv":
        expected = [{name: "" if value is None else str(value) for name, value in row.items()} for row in expected]
    assert read(path) == expected


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "metadata.jsonl"
    path.write_text("old")

    def failing() -> Any:
        yield DONE[0]
        raise KeyError

    with pytest.raises(KeyError):
        metadata.write(failing(), path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_audiofolder_finds_one_metadata_file_and_each_of_its_files(batch: Run, tmp_path: Path) -> None:
    """Its rules: a `metadata` file of one format, `file_name` relative to it, hidden files and folders skipped."""
    out = tmp_path / "out"
    batch()
    batch(metadata="csv")
    batch(metadata="parquet")
    visible = {
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(out).parts)
    }
    rows = read(out / "metadata.parquet")
    assert visible == {"metadata.parquet", *(row["file_name"] for row in rows)}
    assert [row["text"] for row in rows] == [row["input"] for row in ROWS]
