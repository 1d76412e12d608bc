"""What a call returns when all of the audio is there, in memory or in a file."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Self

import httpx
from attrs import field, frozen

from . import audio, files
from .audio import AudioFacts
from .described import Described
from .files import StrPath
from .frames import Answer, without_connection
from .streams import AsyncSpeechStream, SpeechStream


class SpeechResponse(Described, httpx.Response):
    """The audio of one call, read to its end: `content` holds its bytes, and no connection is held."""

    time_to_first_audio: float | None
    """Seconds from sending the request to the first byte of audio."""

    def __init__(self, answer: Answer, content: bytes, time_to_first_audio: float | None) -> None:
        """Take over an answer.

        Args:
            answer: The answer, its body consumed.
            content: The body, decoded.
            time_to_first_audio: In seconds.
        """
        response = answer.response
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
        with suppress(RuntimeError):  # an answer of httpx.MockTransport does not know
            self.elapsed = answer.response.elapsed
        self.time_to_first_audio = time_to_first_audio
        self._header_facts = answer.facts

    @cached_property
    def _facts(self) -> AudioFacts:
        return audio.facts_from_audio(self.content, self._header_facts)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The audio, in pieces of `chunk_size` bytes; without it, in one."""
        # The encoding was undone when the audio arrived; httpx would undo it again.
        size = chunk_size or max(len(self._audio), 1)
        for start in range(0, len(self._audio), size):
            yield self._audio[start : start + size]

    def _describe(self) -> AudioFacts:
        return self._facts

    @cached_property
    def duration(self) -> float | None:
        """Seconds: exact for pcm and wav, from its frames for mp3, None for a format that is not read here."""
        return audio.duration(self.content, self._facts)

    def save(self, path: StrPath) -> Path:
        """Write the audio to a file. pcm is given a header where the suffix is `.wav`.

        The file is written beside its place and moved there at the end: a failure leaves an older file as it was.

        Returns:
            The path.

        Raises:
            SuffixMismatchError: The suffix is not one for this audio. It is saved beside the path under one that is;
                `saved_to` says where.
            FileWriteError: The file cannot be written; the message says why. The audio is in `audio` too.
        """
        with files.keeping(path, self._facts) as sink:
            sink.write(self.content)
        return Path(path)

    def play(self) -> None:
        """Play the audio, and come back when it was heard. It needs the extra `play`.

        Raises:
            ConfigurationError: The extra is not installed.
            PlaybackError: There is no audio device, or it stopped, or the audio cannot be decoded.
        """
        from . import playback  # noqa: PLC0415  (for those only who play)

        playback.play(self._facts, [self.content])

    def __repr__(self) -> str:
        seconds = "" if self.duration is None else f", {self.duration:.2f} s"
        return f"<SpeechResponse [{self.status_code} {self.audio_format}{seconds}, {len(self.content)} bytes]>"


@frozen
class SavedSpeech(Described):
    """The audio of one call, in a file."""

    path: Path
    headers: httpx.Headers = field(repr=False)
    bytes_received: int
    """Bytes of audio that arrived; a `.wav` file may have a header before them."""
    time_to_first_audio: float | None
    """Seconds from sending the request to the first byte of audio."""
    _facts: AudioFacts = field(repr=False)

    @classmethod
    def from_stream(cls, path: Path, stream: SpeechStream | AsyncSpeechStream, facts: AudioFacts) -> Self:
        """The facts of a stream that was saved; the file tells what its headers did not."""
        with _mapped(path) as content:
            known = audio.facts_from_audio(content, facts)
        return cls(path, stream.headers, stream.bytes_received, stream.time_to_first_audio, known)

    def _describe(self) -> AudioFacts:
        return self._facts

    @property
    def duration(self) -> float | None:
        """Seconds, found out from the file at each call; None for a format that is not read here."""
        facts = AudioFacts("wav") if files.format_of(self.path) == "wav" else self._facts
        with _mapped(self.path) as content:
            return audio.duration(content, facts)

    def play(self) -> None:
        """As `SpeechResponse.play`."""
        from . import playback  # noqa: PLC0415  (for those only who play)

        playback.play_file(self.path, self.audio_format, self.sample_rate, self.channels)


@contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The content of a file, without reading all of it into memory. A device or a pipe cannot be looked into."""
    if not path.is_file():
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
