"""All commands: help, versions, usage, completion, missing extras, errors."""

import re
import subprocess
import sys
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import httpx
import openrouter_speech
import pytest
import typer
from openrouter_speech.cli import failures, options
from openrouter_speech.cli.app import app
from openrouter_speech.cli.options import Settings
from openrouter_speech.errors import OpenRouterError, from_response
from openrouter_speech.tts import OPERATION, TTS

from tools import generate

from .conftest import PROGRAM, Run

OF_ONE_CALL = {
    "--file", "--output", "--play", "--help", "--dry-run", "--srt", "--vtt", "--folder", "--reference",
    "--transcript", "--say", "--voice-of", "--turns", "text", "book", "--cost", "--voices", "--language", "--refresh",
    "model", "action", "--max-cost", "rows", "folder", "--shard", "--skip-invalid", "--failed", "--upload",
}  # fmt: skip
"""Parameters that have no variable."""


def test_help_lists_the_commands(run: Run) -> None:
    outcome = run("--help")
    assert outcome.code == 0
    listed = re.findall(r"^  (\w+)  ", outcome.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == ["say", "narrate", "models", "voices", "cache", "mock", "contract", "doctor", "batch"]


def found(name: str) -> Any:
    """Return a command by its words."""
    command: Any = typer.main.get_command(app)
    for word in name.split():
        command = command.commands[word]
    return command


@pytest.mark.parametrize(
    "name",
    [
        "say", "narrate", "models", "voices", "cache", "doctor", "batch run", "batch retry", "batch status",
        "batch export",
    ],
)  # fmt: skip
def test_help_describes_each_option_its_variable_and_the_exit_codes(run: Run, name: str) -> None:
    outcome = run(*name.split(), "--help")
    assert outcome.code == 0
    for code in ("0 success", "1 the service", "2 wrong usage", "130 interrupted", "143 terminated", "141 the reader"):
        assert code in " ".join(outcome.stdout.split())
    for parameter in found(name).params:
        assert parameter.help, parameter.name
        if not OF_ONE_CALL & set(parameter.opts) and parameter.name != "header":
            assert parameter.envvar.startswith("OPENROUTER_"), parameter.name
            assert parameter.envvar in outcome.stdout


@pytest.mark.parametrize("arguments", [["say", "--help"], []], ids=["say", "nothing"])
def test_help_in_a_pipe_is_plain_text(script: Run, arguments: list[str]) -> None:
    outcome = script(*arguments)
    assert outcome.stdout.startswith("Usage: openrouter-speech")
    assert "\x1b" not in outcome.stdout
    assert "─" not in outcome.stdout
    assert (outcome.code, outcome.stderr) == (0, "")


def test_help_loads_little() -> None:
    """Beside the package itself."""
    code = (
        "import sys, openrouter_speech\nbefore = set(sys.modules)\nfrom openrouter_speech.cli import main\n"
        "main(['--help'])\nprint(*(set(sys.modules) - before), sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.splitlines())
    own = {name.removeprefix("openrouter_speech.cli.") for name in loaded if name.startswith("openrouter_speech.cli.")}
    assert own == {"app", "completion", "options"}
    assert not loaded & {"rich", "asyncio", "numpy", "soundfile", "miniaudio", "semantic_text_splitter", "uvicorn"}


def test_the_versions_of_both_packages_are_shown(run: Run) -> None:
    outcome = run("--version")
    version = openrouter_speech.__version__
    assert outcome.code == 0
    assert f"openrouter_speech {version}, openrouter_speech_api {version}" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (["sai"], "No such command 'sai'. Did you mean 'say'?", "openrouter-speech --help"),
        (["say", "--sped", "2"], "No such option: --sped", "openrouter-speech say --help"),
        (["say", "--\x1b[2J"], r"No such option: --\x1b[2J", "openrouter-speech say --help"),
        (["say", "a", "b"], "unexpected extra argument", "openrouter-speech say --help"),
        (["narrate", "book.txt"], "Missing option '--output'", "openrouter-speech narrate --help"),
        (["narrate", "a.txt", "-o", "a.mp3", "--limit-unit", "words"], "'words'", "openrouter-speech narrate --help"),
    ],
)
def test_wrong_usage_is_one_line_and_a_hint(run: Run, arguments: list[str], words: str, hint: str) -> None:
    outcome = run(*arguments)
    error, second = outcome.stderr.splitlines()
    assert outcome.code == 2
    assert words in error
    assert second == f"Hint: {hint}"


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "openrouter_speech", "--version"]
    module = subprocess.run(command, capture_output=True, text=True, check=True)
    assert module.stdout == subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    wrong = subprocess.run([*command[:-1], "sai"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2


@pytest.mark.parametrize(
    ("words", "expected"), [("openrouter-speech na", "narrate\n"), ("openrouter-speech say --sp", "--speed\n")]
)
def test_the_shell_completes(monkeypatch: pytest.MonkeyPatch, words: str, expected: str) -> None:
    monkeypatch.setenv("_OPENROUTER_SPEECH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert subprocess.run([PROGRAM], capture_output=True, text=True, check=False).stdout == expected


MISSING = [
    ("typer", ["--help"], "cli"),
    ("uvicorn", ["mock"], "mock"),
    ("semantic_text_splitter", ["narrate", "book.txt", "-o", "a.mp3"], "long"),
    ("filelock", ["batch", "rows.jsonl", "-o", "out"], "batch"),
    ("pyarrow", ["batch", "rows.jsonl", "-o", "out", "--metadata", "parquet"], "parquet"),
    ("miniaudio", ["say", "Hello", "--play", "-o", "a.mp3"], "play"),
    ("schemathesis", ["contract", "http://127.0.0.1:9"], "contract"),
]


@pytest.mark.parametrize(("package", "arguments", "extra"), MISSING)
def test_a_missing_extra_is_one_line_and_nothing_is_written(
    tmp_path: Path, package: str, arguments: list[str], extra: str
) -> None:
    (tmp_path / "book.txt").write_text("Hello")
    (tmp_path / "rows.jsonl").write_text('{"input": "Hello"}')
    code = f"import sys\nsys.modules[{package!r}] = None\nfrom openrouter_speech.cli import main\nsys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"pip install 'openrouter-speech[{extra}]'" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"book.txt", "rows.jsonl"}


def test_another_missing_module_is_no_extra() -> None:
    """The installation is broken: the traceback is shown."""
    code = (
        "import sys; sys.modules['openrouter_speech.cli.options'] = None; import openrouter_speech.cli as c; c.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "openrouter_speech.cli.options" in done.stderr.splitlines()[-1]
    assert "pip install" not in done.stderr


def test_a_warning_is_one_line(script: Run, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("Hello")
    (tmp_path / "rows.jsonl").write_text('{"input": "Hello"}')
    outcome = script("narrate", "book.txt", "-o", "a.mp3", "--dry-run", "--server-url", "http://example.test")
    assert outcome.stderr == "Warning: The API key goes to example.test unencrypted: use https://\n"


def all_errors(kind: type[OpenRouterError] = OpenRouterError) -> list[type[OpenRouterError]]:
    return [kind, *(below for direct in kind.__subclasses__() for below in all_errors(direct))]


def test_every_error_has_an_exit_code() -> None:
    codes = {kind.__name__: failures.outcome(kind.__new__(kind))[0] for kind in all_errors()}
    assert len(codes) > 20
    assert {name for name, code in codes.items() if code != 1} == {"ConfigurationError"}
    assert codes["ConfigurationError"] == 2


@pytest.mark.parametrize(
    ("status", "metadata", "hint"),
    [
        (402, {}, "add credits"),
        (402, {"limit_source": "openrouter_in_flight_budget"}, "try later"),
        (429, {}, "try later"),
        (503, {}, "more retries"),
        (504, {}, "may have been charged"),
        (524, {}, "may have been charged"),
    ],
)
def test_the_hint_fits_the_error(status: int, metadata: dict[str, str], hint: str) -> None:
    error = {"code": status, "message": "No", "metadata": metadata}
    assert hint in failures.outcome(from_response(httpx.Response(status, json={"error": error})))[1]


def test_a_message_cannot_steer_the_terminal() -> None:
    assert failures.one_line("\x1b[2Jgone\nand \x07 \u202ethere\udce9") == r"\x1b[2Jgone and \x07 \u202ethere\udce9"
    assert failures.one_line("می‌خواهم 👩‍🚀\xa0É") == "می‌خواهم 👩‍🚀 É"


def test_a_system_error_has_no_errno() -> None:
    assert failures.in_words(FileNotFoundError(2, "No such file", "book.txt")) == "No such file: book.txt"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("speed must be a finite number, not nan", "--speed must be a finite number, not nan"),
        ("timeout_ms must be a number", "--timeout must be a number"),
        ("limit_unit must be so", "--limit-unit must be so"),
        ("http_headers['a'] has a line break", "--header['a'] has a line break"),
        ("provider.options must be a dict", "--provider-options must be a dict"),
        ("The speed of the voice", "The speed of the voice"),
        ("speedy delivery", "speedy delivery"),
    ],
)
def test_a_parameter_is_named_by_its_option(message: str, expected: str) -> None:
    assert failures.by_option(message) == expected


def test_no_parameter_of_the_description_can_take_an_option_of_ours() -> None:
    names = ("say", "narrate", "batch run", "batch retry")
    ours = {p.name for name in names for p in found(name).params if not p.name.startswith("of_")}
    app_headers = {"http_referer", "x_open_router_title", "x_open_router_categories"}
    assert ours - {"context", "settings"} - app_headers <= options._TAKEN


def test_no_field_of_the_description_can_take_a_parameter_of_ours() -> None:
    ours = {name for method in (TTS.narrate, TTS.save_speech, TTS.batch) for name in signature(method).parameters}
    assert ours - OPERATION.parameters.keys() <= generate._RESERVED


def test_every_shared_option_is_known_to_messages() -> None:
    options = {f"--{field.name.replace('_', '-')}" for field in fields(Settings)} - {
        "--json",
        "--debug",
        "--others",
        "--transcript",
    }
    assert options <= set(failures._OPTIONS.values())
