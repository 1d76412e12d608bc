"""The operation, in the forms that people call it in: whole or streamed, to memory or to a file, awaited or not."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Required, TypedDict, TypeVar, Unpack

from . import files, receivers
from .components import ResponseFormatEnum, SpeechRequestProvider
from .contexts import AsyncStreamContext, StreamContext
from .exchange import Call, exchange, exchange_async
from .files import StrPath
from .frames import Answer
from .narration import CONCURRENCY, LIMIT, LimitUnit
from .responses import SavedSpeech, SpeechResponse
from .retries import RetryConfig
from .session import Session
from .streams import AsyncSpeechStream, SpeechStream
from .wire import UNSET, Unset

if TYPE_CHECKING:
    from .narration.job import Job
    from .narration.results import Narration, NarrationPlan, NarrationProgress

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class NarrationParams(TypedDict, total=False):
    """The parameters of a narration's requests, as keyword arguments: those of all forms of the operation."""

    model: Required[str]
    """The text-to-speech model, such as "elevenlabs/eleven-turbo-v2"."""
    voice: Required[str]
    """The voice; each model has voices of its own."""
    http_referer: str | None
    """The URL of your app, for this call."""
    x_open_router_title: str | None
    """The name of your app, for this call."""
    x_open_router_categories: str | Iterable[str] | None
    """The categories of your app, for this call: separated by commas, or a list."""
    provider: SpeechRequestProvider | Mapping[str, Any] | None
    """Options for a provider: {"options": {"openai": {"instructions": "Speak warmly."}}}."""
    response_format: ResponseFormatEnum | str | None
    """"mp3" or "pcm" (what the server sends if none is named); other formats are left to the server."""
    speed: float | None
    """1 is the voice's own pace. Models without such a setting ignore it."""
    retries: RetryConfig | Unset | None
    """Which failures of this call are retried; None for none."""
    server_url: str | None
    """Another server, for this call."""
    timeout_ms: float | None
    """Milliseconds to wait for the next byte, for this call."""
    http_headers: Mapping[str, str] | None
    """Headers to add to this call, or to replace in it."""
    extra_body: Mapping[str, Any] | None
    """Fields to add to the request that have no parameter here yet."""


class SpeechParams(NarrationParams, total=False):
    """The parameters that the forms of the operation for one text take, as keyword arguments."""

    input: Required[str]
    """The text to speak."""


_SHARED = tuple(inspect.signature(Session.call).parameters.values())


def _documented(method: F) -> F:
    """Show the parameters themselves in `help()` and `inspect`, where type checkers see `**params`."""
    own = inspect.signature(method)
    named = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    without = {"self", "input"} if "text" in own.parameters else {"self"}
    shared = [p for p in _SHARED if p.name not in without]
    method.__signature__ = own.replace(parameters=[*named, *shared])  # type: ignore[attr-defined]
    return method


def _wrong_names(method: Callable[..., Any], given: Iterable[str]) -> TypeError | None:
    """The error for keyword arguments that a method does not have, or for those that it misses; None if all is right.

    Args:
        method: The method, with the signature that people see.
        given: The names.
    """
    parameters = inspect.signature(method).parameters
    for name in given:
        if name not in parameters:
            from difflib import get_close_matches  # noqa: PLC0415  (nothing else needs it)

            close = ["text"] if name == "input" else get_close_matches(name, parameters, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            return TypeError(f"{method.__name__}() got an unexpected keyword argument {name!r}{hint}")
    required = {p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    if not (missing := sorted(map(repr, required.difference(given)))):
        return None
    noun = "argument" if len(missing) == 1 else "arguments"
    listed = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
    return TypeError(f"{method.__name__}() missing {len(missing)} required keyword-only {noun}: {listed}")


class TTS:
    """Text-to-speech: `OpenRouter.tts`.

    All methods take the keyword arguments that `SpeechParams` lists (`narrate`: `NarrationParams`), and raise
    - `TypeError` or `ValueError` for an argument of a wrong type or value,
    - `errors.ConfigurationError` where there is no API key,
    - `errors.APIStatusError` and its subclasses for an answer that is not a success,
    - `errors.APIConnectionError`, `errors.APITimeoutError` where no answer came,
    - `errors.AudioError` and its subclasses for a success that is not whole audio.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @_documented
    def create_speech(self, **params: Unpack[SpeechParams]) -> SpeechResponse:
        """Turn a text into audio, and return it when all of it is there."""
        return exchange(self._session.connections.sync_client(), self._call(TTS.create_speech, params), receivers.read)

    @_documented
    async def create_speech_async(self, **params: Unpack[SpeechParams]) -> SpeechResponse:
        """As `create_speech`."""
        call = self._call(TTS.create_speech_async, params)
        async with self._session.connections.async_client() as client:
            return await exchange_async(client, call, receivers.read_async)

    @_documented
    def stream_speech(self, **params: Unpack[SpeechParams]) -> StreamContext:
        """Turn a text into audio that can be heard while it is made: `with tts.stream_speech(...) as stream:`.

        Entering the block sends the request, and gives the stream when its first audio is there. Leaving it ends the
        response and frees its connection, however much of the audio was taken. Failures are retried until the first
        audio is there, never after.
        """
        return StreamContext(self._stream(self._call(TTS.stream_speech, params)))

    @_documented
    def stream_speech_async(self, **params: Unpack[SpeechParams]) -> AsyncStreamContext:
        """As `stream_speech`, with `async with` and `async for`."""
        return AsyncStreamContext(self._stream_async(self._call(TTS.stream_speech_async, params)))

    @_documented
    def save_speech(self, path: StrPath, **params: Unpack[SpeechParams]) -> SavedSpeech:
        """Turn a text into an audio file, in constant memory.

        Args:
            path: The file. Its suffix picks the format where `response_format` does not: .mp3, .pcm, or .wav, which is
                pcm with a header. It is moved into its place when it is whole. A device or a pipe may have any name.
            **params: As `SpeechParams`.

        Raises:
            ValueError, OSError: The suffix contradicts the format or stands for none, or the file cannot be written;
                nothing was sent.
            SuffixMismatchError: The server sent another format; `saved_to` is the file beside this one that holds it.
            FileWriteError: The file could not be written after all; `audio` is all of the audio.
            AudioError, APITimeoutError: The audio is not whole; `audio` is what arrived.
        """
        call = self._call(TTS.save_speech, _with_format_of(path, params))
        return exchange(self._session.connections.sync_client(), call, receivers.saver(path))

    @_documented
    async def save_speech_async(self, path: StrPath, **params: Unpack[SpeechParams]) -> SavedSpeech:
        """As `save_speech`."""
        call = self._call(TTS.save_speech_async, _with_format_of(path, params))
        async with self._session.connections.async_client() as client:
            return await exchange_async(client, call, receivers.saver_async(path))

    @_documented
    def plan_narration(
        self,
        text: str,
        path: StrPath,
        *,
        limit: int = LIMIT,
        limit_unit: LimitUnit = "characters",
        pause_ms: int = 0,
        folder: StrPath | None = None,
        **params: Unpack[NarrationParams],
    ) -> "NarrationPlan":
        """What `narrate` with the same arguments would ask for, and cost. Nothing is sent, and nothing is written.

        Raises as `narrate` does before it asks for anything.
        """
        return self._narration(
            TTS.plan_narration, text, path, params, limit=limit, limit_unit=limit_unit, pause_ms=pause_ms, folder=folder
        ).plan

    @_documented
    def narrate(
        self,
        text: str,
        path: StrPath,
        *,
        limit: int = LIMIT,
        limit_unit: LimitUnit = "characters",
        pause_ms: int = 0,
        concurrency: int = CONCURRENCY,
        folder: StrPath | None = None,
        on_progress: "Callable[[NarrationProgress], object] | None" = None,
        **params: Unpack[NarrationParams],
    ) -> "Narration":
        """Turn a text of any length into one audio file. Needs `pip install 'openrouter-speech[long]'`.

        The text is cut into parts at the ends of paragraphs and sentences; the parts are asked for, several at once,
        and joined in their order. Each part is kept in a folder as it comes: the same call goes on where an earlier one
        ended, however that ended, and asks only for what is not there. After a change of the text, it asks for the
        parts that changed. The folder can go when the file is as you want it.

        One narration at a time can use a folder. Ctrl-C ends the call when the requests that are under way have been
        answered, since they are paid for; `narrate_async` ends at once.

        Args:
            text: The text. Blank lines separate paragraphs. One without a letter or a digit ("* * *") is a pause more.
            path: The file: .wav, .pcm or .mp3. It is moved into its place when it is whole.
            limit: The most that goes into one request. Only a word that is longer is cut.
            limit_unit: What `limit` counts: "characters", or "bytes" of UTF-8.
            pause_ms: Milliseconds of silence between two paragraphs.
            concurrency: How many requests may be under way at once. When the server says that it is too much (429), or
                when to come back, all wait together, and fewer go on.
            folder: Where the parts are kept; if None, the path with `.narration` in place of its suffix, so that
                `book.wav` and `book.mp3` are made of the same parts.
            on_progress: Called with a `NarrationProgress` at the beginning, after each part, and when all have to wait.
                What it raises ends the narration.
            **params: As `NarrationParams`. `response_format` is that of the parts: "pcm" unless a model has only "mp3".
                Where neither this call nor the client sets `retries`, each part has up to 10, within 10 minutes.

        Raises:
            ValueError: The text has nothing to speak, a setting is out of its range, the suffix is another one, the
                parts do not fit together, or the audio is too long for a WAV file, or of a rate that mp3 does not have.
                What is found out from a part that was paid for is a `SuffixMismatchError`; no other is asked for.
            ConfigurationError: The extra `long` is not installed, another narration uses the folder, or it holds what
                came for a part and cannot be joined.
            OSError: A file cannot be written.
            OpenRouterError: A part failed for good. Those under way were waited for, and are kept.
        """
        from .narration import narrator  # noqa: PLC0415

        job = self._narration(
            TTS.narrate, text, path, params, limit=limit, limit_unit=limit_unit, pause_ms=pause_ms, folder=folder
        )
        client = self._session.connections.sync_client()

        def ask(part: str, receive: Callable[[Answer], T]) -> T:
            return exchange(client, self._part(part, params), receive)

        return narrator.narrate(job, ask, concurrency, on_progress)

    @_documented
    async def narrate_async(
        self,
        text: str,
        path: StrPath,
        *,
        limit: int = LIMIT,
        limit_unit: LimitUnit = "characters",
        pause_ms: int = 0,
        concurrency: int = CONCURRENCY,
        folder: StrPath | None = None,
        on_progress: "Callable[[NarrationProgress], object] | None" = None,
        **params: Unpack[NarrationParams],
    ) -> "Narration":
        """As `narrate`. Where it is cancelled, the requests that are under way are given up."""
        from .narration import narrator  # noqa: PLC0415

        job = self._narration(
            TTS.narrate_async, text, path, params, limit=limit, limit_unit=limit_unit, pause_ms=pause_ms, folder=folder
        )

        async def ask(part: str, receive: Callable[[Answer], Awaitable[T]]) -> T:
            async with self._session.connections.async_client() as client:
                return await exchange_async(client, self._part(part, params), receive)

        return await narrator.narrate_async(job, ask, concurrency, on_progress)

    def _call(self, method: Callable[..., Any], params: Mapping[str, Any], text: str | Unset = UNSET) -> Call:
        """Put a call together; a `TypeError` for a wrong name names the method that people called."""
        try:
            if isinstance(text, Unset):
                return self._session.call(**params)
            return self._session.call(input=text, **params)
        except TypeError:
            if wrong := _wrong_names(method, params):
                raise wrong from None
            raise

    def _narration(
        self,
        method: Callable[..., Any],
        text: str,
        path: StrPath,
        params: NarrationParams,
        *,
        limit: int,
        limit_unit: LimitUnit,
        pause_ms: int,
        folder: StrPath | None,
    ) -> "Job":
        from .narration.job import prepare  # noqa: PLC0415

        call = self._call(method, _with_format_of_parts(params), text)
        return prepare(call, text, path, limit=limit, limit_unit=limit_unit, pause_ms=pause_ms, folder=folder)

    def _part(self, text: str, params: NarrationParams) -> Call:
        # Put together anew for each request: a key that is a callable may change in the course of a long narration.
        request: SpeechParams = {**_with_format_of_parts(params), "input": text, "retries": None}
        return self._session.call(**request)

    @contextmanager
    def _stream(self, call: Call) -> Iterator[SpeechStream]:
        stream = exchange(self._session.connections.sync_client(), call, receivers.stream)
        try:
            yield stream
        finally:
            stream.close()

    @asynccontextmanager
    async def _stream_async(self, call: Call) -> AsyncIterator[AsyncSpeechStream]:
        async with self._session.connections.async_client() as client:
            stream = await exchange_async(client, call, receivers.stream_async)
            try:
                yield stream
            finally:
                await stream.close()


def _with_format_of(path: StrPath, params: SpeechParams) -> SpeechParams:
    """The parameters, with the format that the file's suffix stands for; checked before anything is paid for."""
    requested = params.get("response_format")
    if requested is not None and not (isinstance(requested, str) and requested):
        return params  # it is refused by its name soon
    return {**params, "response_format": files.format_to_request(path, requested and str(requested))}


def _with_format_of_parts(params: NarrationParams) -> NarrationParams:
    """The parameters, with pcm where no format is named: it can be joined without a loss."""
    return params if params.get("response_format") is not None else {**params, "response_format": "pcm"}
