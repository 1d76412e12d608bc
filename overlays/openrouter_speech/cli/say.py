"""`openrouter-speech say`: speak a text, to a file, a pipe or the speakers."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen

from .. import _files as files
from .. import errors
from .._core import audio, retries
from .._core.audio import AudioInfo
from .._core.bodies import escaped
from ..responses import SavedSpeech
from ..streams import SpeechStream
from . import progress, texts
from .failures import WrongUsageError, before_sending, reported
from .options import Settings
from .speaker import Speaker

_HEAD, _ENOUGH = 1 << 11, 1 << 14
"""Bytes of mp3: the head that may hold an encoder's notes, and enough to estimate the bit rate."""


@frozen
class Said:
    """The result."""

    path: str | None
    """"-" for standard output; None if the audio was only played."""
    format: str
    sample_rate: int | None
    channels: int | None
    duration: float | None
    """Seconds; None if unknown without a file."""
    bytes: int
    characters: int
    generation_id: str | None
    time_to_first_audio: float | None
    """Seconds."""
    from_cache: bool
    """Whether it is the audio of an earlier request."""
    cost: str | None = None
    """US dollars, with --cost."""

    def __str__(self) -> str:
        info = [
            None if self.duration is None else f"{progress.length(self.duration)} of {self.format}",
            progress.size(self.bytes),
            None if self.time_to_first_audio is None else f"first audio after {self.time_to_first_audio:.2f} s",
            self.generation_id,
            "from the cache" if self.from_cache else None,
            None if self.cost is None else f"${self.cost}",
        ]
        where = {None: "played", "-": "standard output"}.get(self.path, self.path)
        return f"{where}: {', '.join(filter(None, info))}"


def say(
    *, text: str | None, file: Path | None, output: Path | None, play: bool, cost: bool, settings: Settings,
    format_is_default: bool,
) -> None:  # fmt: skip
    """Run the command. The arguments are its options.

    Args:
        format_is_default: The format comes from the variable; the suffix of the file overrides it.
    """
    with reported(settings, interrupted="" if output is None else "no file was written"):
        piped = str(output) == "-"
        _check_targets(output, play=play)
        texts.check_output(file, output)
        with before_sending():
            said = texts.read(text, file)
            path = None if output is None or piped else output
            params = {
                **settings.request(),
                "input": said,
                "response_format": _format(path, settings.format, give_way=format_is_default),
                "retries": settings.retry(retries.DEFAULT),
            }
            open_router = settings.open_router()
            audio_to_come = open_router.tts.stream_speech(**params)
        with open_router, ExitStack() as ending:
            speaker = ending.enter_context(Speaker(wanted=play, required=output is None))
            with progress.watched(_name(path, piped=piped), debug=settings.debug) as watcher, audio_to_come as stream:
                speaker.begin(stream)
                with _writer(path, stream, piped=piped) as write:
                    for chunk in _counted(stream, watcher):
                        write(chunk)
                        speaker.feed(chunk)
            result = _result("-" if piped else path, stream, len(said))
            try:
                if cost:
                    speaker.finish()
                    result = evolve(result, cost=_cost(stream, settings))
            finally:
                _report(result, to_stderr=piped, as_json=settings.json)
            speaker.finish()


def _cost(stream: SpeechStream, settings: Settings) -> str:
    with progress.watched("cost", debug=settings.debug) as watcher:
        watcher.show("waiting until the service knows it")
        return f"{stream.cost():f}"


def _check_targets(output: Path | None, *, play: bool) -> None:
    if output is None and not play:
        raise WrongUsageError(
            "The audio needs an output", "-o hello.mp3 saves it, --play plays it, -o - writes it to a pipe"
        )
    if str(output) == "-" and sys.stdout.isatty():
        raise WrongUsageError("A terminal cannot show audio", "name a file with -o, or pipe it: -o - | mpv -")


def _format(path: Path | None, wanted: str | None, *, give_way: bool) -> str | None:
    """Return the format to request. Fail early on a wrong suffix or folder, before anything is paid for."""
    if path is None:
        return wanted
    if give_way and files.format_of(path):
        wanted = None
    try:
        return files.format_to_request(path, wanted)
    except ValueError as error:
        if wanted is None:
            raise
        raise WrongUsageError(
            f"{path.name} cannot hold {wanted}: omit --format, the suffix picks the format"
        ) from error


def _name(path: Path | None, *, piped: bool) -> str:
    return path.name if path is not None else "standard output" if piped else "playing"


@contextmanager
def _writer(path: Path | None, stream: SpeechStream, *, piped: bool) -> Iterator[Callable[[bytes], Any]]:
    """Open the output; yields a function that writes audio to it."""
    if path is not None:
        info = AudioInfo(stream.audio_format, stream.sample_rate, stream.channels)
        try:
            with files.keeping(path, info) as sink:
                yield sink.write
        except errors.FileWriteError as error:
            if error.audio:
                _keep_elsewhere(error, path, info)
            raise
    elif piped:
        out = sys.stdout.buffer

        def write(chunk: bytes) -> None:
            out.write(chunk)
            out.flush()  # the reader of the pipe gets it now

        yield write
    else:
        yield lambda _: None


def _keep_elsewhere(error: errors.FileWriteError, path: Path, info: AudioInfo) -> None:
    """Save audio that was paid for in another folder: it would be lost when the command ends."""
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        with suppress(OSError):
            number, name = tempfile.mkstemp(files.true_suffix(info.format), f"{path.stem}-", folder)
            os.close(number)
            try:
                with files.saving(name, info) as sink:
                    sink.write(error.audio)
            except OSError:
                Path(name).unlink()
                raise
            error.add_note(f"The audio was saved to {name}")
            return


def _counted(stream: SpeechStream, watcher: progress.Watcher) -> Iterator[bytes]:
    """Yield the audio, and show its progress."""
    declared = stream.headers.get("content-length", "")
    total = int(declared) if declared.isdecimal() and "content-encoding" not in stream.headers else None
    begun, length = time.monotonic(), _Length(stream)
    for chunk in stream:
        yield chunk
        received, seconds = stream.bytes_received, length.after(chunk)
        spent = time.monotonic() - begun + (stream.time_to_first_audio or 0)
        details = [progress.size(received), None if seconds is None else f"{progress.length(seconds)} of audio"]
        details += [f"{progress.size(received / spent)}/s"] if spent > 0 else []
        watcher.show(", ".join(filter(None, details)), received, total)


class _Length:
    """Measures the received audio. For mp3, it is estimated from the bit rate at the beginning."""

    def __init__(self, stream: SpeechStream) -> None:
        self._stream = stream
        self._beginning = bytearray()
        self._bytes_per_second: float | None = None

    def after(self, chunk: bytes) -> float | None:
        """Return the seconds received, including this chunk."""
        if self._stream.duration is not None:
            return self._stream.duration
        if self._bytes_per_second is None:
            self._beginning += chunk
            if len(self._beginning) >= _ENOUGH:
                sample = bytes(self._beginning[_HEAD:])
                seconds = audio.duration(sample, AudioInfo(self._stream.audio_format))
                self._bytes_per_second = len(sample) / seconds if seconds else None
        return self._stream.bytes_received / self._bytes_per_second if self._bytes_per_second else None


def _result(path: Path | str | None, stream: SpeechStream, characters: int) -> Said:
    info, duration = AudioInfo(stream.audio_format, stream.sample_rate, stream.channels), stream.duration
    if isinstance(path, Path) and path.is_file():
        saved = SavedSpeech.from_stream(path, stream, info)
        info = AudioInfo(saved.audio_format, saved.sample_rate, saved.channels)
        duration = saved.duration if duration is None else duration
    return Said(
        path=None if path is None else str(path),
        format=info.format,
        sample_rate=info.sample_rate,
        channels=info.channels,
        duration=duration,
        bytes=stream.bytes_received,
        characters=characters,
        generation_id=stream.generation_id,
        time_to_first_audio=stream.time_to_first_audio,
        from_cache=stream.from_cache,
    )


def _report(said: Said, *, to_stderr: bool, as_json: bool) -> None:
    line = json.dumps(asdict(said)) if as_json else escaped(str(said))
    print(line, file=sys.stderr if to_stderr else sys.stdout, flush=True)
