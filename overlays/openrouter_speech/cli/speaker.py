"""The speakers of `say --play`."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from .. import errors
from .._core import audio
from ..playback import Player
from ..playback.device import SampleFormat, open_device
from ..streams import SpeechStream


class Speaker:
    """The speakers, if wanted. Without a device, the audio is still saved before the error is raised."""

    def __init__(self, *, wanted: bool, required: bool) -> None:
        """Create it; nothing is opened yet.

        Args:
            wanted: Whether to play at all.
            required: Whether a missing device fails at once: the audio goes nowhere else.
        """
        self._wanted, self._required = wanted, required
        self._player: Player | None = None
        self._problem: errors.PlaybackError | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        """Check that there is a device, before the audio is paid for.

        Raises:
            ConfigurationError: The extra `play` is not installed.
            PlaybackError: There is no device, and it is required.
        """
        if self._wanted:
            try:
                open_device(SampleFormat(audio.PCM_SAMPLE_RATE, audio.PCM_CHANNELS), lambda _: b"").close()
            except errors.PlaybackError as problem:
                self._defer(problem)
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
                self._defer(problem)

    def feed(self, chunk: bytes) -> None:
        """Add audio."""
        if self._player is not None:
            self._player.feed(chunk)

    def finish(self) -> None:
        """Wait until everything has been played; raise the error, if any."""
        if self._player is not None:
            self._player.finish()
        if self._problem is not None:
            raise self._problem

    def _defer(self, problem: errors.PlaybackError) -> None:
        if self._required:
            raise problem
        self._problem = problem
