"""The metadata: a line for each row that has audio, as Hugging Face's AudioFolder and plain programs read it."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from .. import _files as files
from .._engine import extra
from . import MetadataFormat
from .ledger import Done
from .remote import Remote

FIELDS = ("file_name", "text", "id", "duration", "sample_rate", "generation_id", "sha256", "attempts", "cost")
"""The columns, in the order of `Done`. AudioFolder needs `file_name`, relative to the metadata. `cost` is a text with
all digits."""
NAMES: dict[MetadataFormat, str] = {name: f"metadata.{name}" for name in ("jsonl", "csv", "parquet")}
"""The name of the file in the folder. AudioFolder wants one, not several."""


def write(rows: Iterable[Done], path: Path) -> None:
    """Write the metadata of rows to a file, whole or not at all; its suffix picks the format.

    Raises:
        ValueError: The suffix is not .jsonl, .csv or .parquet.
        ConfigurationError: It is .parquet, and the extra `parquet` is not installed.
        OSError: The file cannot be written.
    """
    writer = writer_for(path)
    with files.replacing(path) as file:
        writer(rows, file)


def remove_others(path: Path, remote: Remote | None = None) -> None:
    """Remove metadata in other formats from the folder of a batch: AudioFolder wants one."""
    if path.name in NAMES.values():
        for name in NAMES.values():
            other = path.with_name(name)
            if other != path and other.exists():
                other.unlink()
                if remote is not None:
                    remote.remove(name)


def writer_for(path: Path) -> Callable[[Iterable[Done], BinaryIO], None]:
    """Return what writes the format of a file. Fail early if nothing can.

    Raises:
        ValueError, ConfigurationError: As `write`.
    """
    try:
        writer = _WRITERS[path.suffix.lower()]
    except KeyError:
        raise ValueError(f"{path.name} must be named {', '.join(_WRITERS)}") from None
    if writer is _parquet:
        _arrow()
    return writer


def _jsonl(rows: Iterable[Done], file: BinaryIO) -> None:
    for block in _blocks(rows):
        lines = [json.dumps(dict(zip(FIELDS, row, strict=True)), ensure_ascii=False) for row in block]
        file.write("\n".join([*lines, ""]).encode())


def _csv(rows: Iterable[Done], file: BinaryIO) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(FIELDS)
    for block in _blocks(rows):
        writer.writerows(block)
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    file.write(text.getvalue().encode())


def _parquet(rows: Iterable[Done], file: BinaryIO) -> None:
    arrow, parquet = _arrow()
    numbers = {"duration": arrow.float64(), "sample_rate": arrow.int64(), "attempts": arrow.int64()}
    schema = arrow.schema([(name, numbers.get(name, arrow.string())) for name in FIELDS])
    with parquet.ParquetWriter(file, schema) as writer:
        for block in _blocks(rows):
            columns = [list(column) for column in zip(*block, strict=True)]
            writer.write_table(arrow.table(dict(zip(FIELDS, columns, strict=True)), schema))


def _arrow() -> tuple[Any, Any]:
    with extra.needed("Parquet", "parquet"):
        import pyarrow  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    return pyarrow, parquet


def _blocks(rows: Iterable[Done]) -> Iterator[list[Done]]:
    rows = iter(rows)
    while block := list(islice(rows, 1000)):
        yield block


_WRITERS: dict[str, Callable[[Iterable[Done], BinaryIO], None]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}
