"""Content codings: decoded piece by piece, and known to be complete or not."""

import gzip
import sys
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from openrouter_speech._core import codings

AUDIO = bytes(range(256)) * 8
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
GZIP = gzip.compress(AUDIO)
CODED = [
    ("gzip", GZIP),
    ("x-gzip", GZIP),
    ("GZIP, identity", GZIP),
    ("gzip", gzip.compress(AUDIO[:9]) + gzip.compress(AUDIO[9:])),
    ("deflate", zlib.compress(AUDIO)),
    ("deflate", RAW.compress(AUDIO) + RAW.flush()),
    ("deflate, gzip", gzip.compress(zlib.compress(AUDIO))),
]


def decode(encoding: str, coded: bytes, step: int) -> tuple[bytes, bool]:
    decoder = codings.decoder(encoding)
    assert decoder is not None
    decoded = b"".join(decoder.decode(coded[start : start + step]) for start in range(0, len(coded), step))
    return decoded, decoder.is_complete


@pytest.mark.parametrize(("encoding", "coded"), CODED, ids=range(len(CODED)))
def test_a_coding_is_decoded_and_known_to_be_complete(encoding: str, coded: bytes) -> None:
    """Without its checksum it is incomplete, even if all of the audio was decoded."""
    for step in (1, 7, 10_000):
        assert decode(encoding, coded, step) == (AUDIO, True)
    for missing in (1, 8, 20):
        decoded, is_complete = decode(encoding, coded[:-missing], 100)
        assert not is_complete
        assert AUDIO.startswith(decoded)


def test_padding_after_gzip_is_ignored() -> None:
    assert decode("gzip", GZIP + bytes(512), 100) == (AUDIO, True)


@pytest.mark.parametrize("encoding", ["", "identity", " , "])
def test_there_is_nothing_to_decode_without_a_coding(encoding: str) -> None:
    assert codings.decoder(encoding) is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, deflate"])
def test_bytes_of_another_coding_are_rejected(encoding: str) -> None:
    with pytest.raises(codings.CodingError):
        decode(encoding, b"\xff\xf3\x84\xc4" * 100, 100)


@pytest.mark.parametrize(("encoding", "reason"), [("foo", "does not support"), ("br", "brotli"), ("zstd", "zstandard")])
def test_an_unsupported_coding_is_rejected(monkeypatch: pytest.MonkeyPatch, encoding: str, reason: str) -> None:
    for module in ("brotli", "brotlicffi", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(codings.CodingError, match=reason):
        codings.decoder(encoding)


class Reversed:
    """Stands for another coding's library: it reverses each piece, and is finished after a full stop."""

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


BROTLI = SimpleNamespace(Decompressor=Reversed, error=ZeroDivisionError)
FRAMES = SimpleNamespace(decompressobj=Reversed)
ZSTANDARD = SimpleNamespace(ZstdDecompressor=lambda: FRAMES, ZstdError=ZeroDivisionError)


@pytest.mark.parametrize(
    ("encoding", "module", "library", "after_the_end"),
    [("br", "brotli", BROTLI, b""), ("zstd", "zstandard", ZSTANDARD, b"cd")],
)
def test_the_libraries_that_httpx_uses_are_used(
    monkeypatch: pytest.MonkeyPatch, encoding: str, module: str, library: Any, after_the_end: bytes
) -> None:
    """Anything after the end of brotli is ignored; zstd may have another frame."""
    monkeypatch.setitem(sys.modules, module, library)
    assert decode(encoding, b"ab", 1) == (b"ab", False)
    assert decode(encoding, b"ba.", 10) == (b"ab", True)
    assert decode(encoding, b"ba.dc.", 3) == (b"ab" + after_the_end, True)
    with pytest.raises(codings.CodingError, match="broken"):
        decode(encoding, b"?", 1)
