"""The commands and their options. What they do is in modules of their own, loaded when it is asked for."""

import platform
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from .._version import __version__
from ..narration import CONCURRENCY, LIMIT, SMALLEST_LIMIT
from .options import Settings, not_negative, option, unreadable, with_settings

_EXIT_CODES = (
    "Exit codes: 0 done; 1 the service, the network or the disk refused; 2 wrong usage, nothing was sent; "
    "130 interrupted (Ctrl-C); 143 ended (SIGTERM); 141 nobody reads the pipe any more.\n\n"
    "The API key is taken from the variable OPENROUTER_API_KEY, and never shown."
)

app = typer.Typer(
    # In a pipe, help is for grep: no boxes, and no rich to load.
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to: .mp3, .wav or .pcm; - is standard output."),
]


def _cut(text: str, name: str, variable: str, metavar: str | None, **more: Any) -> Any:
    return option(None, text, name, env=variable, show_default=True, metavar=metavar, **more)


class _Lenient(typer.core.TyperCommand):
    """A command that goes on where its own variables cannot be read: saying so is its business."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for parameter in self.params:
            if unreadable(parameter, ctx):
                parameter.envvar = None
        return super().parse_args(ctx, args)


class Unit(StrEnum):
    """What a limit counts."""

    characters = "characters"
    bytes = "bytes"


def run(arguments: list[str]) -> int:
    """Run a command, and return its exit code."""
    command = typer.main.get_command(app)
    try:
        outcome = command.main(arguments or ["--help"], prog_name="openrouter-speech", standalone_mode=False)
    except typer.TyperException as error:  # a wrong option, say
        from .failures import one_line

        message = one_line(error.format_message())
        context = getattr(error, "ctx", None)
        where = context.command_path if context is not None else "openrouter-speech"
        print(f"Error: {message}\nHint: {where} --help", file=sys.stderr)
        return 2
    return outcome if isinstance(outcome, int) else 0


def _show_version(wanted: bool) -> None:
    if wanted:
        print(
            f"openrouter_speech {__version__}, openrouter_speech_api {__version__} "
            f"(openrouter-speech {__version__}, Python {platform.python_version()})"
        )
        raise typer.Exit


@app.callback(epilog=_EXIT_CODES)
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Show the versions and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Text in, audio out: speech by OpenRouter."""


@app.command(epilog=_EXIT_CODES)
@with_settings
def say(
    *,
    context: typer.Context,
    settings: Settings,
    text: Annotated[str | None, typer.Argument(help="What to say; - reads it from standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="Say what a file has.")] = None,
    output: Output = None,
    play: Annotated[bool, typer.Option("--play", help="Play it while it arrives.")] = False,
) -> None:
    """Say a text: into a file, a pipe, the loudspeaker.

    openrouter-speech say "Hello world" -m elevenlabs/eleven-turbo-v2 -v alloy -o hello.mp3
    """
    from . import say as command

    source = context.get_parameter_source("format")
    format_is_default = source is not None and source.name == "ENVIRONMENT"
    command.say(text=text, file=file, output=output, play=play, settings=settings, format_is_default=format_is_default)


@app.command(epilog=_EXIT_CODES)
@with_settings
def narrate(
    *,
    settings: Settings,
    book: Annotated[Path, typer.Argument(help="The text, a file; - is standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to: .mp3, .wav or .pcm.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what it would cost.")] = False,
    srt: Annotated[bool, typer.Option("--srt", help="Write captions too, as SubRip beside the audio.")] = False,
    vtt: Annotated[bool, typer.Option("--vtt", help="Write captions too, as WebVTT beside the audio.")] = False,
    limit: Annotated[
        int, _cut("The most that goes into one request.", "--limit", "LIMIT", "COUNT", min=SMALLEST_LIMIT)
    ] = LIMIT,
    limit_unit: Annotated[Unit, _cut("What the limit counts.", "--limit-unit", "LIMIT_UNIT", None)] = Unit.characters,
    pause: Annotated[
        float, _cut("Silence between paragraphs.", "--pause", "PAUSE", "SECONDS", callback=not_negative)
    ] = 0,
    concurrency: Annotated[
        int, _cut("Requests at once.", "--concurrency", "CONCURRENCY", "COUNT", min=1)
    ] = CONCURRENCY,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="FOLDER",
            help="Where the parts are kept; for book.mp3, book.narration unless you say so.",
        ),
    ] = None,
) -> None:
    """Read a long text out, into one file.

    The text is asked for in parts, which are kept as they come. After an interruption or a failure the same command
    goes on where it was, and asks for nothing twice.

    openrouter-speech narrate book.txt -m elevenlabs/eleven-turbo-v2 -v alloy -o book.mp3
    """
    from . import narrate as command

    captions = [suffix for suffix, wanted in ((".srt", srt), (".vtt", vtt)) if wanted]
    cutting = {"limit": limit, "limit_unit": limit_unit.value, "pause_ms": pause * 1000, "folder": folder}
    command.narrate(
        book=book,
        output=output,
        dry_run=dry_run,
        captions=tuple(captions),
        concurrency=concurrency,
        cutting=cutting,
        settings=settings,
    )


@app.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    help="Start the mock server, which answers as the real one does; --help lists its options.",
)
def mock(context: typer.Context) -> None:
    """Start the mock server."""
    from . import mock as command

    command.mock(context.args)


@app.command(epilog=_EXIT_CODES, cls=_Lenient)
def doctor(
    server_url: Annotated[
        str | None,
        typer.Option(
            "--server-url", metavar="URL", help="The server to look for.", envvar="OPENROUTER_SPEECH_SERVER_URL"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Tell it as JSON.", envvar="OPENROUTER_SPEECH_JSON")] = False,
) -> None:
    """Say what is set up and what is not: versions, key, proxies, server, extras. Nothing is synthesized."""
    from . import doctor as command

    command.doctor(server_url, as_json=json)
