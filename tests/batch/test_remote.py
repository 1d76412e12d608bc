"""Audio that is uploaded: to a store in memory here, to s3:// or gs:// elsewhere."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from openrouter_speech import BatchRow, errors
from openrouter_speech.batch.recorder import Recorder
from openrouter_speech.mock import MockServer

from ..conftest import inputs
from .conftest import ROWS, Run, metadata, query, states

URL = "memory://bucket/folder"


@pytest.fixture(autouse=True)
def store() -> Iterator[dict[str, Any]]:
    """Return the files of the store in memory, by path."""
    MemoryFileSystem.store.clear()
    yield MemoryFileSystem.store
    MemoryFileSystem.store.clear()


def test_the_audio_and_the_metadata_are_uploaded(batch: Run, store: dict[str, Any], tmp_path: Path) -> None:
    ended: list[BatchRow] = []
    batch(upload=URL, on_row=ended.append)
    names = {f"/bucket/folder/audio/{row['id']}.wav" for row in ROWS}
    assert set(store) == names | {"/bucket/folder/metadata.jsonl"}
    out = tmp_path / "out"
    assert store["/bucket/folder/metadata.jsonl"].getvalue() == (out / "metadata.jsonl").read_bytes()
    assert ended[0].file == f"{URL}/audio/row-0.wav"
    assert store["/bucket/folder/audio/row-0.wav"].getvalue()[:4] == b"RIFF"
    assert {path.name for path in out.iterdir()} == {".batch", "metadata.jsonl"}
    assert not list((out / ".batch" / "incoming").iterdir())
    batch(upload=URL, metadata="csv")
    assert set(store) == names | {"/bucket/folder/metadata.csv"}


@pytest.mark.parametrize("uploaded", [True, False])
def test_an_upload_that_a_kill_interrupted_is_done_again(
    batch: Run, server: MockServer, store: dict[str, Any], tmp_path: Path, uploaded: bool
) -> None:
    """The local file stays until the ledger knows."""
    out, path = tmp_path / "out", "/bucket/folder/audio/row-1.wav"
    batch(upload=URL)
    (out / ".batch" / "incoming" / "2.wav").write_bytes(store[path].getvalue())
    (out / ".batch" / "incoming" / "1.wav").write_bytes(b"that is done")
    query(out, "UPDATE rows SET state = 'sent', file = NULL WHERE number = 2")
    if not uploaded:
        del store[path]
    assert batch(upload=URL).done == 6
    assert path in store
    assert metadata(out)[1]["file_name"] == "audio/row-1.wav"
    assert not list((out / ".batch" / "incoming").iterdir())
    assert len(server.requests) == 6


def test_a_failed_upload_ends_the_batch_and_loses_nothing(
    batch: Run, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Access\nDenied")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "put_file", refuse)
        with pytest.raises(OSError, match=r"The upload failed .Access Denied.*memory://bucket/folder/audio/row-0.wav"):
            batch(upload=URL)
    assert list(states(tmp_path / "out").values()) == ["sent", *["new"] * 5]
    assert batch(upload=URL).done == 6
    assert sorted(inputs(server)) == sorted(row["input"] for row in ROWS)


def test_the_local_file_stays_until_the_ledger_knows(
    batch: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    done = Recorder.done

    def looking(self: Recorder, number: int, *arguments: Any) -> None:
        seen.append((tmp_path / "out" / ".batch" / "incoming" / f"{number}.wav").exists())
        done(self, number, *arguments)

    monkeypatch.setattr(Recorder, "done", looking)
    batch(upload=URL)
    assert seen == [True] * 6


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("nowhere://x", ValueError, "upload must be a URL such as s3://bucket/folder, not 'nowhere://x'"),
        ("s3://bucket/folder", errors.ConfigurationError, "An upload to s3://bucket/folder needs one more package"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(
    batch: Run, monkeypatch: pytest.MonkeyPatch, url: str, kind: type[Exception], words: str
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(kind, match=words):
        batch(upload=url)
