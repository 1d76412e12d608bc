"""Complete audio, in memory or in a file."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
from attrs import field, frozen

from . import _files as files
from ._core import audio
from ._core.audio import AudioInfo
from ._files import StrPath
from ._http.body import OpenResponse, without_connection
from .streams import AsyncSpeechStream, AudioDescription, SpeechStream

if TYPE_CHECKING:
    import numpy as np

    from ._http.body import Costs

__all__ = ["SavedSpeech", "SpeechResponse"]


class SpeechResponse(AudioDescription, httpx.Response):
    """The complete audio of one call. `content` holds its bytes; the connection is released."""

    time_to_first_audio: float | None
    """Seconds from sending the request to the first byte of audio."""

    def __init__(self, opened: OpenResponse, content: bytes, time_to_first_audio: float | None) -> None:
        """Wrap a response.

        Args:
            opened: The response, its body consumed.
            content: The body, decoded.
            time_to_first_audio: Seconds.
        """
        response = opened.response
        super().__init__(
            response.status_code,
            headers=response.headers,
            stream=httpx.ByteStream(content),
            request=response.request,
            extensions=without_connection(response),
            default_encoding=response.default_encoding,
        )
        self._audio = content
        self.read()
        self.is_closed = True
        with suppress(RuntimeError):  # httpx.MockTransport does not set it
            self.elapsed = opened.response.elapsed
        self.time_to_first_audio = time_to_first_audio
        self._header_info = opened.info
        self.from_cache = opened.from_cache
        self._costs = opened.costs

    @cached_property
    def _info(self) -> AudioInfo:
        return audio.info_from_audio(self.content, self._header_info)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the audio in chunks of `chunk_size` bytes; by default in one."""
        # The audio is decoded already; httpx would decode it again.
        size = chunk_size or max(len(self._audio), 1)
        for start in range(0, len(self._audio), size):
            yield self._audio[start : start + size]

    def _describe(self) -> AudioInfo:
        return self._info

    @cached_property
    def duration(self) -> float | None:
        """Seconds: exact for pcm and wav, computed from the frames for mp3, None for other formats."""
        return audio.duration(self.content, self._info)

    def save(self, path: StrPath, *, convert: bool = True) -> Path:
        """Write the audio to a file. If the suffix is `.wav`, pcm gets a header.

        With the extra `convert`, audio in another format is converted to that of the suffix: .mp3, .wav, .flac or .ogg.

        The file is written under a temporary name and moved into place at the end: a failure leaves an existing file
        untouched.

        Args:
            path: The file.
            convert: Whether to convert the audio.

        Returns:
            The path.

        Raises:
            SuffixMismatchError: The suffix does not fit the audio, which is saved next to `path` as `saved_to`.
            FileWriteError: The file cannot be written; the message says why. `audio` holds the audio too.
        """
        with files.keeping(path, self._info, convert=convert) as sink:
            sink.write(self.content)
        return Path(path)

    def play(self) -> None:
        """Play the audio, and return when playback ends. Needs the extra `play`.

        Raises:
            ConfigurationError: The extra is not installed.
            PlaybackError: There is no audio device, it stopped, or the audio cannot be decoded.
        """
        from . import playback  # noqa: PLC0415  (an optional extra)

        playback.play(self._info, [self.content])

    def to_numpy(self) -> "np.ndarray[Any, np.dtype[np.int16]]":
        """Return the samples: one row per frame, one column per channel. Needs numpy.

        Formats other than pcm and wav also need soundfile, which the extra `convert` has.

        Raises:
            ConfigurationError: A package is missing.
            ValueError: The audio cannot be decoded.
        """
        from . import _samples  # noqa: PLC0415  (here and below: few programs need it)

        return _samples.to_numpy(self.content, self._info)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return what a notebook shows."""
        from . import _notebook  # noqa: PLC0415

        return _notebook.of_audio(self.content, self._info, repr(self), _notebook.facts(self))

    def __repr__(self) -> str:
        seconds = "" if self.duration is None else f", {self.duration:.2f} s"
        return f"<SpeechResponse [{self.status_code} {self.audio_format}{seconds}, {len(self.content)} bytes]>"


@frozen
class SavedSpeech(AudioDescription):
    """The audio of one call, in a file."""

    path: Path
    headers: httpx.Headers = field(repr=False)
    bytes_received: int
    """Bytes of audio that arrived, not counting a header added to a `.wav` file."""
    time_to_first_audio: float | None
    """Seconds from sending the request to the first byte of audio."""
    duration: float | None
    """Seconds. None for a format that is not parsed, and for a device or a pipe unless its audio is PCM."""
    _info: AudioInfo = field(repr=False)
    from_cache: bool = field(default=False, repr=False)
    _costs: "Costs | None" = field(default=None, repr=False, eq=False)

    @classmethod
    def from_stream(cls, path: Path, stream: SpeechStream | AsyncSpeechStream, info: AudioInfo) -> Self:
        """Describe a saved stream. The file fills in what the response headers left out."""
        with _mapped(path) as content:
            known = audio.info_from_audio(content, _converted(path, info))
            held = AudioInfo("wav") if files.format_of(path) == "wav" else known
            duration = audio.duration(content, held) if content else None
            duration = stream.duration if duration is None else duration
        spent = stream.time_to_first_audio
        return cls(
            path, stream.headers, stream.bytes_received, spent, duration, known, stream.from_cache, stream._costs
        )

    def _describe(self) -> AudioInfo:
        return self._info

    def play(self) -> None:
        """As `SpeechResponse.play`."""
        from . import playback  # noqa: PLC0415  (an optional extra)

        playback.play_file(self.path, self.audio_format, self.sample_rate, self.channels)

    def to_numpy(self) -> "np.ndarray[Any, np.dtype[np.int16]]":
        """As `SpeechResponse.to_numpy`. The whole file is read into memory.

        Raises:
            OSError: The file cannot be read.
        """
        from . import _samples  # noqa: PLC0415

        return _samples.to_numpy(self.path.read_bytes(), self._info)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return what a notebook shows."""
        from . import _notebook  # noqa: PLC0415

        return _notebook.of_file(self.path, self._info, repr(self), _notebook.facts(self))


def _converted(path: Path, info: AudioInfo) -> AudioInfo:
    """Return what is in a file, if the audio was converted for it."""
    held = files.format_of(path)
    is_same = held is None or files.fits(path, info.format) or not path.is_file()
    return info if is_same else AudioInfo(str(held), info.sample_rate, info.channels)


@contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """Map a file's content into memory; for a device or a pipe, yield nothing."""
    if not path.is_file():
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
