"""The operation, in the forms that people call it in: whole or streamed, to memory or to a file, awaited or not."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, Required, TypedDict, TypeVar, Unpack

from . import files, receivers
from .components import ResponseFormatEnum, SpeechRequestProvider
from .exchange import Call, exchange, exchange_async
from .files import StrPath
from .responses import SavedSpeech, SpeechResponse
from .retries import RetryConfig
from .session import Session
from .streams import AsyncSpeechStream, SpeechStream
from .wire import Unset

F = TypeVar("F", bound=Callable[..., Any])


class SpeechParams(TypedDict, total=False):
    """The parameters that all forms of the operation take, as keyword arguments."""

    input: Required[str]
    """The text to speak."""
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


def _documented(method: F) -> F:
    """Show the parameters themselves in `help()` and `inspect`, where type checkers see `**params`."""
    own = inspect.signature(method)
    positional = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared = [p for p in inspect.signature(Session.call).parameters.values() if p.name != "self"]
    method.__signature__ = own.replace(parameters=[*positional, *shared])  # type: ignore[attr-defined]
    return method


class TTS:
    """Text-to-speech: `OpenRouter.tts`.

    All methods take the keyword arguments that `SpeechParams` lists, and raise
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
        return exchange(self._session.connections.sync_client(), self._session.call(**params), receivers.read)

    @_documented
    async def create_speech_async(self, **params: Unpack[SpeechParams]) -> SpeechResponse:
        """As `create_speech`."""
        call = self._session.call(**params)
        return await exchange_async(self._session.connections.async_client(), call, receivers.read_async)

    @_documented
    def stream_speech(self, **params: Unpack[SpeechParams]) -> AbstractContextManager[SpeechStream]:
        """Turn a text into audio that can be heard while it is made: `with tts.stream_speech(...) as stream:`.

        Leaving the block ends the answer and frees its connection, however much of the audio was taken. Failures are
        retried until the answer begins (with `retry_maybe_billed`, until its first byte), never after.
        """
        return self._stream(self._session.call(**params))

    @_documented
    def stream_speech_async(self, **params: Unpack[SpeechParams]) -> AbstractAsyncContextManager[AsyncSpeechStream]:
        """As `stream_speech`, with `async with` and `async for`."""
        return self._stream_async(self._session.call(**params))

    @_documented
    def save_speech(self, path: StrPath, **params: Unpack[SpeechParams]) -> SavedSpeech:
        """Turn a text into an audio file, in constant memory.

        Args:
            path: The file. Its suffix picks the format where `response_format` does not: .mp3, .pcm, or .wav, which is
                pcm with a header. It is moved into its place when it is whole.
            **params: As `SpeechParams`.

        Raises:
            ValueError: The suffix contradicts the format; nothing was sent.
            OSError: The file cannot be written.
        """
        call = self._session.call(**_with_format_of(path, params))
        return exchange(self._session.connections.sync_client(), call, receivers.saver(path))

    @_documented
    async def save_speech_async(self, path: StrPath, **params: Unpack[SpeechParams]) -> SavedSpeech:
        """As `save_speech`."""
        call = self._session.call(**_with_format_of(path, params))
        return await exchange_async(self._session.connections.async_client(), call, receivers.saver_async(path))

    @contextmanager
    def _stream(self, call: Call) -> Iterator[SpeechStream]:
        stream = exchange(
            self._session.connections.sync_client(), call, receivers.streamer(wait=call.retry.retry_maybe_billed)
        )
        try:
            yield stream
        finally:
            stream.close()

    @asynccontextmanager
    async def _stream_async(self, call: Call) -> AsyncIterator[AsyncSpeechStream]:
        client = self._session.connections.async_client()
        stream = await exchange_async(client, call, receivers.streamer_async(wait=call.retry.retry_maybe_billed))
        try:
            yield stream
        finally:
            await stream.close()


def _with_format_of(path: StrPath, params: SpeechParams) -> SpeechParams:
    """The parameters, with the format that the file's suffix stands for; checked before anything is paid for."""
    files.check_writable(path)
    requested, suffix = params.get("response_format"), files.format_of(path)
    if requested is not None:
        files.check_suffix(path, str(requested))
    elif suffix is not None:
        return {**params, "response_format": "pcm" if suffix == "wav" else suffix}
    return params
