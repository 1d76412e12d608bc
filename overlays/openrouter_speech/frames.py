"""The body of a response while it arrives: decoded, identified, cut into whole frames, checked at its end. No I/O."""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx

from . import audio, errors
from .audio import AudioFacts, Unidentified

if TYPE_CHECKING:
    from .codings import Decoder

_HEAD = 1 << 16
"""Bytes of the beginning that are kept for the check at the end of a stream."""
_MOST_TO_IDENTIFY = 1 << 20
"""Bytes after which a format that is still not known is taken to be what the label says."""
_MOST_OF_AN_ERROR = 1 << 20
"""Bytes of an error that are read; no message needs more."""
_MOST_OF_A_SUCCESS = 1 << 26
"""Bytes that are kept of a success which is not audio: it may have been paid for."""


class Answer:
    """A response whose headers are there, and whose body is still to come."""

    def __init__(
        self, response: httpx.Response, facts: AudioFacts | None, sent: float, hide: Callable[[str], str] = str
    ) -> None:
        """Begin.

        Args:
            response: The response, its body not read.
            facts: What its label says; None if that is not a type of audio.
            sent: When its request was sent, by `time.monotonic`.
            hide: As `errors.from_answer`.
        """
        self.response = response
        self.frames = Frames(response, facts, sent, hide)
        self.chunks: Iterator[bytes] | AsyncIterator[bytes] | None = None
        """The body as the network hands it over, once somebody reads it."""

    @property
    def facts(self) -> AudioFacts:
        """What the audio is: what the label says until its first bytes were looked at, then what they say."""
        return self.frames.facts


class Frames:
    """What has arrived of one body, and what of that was handed on. All iterators of a stream share it."""

    def __init__(
        self, response: httpx.Response, facts: AudioFacts | None, sent: float, hide: Callable[[str], str]
    ) -> None:
        self.response = response
        self._hide = hide
        self.facts = facts or AudioFacts("")
        self.received = 0
        """Bytes, decoded."""
        self.seconds_to_first: float | None = None
        self.at_end = False
        """Whether nothing more will arrive."""
        self._has_label = facts is not None
        self._was_read = response.is_stream_consumed
        """Whether httpx has read and decoded it already: a transport or a hook asked for that."""
        self._sent = sent
        self._is_known = False
        self._pending: list[bytes] = []
        """What arrived before it was known what it is, or what is not to be handed on at all."""
        self._ready: deque[bytes] = deque()
        self._offset = 0  # in the first of them
        self._available = 0  # bytes of all of them
        self._rest = b""  # of a frame
        self._head: list[bytes] = []
        self._head_size = 0
        self._has_begun = False
        self._is_receiving = False
        self._over = ""
        """Why nothing more can be taken."""
        self._transferred = 0
        """Bytes, as they came."""
        self._undecoded = b""
        self._encoding: str = response.headers.get("content-encoding", "")
        self._decoder: Decoder | None = None
        self._refusal: Callable[[bytes], errors.OpenRouterError] | None = None
        """Makes the error for a body that is not handed on, once it was read."""
        if not response.is_success:
            self._refusal = self._refused
        elif _is_partial(response):
            self._refusal = self._partial
        if self._encoding:
            self._prepare_decoder()

    # What arrives

    def expect(self) -> None:
        """Announce that the next bytes are waited for.

        Raises:
            StreamConsumedError: They are waited for already, or none can come.
        """
        self._require_open()
        if self._is_receiving:
            raise errors.StreamConsumedError(
                "Two threads or tasks read this stream at the same time: let one of them read, and pass the audio on."
            )
        self._is_receiving = True

    def arrived(self, chunk: bytes | None) -> None:
        """Take in the next bytes; None is the end.

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
            most = _MOST_OF_A_SUCCESS if self.response.is_success else _MOST_OF_AN_ERROR
            self.at_end = self.received >= most

    def cut(self, cause: httpx.RequestError) -> errors.OpenRouterError:
        """Make the error for a body that the network cut short."""
        self._is_receiving = False
        self._settle()
        if self._refusal is not None:
            return self._refusal(self._left())
        self._over = "it ended early"
        if isinstance(cause, httpx.TimeoutException):
            late = errors.from_transport(cause, self.response.request)
            late.audio = self._left()
            return late
        return self._truncated(f"The connection was lost after {self.received} bytes of audio: {cause}", self._left())

    def abandon(self) -> None:
        """Take note that waiting for the next bytes was interrupted: what comes after them is lost."""
        self._is_receiving = False
        self._over = "it was interrupted while it waited for the network"

    def close(self) -> None:
        """Hand nothing on any more."""
        self._over = self._over or "it is closed; take its audio inside the `with` block"

    # What is handed on

    @property
    def is_unknown(self) -> bool:
        """Whether more has to arrive before it can be told what this is."""
        return not (self._is_known or self.at_end)

    @property
    def has_nothing(self) -> bool:
        """Whether all has arrived, and none of it is audio."""
        return self.at_end and (self._refusal is not None or not self.received)

    def claim(self, method: str) -> None:
        """Refuse a method that needs the whole stream.

        Raises:
            StreamConsumedError: Some of the stream was taken already, or it is closed.
        """
        self._require_open()
        if self._has_begun:
            raise errors.StreamConsumedError(
                f"{method}() takes a whole stream, and some of this one was taken already: iterate over it for the "
                "rest, or call stream_speech again."
            )

    def begin(self) -> None:
        """Take note that audio is taken."""
        self._require_open()
        self._has_begun = True

    def chunk_size(self, wanted: int | None) -> int | None:
        """Round a size to whole frames."""
        self._require_open()
        if wanted is None:
            return None
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
            raise ValueError(f"chunk_size must be a whole number of bytes, 1 or more, or None; not {wanted!r}")
        size = self.facts.frame_size
        return max(wanted - wanted % size, size)

    def take(self, size: int | None) -> bytes | None:
        """Take the next piece out; None if more has to arrive first, or nothing is left."""
        if self._over:
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
        """Take out all that is there."""
        return self._cut_out(self._available)

    def give_back(self, pieces: list[bytes]) -> None:
        """Undo `take`: whoever took these pieces, all so far, had no use for them."""
        self._ready.extendleft(reversed(pieces))
        self._available += sum(map(len, pieces))
        self._has_begun, self._over = False, ""

    def finish(self, has_sound: Callable[[AudioFacts], bool | None] | None = None, taken: bytes = b"") -> None:
        """Check a body that has come to its end.

        Args:
            has_sound: Looks at all of the audio. Without it, and where it gives None, the beginning is looked at.
            taken: What was taken, for `audio` of the error.

        Raises:
            OpenRouterError: It is not whole audio.
        """
        if self._refusal is not None:
            raise self._refusal(self._left())
        self._over = "it was read to its end, and can be read once"
        self._check_whole(taken)
        facts = self.facts
        if facts.format == "pcm":  # any bytes are
            return
        sound = has_sound and has_sound(facts)
        if not (self._head_has_sound() if sound is None else sound):
            raise errors.NotAudioError(
                f"The server reported success, but no {facts.format} audio can be found in the {self.received} bytes "
                "that it sent.",
                self.response,
                audio=taken,
                bytes_received=self.received,
            )

    def _require_open(self) -> None:
        if self._over:
            raise errors.StreamConsumedError(
                f"Nothing can be taken from this stream: {self._over}. Keep what you need of a stream when you read "
                "it, use create_speech for audio that can be used again, or call stream_speech again."
            )

    # Inside

    def _end(self) -> None:
        self.at_end = True
        self._settle()
        self._is_known = self._refusal is None

    def _settle(self) -> None:
        """Tell what this is, if that is not known yet, although no more will come."""
        if self.received and not self._is_known and self._refusal is None:
            self._identify(complete=True)

    def _identify(self, *, complete: bool) -> None:
        """Tell what this is by its first bytes."""
        head = b"".join(self._pending)  # of one piece, as it mostly is, this is the piece itself
        found = audio.identify(head, self.facts, complete=complete)
        if found is Unidentified.NEEDS_MORE:
            if not complete and len(head) < _MOST_TO_IDENTIFY:
                return
            found = self.facts
        if isinstance(found, Unidentified) or (not self._has_label and found.format == self.facts.format):
            self._refusal = self._refused
            return
        self.facts = found if found.sample_rate else audio.facts_from_audio(head, found)
        self._is_known = True
        pending, self._pending = self._pending, []
        for chunk in pending:
            self._add(chunk)

    def _add(self, chunk: bytes) -> None:
        """Make ready the frames that are complete with this chunk."""
        rest, size = self._rest, self.facts.frame_size
        odd = (len(rest) + len(chunk)) % size
        if rest or odd:  # else it goes on as it came: nothing is copied
            if len(rest) + len(chunk) < size:
                self._rest = rest + chunk
                return
            end = len(chunk) - odd
            self._rest = chunk[end:]
            chunk = b"".join((rest, memoryview(chunk)[:end]))
        self._ready.append(chunk)
        self._available += len(chunk)

    def _cut_out(self, size: int) -> bytes:
        """Take so many bytes, all there, out of what is ready."""
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
        """All that was not handed on."""
        pending, self._pending = self._pending, []
        return self.take_all() + b"".join(pending)

    # The coding of the content

    def _prepare_decoder(self) -> None:
        from . import codings  # noqa: PLC0415  (few responses are coded)

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
            self._over = "it ended early"
            raise self._truncated(
                f"The response says Content-Encoding: {self._encoding}, but after {self.received} bytes of audio that "
                f"is wrong: {error}.",
                self._left(),
            ) from error
        if not self.received and not decoded:
            self._undecoded += chunk
        return decoded

    def _refuse_coding(self, cause: ValueError) -> None:
        message = f"The response says Content-Encoding: {self._encoding}, but cannot be decoded: {cause}."

        def refusal(body: bytes) -> errors.OpenRouterError:
            return errors.NotAudioError(f"{message} The bytes are kept as they came.", self.response, audio=body)

        self._refusal = self._refusal or refusal

    def _is_coding_cut(self) -> bool:
        if self._decoder is not None:
            return not self._decoder.is_complete
        if not self._encoding or not self._was_read:
            return False
        # httpx does not ask its own decoder whether that had come to its end.
        decoder = getattr(getattr(self.response, "_decoder", None), "decompressor", None)
        return getattr(decoder, "eof", True) is False

    # What may be wrong

    def _check_whole(self, taken: bytes) -> None:
        # httpcore checks the length itself; a client that was given may have another transport, which does not.
        announced = _size(self.response.headers.get("content-length", ""))
        if self._was_read and self._encoding:
            announced = None  # that is the length of what httpx has decoded
        transferred = self._transferred
        if transferred and self._is_coding_cut():
            taken = taken or self._undecoded
            reason = f"its Content-Encoding: {self._encoding} stops in the middle"
        elif not self.received:
            status = "" if self.response.status_code == 200 else f" (status {self.response.status_code})"
            raise errors.EmptyAudioError(f"The server reported success{status} but sent no audio.", self.response)
        elif announced is not None and transferred < announced:
            reason = f"{transferred} of {announced} bytes arrived"
        elif self.received % self.facts.frame_size:
            reason = f"{self.received} bytes are no whole number of pcm frames of {self.facts.frame_size} bytes"
        elif announced is not None and transferred > announced:
            raise errors.AudioError(
                f"The response is longer than it says: {transferred} bytes arrived where Content-Length is "
                f"{announced}, so the audio may be damaged.",
                self.response,
                audio=taken,
                bytes_received=self.received,
            )
        else:
            return
        raise self._truncated(f"The audio stops short: {reason}.", taken)

    def _head_has_sound(self) -> bool:
        head = b"".join(self._head)
        if self._head_size < self.received and head[:3] == b"ID3":
            return True  # a tag with a picture can be as long as this: it cannot be told
        return audio.has_sound(head, self.facts)

    def _truncated(self, message: str, left: bytes) -> errors.TruncatedAudioError:
        return errors.TruncatedAudioError(message, self.response, audio=left, bytes_received=self.received)

    def _refused(self, body: bytes) -> errors.OpenRouterError:
        return errors.from_answer(with_body(self.response, body), self._hide)

    def _partial(self, body: bytes) -> errors.OpenRouterError:
        part = self.response.headers.get("content-range", "no Content-Range")
        return self._truncated(f"The server sent a part of the audio only (status 206, {part}).", body)


def with_body(response: httpx.Response, body: bytes) -> httpx.Response:
    """Make a response with this one's status and headers that holds its body, decoded."""
    read = httpx.Response(
        response.status_code,
        # The encoding was undone; httpx would undo it again.
        headers=[(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"],
        stream=httpx.ByteStream(body),
        request=response.request,
        extensions=without_connection(response),
        default_encoding=response.default_encoding,
    )
    read.read()
    return read


def without_connection(response: httpx.Response) -> dict[str, Any]:
    """Give the response's extensions without the network stream: nothing may be held open."""
    return {name: value for name, value in response.extensions.items() if name != "network_stream"}


def _is_partial(response: httpx.Response) -> bool:
    """Whether this is a part of a body, which nobody asked for (RFC 9110 section 15.3.7)."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return False
    begin, _, size = response.headers.get("content-range", "").removeprefix("bytes ").partition("/")
    whole = _size(size)
    return whole is None or begin != f"0-{whole - 1}"


def _size(text: str) -> int | None:
    """Bytes, as a header gives them."""
    return int(text) if text.isdecimal() and len(text) < 20 else None
