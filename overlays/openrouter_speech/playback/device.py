"""The audio device, by miniaudio: the one module that knows it is there to be heard."""

import ctypes
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from attrs import frozen

from ..errors import ConfigurationError, PlaybackError

PERIOD = 0.02
"""Seconds of audio that the device asks for at a time."""
_PERIODS = 3
BUFFERED = PERIOD * _PERIODS
"""Seconds of audio that the device holds."""


@frozen
class SampleFormat:
    """What samples are."""

    sample_rate: int
    channels: int
    encoding: str = "SIGNED16"
    """As miniaudio's `SampleFormat` calls it."""
    sample_width: int = 2
    """Bytes."""

    @property
    def frame_size(self) -> int:
        """Bytes: one sample of each channel."""
        return self.sample_width * self.channels

    @property
    def bytes_per_second(self) -> int:
        return self.frame_size * self.sample_rate


class Device(Protocol):
    """A device that is playing."""

    def close(self) -> None:
        """Fall silent, and free the device."""


def load_miniaudio() -> Any:
    """The library, imported only now: that takes longer than the rest of this package.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        import miniaudio  # noqa: PLC0415  (see above)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "Playing needs the package miniaudio: pip install 'openrouter-speech[play]'"
        ) from error
    return miniaudio


def open_device(sample_format: SampleFormat, take: Callable[[int], bytes]) -> Device:
    """Start the default device. It calls `take` with a number of frames, in a thread of its own, until it is closed.

    Raises:
        ConfigurationError: miniaudio is not installed.
        PlaybackError: There is no device.
    """
    miniaudio = load_miniaudio()
    # Left to itself, miniaudio ends with a backend that plays to nobody.
    backends = miniaudio.get_enabled_backends() - {miniaudio.Backend.NULL, miniaudio.Backend.CUSTOM}
    device = None
    try:
        with _alsa_keeps_quiet():
            device = miniaudio.PlaybackDevice(
                output_format=miniaudio.SampleFormat[sample_format.encoding],
                nchannels=sample_format.channels,
                sample_rate=sample_format.sample_rate,
                buffersize_msec=round(PERIOD * 1000),
                callback_periods=_PERIODS,
                backends=sorted(backends, key=lambda backend: backend.value),
            )
            device.start(_answers(take))
    except miniaudio.MiniaudioError as error:
        if device is not None:
            device.close()
        raise PlaybackError(
            f"There is no audio device to play on ({error.args[0]}). The audio can be saved to a file instead."
        ) from error
    return device  # type: ignore[no-any-return]


def _answers(take: Callable[[int], bytes]) -> Generator[bytes, int, None]:
    """A generator that miniaudio sends numbers of frames to; it has to wait for the first of them already."""

    def answer() -> Generator[bytes, int, None]:
        samples = b""
        while True:
            samples = take((yield samples))

    answers = answer()
    next(answers)
    return answers


@contextmanager
def _alsa_keeps_quiet() -> Iterator[None]:
    """Without a sound card, ALSA writes dozens of lines to stderr; in this thread it does not, until the end."""
    handler = ctypes.CFUNCTYPE(None)(lambda: None)  # it is called with arguments, and need not look at them
    try:
        set_handler = ctypes.CDLL("libasound.so.2").snd_lib_error_set_local
    except (AttributeError, OSError):  # no ALSA, nothing to quieten
        yield
        return
    set_handler.restype = ctypes.c_void_p
    set_handler.argtypes = [ctypes.c_void_p]
    before = set_handler(ctypes.cast(handler, ctypes.c_void_p))
    try:
        yield
    finally:
        set_handler(before)
