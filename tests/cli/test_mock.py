"""`openrouter-speech mock`: the mock server, with its own options."""

import signal
import subprocess

import httpx
import pytest

from ..conftest import KEY
from .conftest import PROGRAM, Run


def test_help_lists_the_options_of_the_server(script: Run) -> None:
    outcome = script("mock", "--help")
    assert outcome.code == 0
    assert {"--port", "--chaos", "--voice-engine", "--pace"} <= set(outcome.stdout.replace("[", " ").split())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_serves_until_a_signal(number: signal.Signals, code: int) -> None:
    with subprocess.Popen(
        [PROGRAM, "mock", "--port", "0", "--api-key", KEY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert httpx.post(f"{url}/audio/speech", headers={"Authorization": "Bearer another"}).status_code == 401
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert KEY not in output + errors


def test_wrong_options_are_refused(script: Run) -> None:
    outcome = script("mock", "--voice-engine", "choir")
    assert outcome.code == 2
    assert "choir" in outcome.stderr.splitlines()[-1]
