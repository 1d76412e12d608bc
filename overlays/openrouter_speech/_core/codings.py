"""Decode a body's content coding, and detect a wrong or truncated one (RFC 9110 section 8.4). No I/O.

httpx ignores unknown codings, and accepts a truncated compressed body as complete.
"""

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol


class CodingError(ValueError):
    """The bytes do not match the response's coding, or that coding is not supported."""


class Decoder(Protocol):
    """Decodes one coding incrementally."""

    def decode(self, chunk: bytes) -> bytes:
        """Decode the next bytes.

        Raises:
            CodingError: They do not match this coding.
        """

    @property
    def is_complete(self) -> bool:
        """Whether the encoded body has reached its end."""


def decoder(content_encoding: str) -> Decoder | None:
    """Make the decoder for a `Content-Encoding`; None if there is nothing to decode.

    Raises:
        CodingError: The coding is not supported.
    """
    names = [name for name in (part.strip().lower() for part in content_encoding.split(",")) if name]
    decoders = [_decoder(name) for name in reversed(names) if name != "identity"]
    return (decoders[0] if len(decoders) == 1 else _Several(decoders)) if decoders else None


def _decoder(name: str) -> Decoder:
    if name not in _DECODERS:
        raise CodingError("this client does not support that coding")
    return _DECODERS[name]()


class _Gzip:
    """One or more concatenated members (RFC 1952 section 2.2)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def decode(self, chunk: bytes) -> bytes:
        pieces = []
        while chunk:
            if self._member.eof:
                if chunk[0] != 0x1F:  # padding after the last member, which gzip ignores too
                    break
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            pieces.append(_decompressed(self._member.decompress, chunk, zlib.error))
            chunk = self._member.unused_data
        return b"".join(pieces)

    @property
    def is_complete(self) -> bool:
        return self._member.eof


class _Deflate:
    """zlib's format (RFC 1950), or raw deflate, which some servers send instead."""

    def __init__(self) -> None:
        self._start = b""
        self._zlib: Any = None

    def decode(self, chunk: bytes) -> bytes:
        if self._zlib is None:
            chunk = self._start = self._start + chunk
            if len(chunk) < 2:
                return b""
            has_header = chunk[0] & 15 == zlib.DEFLATED and int.from_bytes(chunk[:2]) % 31 == 0
            self._zlib = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        return _decompressed(self._zlib.decompress, chunk, zlib.error)

    @property
    def is_complete(self) -> bool:
        return self._zlib is not None and self._zlib.eof


class _Brotli:
    """RFC 7932, with either package that httpx uses."""

    def __init__(self) -> None:
        brotli = _imported("brotli", "brotlicffi")
        self._brotli = brotli.Decompressor()
        self._error = brotli.error

    def decode(self, chunk: bytes) -> bytes:
        if self._brotli.is_finished():
            return b""
        return _decompressed(self._brotli.process, chunk, self._error)

    @property
    def is_complete(self) -> bool:
        return bool(self._brotli.is_finished())


class _Zstandard:
    """One or more concatenated frames (RFC 8878 section 3)."""

    def __init__(self) -> None:
        self._zstandard = _imported("zstandard")
        self._frame = self._zstandard.ZstdDecompressor().decompressobj()

    def decode(self, chunk: bytes) -> bytes:
        pieces = []
        while chunk:
            if self._frame.eof:
                self._frame = self._zstandard.ZstdDecompressor().decompressobj()
            pieces.append(_decompressed(self._frame.decompress, chunk, self._zstandard.ZstdError))
            chunk = self._frame.unused_data if self._frame.eof else b""
        return b"".join(pieces)

    @property
    def is_complete(self) -> bool:
        return bool(self._frame.eof)


class _Several:
    """Stacked codings; the last one applied is decoded first."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def decode(self, chunk: bytes) -> bytes:
        for each in self._decoders:
            chunk = each.decode(chunk)
        return chunk

    @property
    def is_complete(self) -> bool:
        return all(each.is_complete for each in self._decoders)


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstandard,
}


def _decompressed(decompress: Callable[[bytes], bytes], chunk: bytes, error: type[Exception]) -> bytes:
    try:
        return decompress(chunk)
    except error as cause:
        raise CodingError(str(cause)) from cause


def _imported(*modules: str) -> Any:
    """Import the first of these modules that is installed."""
    for module in modules:
        try:
            return import_module(module)
        except ImportError:
            continue
    raise CodingError(f"it needs the package {modules[0]}, which is not installed")
