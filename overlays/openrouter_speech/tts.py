"""Text-to-speech in all its forms: buffered, streamed, saved to a file or narrated; sync or async."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache, partial
from pathlib import Path
from re import Pattern
from typing import TYPE_CHECKING, Any, Required, TypeVar, Unpack, get_type_hints

from . import _files as files
from . import _references
from ._files import StrPath
from ._generated import OPERATIONS, UNSET, CreateSpeechOptions, CreateSpeechParams, Unset
from ._http import receiving as receivers
from ._http.body import OpenResponse
from ._http.contexts import AsyncStreamContext, StreamContext
from ._http.credential import Credential
from ._http.sending import Call, send_with_retries, send_with_retries_async
from ._http.session import CallOptions, Session
from .batch import CONCURRENCY as MOST
from .batch import ConvertTo, MetadataFormat
from .narration import CONCURRENCY, LIMIT, LimitUnit
from .responses import SavedSpeech, SpeechResponse
from .streams import AsyncSpeechStream, SpeechStream

__all__ = ["TTS", "BatchParams", "NarrationParams", "SpeechParams"]

if TYPE_CHECKING:
    from decimal import Decimal

    from .batch.cluster import Cluster
    from .batch.results import Batch, BatchProgress, BatchRow
    from .batch.runner import BatchJob, SendAsync
    from .models import Models
    from .narration.job import NarrationJob
    from .narration.results import Narration, NarrationPlan, NarrationProgress
    from .narration.script import Speech

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


OPERATION = OPERATIONS["create_speech"]


class NarrationParams(CreateSpeechOptions, CallOptions, total=False):
    """The keyword arguments that all methods take, from openapi.yaml and `CallOptions`."""

    model: Required[str]
    """The text-to-speech model, as `author/name`."""


class BatchParams(CreateSpeechOptions, CallOptions, total=False):
    """The keyword arguments of batches: those of `NarrationParams`. A row may have any that openapi.yaml has."""

    model: str
    """The text-to-speech model, as `author/name`, for rows that name none."""


class SpeechParams(CreateSpeechParams, CallOptions, total=False):
    """The keyword arguments of the methods that speak one text, from openapi.yaml and `CallOptions`."""


_PARAMS: dict[str, Any] = {"text": NarrationParams, "rows": BatchParams}
"""The keyword arguments of a method, by an argument that it has."""


def _documented(method: F) -> F:
    """Make `help()` and `inspect` list the parameters behind `**params`."""
    own = inspect.signature(method)
    named = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    params = next((made for name, made in _PARAMS.items() if name in own.parameters), SpeechParams)
    types = get_type_hints(params)
    shared = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty
            if name in params.__required_keys__
            else UNSET
            if name == "retries"
            else None,
            annotation=types[name],
        )
        for name in [*OPERATION.parameters, *CallOptions.__annotations__]
        if name in types
    ]
    method.__signature__ = own.replace(parameters=[*named, *shared])  # type: ignore[attr-defined]
    return method


@cache
def _names(method: Callable[..., Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keyword arguments of a public method: those it requires, and all."""
    parameters = inspect.signature(method).parameters.values()
    required = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    return frozenset(required), frozenset(p.name for p in parameters)


def _argument_error(method: Callable[..., Any], given: Iterable[str]) -> TypeError:
    """Make the error for unknown or missing keyword arguments, as Python words it."""
    required, known = _names(method)
    for name in given:
        if name not in known:
            from difflib import get_close_matches  # noqa: PLC0415  (only needed here)

            close = ["text"] if name == "input" else get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            return TypeError(f"{method.__name__}() got an unexpected keyword argument {name!r}{hint}")
    missing = sorted(map(repr, required.difference(given)))
    noun = "argument" if len(missing) == 1 else "arguments"
    listed = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
    return TypeError(f"{method.__name__}() missing {len(missing)} required keyword-only {noun}: {listed}")


class TTS:
    """Text-to-speech: `OpenRouter.tts`.

    All methods take the keyword arguments in `SpeechParams` (narrations: `NarrationParams`), and raise
    - `TypeError` or `ValueError` for an argument of a wrong type or value,
    - `errors.ConfigurationError` if there is no API key,
    - `errors.APIStatusError` and its subclasses if the server reports an error,
    - `errors.APIConnectionError` or `errors.APITimeoutError` if no response arrives,
    - `errors.AudioError` and its subclasses for a success without complete audio.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @_documented
    def create_speech(self, **params: Unpack[SpeechParams]) -> SpeechResponse:
        """Turn a text into audio, and return it when it is complete."""
        return send_with_retries(
            self._session.connections.sync_client(), self._call(TTS.create_speech, params), receivers.read
        )

    @_documented
    async def create_speech_async(self, **params: Unpack[SpeechParams]) -> SpeechResponse:
        """As `create_speech`."""
        call = self._call(TTS.create_speech_async, params)
        async with self._session.connections.async_client() as client:
            return await send_with_retries_async(client, call, receivers.read_async)

    @_documented
    def stream_speech(self, **params: Unpack[SpeechParams]) -> StreamContext:
        """Stream audio while it is generated: `with tts.stream_speech(...) as stream:`.

        Entering the block sends the request and waits for the first audio. Leaving it closes the response and frees
        its connection, however much was read. Failures are retried until the first audio arrives, never after.
        """
        return StreamContext(self._stream(self._call(TTS.stream_speech, params)))

    @_documented
    def stream_speech_async(self, **params: Unpack[SpeechParams]) -> AsyncStreamContext:
        """As `stream_speech`, with `async with` and `async for`."""
        return AsyncStreamContext(self._stream_async(self._call(TTS.stream_speech_async, params)))

    @_documented
    def save_speech(self, path: StrPath, *, convert: bool = True, **params: Unpack[SpeechParams]) -> SavedSpeech:
        """Turn a text into an audio file, in constant memory.

        Args:
            path: The file. Unless `response_format` is set, its suffix picks the format: .mp3, .pcm, or .wav, which is
                pcm with a header. The file appears only once it is complete. A device or pipe may have any name.
            convert: Whether audio in another format is converted to that of the suffix: .flac, .ogg, or what the model
                does not have. Needs the extra `convert`.
            **params: See `SpeechParams`.

        Raises:
            ValueError, OSError: The suffix contradicts the format or names none, or the file cannot be written.
                Nothing was sent.
            SuffixMismatchError: The server sent another format, which is kept in `saved_to`, a file next to `path`.
            FileWriteError: Writing failed after the request was sent; `audio` holds all of the audio.
            AudioError, APITimeoutError: The audio is incomplete; `audio` holds what arrived.
        """
        call = self._call(TTS.save_speech, self._with_format_of(path, params, convert=convert))
        return send_with_retries(self._session.connections.sync_client(), call, receivers.saver(path, convert=convert))

    @_documented
    async def save_speech_async(
        self, path: StrPath, *, convert: bool = True, **params: Unpack[SpeechParams]
    ) -> SavedSpeech:
        """As `save_speech`."""
        call = self._call(TTS.save_speech_async, self._with_format_of(path, params, convert=convert))
        async with self._session.connections.async_client() as client:
            return await send_with_retries_async(client, call, receivers.saver_async(path, convert=convert))

    @_documented
    def plan_narration(
        self,
        text: str,
        path: StrPath,
        *,
        limit: int = LIMIT,
        limit_unit: LimitUnit = "characters",
        language: str | None = None,
        heading: str | Pattern[str] | None = None,
        pause_ms: int | None = None,
        folder: StrPath | None = None,
        say: Mapping[str, str] | None = None,
        voices: Mapping[str, str] | None = None,
        turns: bool = False,
        **params: Unpack[NarrationParams],
    ) -> "NarrationPlan":
        """Report what `narrate` would request with the same arguments. Nothing is sent or written.

        Raises what `narrate` raises before its first request.
        """
        return self._narration(
            TTS.plan_narration, text, path, params,
            limit=limit, limit_unit=limit_unit, language=language, heading=heading, pause_ms=pause_ms, folder=folder,
            say=say, voices=voices, turns=turns,
        ).plan  # fmt: skip

    @_documented
    def narrate(
        self,
        text: str,
        path: StrPath,
        *,
        limit: int = LIMIT,
        limit_unit: LimitUnit = "characters",
        language: str | None = None,
        heading: str | Pattern[str] | None = None,
        pause_ms: int | None = None,
        concurrency: int = CONCURRENCY,
        folder: StrPath | None = None,
        say: Mapping[str, str] | None = None,
        voices: Mapping[str, str] | None = None,
        turns: bool = False,
        retry_suspicious: bool = False,
        max_cost: "Decimal | int | str | None" = None,
        on_progress: "Callable[[NarrationProgress], object] | None" = None,
        **params: Unpack[NarrationParams],
    ) -> "Narration":
        """Turn a text of any length into one audio file. Needs `pip install 'openrouter-speech[long]'`.

        The text is split into parts at the ends of paragraphs and sentences. Short paragraphs share a part. The parts
        are requested, several at once, and joined in order. Each part is saved to a folder as it arrives: however a
        call ended, the same call resumes it and requests only the missing parts. If the text changed, it requests only
        the parts that changed. Delete the folder once you are happy with the file.

        Only one narration can use a folder at a time. On Ctrl-C the call first waits for the in-flight requests, since
        they are paid for; `narrate_async` ends at once.

        Args:
            text: The text. Blank lines separate paragraphs; without blank lines, long lines and lines that end with a
                sentence are paragraphs. One without a letter or digit ("* * *") is not sent; it adds a pause.
            path: The file: .wav, .pcm or .mp3. It appears only once it is complete.
            limit: The maximum size of one request. Only a word longer than that is cut.
            limit_unit: What `limit` counts: "characters", or "bytes" of UTF-8.
            language: The language of the text, such as "en" or "de", which decides where its sentences end. By default
                it is guessed from the script and the most frequent words.
            heading: A regular expression to find in the headings of chapters. By default "# Title", "Chapter 1" in
                several languages, Roman numbers and paragraphs in capitals are headings. Each begins a part.
            pause_ms: Milliseconds of silence between paragraphs, each of which is then a request of its own. By default
                paragraphs share requests up to `limit`, and the voice pauses between them as it does.
            concurrency: The maximum number of in-flight requests. If the server reports too many (429) or asks for a
                wait, all of them wait together, and fewer are sent at once from then on.
            folder: The folder for the parts. By default `path` with the suffix `.narration`, so that `book.wav` and
                `book.mp3` share their parts.
            say: What to say in place of a word, such as `{"GIF": "jif"}`. Whole words count, in any case: "Gif" becomes
                "Jif", and a word in the case of the table becomes just what the table says. Captions keep the text.
            voices: The voice of each speaker, such as `{"ALICE": "nova"}`, if the text is a script: its paragraphs
                begin with a name, "ALICE: Good morning.", which is not spoken. Those without one have `voice`.
            turns: Whether paragraphs of several speakers share a request, as turns, which few models take. By default a
                request has one voice.
            retry_suspicious: Whether to request parts once more that are silent, cut off, or far shorter or longer than
                the others of the same voice. It costs; the better audio is used. `Narration.suspicious` lists what
                remains.
            max_cost: US dollars, such as "2.50", that the missing parts may cost at the dearest endpoint. Nothing is
                sent if it may be more, or if that is not known. `Models.estimate` computes it.
            on_progress: Called with a `NarrationProgress` at the start, after each part, and when all requests have to
                wait. An exception in it ends the narration.
            **params: See `NarrationParams`. `response_format` is the format of the parts: "pcm", or "mp3" for a model
                that has no other. If neither this call nor the client sets `retries`, each part gets up to 10 within
                10 minutes.

        Raises:
            ValueError: The text has nothing to speak, or may cost more than `max_cost`, a setting is out of range, the
                suffix is not supported, the parts do not fit together, the audio is too long for a WAV file, or mp3
                does not have its rate. If a paid part reveals this, it is a `SuffixMismatchError`, and no more parts
                are requested.
            ConfigurationError: The extra `long` is not installed, another narration uses the folder, or the folder has
                a part that cannot be joined.
            OSError: A file cannot be written.
            OpenRouterError: A part failed for good. In-flight parts were awaited and saved.
        """
        from .narration import narrator  # noqa: PLC0415

        job = self._narration(
            TTS.narrate, text, path, params,
            limit=limit, limit_unit=limit_unit, language=language, heading=heading, pause_ms=pause_ms, folder=folder,
            say=say, voices=voices, turns=turns, retry_suspicious=retry_suspicious,
        )  # fmt: skip
        if (budget := _budget(max_cost)) is not None:
            size = _size(job, again=retry_suspicious)
            _check_budget(budget, self._models.estimate(params["model"], **size), params["model"])
        client = self._session.connections.sync_client()

        def send(part: "Speech", receive: Callable[[OpenResponse], T]) -> T:
            return send_with_retries(client, self._part(part, params), receive)

        return narrator.narrate(job, send, concurrency, on_progress)

    @_documented
    async def narrate_async(
        self,
        text: str,
        path: StrPath,
        *,
        limit: int = LIMIT,
        limit_unit: LimitUnit = "characters",
        language: str | None = None,
        heading: str | Pattern[str] | None = None,
        pause_ms: int | None = None,
        concurrency: int = CONCURRENCY,
        folder: StrPath | None = None,
        say: Mapping[str, str] | None = None,
        voices: Mapping[str, str] | None = None,
        turns: bool = False,
        retry_suspicious: bool = False,
        max_cost: "Decimal | int | str | None" = None,
        on_progress: "Callable[[NarrationProgress], object] | None" = None,
        **params: Unpack[NarrationParams],
    ) -> "Narration":
        """As `narrate`, but cancelling it abandons the in-flight requests."""
        from .narration import narrator  # noqa: PLC0415

        job = self._narration(
            TTS.narrate_async, text, path, params,
            limit=limit, limit_unit=limit_unit, language=language, heading=heading, pause_ms=pause_ms, folder=folder,
            say=say, voices=voices, turns=turns, retry_suspicious=retry_suspicious,
        )  # fmt: skip
        if (budget := _budget(max_cost)) is not None:
            size = _size(job, again=retry_suspicious)
            _check_budget(budget, await self._models.estimate_async(params["model"], **size), params["model"])

        async def send(part: "Speech", receive: Callable[[OpenResponse], Awaitable[T]]) -> T:
            async with self._session.connections.async_client() as client:
                return await send_with_retries_async(client, self._part(part, params), receive)

        return await narrator.narrate_async(job, send, concurrency, on_progress)

    @_documented
    def batch(
        self,
        rows: StrPath | Iterable[Mapping[str, Any] | str] | None,
        folder: StrPath,
        *,
        name: str = "{id}",
        concurrency: int = MOST,
        rate: float | None = None,
        max_cost: "Decimal | int | str | None" = None,
        cost: bool = False,
        shard: str | None = None,
        skip_invalid: bool = False,
        retry_failed: bool = False,
        metadata: MetadataFormat = "jsonl",
        upload: str | None = None,
        convert_to: ConvertTo | None = None,
        cluster: str | None = None,
        on_progress: "Callable[[BatchProgress], object] | None" = None,
        on_row: "Callable[[BatchRow], object] | None" = None,
        **params: Unpack[BatchParams],
    ) -> "Batch":
        """Turn many texts into a file of audio each. Needs `pip install 'openrouter-speech[batch]'`.

        All rows are read and checked before anything is sent. A ledger in the folder has the state of each: however a
        call ended, the same call goes on. It sends no row again that is done, or that may have been charged; for the
        latter, `retries` with `retry_maybe_billed` does. A row that fails for good does not end the batch, unless all
        others would fail, too: a wrong key, no credits, no network, a full disk.

        Only one batch can use a folder at a time. On Ctrl-C the call first waits for the in-flight requests, since they
        are paid for; so does `batch_async` when it is cancelled, until it is cancelled again.

        Args:
            rows: The path of a .jsonl, .csv, .tsv or .parquet file (extra `parquet`) or of a folder of .txt files; "-"
                for JSONL on standard input; an iterable of mappings or texts; None to go on with the rows that the
                folder has. A row has `input`, maybe `id`, and any parameter of a request, which wins over `params`.
                Without an id, it gets one made from its content.
            folder: The folder for the audio, the metadata and the ledger. It is created.
            name: The name of each file, without its suffix, from the fields `id` and `number`.
            concurrency: The maximum number of in-flight requests; a client of our own has 100 connections. It starts
                with few. If the server reports too many (429) or asks for a wait, all of them wait together, and fewer
                are sent at once from then on.
            rate: The maximum number of requests per second.
            max_cost: US dollars, such as "2.50", that all rows of the folder may cost, those of earlier calls included.
                A row counts with its cost once that was looked up, and before with the most that it can cost. No
                request begins that might pass the limit; `Batch.left` counts the rows that were not sent for it.
            cost: Look up at the end what the rows cost, and note it in the metadata. The server knows it one to eight
                minutes after the audio. A row whose cost is not known after ten minutes stays without; the next call
                asks again.
            shard: The part of the rows to take, such as "3/16", by the hash of their ids. Each part has its folder.
            skip_invalid: Go on without wrong rows.
            retry_failed: Send the rows again that failed.
            metadata: The format of the metadata: "jsonl", "csv" or "parquet" (extra `parquet`).
            upload: A URL such as "s3://bucket/folder" (extra `remote`, and the package of fsspec for this kind): the
                audio and the metadata go there, and only the ledger and a copy of the metadata stay in the folder.
            convert_to: The format of the files, if the audio is to be converted as it arrives: "flac", "mp3", "ogg",
                "opus" or "wav" (extra `convert`).
            cluster: Send from the processes of a Dask cluster (extra `cluster`): "local" for as many on this machine as
                it has cores, "local:4" for 4, or the address of a scheduler, "tcp://10.0.0.5:8786", whose workers have
                OPENROUTER_API_KEY in their environment, and see the folder. `concurrency` and `rate` are for all.
            on_progress: Called with a `BatchProgress` while rows are read, and after each that ends.
            on_row: Called with a `BatchRow` for each row that ends. An exception in either ends the batch.
            **params: See `BatchParams`. If neither this call nor the client sets `retries`, each row gets up to 10
                within 10 minutes.

        Raises:
            InvalidRowsError: Rows are wrong, or there are none; `problems` has a sentence for each.
            ValueError: A setting is out of range, the file's suffix is not supported, or there is a `max_cost` and a
                model that also charges for what it returns. Nothing was sent.
            ConfigurationError: An extra is not installed, or the folder is in use, or of another batch.
            OSError: A file cannot be read or written.
            OpenRouterError: The batch cannot go on. In-flight requests were awaited and saved.
        """
        from .batch import runner  # noqa: PLC0415

        job = self._batch(
            TTS.batch, rows, folder, params,
            name=name, concurrency=concurrency, rate=rate, shard=shard, skip_invalid=skip_invalid,
            retry_failed=retry_failed, metadata_format=metadata, upload=upload, convert_to=convert_to, cluster=cluster,
            on_progress=on_progress, on_row=on_row, max_cost=_budget(max_cost), cost=cost,
        )  # fmt: skip
        if cluster is not None:
            return runner.finished(runner.run_async(job, self._row_sender(params)))
        client, call_of = self._session.connections.sync_client(), self._caller(params)

        def send(row: Mapping[str, Any], receive: Callable[[OpenResponse], T]) -> T:
            return send_with_retries(client, call_of(row), receive)

        return runner.run(job, send)

    @_documented
    async def batch_async(
        self,
        rows: StrPath | Iterable[Mapping[str, Any] | str] | None,
        folder: StrPath,
        *,
        name: str = "{id}",
        concurrency: int = MOST,
        rate: float | None = None,
        max_cost: "Decimal | int | str | None" = None,
        cost: bool = False,
        shard: str | None = None,
        skip_invalid: bool = False,
        retry_failed: bool = False,
        metadata: MetadataFormat = "jsonl",
        upload: str | None = None,
        convert_to: ConvertTo | None = None,
        cluster: str | None = None,
        on_progress: "Callable[[BatchProgress], object] | None" = None,
        on_row: "Callable[[BatchRow], object] | None" = None,
        **params: Unpack[BatchParams],
    ) -> "Batch":
        """As `batch`. Rows are read without giving way to other tasks."""
        from .batch import runner  # noqa: PLC0415

        job = self._batch(
            TTS.batch_async, rows, folder, params,
            name=name, concurrency=concurrency, rate=rate, shard=shard, skip_invalid=skip_invalid,
            retry_failed=retry_failed, metadata_format=metadata, upload=upload, convert_to=convert_to, cluster=cluster,
            on_progress=on_progress, on_row=on_row, max_cost=_budget(max_cost), cost=cost,
        )  # fmt: skip
        return await runner.run_async(job, self._row_sender(params))

    @property
    def _models(self) -> "Models":
        from .models import Models  # noqa: PLC0415  (only needed for prices)

        return Models(self._session)

    def _call(self, method: Callable[..., Any], params: Mapping[str, Any], text: str | Unset = UNSET) -> Call:
        """Build a call; with a text, one that stands for many. A `TypeError` for a wrong name mentions the method."""
        required, known = _names(method)
        if not required <= params.keys() <= known:
            raise _argument_error(method, params)
        if references := params.get("input_references"):
            _references.check(references)
        if isinstance(text, Unset):
            return self._session.call(OPERATION, params)
        return self._session.call(OPERATION, {"input": text, **params}, checks_model=False)

    def _narration(
        self,
        method: Callable[..., Any],
        text: str,
        path: StrPath,
        params: NarrationParams,
        **cutting: Any,
    ) -> "NarrationJob":
        from .narration.job import prepare  # noqa: PLC0415

        shared = self._with_format_of_parts(params)
        call = self._call(method, shared, text)
        job = prepare(call, text, path, **cutting)
        for part in job.missing.values():  # each may have a voice of its own
            self._session.check_model({**shared, **part.params}, call.server_url)
        return job

    def _part(self, part: "Speech", params: NarrationParams) -> Call:
        # Built for each request: if api_key is a callable, the key may change during a long narration.
        return self._session.call(OPERATION, {**self._with_format_of_parts(params), **part.params, "retries": None})

    def _with_format_of(self, path: StrPath, params: SpeechParams, *, convert: bool) -> SpeechParams:
        """Fill in the format from the file's suffix. Fail early if the file cannot be written."""
        requested = params.get("response_format")
        if requested is not None and not (isinstance(requested, str) and requested):
            return params  # `prepare` rejects it by name
        known = self._session.formats_of(params.get("model"))
        wanted = files.format_to_request(path, requested and str(requested), known=known, convert=convert)
        return {**params, "response_format": wanted}

    def _batch(
        self,
        method: Callable[..., Any],
        rows: object,
        folder: StrPath,
        params: BatchParams,
        **settings: Any,
    ) -> "BatchJob":
        from .batch.runner import prepare  # noqa: PLC0415

        # Checks the parameters for all rows before any is read.
        call = self._call(method, {"model": "any", **self._with_format_of_parts(params)}, "any")

        def check_model(row: Mapping[str, Any]) -> None:
            self._session.check_model(self._with_format_of_parts(row), call.server_url)

        settings["cluster"] = self._cluster(settings["cluster"], params)
        return prepare(
            call, rows, Path(folder), params,
            check_model=check_model, prices=self._models, costs=self._session.costs(call.server_url), **settings,
        )  # fmt: skip

    def _row_sender(self, params: BatchParams) -> "SendAsync":
        call_of = self._caller(params)

        async def send(row: Mapping[str, Any], receive: Callable[[OpenResponse], Awaitable[T]]) -> T:
            # For each request: a pool of httpx has fewer connections than a batch may have requests in flight.
            async with self._session.connections.async_client() as client:
                return await send_with_retries_async(client, call_of(row), receive)

        return send

    def _cluster(self, address: object, params: BatchParams) -> "Cluster | None":
        if address is None:
            return None
        from .batch.cluster import Cluster, check_address  # noqa: PLC0415

        checked = check_address(address)
        if not checked.startswith("local") and any(
            name.lower() == "authorization" for name in params.get("http_headers") or ()
        ):
            raise ValueError(
                "http_headers has Authorization, which is not sent to a cluster: its workers have OPENROUTER_API_KEY"
            )
        return Cluster(checked, partial(sending, self._session.settings(), params), self._session.key())

    def _caller(self, params: BatchParams) -> "Callable[[Mapping[str, Any]], Call]":
        """Return what builds the calls of rows that the batch has checked. What calls have in common is built once."""
        known: dict[object, Callable[[Mapping[str, Any]], Call]] = {}

        def call(row: Mapping[str, Any]) -> Call:
            kind = (row.get("model"), row.get("response_format"))
            if kind not in known:
                own = {name: row[name] for name in ("model", "response_format") if name in row}
                common = self._with_format_of_parts({"input": "any", **params, **own})
                first = self._session.call(OPERATION, {**common, "retries": None}, checks_model=False)
                known[kind] = self._session.calls_like(first)
            return known[kind](row)

        return call

    def _with_format_of_parts(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Default the format to pcm, which can be joined without loss, and is a WAV file in every dataset.

        A model that is known to lack it gets the first format that it has.
        """
        if params.get("response_format") is not None:
            return dict(params)
        known = self._session.formats_of(params.get("model")) or ("pcm",)
        return {**params, "response_format": "pcm" if "pcm" in known else known[0]}

    @contextmanager
    def _stream(self, call: Call) -> Iterator[SpeechStream]:
        stream = send_with_retries(self._session.connections.sync_client(), call, receivers.stream)
        try:
            yield stream
        finally:
            stream.close()

    @asynccontextmanager
    async def _stream_async(self, call: Call) -> AsyncIterator[AsyncSpeechStream]:
        async with self._session.connections.async_client() as client:
            stream = await send_with_retries_async(client, call, receivers.stream_async)
            try:
                yield stream
            finally:
                await stream.close()


@asynccontextmanager
async def sending(settings: Mapping[str, Any], params: BatchParams) -> "AsyncIterator[SendAsync]":
    """Yield what sends rows in the worker of a cluster, as `batch_async` does.

    Args:
        settings: The arguments of the session. The API key is that of the environment.
        params: The parameters for all rows.

    Raises:
        ConfigurationError: There is no API key.
    """
    tts = TTS(Session(credential=Credential(None), **settings))
    tts._caller(params)({"input": "any", "model": "any"})
    try:
        async with tts._session.connections.async_client():  # reads certificates, and more, before there are rows
            pass
        yield tts._row_sender(params)
    finally:
        await tts._session.connections.aclose()


def _budget(max_cost: object) -> "Decimal | None":
    from decimal import Decimal, InvalidOperation  # noqa: PLC0415  (only needed for prices)

    if max_cost is None:
        return None
    if isinstance(max_cost, bool) or not isinstance(max_cost, Decimal | int | str):
        raise TypeError(f'max_cost must be a Decimal, or text such as "2.50", not {type(max_cost).__name__}')
    try:
        budget = Decimal(max_cost)
    except InvalidOperation:
        budget = Decimal(-1)
    if not (budget.is_finite() and budget >= 0):
        raise ValueError(f"max_cost must be an amount of US dollars, 0 or more, not {max_cost!r}")
    return budget


def _size(job: "NarrationJob", *, again: bool) -> dict[str, int]:
    """Return what is still to be paid for. Parts that are suspicious may be paid for twice."""
    plan, times = job.plan, 2 if again else 1
    return {"bytes": plan.missing_bytes * times, "requests": plan.missing_requests * times}


def _check_budget(budget: "Decimal", most: "Decimal | None", model: str) -> None:
    if most is None:
        from ._core.catalog import without_bound  # noqa: PLC0415  (only needed for prices)

        raise without_bound(model)
    if most > budget:
        raise ValueError(f"max_cost is {budget:f}, and the text may cost {most:f}: raise it, or shorten the text")
