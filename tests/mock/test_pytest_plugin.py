"""The fixture for users' tests, in a separate test run."""

import subprocess
import sys
from pathlib import Path

from ..conftest import OUR_PLUGIN_ALONE

USERS_TESTS = """
from openrouter_speech import OpenRouter

REQUEST = {"input": "Hello", "model": "any/model", "voice": "alloy"}

def test_a_retry(openrouter_speech_mock):
    openrouter_speech_mock.script(["429; retry-after=0.1", "ok", 500])
    with OpenRouter("any-key", server_url=openrouter_speech_mock.url) as open_router:
        assert open_router.tts.create_speech(**REQUEST).duration > 0
    assert [request.status for request in openrouter_speech_mock.requests] == [429, 200]


def test_another_test_starts_afresh(openrouter_speech_mock):
    assert openrouter_speech_mock.requests == []
    with OpenRouter("any-key", server_url=openrouter_speech_mock.url, retry_config=None) as open_router:
        open_router.tts.create_speech(**REQUEST)
    assert len(openrouter_speech_mock.requests) == 1
"""


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OUR_PLUGIN_ALONE, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_users_get_a_fresh_server_in_each_test(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(USERS_TESTS)
    result = run(tmp_path, "-W", "error")
    assert "2 passed" in result.stdout, result.stdout
    assert "openrouter_speech_mock" in run(tmp_path, "--fixtures").stdout


def test_without_the_extra_only_tests_that_use_the_fixture_fail(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['uvicorn'] = None\n")
    (tmp_path / "test_mine.py").write_text(USERS_TESTS + "\n\ndef test_of_something_else():\n    pass\n")
    result = run(tmp_path)
    assert "1 passed, 2 errors" in result.stdout
    assert "pip install 'openrouter-speech[mock]'" in result.stdout
