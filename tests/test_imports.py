"""What is imported when, so that a client starts fast."""

import json
import subprocess
import sys

import openrouter_speech
import pytest

READY = {
    "", ".batch", "._convert", "._core", "._core.addresses", "._core.audio", "._core.bodies", "._core.checks",
    "._core.headers",
    "._core.retries", "._files", "._references",
    "._generated", "._http", "._http.body", "._http.contexts", "._http.costs", "._http.credential", "._http.pools",
    "._http.receiving", "._http.sending", "._http.session", "._version", ".client", ".components", ".errors",
    ".narration", ".responses", ".streams", ".tts", ".utils",
}  # fmt: skip
"""The modules of a client that is ready to call."""
LATER = {
    "aiohttp", "asyncio", "dateutil", "fsspec", "jsonschema_rs", "miniaudio", "numpy", "pyarrow",
    "rich", "semantic_text_splitter", "sentencex", "soundfile", "sqlite3", "starlette", "typer", "uvicorn", "yaml",
}  # fmt: skip
"""Modules that are imported when they are needed; asyncio with the first awaited call, as in httpx."""


def loaded(code: str) -> set[str]:
    """Return the modules that a process has after this code."""
    code = f"{code}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(result.stdout))


def ours(modules: set[str]) -> set[str]:
    name = "openrouter_speech"
    return {module.removeprefix(name) for module in modules if module == name or module.startswith(f"{name}.")}


def test_the_package_alone_imports_next_to_nothing() -> None:
    modules = loaded("import openrouter_speech")
    assert ours(modules) == {"", "._version"}
    assert "httpx" not in modules


def test_a_client_imports_only_what_it_needs() -> None:
    modules = loaded("from openrouter_speech import OpenRouter, components, errors, utils; OpenRouter('key')")
    assert ours(modules) == READY
    assert not modules & LATER - loaded("import attrs, httpx")  # httpx imports rich if it is installed


def test_help_imports_no_client() -> None:
    show = "from openrouter_speech.cli import main\nwith contextlib.redirect_stdout(io.StringIO()): main(['--help'])"
    assert not loaded(f"import contextlib, io\n{show}") & {"attrs", "httpx", "rich"}


def test_each_public_name_is_imported_on_first_use() -> None:
    for name in openrouter_speech.__all__:
        assert name in dir(openrouter_speech)
        assert getattr(openrouter_speech, name) is not None
    openrouter_speech.__dict__.pop("SpeechStream")
    assert openrouter_speech.SpeechStream is openrouter_speech.__dict__["SpeechStream"]  # looked up once
    with pytest.raises(AttributeError, match="module 'openrouter_speech' has no attribute 'OpenRuoter'"):
        openrouter_speech.OpenRuoter  # noqa: B018
