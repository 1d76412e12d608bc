"""Content codings: undone piece by piece, and known to be whole or not."""

import gzip
import sys
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from openrouter_speech._core import codings

AUDIO = bytes(range(256)) * 8
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
CODED = [
    ("gzip", gzip.compress(AUDIO)),
    ("x-gzip", gzip.compress(AUDIO)),
    ("GZIP, identity", gzip.compress(AUDIO)),
    ("gzip", gzip.compress(AUDIO[:9]) + gzip.compress(AUDIO[9:])),
    ("deflate", zlib.compress(AUDIO)),
    ("deflate", RAW.compress(AUDIO) + RAW.flush()),
    ("deflate, gzip", gzip.compress(zlib.compress(AUDIO))),
]


def undone(encoding: str, coded: bytes, step: int) -> tuple[bytes, bool]:
    decoder = codings.decoder(encoding)
    assert decoder is not None
    decoded = b"".join(decoder.decode(coded[start : start + step]) for start in range(0, len(coded), step))
    return decoded, decoder.is_complete


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize(("encoding", "coded"), CODED, ids=range(len(CODED)))
def test_a_coding_is_undone_however_it_is_cut(encoding: str, coded: bytes, step: int) -> None:
    assert undone(encoding, coded, step) == (AUDIO, True)


@pytest.mark.parametrize("missing", [1, 8, 20])
@pytest.mark.parametrize(("encoding", "coded"), CODED, ids=range(len(CODED)))
def test_a_coding_that_stops_short_is_not_complete(encoding: str, coded: bytes, missing: int) -> None:
    """Also where all of the audio came out: then the checksum is missing."""
    decoded, complete = undone(encoding, coded[:-missing], 100)
    assert not complete
    assert AUDIO.startswith(decoded)


def test_padding_behind_gzip_is_passed_over() -> None:
    assert undone("gzip", gzip.compress(AUDIO) + bytes(512), 100) == (AUDIO, True)


@pytest.mark.parametrize("encoding", ["", "identity", " , "])
def test_nothing_is_undone_without_a_coding(encoding: str) -> None:
    assert codings.decoder(encoding) is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, deflate"])
def test_other_bytes_are_refused(encoding: str) -> None:
    with pytest.raises(codings.CodingError):
        undone(encoding, b"\xff\xf3\x84\xc4" * 100, 100)


@pytest.mark.parametrize(("encoding", "reason"), [("foo", "does not support"), ("br", "brotli"), ("zstd", "zstandard")])
def test_what_cannot_be_undone_here_is_refused(monkeypatch: pytest.MonkeyPatch, encoding: str, reason: str) -> None:
    for module in ("brotli", "brotlicffi", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(codings.CodingError, match=reason):
        codings.decoder(encoding)


class Reversed:
    """Stands for a library of another coding: it turns a piece round, and is finished after a full stop."""

    def __init__(self) -> None:
        self.eof, self.unused_data = False, b""

    def process(self, chunk: bytes) -> bytes:
        if chunk == b"?":
            raise ZeroDivisionError("broken")
        taken, end, self.unused_data = chunk.partition(b".")
        self.eof = bool(end)
        return taken[::-1]

    decompress = process

    def is_finished(self) -> bool:
        return self.eof


LIBRARIES: dict[str, Any] = {
    "brotli": SimpleNamespace(Decompressor=Reversed, error=ZeroDivisionError),
    "zstandard": SimpleNamespace(
        ZstdDecompressor=lambda: SimpleNamespace(decompressobj=Reversed), ZstdError=ZeroDivisionError
    ),
}


@pytest.mark.parametrize(("encoding", "module"), [("br", "brotli"), ("zstd", "zstandard")])
def test_the_libraries_that_httpx_uses_are_used(monkeypatch: pytest.MonkeyPatch, encoding: str, module: str) -> None:
    """Behind the end of brotli nothing counts; zstd may have another frame."""
    monkeypatch.setitem(sys.modules, module, LIBRARIES[module])
    assert undone(encoding, b"ab", 1) == (b"ab", False)
    assert undone(encoding, b"ba.", 10) == (b"ab", True)
    decoder = codings.decoder(encoding)
    assert decoder is not None
    assert decoder.decode(b"ba.") + decoder.decode(b"dc.") == (b"ab" if encoding == "br" else b"abcd")
    with pytest.raises(codings.CodingError, match="broken"):
        undone(encoding, b"?", 1)
