"""`models`, `voices`, `say --cost`, and completion from what was listed."""

import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from openrouter_speech._http import costs
from openrouter_speech.cli import completion
from openrouter_speech.mock import MockServer

from ..wire_server import WireServer, http, refusing
from .conftest import Run


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newcomers have none yet."""
    monkeypatch.delenv("OPENROUTER_API_KEY")


def test_models_are_a_table(run: Run) -> None:
    lines = run("models").stdout.splitlines()
    assert lines[0].split("  ")[0] == "MODEL"
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert list(rows) == sorted(rows)
    assert rows["openai/gpt-4o-mini-tts"] == ["11", "?", "15.00", "2027-01-06"]
    assert rows["google/gemini-2.5-flash-preview-tts"] == ["4", "pcm", "10.00", "-"]
    assert rows["fish-audio/s2.1-pro-free"] == ["-", "?", "0.00", "-"]


def test_voices_are_listed_below_their_model(run: Run) -> None:
    lines = run("models", "--voices").stdout.splitlines()
    position = next(number for number, line in enumerate(lines) if line.startswith("openai/"))
    assert lines[position + 1].startswith("    alloy, ash, ")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("arguments", "voices"),
    [
        (["hexgrad/kokoro-82m", "--language", "ja"], ["jf_alpha"]),
        (["hexgrad/kokoro-82m", "--language", "English"], ["af_bella", "af_sky", "am_adam", "bf_emma"]),
        (["mistralai/voxtral-mini-tts-2603", "--language", "fr-FR"], ["fr_marie_neutral"]),
        (["minimax/speech-2.6-turbo", "--language", "zh"], ["Chinese_gentle_lady"]),
        (["minimax/speech-2.6-turbo"], ["English_expressive_narrator", "Chinese_gentle_lady"]),
    ],
)
def test_voices_are_one_on_each_line(run: Run, arguments: list[str], voices: list[str]) -> None:
    assert run("voices", *arguments).stdout.splitlines() == voices
    assert json.loads(run("voices", *arguments, "--json").stdout) == voices


def test_models_of_a_language_have_a_voice_that_says_so(run: Run) -> None:
    listed = json.loads(run("models", "--language", "fr", "--json").stdout)
    assert [(model["id"], model["voices"]) for model in listed] == [
        ("mistralai/voxtral-mini-tts-2603", ["fr_marie_neutral"])
    ]
    assert run("models", "--language", "tlh").stdout == "No model has a voice whose name says tlh.\n"
    assert run("voices", "openai/gpt-4o-mini-tts", "--language", "fr").stdout.startswith("No voice of openai/")


def test_models_are_json_for_programs(run: Run) -> None:
    (model,) = (one for one in json.loads(run("models", "--json").stdout) if one["id"].startswith("hexgrad"))
    assert Decimal(model["prices"]["prompt"]) == Decimal("0.0000008")
    assert (model["formats"], model["expires"], model["alias_of"]) == (None, None, None)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["voices", "hexgrad/kokoro"], 2, r"did you mean 'hexgrad/kokoro-82m'?"),
        (["voices"], 2, "Missing argument 'model'"),
        (["models", "--server-url", "nowhere"], 2, "must begin with https://"),
    ],
)
def test_a_wrong_name_is_a_sentence(run: Run, arguments: list[str], code: int, message: str) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.stdout) == (code, "")
    assert message in outcome.stderr


@pytest.mark.usefixtures("slept")
def test_without_network_and_cache_there_is_a_sentence(run: Run) -> None:
    with refusing() as url:
        outcome = run("models", "--server-url", url)
    assert outcome.code == 1
    assert outcome.stderr.startswith("Error: No response from 127.0.0.1")


def test_a_list_with_control_characters_does_not_reach_the_terminal(run: Run) -> None:
    body = json.dumps({"data": [{"id": "a/\x1b[31mb", "supported_voices": ["x\x07"]}]}).encode()
    with WireServer(http(body=body, content_type="application/json")) as server:
        outcome = run("models", "--voices", "--server-url", server.url)
        assert "\x1b" not in outcome.stdout
        assert "\x07" not in outcome.stdout
        assert outcome.code == 0
    with WireServer(http(body=b"{}", content_type="application/json")) as server:
        assert run("models", "--server-url", server.url).stdout == "The server lists no models.\n"


def test_what_was_listed_is_completed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(params={"of_model": "openai/gpt-4o-mini-tts"})
    assert completion.models(context, "mi") == []
    run("models")
    assert completion.models(context, "mi") == ["minimax/speech-2.6-turbo", "mistralai/voxtral-mini-tts-2603"]
    assert completion.voices(context, "a") == ["alloy", "ash"]
    context.params = {}
    assert completion.voices(context, "") == []
    monkeypatch.setenv("OPENROUTER_SPEECH_MODEL", "hexgrad/kokoro-82m")
    assert completion.voices(context, "af") == ["af_bella", "af_sky"]


def test_a_shell_is_given_what_was_listed(run: Run, script: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("models")
    monkeypatch.setenv("_OPENROUTER_SPEECH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "openrouter-speech say hello --model open")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert script().stdout.split() == ["openai/gpt-4o-mini-tts"]


def test_a_voice_that_the_model_lacks_is_not_sent(
    run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "any")
    run("models")
    server.reset()
    arguments = ("say", "Hello", "-m", "openai/gpt-4o-mini-tts", "-v", "aloy", "-o", "a.pcm")
    outcome = run(*arguments)
    assert (outcome.code, server.requests) == (2, [])
    assert outcome.stderr.startswith(
        "Error: --voice 'aloy' is not a voice of openai/gpt-4o-mini-tts; did you mean 'alloy'?"
    )
    assert "(if that is out of date, pass --no-check-models)" in outcome.stderr
    assert run(*arguments, "--no-check-models").code == 0


def test_say_tells_what_it_cost(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waited: list[float] = []
    monkeypatch.setenv("OPENROUTER_API_KEY", "any")
    monkeypatch.setattr(costs, "sleep", waited.append)
    with MockServer(cost_after=1) as late:
        arguments = ("say", "Hello", "-o", "a.pcm", "--cost", "--server-url", late.url)
        assert run(*arguments).stdout.rstrip().endswith(", $0.000075")
        assert json.loads(run(*arguments, "--json").stdout)["cost"] == "0.000075"
    assert waited == [1, 1]


def test_audio_whose_cost_stays_unknown_is_reported_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "any")
    audio = http(body=bytes(480), headers={"X-Generation-Id": "gen-1"})
    with WireServer(audio, http(401, b"{}", "application/json")) as server:
        outcome = run("say", "Hello", "-o", "a.pcm", "--cost", "--server-url", server.url)
    assert outcome.code == 1
    assert outcome.stdout.startswith("a.pcm: 0.01 s of pcm")
    assert outcome.stderr.startswith("Error: 401")


def test_an_identical_text_is_paid_for_once(run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "any")
    assert "cache" not in run("say", "Hello", "-o", "a.mp3", "--cache").stdout
    assert "from the cache" in run("say", "Hello", "-o", "b.mp3", "--cache").stdout
    assert json.loads(run("say", "Hello", "-o", "c.mp3", "--cache", "--json", "--cost").stdout)["cost"] == "0"
    assert len(server.requests) == 1
    assert ": 1 recording, " in run("cache").stdout
    assert json.loads(run("cache", "info", "--json").stdout)["entries"] == 1
    assert ": 1 recording removed" in run("cache", "clear").stdout
    assert json.loads(run("cache", "--json").stdout)["bytes"] == 0
    assert run("say", "Hello", "-o", "a.mp3").code == 0
    assert json.loads(run("cache", "--json").stdout)["entries"] == 0


def test_a_system_without_a_folder_for_caches_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrouter_speech._http.lookups.cache_folder", lambda: None)
    outcome = run("cache")
    assert (outcome.code, outcome.stderr.partition("\n")[0]) == (
        2,
        "Error: There is no folder for a cache: set the variable OPENROUTER_SPEECH_CACHE_DIR",
    )
