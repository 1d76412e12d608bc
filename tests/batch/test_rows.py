"""Rows: read from where they are, one by one, and checked before anything is sent."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from openrouter_speech import errors
from openrouter_speech.batch.ledger import Ledger, Shard
from openrouter_speech.batch.rows import RowChecker
from openrouter_speech.batch.sources import source_of
from pyarrow import parquet

HERE: list[dict[str, Any]] = [
    {"id": "a", "input": "One, two.", "speed": 1.5},
    {"input": "Grüße, 世界", "voice": "nova"},
]


def read(rows: Any, folder: Path, *, skip_invalid: bool = False, **shared: Any) -> list[dict[str, Any]]:
    """Return the rows that a ledger takes in."""
    ledger = Ledger(folder / "ledger.sqlite")
    try:
        source = source_of(rows)
        list(ledger.read(source, RowChecker({"model": "m"} | shared), skip_invalid=skip_invalid, shard=None))
        return [{"id": row.id, **row.params} for row in ledger.todo()]
    finally:
        ledger.close()


def write_csv(path: Path, delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, ["id", "input", "speed", "voice"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(HERE)


def write_parquet(path: Path) -> None:
    columns = {name: [row.get(name) for row in HERE] for name in ("id", "input", "speed", "voice")}
    parquet.write_table(pyarrow.table(columns), path)


def write_texts(path: Path) -> None:
    (path / "b").mkdir(parents=True)
    (path / "a.txt").write_text("One, two.\n")
    (path / "b" / "c.TXT").write_bytes("Grüße".encode("utf-8-sig"))
    (path / "notes.md").write_text("not a text")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson", "rows.csv", "rows.tsv", "rows.parquet", "items"])
def test_rows_are_the_same_from_everywhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix == ".parquet":
        write_parquet(path)
    elif path.suffix in {".csv", ".tsv"}:
        write_csv(path, "," if path.suffix == ".csv" else "\t")
    else:
        path.write_text("\n\n".join(json.dumps(row) for row in HERE))
    first, second = read(iter(HERE) if name == "items" else path, tmp_path)
    assert first == {"id": "a", "input": "One, two.", "speed": 1.5}
    assert len(second.pop("id")) == 32  # made from the content
    assert second == {"input": "Grüße, 世界", "voice": "nova"}


def test_a_folder_has_a_row_for_each_text(tmp_path: Path) -> None:
    write_texts(tmp_path / "texts")
    assert read(tmp_path / "texts", tmp_path) == [{"id": "a", "input": "One, two."}, {"id": "b/c", "input": "Grüße"}]


def test_texts_alone_are_rows_and_a_text_twice_is_one(tmp_path: Path) -> None:
    assert [row["input"] for row in read(["One", "Two", "One"], tmp_path)] == ["One", "Two"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "has no rows"),
        ("\n \n", "has no rows"),
        ("[1]", "Line 1 must be an object, not list"),
        ('\n{"input": "a"', "Line 2 is not JSON"),
        ("[" * 100_000, "Line 1 is nested too deeply"),
        ('{"text": "a"}', "Line 1 has the unknown column 'text'; did you mean 'input'?"),
        ('{"input": "a", "voise": "b"}', "Line 1 has the unknown column 'voise'; did you mean 'voice'?"),
        ('{"input": "a", "server_url": "b"}', "Line 1 has the unknown column 'server_url'"),
        ('{"id": "a"}', "Line 1 has no input, the text to speak"),
        ('{"input": ""}', "Line 1 input is empty"),
        ('{"input": "a", "model": null, "speed": "fast"}', "Line 1 speed must be a number, not str"),
        ('{"input": "a", "speed": NaN}', "Line 1 speed must be a finite number"),
        ('{"input": "a\\ud800"}', "Line 1 input has a lone surrogate at position 1"),
        ('{"input": "a", "id": "\\ud800"}', r"Line 1 id has the character '\ud800'"),
        ('{"input": "a", "id": "b\\u0000"}', r"Line 1 id has the character '\x00'"),
        ('{"input": "a", "id": " "}', "Line 1 id is empty"),
        ('{"input": "a", "id": true}', "Line 1 id must be a str, not bool"),
        (json.dumps({"input": "a", "id": "b" * 501}), "Line 1 id has 501 characters; the maximum is 500"),
        (json.dumps({"input": "a" * 1_000_000}), "Line 1 input has 1,000,000 characters; a row may have 100,000"),
        ('{"input": "a", "id": 1}\n{"input": "b", "id": "1"}', "Line 2 has the id '1' of line 1, but other content"),
        (b'{"input": "\xe9"}', "Line 1 is not UTF-8: byte 0xe9 at position 11"),
        ('{"input": "a"}'.encode("utf-16"), "The rows are UTF-16: convert them to UTF-8"),
        (b'{"input": "a", "id": "b", "pad": "' + b"a" * (1 << 26) + b'"}', "Line 1 is longer than 64 MiB"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(lines: str | bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        read(path, tmp_path)
    assert words in "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,text\n1,a", "Line 1 has the unknown column 'text'; did you mean 'input'?"),
        (b"id,input,input\n1,a,b", "Line 1 has the column 'input' twice"),
        (b'id,input\n1,"a\nb"\n2,c,d', "Line 4 has 3 cells, and the first line has 2"),
        (b"input,speed\na,fast", "Line 2 speed must be a number, not 'fast'"),
        (b"input,provider\na,{", "Line 2 provider must be JSON, not '{'"),
        (b"input\n\xe9", "Line 2 input is not UTF-8"),
        (b'input\n"a"b', "Line 2 is not CSV: "),
        (b"input\n" + b"a" * 1_000_000, "Line 2 is not CSV: field larger than field limit"),
        (b"input\n", "has no rows"),
        (b"", "has no rows"),
    ],
)
def test_a_wrong_table_is_named_by_its_line(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        read(tmp_path / "rows.csv", tmp_path)
    assert words in "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        ("missing.jsonl", FileNotFoundError, "no such file"),
        ("rows.xlsx", ValueError, "rows.xlsx has an unknown suffix, .xlsx: give a .jsonl"),
        ("rows", ValueError, "rows has no suffix"),
        ("rows.parquet", ValueError, "It is not a Parquet file"),
        ("empty", errors.InvalidRowsError, "empty has no rows"),
        (5, TypeError, "rows must be a path or an iterable of rows, not int"),
        ({"input": "a"}, TypeError, "not dict"),
    ],
)
def test_what_holds_no_rows_is_refused(rows: Any, kind: type[Exception], words: str, tmp_path: Path) -> None:
    for name in ("rows.xlsx", "rows", "rows.parquet"):
        (tmp_path / name).write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(kind, match=words):
        read(tmp_path / rows if isinstance(rows, str) else rows, tmp_path)


def test_all_wrong_rows_are_reported_and_none_is_kept(tmp_path: Path) -> None:
    rows = [{"input": ""}, {"input": "good"}, 3]
    with pytest.raises(errors.InvalidRowsError, match="The iterable has 2 wrong rows") as raised:
        read(rows, tmp_path)
    assert [problem[:6] for problem in raised.value.problems] == ["Row 1 ", "Row 3 "]
    assert read(["other"], tmp_path)[0]["input"] == "other"
    assert [row["input"] for row in read(rows, tmp_path / "..", skip_invalid=True)] == ["good"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path) -> Iterator[None]:
    yield
    for file in tmp_path.parent.glob("ledger.sqlite*"):
        file.unlink()


def test_many_wrong_rows_are_counted_not_kept(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidRowsError, match="has 1,500 wrong rows") as raised:
        read(({"input": ""} for _ in range(1500)), tmp_path)
    assert len(raised.value.problems) == 1000


def test_rows_win_over_what_is_shared(tmp_path: Path) -> None:
    assert read([{"input": "a", "model": None}], tmp_path) == [{"id": read_id("a"), "input": "a"}]
    with pytest.raises(errors.InvalidRowsError) as raised:
        read([{"input": "b"}], tmp_path, model=None)
    assert raised.value.problems == ("Row 1 has no model: give it in the row, or for all rows",)


def read_id(text: str) -> str:
    return RowChecker({"model": "m"}).check({"input": text}).id


def test_shards_share_the_rows_out_in_the_same_way_everywhere() -> None:
    names = [f"row-{number}" for number in range(1000)]
    shards = [[name for name in names if Shard(number, 4).has(name)] for number in (1, 2, 3, 4)]
    assert sorted(name for shard in shards for name in shard) == sorted(names)
    assert all(200 < len(shard) < 300 for shard in shards)
    assert [Shard(2, 3).has(name) for name in ("a", "b", "Grüße")] == [False, False, True]


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "a/b", "1/0", "-1/4", "1/4/5"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='shard must be a part of the rows, such as "3/16"'):
        Shard.of(text)


def test_the_size_of_a_row_is_all_that_the_model_reads() -> None:
    turns = [{"text": "Hello.", "instructions": "Softly."}, {"text": "Grüße."}]
    assert RowChecker({"model": "m"}).check({"input": "Grüße."}).size == 8
    assert RowChecker({"model": "m", "instructions": "Slowly."}).check({"input": turns}).size == 6 + 7 + 8 + 7
