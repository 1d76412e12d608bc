"""The loudspeaker of `say --play`."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from .. import errors
from .._core import audio
from ..playback import Player
from ..playback.device import SampleFormat, open_device
from ..streams import SpeechStream


class Speaker:
    """The loudspeaker, if it is wanted. Where there is none, what can be saved is saved before the error comes."""

    def __init__(self, *, wanted: bool, or_fail: bool) -> None:
        """Make it.

        Args:
            wanted: Whether it is to be used at all.
            or_fail: Whether there is no use for the audio without it.
        """
        self._wanted, self._or_fail = wanted, or_fail
        self._player: Player | None = None
        self._problem: errors.PlaybackError | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        """Find out whether there is a device, before the audio is paid for.

        Raises:
            ConfigurationError: The extra `play` is not installed.
            PlaybackError: There is no device, and no other use for the audio.
        """
        if self._wanted:
            try:
                open_device(SampleFormat(audio.PCM_SAMPLE_RATE, audio.PCM_CHANNELS), lambda _: b"").close()
            except errors.PlaybackError as problem:
                self._put_off(problem)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def begin(self, stream: SpeechStream) -> None:
        """Open the device for this audio."""
        if self._wanted and self._problem is None:
            player = Player(stream.audio_format, stream.sample_rate, stream.channels)
            try:
                self._player = self._opened.enter_context(player)
            except errors.PlaybackError as problem:
                self._put_off(problem)

    def feed(self, chunk: bytes) -> None:
        """Add audio."""
        if self._player is not None:
            self._player.feed(chunk)

    def finish(self) -> None:
        """Wait until all has been heard; raise what went wrong."""
        if self._player is not None:
            self._player.finish()
        if self._problem is not None:
            raise self._problem

    def _put_off(self, problem: errors.PlaybackError) -> None:
        if self._or_fail:
            raise problem
        self._problem = problem
