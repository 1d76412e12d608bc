"""The audio device, through miniaudio. No other module opens one."""

import ctypes
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from attrs import frozen

from ..errors import ConfigurationError, PlaybackError

PERIOD = 0.02
"""Seconds of audio per callback of the device."""
_PERIODS = 3
BUFFERED = PERIOD * _PERIODS
"""Seconds of audio in the device's own buffer."""


@frozen
class SampleFormat:
    """The format of decoded samples."""

    sample_rate: int
    channels: int
    encoding: str = "SIGNED16"
    """A name from miniaudio's `SampleFormat`."""
    sample_width: int = 2
    """Bytes."""

    @property
    def frame_size(self) -> int:
        """Bytes per frame: one sample of each channel."""
        return self.sample_width * self.channels

    @property
    def bytes_per_second(self) -> int:
        return self.frame_size * self.sample_rate


class Device(Protocol):
    """A device that is playing."""

    def close(self) -> None:
        """Stop playing, and free the device."""


def load_miniaudio() -> Any:
    """Import miniaudio on first use: it takes longer than the rest of this package.

    Raises:
        ConfigurationError: The extra `play` is not installed.
    """
    try:
        import miniaudio  # noqa: PLC0415  (see above)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "Playing needs the package miniaudio: pip install 'openrouter-speech[play]'"
        ) from error
    return miniaudio


def open_device(sample_format: SampleFormat, take: Callable[[int], bytes]) -> Device:
    """Start the default device. Until closed, its thread calls `take` with the number of frames that it needs.

    Raises:
        ConfigurationError: The extra `play` is not installed.
        PlaybackError: There is no device.
    """
    miniaudio = load_miniaudio()
    # By default, miniaudio falls back to a backend that plays to nobody.
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
            device.start(_callback(take))
    except miniaudio.MiniaudioError as error:
        if device is not None:
            device.close()
        raise PlaybackError(
            f"There is no audio device to play on ({error.args[0]}). The audio can be saved to a file instead."
        ) from error
    return device  # type: ignore[no-any-return]


def _callback(take: Callable[[int], bytes]) -> Generator[bytes, int, None]:
    """Wrap `take` in a generator that miniaudio sends frame counts to; it must already be started."""

    def generate() -> Generator[bytes, int, None]:
        samples = b""
        while True:
            samples = take((yield samples))

    callback = generate()
    next(callback)
    return callback


@contextmanager
def _alsa_keeps_quiet() -> Iterator[None]:
    """Silence ALSA in this thread: without a sound card, it writes dozens of lines to stderr."""
    handler = ctypes.CFUNCTYPE(None)(lambda: None)  # it ignores the arguments that it is called with
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
