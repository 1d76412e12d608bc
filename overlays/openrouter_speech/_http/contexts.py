"""The context managers that `stream_speech` returns. Entering one sends the request."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import StreamConsumedError
from ..streams import AsyncSpeechStream, SpeechStream


class _ForgottenWithError(TypeError, AttributeError):
    """The stream was used without `with`. Also an AttributeError, so that `hasattr` works."""


class _Context:
    """The common part of both kinds: they can be entered once, and nothing else."""

    _spelling: str
    _entered = False
    _sync = "`with tts.stream_speech(...) as stream:`"
    _async = "`async with tts.stream_speech_async(...) as stream:`"

    def _enter(self) -> None:
        if self._entered:
            raise StreamConsumedError("This stream was opened already: call stream_speech again for a new one.")
        self._entered = True

    def _forgotten(self, *_: object) -> NoReturn:
        raise _ForgottenWithError(f"Nothing has been sent yet: write {self._spelling}, and use `stream`.")

    def _mixed(self, *_: object) -> NoReturn:
        raise _ForgottenWithError(
            f"Nothing has been sent yet, and this is the wrong kind of `with`: write {self._async} in a coroutine or "
            f"{self._sync} elsewhere, and use `stream`."
        )

    if not TYPE_CHECKING:  # type checkers report these uses by themselves
        __iter__ = __next__ = __aiter__ = __anext__ = _forgotten
        __await__ = __enter__ = __exit__ = __aenter__ = __aexit__ = _mixed

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self._forgotten()


class StreamContext(_Context, AbstractContextManager[SpeechStream]):
    """Opens a stream: `with` sends the request, and returns a `SpeechStream` once the first audio arrives."""

    _spelling = _Context._sync

    def __init__(self, opening: AbstractContextManager[SpeechStream]) -> None:
        """Wrap the context manager that makes the call."""
        self._opening = opening

    def __enter__(self) -> SpeechStream:
        """Send the request, and wait for the first audio."""
        self._enter()
        return self._opening.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        """End the response, and free its connection."""
        return self._opening.__exit__(kind, error, traceback)


class AsyncStreamContext(_Context, AbstractAsyncContextManager[AsyncSpeechStream]):
    """As `StreamContext`, for `async with`."""

    _spelling = _Context._async

    def __init__(self, opening: AbstractAsyncContextManager[AsyncSpeechStream]) -> None:
        """Wrap the context manager that makes the call."""
        self._opening = opening

    async def __aenter__(self) -> AsyncSpeechStream:
        """Send the request, and wait for the first audio."""
        self._enter()
        return await self._opening.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        """End the response, and free its connection."""
        return await self._opening.__aexit__(kind, error, traceback)
