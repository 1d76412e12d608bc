"""The body of a success while it arrives: counted, cut into whole frames, and checked at its end. No I/O in here."""

import time
from typing import NamedTuple

import httpx

from . import errors
from .audio import AudioFacts


class Answer(NamedTuple):
    """A success, its headers there, its body still to come."""

    response: httpx.Response
    facts: AudioFacts
    sent: float
    """When its request was sent, by `time.monotonic`."""


class Frames:
    """What has arrived of one body, and what of that was handed on."""

    def __init__(self, answer: Answer) -> None:
        self.response = answer.response
        self.frame_size = answer.facts.frame_size
        self.received = 0
        self.seconds_to_first: float | None = None
        self._sent = answer.sent
        self._rest = b""
        self._sized = bytearray()

    def chunk_size(self, wanted: int | None) -> int | None:
        """The nearest size of whole frames."""
        if wanted is None:
            return None
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
            raise ValueError(f"chunk_size must be a whole number of bytes, 1 or more, or None; not {wanted!r}")
        return max(wanted - wanted % self.frame_size, self.frame_size)

    def whole(self, chunk: bytes) -> bytes:
        """The frames that are complete with this chunk."""
        if not self.received and chunk:
            self.seconds_to_first = time.monotonic() - self._sent
        self.received += len(chunk)
        rest, odd = self._rest, self.received % self.frame_size
        if not rest and not odd:
            return chunk  # as it came: nothing is copied
        if len(rest) + len(chunk) < self.frame_size:
            self._rest = rest + chunk
            return b""
        end = len(chunk) - odd
        self._rest = chunk[end:]
        return b"".join((rest, memoryview(chunk)[:end]))

    def sized(self, piece: bytes, size: int) -> list[bytes]:
        """What is complete with this piece in pieces of `size` bytes."""
        self._sized += piece
        end = len(self._sized) - len(self._sized) % size
        pieces = [bytes(self._sized[start : start + size]) for start in range(0, end, size)]
        del self._sized[:end]
        return pieces

    def last(self) -> bytes:
        """The piece that is left at the end, which is smaller than the others."""
        piece = bytes(self._sized)
        self._sized.clear()
        return piece

    def check(self) -> None:
        """Check a body that has come to its end.

        Raises:
            EmptyAudioError, TruncatedAudioError: It is not whole.
        """
        if not self.received:
            raise errors.EmptyAudioError("The server reported success but sent no audio.", self.response)
        # httpcore checks the length itself; a client that was given may have another transport, which does not.
        encoded = "content-encoding" in self.response.headers  # then the length is that of other bytes
        announced = "" if encoded else self.response.headers.get("content-length", "")
        if announced.isdecimal() and self.received < int(announced):
            reason = f"{self.received} of {announced} bytes arrived"
        elif self.received % self.frame_size:
            reason = f"{self.received} bytes are no whole number of pcm frames of {self.frame_size} bytes"
        else:
            return
        raise errors.TruncatedAudioError(
            f"The audio stops short: {reason}.", self.response, bytes_received=self.received
        )

    def cut(self, cause: httpx.RequestError) -> errors.OpenRouterError:
        """The error for a body that the network cut short."""
        if isinstance(cause, httpx.TimeoutException):
            return errors.from_transport(cause, self.response.request)
        message = f"The connection was lost after {self.received} bytes of audio: {cause}"
        return errors.TruncatedAudioError(message, self.response, bytes_received=self.received)
