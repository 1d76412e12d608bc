"""The pages that are written from the code, so that they cannot differ from it."""

import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout, suppress
from importlib import import_module
from typing import Any

import typer
from openrouter_speech.cli import app, failures
from openrouter_speech.cli.options import HEADERS
from openrouter_speech.errors import BY_STATUS
from openrouter_speech.mock.faults import FORMS, KINDS

from benchmarks.report import CHART

from .pages import PROJECT

MODULES = {
    "Client": ("client", "tts", "models", "_http.cache:SpeechCache"),
    "Responses, streams, files": ("responses", "streams"),
    "Narration": ("narration.results", "narration.captions"),
    "Batch": ("batch.results",),
    "Playback": ("playback",),
    "Errors": ("errors",),
    "Retries and recordings": ("utils",),
    "Schemas": ("components",),
    "Mock server": ("mock", "pytest_plugin"),
    "Contract tests": ("contract", "contract.checks"),
}
"""The public modules of each page; after a colon, the only name of the module that is public."""
LIBRARY = {
    "OPENROUTER_API_KEY": "The API key, unless `OpenRouter(api_key=...)` gives one.",
    "OPENROUTER_HTTP_REFERER": "Your app's URL, as `http_referer`.",
    "OPENROUTER_X_OPEN_ROUTER_TITLE": "Your app's name, as `x_open_router_title`.",
    "OPENROUTER_X_OPEN_ROUTER_CATEGORIES": "Your app's categories, as `x_open_router_categories`.",
    "OPENROUTER_SPEECH_CACHE_DIR": "The folder for what is known of the models, and for the cache of the command line.",
}
"""Variables that the library reads, not only the command line."""


def pages() -> dict[str, dict[str, str]]:
    """Return the text of each page by its place, by section."""
    names = {f"reference/{_slug(title)}.md": _names(title, modules) for title, modules in MODULES.items()}
    return {
        "Reference": {
            **names,
            "reference/commands.md": _commands(),
            "reference/environment.md": _environment(),
            "reference/exit-codes.md": _exit_codes(),
            "reference/faults.md": _faults(),
        },
        "Design": {"benchmarks.md": _benchmarks()},
    }


def public_names(module: str) -> Iterator[str]:
    """Return the full name of each public name in a module as `MODULES` has it."""
    name, _, only = module.partition(":")
    listed = [only] if only else import_module(f"openrouter_speech.{name}").__all__
    return (f"openrouter_speech.{name}.{each}" for each in listed)


def _slug(title: str) -> str:
    return "-".join(re.findall(r"\w+", title.lower()))


def _names(title: str, modules: Iterable[str]) -> str:
    entries = [f"::: {name}" for module in modules for name in public_names(module)]
    return "\n\n".join([f"# {title}", *entries, ""])


def _table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table. A cell is Markdown."""
    columns = head.count("|") + 1
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in (head, " | ".join(["---"] * columns), *lines))


def _command_line() -> Any:
    return typer.main.get_command(app.app)


def _commands() -> str:
    parts = ["# Commands", "What `--help` prints for each command."]
    for name in _command_line().commands:
        printed = io.StringIO()
        with redirect_stdout(printed), suppress(SystemExit):  # `mock` has a parser of its own, which exits
            app.run([name, "--help"])
        parts += [f"## {name}", f"```text\n{printed.getvalue().strip()}\n```"]
    return "\n\n".join([*parts, ""])


def _environment() -> str:
    found: dict[str, tuple[str, list[str]]] = {}
    for name, command in _command_line().commands.items():
        for parameter in command.params:
            if variable := getattr(parameter, "envvar", None):
                found.setdefault(variable, (parameter.help or "", []))[1].append(f"`{name}`")
    found[HEADERS] = ("Headers to add, one per line.", ["`say`", "`narrate`"])  # typer would split it at blanks
    rows = [(f"`{variable}`", text, ", ".join(names)) for variable, (text, names) in sorted(found.items())]
    return "\n\n".join([
        "# Environment variables",
        "## The library",
        "The command line reads these too. Those for [proxies and certificates](../network.md) are the usual ones.",
        _table("variable | what it sets", [(f"`{variable}`", text) for variable, text in LIBRARY.items()]),
        "## The command line",
        "An option on the command line comes before its variable.",
        _table("variable | what it sets | commands", rows),
        "",
    ])  # fmt: skip


def _exit_codes() -> str:
    meanings = [
        ("0", "done"),
        (str(failures.REFUSED), "the service, the network, the disk or the audio device failed"),
        (str(failures.WRONG_USAGE), "wrong usage, a missing key or a missing extra; nothing was sent"),
        (f"{failures.INTERRUPTED}, 143, 129", "ended by Ctrl-C, SIGTERM or SIGHUP"),
        (str(failures.NO_READER), "nobody reads the pipe any more"),
    ]
    rows = [(f"`{kind.__name__}`", str(code), hint) for kind, code, hint in failures._TABLE]
    return "\n\n".join([
        "# Exit codes",
        _table("code | meaning", meanings),
        "## By error",
        "The first line that fits counts; the hint stands below the error.",
        _table("error | code | hint", rows),
        "",
    ])  # fmt: skip


def _faults() -> str:
    documented = ", ".join(f"`{status}`" for status in BY_STATUS)
    kinds = [(f"`{kind}`" if kind != "status" else "a status", text) for kind, text in KINDS.items()]
    return "\n\n".join([
        "# Faults of the mock server",
        "How to ask for them: [Testing](../testing.md#faults-on-demand).",
        _table("fault | what happens", kinds),
        f"The documented statuses: {documented}.",
        "`retry-after=2` says when to try again, in one of these forms: "
        + ", ".join(f"`form={form}`" for form in FORMS) + ".",
        "",
    ])  # fmt: skip


def _benchmarks() -> str:
    results = json.loads((PROJECT / "benchmarks/results.json").read_text("utf-8"))
    measured = results["measured"]
    rows = [
        (CHART.get(line["case"], row["what"]), line["what"], client, f"{figures['value']['median']:.4g} {line['unit']}",
         f"{figures['ratio']['median']:.2f}" if "ratio" in figures else "")
        for row in results["rows"] for line in row["lines"] for client, figures in line.get("clients", {}).items()
    ]  # fmt: skip
    versions = ", ".join(f"{name} {version}" for name, version in measured["versions"].items())
    return "\n\n".join([
        "# Benchmarks",
        f"Measured on {measured['date']} by `make bench`: {measured['machine']}; {versions}.",
        "The chart shows times relative to bare httpx; less is better.",
        "![How long each client takes, relative to bare httpx](files/benchmarks/chart.svg)",
        _table("case | what | client | median | to bare httpx", rows),
        "",
    ])  # fmt: skip
