"""Rows from where they are: JSONL, CSV, TSV, Parquet, a folder of texts, standard input, or any iterable.

Rows are read one by one. A row that cannot be read is a `ValueError` in its place, so that all of them can be reported.
"""

import codecs
import csv
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from attrs import frozen

from .._core.checks import Checker
from .._engine import extra
from .._generated import OPERATIONS, SCHEMAS

PARAMETERS = {name: one for name, one in OPERATIONS["create_speech"].parameters.items() if one.location == "body"}
COLUMNS = ("id", *PARAMETERS)
"""What a row may have."""

_LONGEST_LINE = 1 << 26
"""Bytes: three recordings of a voice fit, in base64."""
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_CHECKER = Checker(SCHEMAS)

Item = tuple[int, Any]
"""The number of a row, as people count, and the row, or the `ValueError` that says why it cannot be read."""


class Source(Protocol):
    """Where rows come from."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def noun(self) -> str:
        """What the numbers count: "line"."""
        ...

    def read(self) -> Iterator[Item]:
        """Yield the rows."""
        ...

    def fingerprint(self) -> str | None:
        """Return what identifies the content; None if reading it is the only way to know."""
        ...


def source_of(rows: object) -> Source:
    """Find the way to read rows.

    Args:
        rows: The path of a file or folder, "-" for JSONL on standard input, or an iterable of mappings or texts.

    Raises:
        ValueError: The suffix of the file is unknown.
        OSError: It does not exist.
        TypeError: It is none of these.
    """
    if isinstance(rows, str | os.PathLike):
        if os.fspath(rows) == "-":
            return _Stream("Standard input")
        return _source_of_path(Path(rows))
    if isinstance(rows, Iterable) and not isinstance(rows, Mapping | bytes):
        return _Items(rows)
    raise TypeError(f"rows must be a path or an iterable of rows, not {type(rows).__name__}")


def _source_of_path(path: Path) -> Source:
    if path.is_dir():
        return _Folder(path)
    if not path.exists():
        raise FileNotFoundError(2, "The rows cannot be read: there is no such file", str(path))
    read = _READERS.get(path.suffix.lower())
    if read is None:
        named = f"an unknown suffix, {path.suffix}" if path.suffix else "no suffix"
        raise ValueError(
            f"{path.name} has {named}: give a {', '.join(_READERS)} file, a folder of .txt files, or - for JSONL on "
            "standard input"
        )
    return _File(path, read)


@frozen
class _File:
    path: Path
    reader: Callable[[BinaryIO], Iterator[Item]]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def noun(self) -> str:
        return "row" if self.path.suffix.lower() == ".parquet" else "line"

    def read(self) -> Iterator[Item]:
        with self.path.open("rb") as file:
            yield from self.reader(file)

    def fingerprint(self) -> str | None:
        if not self.path.is_file():  # a pipe can be read once
            return None
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@frozen
class _Stream:
    name: str
    noun: str = "line"

    def read(self) -> Iterator[Item]:
        return _jsonl(sys.stdin.buffer)

    def fingerprint(self) -> str | None:
        return None


@frozen
class _Items:
    items: Iterable[Any]
    name: str = "The iterable"
    noun: str = "row"

    def read(self) -> Iterator[Item]:
        for number, item in enumerate(self.items, 1):
            yield number, {"input": item} if isinstance(item, str) else item

    def fingerprint(self) -> str | None:
        return None


@frozen
class _Folder:
    """Each `.txt` file is a row. Its id is its path in the folder, without the suffix."""

    path: Path
    noun: str = "file"

    @property
    def name(self) -> str:
        return self.path.name

    def read(self) -> Iterator[Item]:
        number = 0
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                if file.suffix.lower() == ".txt":
                    number += 1
                    yield number, self._row(file)

    def _row(self, file: Path) -> Any:
        name = file.relative_to(self.path).with_suffix("").as_posix()
        try:
            return {"id": name, "input": file.read_bytes().decode("utf-8-sig").strip()}
        except UnicodeDecodeError as error:
            return ValueError(f"{file} {_not_utf_8(error)}")

    def fingerprint(self) -> str | None:
        return None


def _jsonl(file: BinaryIO) -> Iterator[Item]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            _check_mark(line)
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, ValueError(f"is longer than {_LONGEST_LINE >> 20} MiB")
        elif line.strip():
            yield number, _parsed(line)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except UnicodeDecodeError as error:
        return ValueError(_not_utf_8(error))
    except ValueError as error:
        return ValueError(f"is not JSON: {error}")
    except RecursionError:
        return ValueError("is nested too deeply")


def _check_mark(head: bytes) -> None:
    if encoding := _MARKS.get(head[:2]):
        raise ValueError(f"The rows are {encoding}: convert them to UTF-8")


def _not_utf_8(error: UnicodeDecodeError) -> str:
    return f"is not UTF-8: byte 0x{error.object[error.start]:02x} at position {error.start}"


def _csv(dialect: str, file: BinaryIO) -> Iterator[Item]:
    _check_mark(file.peek(2)[:2] if isinstance(file, io.BufferedReader) else b"")
    lines = iter(partial(file.readline, _LONGEST_LINE), b"")
    texts = (line.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape") for line in lines)
    reader = csv.reader(texts, dialect, strict=True)
    header = next(reader, [])
    if len(set(header)) < len(header):
        raise ValueError(f"Line 1 has the column {next(name for name in header if header.count(name) > 1)!r} twice")
    check_columns(header, "Line 1")
    line = reader.line_num
    while True:
        begun, row = line + 1, _next(reader)
        line = reader.line_num
        if row is None:
            return
        if isinstance(row, ValueError):
            yield begun, row
        elif row:
            yield begun, _of_cells(header, row)


def _next(reader: Any) -> list[str] | ValueError | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        return ValueError(f"is not CSV: {error}")


def _of_cells(header: list[str], cells: list[str]) -> Any:
    if len(cells) != len(header):
        return ValueError(f"has {len(cells)} cells, and the first line has {len(header)}")
    try:
        return {name: _of_cell(name, cell) for name, cell in zip(header, cells, strict=True) if cell}
    except ValueError as error:
        return error


def _of_cell(name: str, cell: str) -> Any:
    if not cell.isascii() and any("\udc80" <= character <= "\udcff" for character in cell):
        raise ValueError(f"{name} is not UTF-8")
    types = frozenset({"string"}) if name == "id" else _CHECKER.types(PARAMETERS[name].schema) or frozenset({"string"})
    if "string" in types:
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        kind = "a number" if types & {"number", "integer"} else "JSON"
        raise ValueError(f"{name} must be {kind}, not {cell!r:.60}") from None


def _parquet(file: BinaryIO) -> Iterator[Item]:
    with extra.needed("Parquet", "parquet"):
        from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415
    try:
        opened = parquet.ParquetFile(file)
    except ArrowInvalid as error:
        raise ValueError(f"It is not a Parquet file: {error}") from error
    check_columns(opened.schema_arrow.names, "The schema")
    number = 0
    for batch in opened.iter_batches(batch_size=1000):
        for row in batch.to_pylist():
            number += 1
            yield number, {name: value for name, value in row.items() if value is not None}


def check_columns(names: Iterable[str], where: str) -> None:
    """Check that all columns are known.

    Raises:
        ValueError: One is not; the message suggests the closest one.
    """
    unknown = next((name for name in names if name not in COLUMNS), None)
    if unknown is None:
        return
    from difflib import get_close_matches  # noqa: PLC0415  (only needed here)

    close = ["input"] if str(unknown).lower() in _TEXTS else get_close_matches(str(unknown), COLUMNS, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"{', '.join(COLUMNS)} are known"
    raise ValueError(f"{where} has the unknown column {unknown!r}; {hint}".strip())


_TEXTS = {"text", "sentence", "transcript", "transcription", "content"}
"""Names that datasets give to what we call `input`."""
_READERS: dict[str, Callable[[BinaryIO], Iterator[Item]]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": partial(_csv, "excel"),
    ".tsv": partial(_csv, "excel-tab"),
    ".parquet": _parquet,
}
