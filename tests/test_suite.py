"""The rules for the tests themselves: no variables from outside, no network, no sleep."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from openrouter_speech._engine import loops
from openrouter_speech._http import sending

from .conftest import FOREIGN, OUR_PLUGIN_ALONE, PROJECT, guarded_sleep


@pytest.mark.parametrize(
    "name",
    [
        "OPENROUTER_API_KEY", "HTTPS_PROXY", "all_proxy", "SSL_CERT_FILE", "PYTHONPATH", "PYTEST_ADDOPTS", "LANG",
        "LC_ALL", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "MAKEFLAGS", "GIT_DIR",
    ],
)  # fmt: skip
def test_a_users_variables_are_removed(name: str) -> None:
    assert FOREIGN.fullmatch(name)
    assert name not in os.environ


@pytest.mark.parametrize("name", ["PATH", "HOME", "TMPDIR", "NODE_TOOLS", "BROWSER_TESTS", "PYENV_ROOT", "SYSTEMROOT"])
def test_variables_that_a_machine_needs_stay(name: str) -> None:
    assert not FOREIGN.fullmatch(name)


def test_the_network_is_out_of_reach() -> None:
    with socket.socket() as client, pytest.raises(AssertionError, match=r"connected to .*192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))
    with pytest.raises(AssertionError, match=r"looked up example\.test"):
        socket.create_connection(("example.test", 80))


def test_a_signal_ends_a_child_process_even_under_nohup() -> None:
    test = "tests/test_suite.py::test_the_network_is_out_of_reach"  # any; what counts is the fixture before it
    code = f"""
import os, signal, subprocess, sys, pytest
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Child:
    def pytest_runtest_teardown(self):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        child.send_signal(signal.SIGTERM)
        os.write(1, b"ended by %d" % -child.wait(60))
pytest.main(["-qs", "-pno:cacheprovider", *{OUR_PLUGIN_ALONE}, "{test}"], plugins=[Child()])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert "ended by 15" in done.stdout, done.stdout + done.stderr


def test_the_package_does_not_sleep() -> None:
    """Whether it imports `sleep` by name or by module."""
    for module in (sending, loops):
        assert vars(module)["sleep"] is guarded_sleep
    with pytest.raises(AssertionError, match=r"openrouter_speech\._http\.sending would sleep for 5 s"):
        asyncio.run(sending.sleep_async(5))
    with pytest.raises(AssertionError, match=r"openrouter_speech\._http\.sending would sleep for 5 s"):
        eval("sleep(5)", vars(sending))


def test_no_test_replaces_the_clock_of_all_threads() -> None:
    """The mock server's event loop reads it too, and a clock of a few readings ends its thread."""
    shared = re.compile(r"""setattr\(\s*["']?time(\.|, *["'])(monotonic|perf_counter|time)\b""")
    assert shared.search('monkeypatch.setattr("time.monotonic", clock)')
    assert shared.search('patched.setattr(time, "time", clock)')
    for test in (PROJECT / "tests").rglob("test_*.py"):
        if test != Path(__file__):
            assert not shared.search(test.read_text("utf-8")), test
