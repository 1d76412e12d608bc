"""The two places where audio waits: as it came until it is decoded, and decoded until the device takes it."""

from collections.abc import Callable
from math import inf
from threading import Condition
from typing import TypeVar

from ..errors import PlaybackError
from .device import BUFFERED, SampleFormat

T = TypeVar("T")

GATHERED = 0.1
"""Seconds of audio, or of waiting for it, before the first is played: an unsteady arrival is not to be heard.

With what the device asks for in advance, that leaves the first sound within 200 ms of the first byte.
"""
_AHEAD = 0.5
"""Seconds of audio that are decoded before their time."""
_TAIL = 2 * BUFFERED
"""Seconds of silence that the device has to ask for after the last sample, so that what it holds was heard."""
_DEAD = 5.0
"""Seconds without a question from the device, after which it is taken for lost: unplugged, say."""


class Backlog:
    """Audio as it came. It grows as it has to: the network must not wait for the loudspeaker."""

    def __init__(self) -> None:
        self._audio = bytearray()
        self._ended = False
        self._changed = Condition()

    def add(self, chunk: bytes) -> None:
        """Add audio; after the end it is dropped."""
        with self._changed:
            if not self._ended:
                self._audio += chunk
                self._changed.notify_all()

    def end(self, *, drop: bool = False) -> None:
        """Expect no more; `drop` what is there, too."""
        with self._changed:
            self._ended = True
            if drop:
                self._audio.clear()
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether no more is to come."""
        return self._ended

    def peek(self, find: Callable[[bytearray], T]) -> T:
        """Wait until something is found in the audio, or the audio is at its end."""
        with self._changed:
            while not (found := find(self._audio)) and not self._ended:
                self._changed.wait()
            return found

    def take(self, size_of: Callable[[bytearray], int]) -> bytes:
        """Wait until the next piece is there, and take it out. At the end, it is all that is left."""
        with self._changed:
            size = self.peek(size_of) or len(self._audio)
            piece = bytes(self._audio[:size])
            del self._audio[:size]
            return piece


class Samples:
    """Decoded audio. The device takes it out, and never waits: where there is none, it plays silence."""

    def __init__(self, sample_format: SampleFormat) -> None:
        self._sample_format = sample_format
        self._samples = bytearray()
        self._changed = Condition()
        self._expected = False
        self._gathering = 0.0
        self._flowing = False
        self._ended = False
        self._asked = 0
        self._silence = inf

    def begin(self, sample_format: SampleFormat) -> None:
        """Hold samples of this form."""
        with self._changed:
            self._sample_format = sample_format

    def expect(self) -> None:
        """From now on the device is asking for something that is on its way."""
        with self._changed:
            self._expected = True

    def put(self, samples: bytes) -> None:
        """Add samples; wait while there are many."""
        with self._changed:
            while len(self._samples) > _AHEAD * self._sample_format.bytes_per_second and not self._ended:
                self._changed.wait()
            if not self._ended:
                self._expected = True
                self._samples += samples

    def end(self, *, drop: bool = False) -> None:
        """Expect no more; `drop` what is there, too."""
        with self._changed:
            self._ended = True
            if drop:
                self._samples.clear()
                self._silence = inf
            self._changed.notify_all()

    def take(self, frames: int) -> bytes:
        """For the device: at most so many frames. What is missing is silence."""
        with self._changed:
            self._asked += 1
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
        """Wait until all of it was heard.

        Raises:
            PlaybackError: The device stopped asking for samples.
        """
        with self._changed:
            while not self._played():
                asked = self._asked
                if not self._changed.wait(_DEAD) and asked == self._asked:
                    raise PlaybackError("The audio device has stopped. Is it still connected?")

    def _played(self) -> bool:
        return self._ended and not self._samples and self._silence >= _TAIL

    def _may_flow(self, seconds: float) -> bool:
        if self._expected:
            self._gathering += seconds
        enough = len(self._samples) >= GATHERED * self._sample_format.bytes_per_second
        return bool(self._samples) and (enough or self._ended or self._gathering >= GATHERED)
