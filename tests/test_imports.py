"""What is loaded when: a module that is needed by few does not slow down all."""

import json
import subprocess
import sys

import openrouter_speech
import pytest

READY = {
    "", "._core", "._core.addresses", "._core.audio", "._core.bodies", "._core.checks", "._core.headers",
    "._core.retries", "._files",
    "._generated", "._http", "._http.body", "._http.contexts", "._http.credential", "._http.pools",
    "._http.receiving", "._http.sending", "._http.session", "._version", ".client", ".components", ".errors",
    ".narration", ".responses", ".streams", ".tts", ".utils",
}  # fmt: skip
"""What a client needs that is ready to call."""
LATER = {
    "aiohttp", "asyncio", "dateutil", "httpx_aiohttp", "jsonschema_rs", "miniaudio", "numpy", "rich",
    "semantic_text_splitter", "soundfile", "starlette", "typer", "uvicorn", "yaml",
}  # fmt: skip
"""What is loaded when it is needed. (asyncio: with the first awaited call; httpx does the same.)"""


def loaded(code: str) -> set[str]:
    """The modules that a process has which ran this code."""
    code = f"{code}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(result.stdout))


def ours(modules: set[str]) -> set[str]:
    name = "openrouter_speech"
    return {module.removeprefix(name) for module in modules if module == name or module.startswith(f"{name}.")}


def test_the_package_itself_is_next_to_nothing() -> None:
    modules = loaded("import openrouter_speech")
    assert ours(modules) == {"", "._version"}
    assert "httpx" not in modules


def test_a_client_loads_what_it_needs_and_no_more() -> None:
    modules = loaded("from openrouter_speech import OpenRouter, components, errors, utils; OpenRouter('key')")
    assert ours(modules) == READY
    assert not modules & LATER - loaded("import attrs, httpx")  # httpx loads rich, where it is there


def test_help_loads_no_client() -> None:
    show = "from openrouter_speech.cli import main\nwith contextlib.redirect_stdout(io.StringIO()): main(['--help'])"
    assert not loaded(f"import contextlib, io\n{show}") & {"attrs", "httpx", "rich"}


@pytest.mark.parametrize("name", openrouter_speech.__all__)
def test_a_name_is_there_when_it_is_asked_for(name: str) -> None:
    assert getattr(openrouter_speech, name) is not None
    assert name in dir(openrouter_speech)


def test_a_name_is_looked_up_once() -> None:
    openrouter_speech.__dict__.pop("SpeechStream", None)
    assert openrouter_speech.SpeechStream is openrouter_speech.__dict__["SpeechStream"]


def test_a_name_that_is_not_there_is_refused_as_ever() -> None:
    with pytest.raises(AttributeError, match="module 'openrouter_speech' has no attribute 'OpenRuoter'"):
        openrouter_speech.OpenRuoter  # noqa: B018
