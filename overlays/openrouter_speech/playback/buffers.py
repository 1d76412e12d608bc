"""Two buffers: `Backlog` for audio as received, `Samples` for decoded audio that waits for the device."""

from collections.abc import Callable
from math import inf
from threading import Condition
from typing import TypeVar

from ..errors import PlaybackError
from .device import BUFFERED, SampleFormat

T = TypeVar("T")

GATHERED = 0.1
"""Seconds of audio to gather before playing, or to wait for it at most: it hides an unsteady network.

Together with the device's own buffer, the first sound comes within 200 ms of the first byte.
"""
_AHEAD = 0.5
"""Seconds of audio to decode ahead."""
_TAIL = 2 * BUFFERED
"""Seconds of silence to feed after the last sample, so that the device has played its own buffer."""
_DEAD = 5.0
"""Seconds without a callback before the device is presumed gone: unplugged, say."""


class Backlog:
    """Audio as received. It grows without limit: the network must not wait for the speakers."""

    def __init__(self) -> None:
        self._audio = bytearray()
        self._ended = False
        self._starved = False
        """Whether the decoder waits for more."""
        self._changed = Condition()

    def add(self, chunk: bytes) -> None:
        """Add audio. After `end` it is dropped."""
        with self._changed:
            if not self._ended:
                self._audio += chunk
                self._starved = False
                self._changed.notify_all()

    def end(self, *, drop: bool = False) -> None:
        """Accept no more audio; with `drop`, discard the rest."""
        with self._changed:
            self._ended = True
            if drop:
                self._audio.clear()
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether no more audio will come."""
        return self._ended

    def peek(self, find: Callable[[bytearray], T]) -> T:
        """Wait until `find` returns something true, or the audio ends; return its result."""
        with self._changed:
            while not (found := find(self._audio)) and not self._ended:
                self._starved = True
                self._changed.notify_all()
                self._changed.wait()
            self._starved = False
            return found

    def take(self, size_of: Callable[[bytearray], int]) -> bytes:
        """Wait for the next piece, and remove it. At the end, the piece is all that is left."""
        with self._changed:
            size = self.peek(size_of) or len(self._audio)
            piece = bytes(self._audio[:size])
            del self._audio[:size]
            self._changed.notify_all()
            return piece

    def wait_for_room(self, most: int) -> bool:
        """Wait until at most this many bytes are waiting, or the decoder needs more than that.

        Returns:
            False if nothing moves any more: `Samples.wait` raises the reason.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: len(self._audio) <= most or self._starved or self._ended, timeout=_DEAD
            )


class Samples:
    """Decoded audio. The device takes it and never waits: an empty buffer plays as silence."""

    def __init__(self, sample_format: SampleFormat) -> None:
        self._sample_format = sample_format
        self._samples = bytearray()
        self._changed = Condition()
        self._expected = False
        self._gathering = 0.0
        self._flowing = False
        self._ended = False
        self._callbacks = 0
        self._silence = inf

    def begin(self, sample_format: SampleFormat) -> None:
        """Switch to another sample format."""
        with self._changed:
            self._sample_format = sample_format

    def expect(self) -> None:
        """Announce that samples are on their way: the gathering starts."""
        with self._changed:
            self._expected = True

    def put(self, samples: bytes) -> None:
        """Add samples. Wait while the buffer is full."""
        with self._changed:
            while len(self._samples) > _AHEAD * self._sample_format.bytes_per_second and not self._ended:
                self._changed.wait()
            if not self._ended:
                self._expected = True
                self._samples += samples

    def end(self, *, drop: bool = False) -> None:
        """Accept no more samples; with `drop`, discard the rest."""
        with self._changed:
            self._ended = True
            if drop:
                self._samples.clear()
                self._silence = inf
            self._changed.notify_all()

    def take(self, frames: int) -> bytes:
        """Return at most this many frames, for the device. It plays silence for missing ones."""
        with self._changed:
            self._callbacks += 1
            self._changed.notify_all()
            seconds = frames / self._sample_format.sample_rate
            if not self._flowing and not self._may_flow(seconds):
                self._silence += seconds
                return b""
            size = frames * self._sample_format.frame_size
            taken = bytes(self._samples[:size])
            del self._samples[:size]
            self._flowing = len(taken) == size
            if not self._flowing:  # an underrun, or the end
                self._expected, self._gathering = False, 0.0
            self._silence = 0.0
            return taken

    def wait(self) -> None:
        """Wait until everything has been played.

        Raises:
            PlaybackError: The device has stopped.
        """
        with self._changed:
            while not self._played():
                callbacks = self._callbacks
                if not self._changed.wait(_DEAD) and callbacks == self._callbacks:
                    raise PlaybackError("The audio device has stopped. Is it still connected?")

    def _played(self) -> bool:
        return self._ended and not self._samples and self._silence >= _TAIL

    def _may_flow(self, seconds: float) -> bool:
        if self._expected:
            self._gathering += seconds
        enough = len(self._samples) >= GATHERED * self._sample_format.bytes_per_second
        return bool(self._samples) and (enough or self._ended or self._gathering >= GATHERED)
