"""The commands and their options. Each command is implemented in its own module, imported on first use."""

import platform
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from .._version import __version__
from ..batch import CONCURRENCY as MOST
from ..batch import ConvertTo
from ..narration import CONCURRENCY, LIMIT, SMALLEST_LIMIT
from . import completion
from .options import Settings, not_negative, option, positive, unreadable, with_settings

_EXIT_CODES = (
    "Exit codes: 0 success; 1 the service, network, disk or audio device failed; 2 wrong usage, nothing was sent; "
    "130 interrupted (Ctrl-C); 143 terminated (SIGTERM); 141 the reader of the pipe is gone.\n\n"
    "The API key is read from the variable OPENROUTER_API_KEY, and never shown."
)

app = typer.Typer(
    # In a pipe, help is plain text for grep, and rich is not imported.
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)

Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Save to this file: .mp3, .wav or .pcm; - for standard output."
    ),
]


Cost = Annotated[
    bool, typer.Option("--cost", help="Also tell what it cost, once the service knows it: up to 10 minutes later.")
]


def _cut(text: str, name: str, variable: str, metavar: str | None, **more: Any) -> Any:
    return option(None, text, name, env=variable, show_default=True, metavar=metavar, **more)


class _Lenient(typer.core.TyperCommand):
    """A command that ignores its own invalid variables, so that it can report them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for parameter in self.params:
            if unreadable(parameter, ctx):
                parameter.envvar = None
        return super().parse_args(ctx, args)


class CacheAction(StrEnum):
    """What to do with the cache."""

    info = "info"
    clear = "clear"


class Unit(StrEnum):
    """The unit of a limit."""

    characters = "characters"
    bytes = "bytes"


def run(arguments: list[str]) -> int:
    """Run a command, and return its exit code."""
    command = typer.main.get_command(app)
    try:
        outcome = command.main(arguments or ["--help"], prog_name="openrouter-speech", standalone_mode=False)
    except typer.TyperException as error:  # such as a wrong option
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
    """Turn text into speech with OpenRouter."""


@app.command(epilog=_EXIT_CODES)
@with_settings
def say(
    *,
    context: typer.Context,
    settings: Settings,
    text: Annotated[str | None, typer.Argument(help="The text to speak; - for standard input.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Read the text from this file.")
    ] = None,
    output: Output = None,
    play: Annotated[bool, typer.Option("--play", help="Play the audio while it arrives.")] = False,
    cost: Cost = False,
) -> None:
    """Speak a text: to a file, a pipe or the speakers.

    openrouter-speech say "Hello world" -m mistralai/voxtral-mini-tts-2603 -v en_paul_neutral -o hello.mp3
    """
    from . import say as command

    source = context.get_parameter_source("format")
    format_is_default = source is not None and source.name == "ENVIRONMENT"
    command.say(
        text=text,
        file=file,
        output=output,
        play=play,
        cost=cost,
        settings=settings,
        format_is_default=format_is_default,
    )


@app.command(epilog=_EXIT_CODES)
@with_settings
def narrate(
    *,
    settings: Settings,
    book: Annotated[Path, typer.Argument(help="The text file; - for standard input.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Save to this file: .mp3, .wav or .pcm.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show the cost, and send nothing.")] = False,
    srt: Annotated[bool, typer.Option("--srt", help="Also write SubRip captions, next to the audio.")] = False,
    vtt: Annotated[bool, typer.Option("--vtt", help="Also write WebVTT captions, next to the audio.")] = False,
    limit: Annotated[
        int, _cut("The most text in one request.", "--limit", "LIMIT", "COUNT", min=SMALLEST_LIMIT)
    ] = LIMIT,
    limit_unit: Annotated[Unit, _cut("The unit of the limit.", "--limit-unit", "LIMIT_UNIT", None)] = Unit.characters,
    language: Annotated[
        str | None,
        _cut("The language of the text, such as en or de; guessed by default.", "--language", "LANGUAGE", "CODE"),
    ] = None,
    heading: Annotated[
        str | None,
        _cut(
            "A regular expression for the headings of chapters, in place of the usual ones.",
            "--heading",
            "HEADING",
            "PATTERN",
        ),
    ] = None,
    pause: Annotated[
        float | None,
        _cut(
            "Silence between paragraphs, with a request for each; by default they share requests.",
            "--pause",
            "PAUSE",
            "SECONDS",
            callback=not_negative,
        ),
    ] = None,
    concurrency: Annotated[
        int, _cut("Requests in flight at once.", "--concurrency", "CONCURRENCY", "COUNT", min=1)
    ] = CONCURRENCY,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="FOLDER",
            help="Keep the parts in this folder; by default book.narration for book.mp3.",
        ),
    ] = None,
    say: Annotated[
        list[str] | None,
        typer.Option(
            "--say",
            metavar="WORD=SPOKEN",
            help="Say something in place of a word, or a file with one of these on each line; repeatable.",
        ),
    ] = None,
    voice_of: Annotated[
        list[str] | None,
        typer.Option(
            "--voice-of",
            metavar="NAME=VOICE",
            help='The voice of a speaker in a script, whose paragraphs begin with "NAME: "; repeatable.',
        ),
    ] = None,
    turns: Annotated[
        bool, typer.Option("--turns", help="Send several speakers in one request, for models that take turns.")
    ] = False,
    cost: Cost = False,
    max_cost: Annotated[
        str | None,
        typer.Option("--max-cost", metavar="DOLLARS", help="Send nothing if the missing parts may cost more, as 2.50."),
    ] = None,
    retry_suspicious: Annotated[
        bool,
        _cut(
            "Request parts once more that are silent, cut off, or far too short or long. It costs.",
            "--retry-suspicious",
            "RETRY_SUSPICIOUS",
            None,
        ),
    ] = False,
) -> None:
    """Turn a long text into one audio file.

    The text is requested in parts, which are stored as they arrive. After an interruption or a failure, run the same
    command again: it resumes, and requests nothing twice.

    openrouter-speech narrate book.txt -m mistralai/voxtral-mini-tts-2603 -v en_paul_neutral -o book.mp3
    """
    from . import narrate as command

    captions = [suffix for suffix, wanted in ((".srt", srt), (".vtt", vtt)) if wanted]
    cutting = {
        "limit": limit, "limit_unit": limit_unit.value, "language": language, "heading": heading,
        "pause_ms": None if pause is None else pause * 1000, "folder": folder, "turns": turns,
    }  # fmt: skip
    command.narrate(
        book=book,
        output=output,
        dry_run=dry_run,
        captions=tuple(captions),
        concurrency=concurrency,
        cutting=cutting,
        say=say or [],
        voice_of=voice_of or [],
        retry_suspicious=retry_suspicious,
        cost=cost,
        max_cost=max_cost,
        settings=settings,
    )


Language = Annotated[
    str | None,
    typer.Option("--language", metavar="CODE", help="Only voices whose name says that they speak it, such as en."),
]
Refresh = Annotated[bool, typer.Option("--refresh", help="Ask the server again, although the list is of today.")]
Server = Annotated[
    str | None,
    option(None, "Use another server, such as the mock.", "--server-url", env="SERVER_URL", metavar="URL"),
]
AsJson = Annotated[bool, option(None, "Print JSON.", "--json", env="JSON")]


@app.command(epilog=_EXIT_CODES)
def models(
    *,
    show_voices: Annotated[bool, typer.Option("--voices", help="Also list the voices.")] = False,
    language: Language = None,
    refresh: Refresh = False,
    server_url: Server = None,
    json: AsJson = False,
) -> None:
    """List the models that speak, with the price of a million units of input. Needs no key.

    The unit is the model's own: characters, bytes, tokens or seconds. The price is that of the cheapest provider.
    """
    from . import models as command

    settings = Settings(server_url=server_url, json=json)
    command.models(language=language, show_voices=show_voices, refresh=refresh, settings=settings)


@app.command(epilog=_EXIT_CODES)
def voices(
    model: Annotated[str, typer.Argument(help="The model, as author/name.", autocompletion=completion.models)],
    *,
    language: Language = None,
    refresh: Refresh = False,
    server_url: Server = None,
    json: AsJson = False,
) -> None:
    """List the voices of a model, one on each line. Needs no key."""
    from . import models as command

    settings = Settings(server_url=server_url, json=json)
    command.voices(model=model, language=language, refresh=refresh, settings=settings)


@app.command(epilog=_EXIT_CODES)
def cache(
    action: Annotated[CacheAction, typer.Argument(help="Show what there is, or remove all of it.")] = CacheAction.info,
    *,
    json: AsJson = False,
) -> None:
    """Show or clear the audio that --cache keeps, so that identical requests are paid for once.

    It is in the user's cache folder, or in OPENROUTER_SPEECH_CACHE_DIR: at most 1 GiB, for 90 days after its last use.
    """
    from . import cache as command

    command.cache(action.value, Settings(json=json))


class _Batch(typer.core.TyperGroup):
    """`batch INPUT` is short for `batch run INPUT`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


class Metadata(StrEnum):
    """The format of the metadata."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


batch = typer.Typer(cls=_Batch, rich_markup_mode=app.rich_markup_mode)
app.add_typer(
    batch,
    name="batch",
    epilog=_EXIT_CODES,
    help="Turn many texts into a file of audio each: batch INPUT -o FOLDER.",
)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the batch.")]
Width = Annotated[int, _cut("The most requests in flight.", "--concurrency", "BATCH_CONCURRENCY", "COUNT", min=1)]
Rate = Annotated[float | None, _cut("The most requests per second.", "--rate", "RATE", "NUMBER", callback=positive)]
MaxCost = Annotated[
    str | None,
    typer.Option("--max-cost", metavar="DOLLARS", help="Stop before all rows of the folder may cost more, as 2.50."),
]
Cluster = Annotated[
    str | None,
    _cut(
        "Send from a Dask cluster: tcp://HOST:PORT of its scheduler; local for a process per core, local:4 for 4.",
        "--cluster", "CLUSTER", "ADDRESS",
    ),
]  # fmt: skip
MetadataOption = Annotated[Metadata, _cut("The format of the metadata for datasets.", "--metadata", "METADATA", None)]


@batch.command("run", epilog=_EXIT_CODES)
@with_settings
def batch_run(
    *,
    settings: Settings,
    rows: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="The rows: a .jsonl, .csv, .tsv or .parquet file, a folder of .txt files, or - for JSONL on standard "
            "input.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Keep the audio and the ledger in this folder.")
    ],
    name: Annotated[str, _cut("The name of each file, from {id} and {number}.", "--name", "NAME", "PATTERN")] = "{id}",
    concurrency: Width = MOST,
    rate: Rate = None,
    max_cost: MaxCost = None,
    cost: Cost = False,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="N/COUNT", help="Take a part of the rows only, such as 3/16.")
    ] = None,
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help="Go on without wrong rows.")] = False,
    metadata: MetadataOption = Metadata.jsonl,
    upload: Annotated[
        str | None,
        typer.Option("--upload", metavar="URL", help="Upload the audio and the metadata, as to s3://bucket/folder."),
    ] = None,
    convert_to: Annotated[
        ConvertTo | None, _cut("Convert the audio, as to flac or ogg.", "--convert-to", "CONVERT_TO", "FORMAT")
    ] = None,
    cluster: Cluster = None,
) -> None:
    """Send the rows of an input. After an interruption, the same command goes on.

    openrouter-speech batch rows.jsonl -o audio -m mistralai/voxtral-mini-tts-2603 -v en_paul_neutral
    """
    from . import batch as command

    options = {
        "name": name, "concurrency": concurrency, "rate": rate, "max_cost": max_cost, "cost": cost, "shard": shard,
        "skip_invalid": skip_invalid, "metadata": metadata.value, "upload": upload, "convert_to": convert_to,
        "cluster": cluster,
    }  # fmt: skip
    command.run(rows, output, options, settings)


@batch.command("retry", epilog=_EXIT_CODES)
@partial(with_settings, voice=False)
def batch_retry(
    *,
    settings: Settings,
    folder: Folder,
    failed: Annotated[bool, typer.Option("--failed", help="Send the rows again that failed.")] = False,
    concurrency: Width = MOST,
    rate: Rate = None,
    max_cost: MaxCost = None,
    cost: Cost = False,
    metadata: MetadataOption = Metadata.jsonl,
    cluster: Cluster = None,
) -> None:
    """Go on with the rows that the folder has, without the input.

    Rows that may have been billed are sent again with --retry-maybe-billed only.
    """
    from . import batch as command

    options = {
        "concurrency": concurrency, "rate": rate, "max_cost": max_cost, "cost": cost, "retry_failed": failed,
        "metadata": metadata.value, "cluster": cluster,
    }  # fmt: skip
    command.retry(folder, options, settings)


@batch.command("status", epilog=_EXIT_CODES)
def batch_status(
    folder: Folder,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.", envvar="OPENROUTER_SPEECH_JSON")] = False,
) -> None:
    """Show how many rows are done, and which have no audio. The batch may be running."""
    from . import batch as command

    command.status(folder, json)


@batch.command("export", epilog=_EXIT_CODES)
def batch_export(
    folder: Folder,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write this file: .jsonl, .csv or .parquet. By default metadata.jsonl in the folder.",
        ),
    ] = None,
) -> None:
    """Write the metadata of the rows that are done. The batch may be running."""
    from . import batch as command

    command.export(folder, output)


@app.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    help="Start the mock server, which behaves like the real one; --help lists its options.",
)
def mock(context: typer.Context) -> None:
    """Start the mock server."""
    from . import mock as command

    command.mock(context.args)


@app.command(
    epilog="Exit codes: 0 every rule that was seen is kept; 1 a rule is broken, the server stopped, or the coverage is "
    "less than --fail-under; 2 wrong usage, no server at the URL, or a key that it refuses.\n\n"
    "The key is read from a variable, and never shown."
)
def contract(
    url: Annotated[str | None, typer.Argument(metavar="URL", help="The base URL of the server.")] = None,
    *,
    proxy: Annotated[
        str | None,
        typer.Option(
            "--proxy", metavar="URL", help="Pass an application's requests on to this server, and check them."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65535, help="The port of the proxy; by default a free one."),
    ] = None,
    key_env: Annotated[
        str, typer.Option("--key-env", metavar="NAME", help="The variable with a key of the server.")
    ] = "OPENROUTER_API_KEY",
    live: Annotated[
        bool, typer.Option("--live", help="Send at most 10 short requests, because each costs money.")
    ] = False,
    seed: Annotated[
        str | None, typer.Option("--seed", metavar="N", help="Send other requests; random picks a number.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", metavar="N", min=1, help="How many requests to make up (100).")
    ] = None,
    spec: Annotated[
        Path | None, typer.Option("--spec", metavar="FILE", help="Test against this OpenAPI description.")
    ] = None,
    fail_under: Annotated[
        float, typer.Option("--fail-under", metavar="PERCENT", min=0, max=100, help="The coverage that is needed.")
    ] = 0,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page to read.")] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")] = None,
    har: Annotated[
        Path | None, typer.Option("--har", metavar="FILE", help="Write all requests and responses, without the key.")
    ] = None,
) -> None:
    """Test a server: which rules of the description it keeps, which it breaks, which were never seen.

    openrouter-speech contract http://127.0.0.1:4010/api/v1 --key-env MY_KEY

    openrouter-speech contract --proxy https://openrouter.ai/api/v1 --port 4011
    """
    from . import contract as command

    command.contract(
        url,
        key_env=key_env,
        proxy=proxy,
        port=port,
        live=live,
        seed=seed,
        examples=examples,
        spec=spec,
        fail_under=fail_under,
        reports={"junit": junit, "html": html, "json": json, "har": har},
    )


@app.command(epilog=_EXIT_CODES, cls=_Lenient)
def doctor(
    server_url: Annotated[
        str | None,
        typer.Option("--server-url", metavar="URL", help="The server to check.", envvar="OPENROUTER_SPEECH_SERVER_URL"),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON.", envvar="OPENROUTER_SPEECH_JSON")
    ] = False,
) -> None:
    """Check the setup: versions, key, proxies, server, extras. It costs nothing."""
    from . import doctor as command

    commands: Any = typer.main.get_command(app)
    command.doctor(server_url, commands.commands, as_json=json)
