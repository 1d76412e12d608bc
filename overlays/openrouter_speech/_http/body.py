"""A response's body as it arrives: decoded, identified, cut into whole frames, checked at the end. No I/O."""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from .. import errors
from .._core import audio
from .._core.audio import AudioInfo, Unidentified

if TYPE_CHECKING:
    from decimal import Decimal

    from .._core.codings import Decoder

_HEAD = 1 << 16
"""Bytes of the start to keep for the check at the end of a stream."""
_MAX_TO_IDENTIFY = 1 << 20
"""Bytes after which to trust the label if the format is still unknown."""
_MAX_ERROR = 1 << 20
"""Bytes of an error to read; no message needs more."""
_MAX_NON_AUDIO = 1 << 26
"""Bytes of a success that is not audio to keep: it may have been paid for."""


class Costs(Protocol):
    """Looks up what a generation cost, in US dollars."""

    def look_up(self, generation: str, timeout_ms: float) -> "Decimal":
        """Wait for it at most so many milliseconds."""

    async def look_up_async(self, generation: str, timeout_ms: float) -> "Decimal":
        """As `look_up`."""


class Recorder(Protocol):
    """Keeps audio as it arrives."""

    def write(self, chunk: bytes) -> None:
        """Add audio."""

    def commit(self, headers: httpx.Headers) -> None:
        """Keep it: it is whole."""

    def discard(self) -> None:
        """Forget it, unless it was kept."""


class OpenResponse:
    """A response whose headers have arrived, but not its body."""

    def __init__(
        self,
        response: httpx.Response,
        info: AudioInfo | None,
        sent: float,
        hide: Callable[[str], str] = str,
        costs: "Costs | None" = None,
        *,
        recorder: Recorder | None = None,
        from_cache: bool = False,
    ) -> None:
        """Wrap a response.

        Args:
            response: The response, its body not read.
            info: The format by its label; None if that is not an audio type.
            sent: When the request was sent, by `time.monotonic`.
            hide: As for `errors.from_response`.
            costs: Looks up what the response cost.
            recorder: Keeps the audio.
            from_cache: Whether the audio is that of an earlier request.
        """
        self.response = response
        self.costs = costs
        self.from_cache = from_cache
        self.body = IncomingBody(response, info, sent, hide, recorder)
        self.chunks: Iterator[bytes] | AsyncIterator[bytes] | None = None
        """The body from the network, once it is being read."""

    def failure(self, body: bytes) -> errors.OpenRouterError:
        """Make the error for a response that reports one, from its decoded body."""
        return errors.from_response(with_body(self.response, body), self.body.hide)

    @property
    def info(self) -> AudioInfo:
        """The audio's format: by its label at first, then by its first bytes."""
        return self.body.info


class IncomingBody:
    """The state of one body: what has arrived, and what was passed on. All iterators of a stream share it."""

    def __init__(
        self,
        response: httpx.Response,
        info: AudioInfo | None,
        sent: float,
        hide: Callable[[str], str],
        recorder: Recorder | None = None,
    ) -> None:
        self.response = response
        self._recorder = recorder
        self.hide = hide
        self.info = info or AudioInfo("")
        self.received = 0
        """Decoded bytes."""
        self.seconds_to_first: float | None = None
        self.at_end = False
        """Whether nothing more will arrive."""
        self._has_label = info is not None
        self._was_read = response.is_stream_consumed
        """Whether httpx has read and decoded it already, for a transport or a hook."""
        self._sent = sent
        self._is_known = False
        self._pending: list[bytes] = []
        """Chunks that are not identified yet, or that will not be passed on."""
        self._ready: deque[bytes] = deque()
        self._offset = 0  # in the first chunk
        self._available = 0  # bytes in all chunks
        self._partial_frame = b""
        self._head: list[bytes] = []
        self._head_size = 0
        self._has_begun = False
        self._is_receiving = False
        self._end_reason = ""
        """Why the stream cannot be read further; empty if it can."""
        self._transferred = 0
        """Bytes as received, before decoding."""
        self._undecoded = b""
        self._encoding: str = response.headers.get("content-encoding", "")
        self._decoder: Decoder | None = None
        self._refusal: Callable[[bytes], errors.OpenRouterError] | None = None
        """Makes the error for a body that is not passed on, once it has been read."""
        if not response.is_success:
            self._refusal = self._refused
        elif _is_partial(response):
            self._refusal = self._partial
        if self._encoding:
            self._prepare_decoder()

    # Input

    def expect(self) -> None:
        """Announce a wait for the next bytes.

        Raises:
            StreamConsumedError: Someone is waiting already, or the stream has ended.
        """
        self._require_open()
        if self._is_receiving:
            raise errors.StreamConsumedError(
                "Two threads or tasks are reading this stream at the same time: read in one, and pass the audio on."
            )
        self._is_receiving = True

    def arrived(self, chunk: bytes | None) -> None:
        """Add the next bytes, or None at the end.

        Raises:
            TruncatedAudioError: They cannot be decoded.
        """
        self._is_receiving = False
        if chunk is None:
            self._end()
            return
        self._transferred += len(chunk)
        if self._decoder is not None:
            chunk = self._decoded(self._decoder, chunk)
        if not chunk:
            return
        if not self.received:
            self.seconds_to_first = time.monotonic() - self._sent
        self.received += len(chunk)
        if self._recorder is not None and self._refusal is None:
            self._recorder.write(chunk)
        if self._head_size < _HEAD:
            self._head.append(chunk)
            self._head_size += len(chunk)
        if self._is_known:
            self._add(chunk)
            return
        self._pending.append(chunk)
        if self._refusal is None:
            self._identify(complete=False)
        else:
            most = _MAX_NON_AUDIO if self.response.is_success else _MAX_ERROR
            self.at_end = self.received >= most

    def cut(self, cause: httpx.RequestError) -> errors.OpenRouterError:
        """Make the error for a body that a network failure cut short."""
        self._is_receiving = False
        cause.request = self.response.request
        self._settle()
        if self._refusal is not None:
            return self._refusal(self._left())
        self._end_reason = "it ended early"
        if isinstance(cause, httpx.TimeoutException):
            late = errors.from_transport(cause, self.response.request)
            late.audio = self._left()
            return late
        return self._truncated(f"The connection was lost after {self.received} bytes of audio: {cause}", self._left())

    def abandon(self) -> None:
        """End the stream because a wait for the next bytes was interrupted, which loses what follows."""
        self._is_receiving = False
        self._end_reason = "it was interrupted while waiting for the network"

    def close(self) -> None:
        """Pass nothing more on."""
        if self._recorder is not None:
            self._recorder.discard()
        self._end_reason = self._end_reason or "it is closed; read it inside the `with` block"

    @contextmanager
    def unless_failed(self) -> Iterator[None]:
        """Close the body if the block fails."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    # Output

    @property
    def is_unknown(self) -> bool:
        """Whether more bytes are needed to identify the format."""
        return not (self._is_known or self.at_end)

    @property
    def has_nothing(self) -> bool:
        """Whether the body has ended without any audio."""
        return self.at_end and (self._refusal is not None or not self.received)

    def claim(self, method: str) -> None:
        """Check that a method can have the whole stream.

        Raises:
            StreamConsumedError: Some of the stream was already read, or it is closed.
        """
        self._require_open()
        if self._has_begun:
            raise errors.StreamConsumedError(
                f"{method}() needs the whole stream, but some of it was already read: iterate over the rest, or call "
                "stream_speech again."
            )

    def begin(self) -> None:
        """Mark the stream as begun."""
        self._require_open()
        self._has_begun = True

    def chunk_size(self, wanted: int | None) -> int | None:
        """Round a size to whole frames."""
        self._require_open()
        if wanted is None:
            return None
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
            raise ValueError(f"chunk_size must be a whole number of bytes, 1 or more, or None; not {wanted!r}")
        size = self.info.frame_size
        return max(wanted - wanted % size, size)

    def take(self, size: int | None) -> bytes | None:
        """Take the next chunk; None if more has to arrive first, or nothing is left."""
        if self._end_reason:
            self._require_open()
        ready = self._ready
        if size is None:
            if not ready:
                return None
            piece = ready.popleft()
            if self._offset:
                piece, self._offset = piece[self._offset :], 0
            self._available -= len(piece)
            return piece
        if not self._available or (self._available < size and not self.at_end):
            return None
        return self._cut_out(min(size, self._available))

    def take_all(self) -> bytes:
        """Take everything that is ready."""
        return self._cut_out(self._available)

    def give_back(self, pieces: list[bytes]) -> None:
        """Rewind the stream: put back all chunks that were taken."""
        self._ready.extendleft(reversed(pieces))
        self._available += sum(map(len, pieces))
        self._has_begun, self._end_reason = False, ""

    def finish(self, has_sound: Callable[[AudioInfo], bool | None] | None = None, taken: bytes = b"") -> None:
        """Check a body that has ended.

        Args:
            has_sound: Checks all of the audio. If absent, or if it returns None, only the start is checked.
            taken: The bytes that were taken, for the error's `audio`.

        Raises:
            OpenRouterError: It is not complete audio.
        """
        if self._refusal is not None:
            raise self._refusal(self._left())
        self._end_reason = "it was read to its end, and can be read only once"
        self._check_whole(taken)
        info = self.info
        sound = info.format == "pcm" or (has_sound and has_sound(info))  # any bytes are valid pcm
        if not (self._head_has_sound() if sound is None else sound):
            raise errors.NotAudioError(
                f"The server reported success, but the {self.received} bytes that it sent have no {info.format} audio.",
                self.response,
                audio=taken,
                bytes_received=self.received,
            )
        if self._recorder is not None:
            self._recorder.commit(self.response.headers)

    def _require_open(self) -> None:
        if self._end_reason:
            raise errors.StreamConsumedError(
                f"This stream cannot be read: {self._end_reason}. Keep what you need as you read it, use create_speech "
                "for audio that you need more than once, or call stream_speech again."
            )

    # Internals

    def _end(self) -> None:
        self.at_end = True
        self._settle()
        self._is_known = self._refusal is None

    def _settle(self) -> None:
        """Identify the format, if that is still open, now that no more will arrive."""
        if self.received and not self._is_known and self._refusal is None:
            self._identify(complete=True)

    def _identify(self, *, complete: bool) -> None:
        """Identify the format by the first bytes."""
        head = b"".join(self._pending)  # usually a single chunk, which join() does not copy
        found = audio.identify(head, self.info, complete=complete)
        if found is Unidentified.NEEDS_MORE:
            if not complete and len(head) < _MAX_TO_IDENTIFY:
                return
            found = self.info
        if isinstance(found, Unidentified) or (not self._has_label and found.format == self.info.format):
            self._refusal = self._refused
            return
        self.info = found if found.sample_rate else audio.info_from_audio(head, found)
        self._is_known = True
        pending, self._pending = self._pending, []
        for chunk in pending:
            self._add(chunk)

    def _add(self, chunk: bytes) -> None:
        """Add a chunk, and make its whole frames ready."""
        rest, size = self._partial_frame, self.info.frame_size
        odd = (len(rest) + len(chunk)) % size
        if rest or odd:  # otherwise the chunk is used as is, without a copy
            if len(rest) + len(chunk) < size:
                self._partial_frame = rest + chunk
                return
            end = len(chunk) - odd
            self._partial_frame = chunk[end:]
            chunk = b"".join((rest, memoryview(chunk)[:end]))
        self._ready.append(chunk)
        self._available += len(chunk)

    def _cut_out(self, size: int) -> bytes:
        """Take this many ready bytes."""
        ready, pieces = self._ready, []
        self._available -= size
        while size:
            piece, begin = ready[0], self._offset
            end = begin + size
            if end < len(piece):
                self._offset = end
            else:
                end, self._offset = len(piece), 0
                ready.popleft()
            pieces.append(piece[begin:end])
            size -= end - begin
        return b"".join(pieces)

    def _left(self) -> bytes:
        """Take everything that was not passed on."""
        pending, self._pending = self._pending, []
        return self.take_all() + b"".join(pending)

    # Content coding

    def _prepare_decoder(self) -> None:
        from .._core import codings  # noqa: PLC0415  (rarely needed)

        try:
            decoder = codings.decoder(self._encoding)
        except codings.CodingError as error:
            self._refuse_coding(error)
        else:
            self._decoder = None if self._was_read else decoder

    def _decoded(self, decoder: "Decoder", chunk: bytes) -> bytes:
        try:
            decoded = decoder.decode(chunk)
        except ValueError as error:
            self._decoder = None
            if not self.received:
                self._refuse_coding(error)
                return self._undecoded + chunk
            if self._refusal is not None:
                self.at_end = True
                return b""
            self._end_reason = "it ended early"
            raise self._truncated(
                f"The response has Content-Encoding: {self._encoding}, but is not valid after {self.received} bytes of "
                f"audio: {error}.",
                self._left(),
            ) from error
        if not self.received and not decoded:
            self._undecoded += chunk
        return decoded

    def _refuse_coding(self, cause: ValueError) -> None:
        message = f"The response has Content-Encoding: {self._encoding}, but cannot be decoded: {cause}."

        def refusal(body: bytes) -> errors.OpenRouterError:
            return errors.NotAudioError(f"{message} `audio` has the bytes as received.", self.response, audio=body)

        self._refusal = self._refusal or refusal

    def _is_coding_cut(self) -> bool:
        if self._decoder is not None:
            return not self._decoder.is_complete
        if not self._encoding or not self._was_read:
            return False
        # httpx does not check that its own decoder reached the end.
        decoder = getattr(getattr(self.response, "_decoder", None), "decompressor", None)
        return getattr(decoder, "eof", True) is False

    # Checks

    def _check_whole(self, taken: bytes) -> None:
        # httpcore checks the length itself, but the caller's client may have another transport.
        announced = _size(self.response.headers.get("content-length", ""))
        if self._was_read and self._encoding:
            announced = None  # Content-Length counts the bytes before httpx decoded them
        transferred = self._transferred
        if transferred and self._is_coding_cut():
            taken = taken or self._undecoded
            reason = f"its Content-Encoding: {self._encoding} ends early"
        elif not self.received:
            status = "" if self.response.status_code == 200 else f" (status {self.response.status_code})"
            raise errors.EmptyAudioError(f"The server reported success{status} but sent no audio.", self.response)
        elif announced is not None and transferred < announced:
            reason = f"{transferred} of {announced} bytes arrived"
        elif self.received % self.info.frame_size:
            reason = f"{self.received} bytes is not a whole number of {self.info.frame_size}-byte pcm frames"
        elif announced is not None and transferred > announced:
            raise errors.AudioError(
                f"The response is longer than its Content-Length: {transferred} bytes arrived instead of {announced}, "
                "so the audio may be damaged.",
                self.response,
                audio=taken,
                bytes_received=self.received,
            )
        else:
            return
        raise self._truncated(f"The audio is incomplete: {reason}.", taken)

    def _head_has_sound(self) -> bool:
        head = b"".join(self._head)
        if self._head_size < self.received and head[:3] == b"ID3":
            return True  # unknown: a tag with a picture can be this long
        return audio.has_sound(head, self.info)

    def _truncated(self, message: str, left: bytes) -> errors.TruncatedAudioError:
        return errors.TruncatedAudioError(message, self.response, audio=left, bytes_received=self.received)

    def _refused(self, body: bytes) -> errors.OpenRouterError:
        return errors.from_response(with_body(self.response, body), self.hide)

    def _partial(self, body: bytes) -> errors.OpenRouterError:
        part = self.response.headers.get("content-range", "no Content-Range")
        return self._truncated(f"The server sent only part of the audio (status 206, {part}).", body)


def with_body(response: httpx.Response, body: bytes) -> httpx.Response:
    """Copy a response, with its decoded body."""
    read = httpx.Response(
        response.status_code,
        # The body is decoded already; httpx would decode it again.
        headers=[(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"],
        stream=httpx.ByteStream(body),
        request=response.request,
        extensions=without_connection(response),
        default_encoding=response.default_encoding,
    )
    read.read()
    return read


def without_connection(response: httpx.Response) -> dict[str, Any]:
    """Return the response's extensions without the network stream, so that no connection is held."""
    return {name: value for name, value in response.extensions.items() if name != "network_stream"}


def _is_partial(response: httpx.Response) -> bool:
    """Whether this is only part of a body, although none was requested (RFC 9110 section 15.3.7)."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return False
    begin, _, size = response.headers.get("content-range", "").removeprefix("bytes ").partition("/")
    whole = _size(size)
    return whole is None or begin != f"0-{whole - 1}"


def _size(text: str) -> int | None:
    """Parse a header's number of bytes."""
    return int(text) if text.isdecimal() and len(text) < 20 else None
