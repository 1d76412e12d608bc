"""`make contract-prism`: Prism, which reads openapi.yaml independently, must accept our client's requests."""

# ruff: noqa: T201  (a program, which prints)

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from openrouter_speech import OpenRouter
from openrouter_speech.errors import OpenRouterError
from openrouter_speech_api.models import SpeechRequest

from ..npx import Program, UnavailableError
from .strategies import EXAMPLES, HEADERS, REQUESTS, arguments

PRISM = Program("@stoplight/prism-cli@5.14.2", node=(18, 20))  # later ones need Node 24
KEY = "any-key"
LONGEST_START = 30
"""Seconds to wait for Prism to listen."""


class RefusedError(Exception):
    """Prism refused a request of the client."""


def judge(url: str) -> int:
    """Send requests to a server that validates them; return the number of accepted ones.

    Raises:
        RefusedError: It refused a request, or accepted an invalid one.
    """
    accepted = 0
    with httpx.Client(trust_env=False) as http:  # a proxy cannot reach this machine
        wrong = http.post(f"{url}/audio/speech", json={"input": "Hello"}, headers={"Authorization": f"Bearer {KEY}"})
        if wrong.is_success:
            raise RefusedError("A request without a model and a voice was accepted")
        client = OpenRouter(KEY, server_url=url, client=http, retry_config=None)

        @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, phases=[Phase.generate])
        @given(meant=REQUESTS, app=HEADERS, plainly=st.booleans())
        def send(meant: SpeechRequest, app: dict[str, str], plainly: bool) -> None:
            nonlocal accepted
            check(client, {**arguments(meant, plainly=plainly), **app})
            accepted += 1

        send()
    return accepted


def check(client: OpenRouter, call: dict[str, Any]) -> None:
    """Make a call whose request must be accepted, whether or not the response is audio."""
    try:
        client.tts.create_speech(**call)
    except OpenRouterError as error:
        if error.status_code != 200:
            reason = error.headers.get("sl-violations", error.message)  # Prism's own header
            raise RefusedError(f"{error.status_code or 'No response'}: {reason}\n{call}") from error


@contextmanager
def prism(description: Path) -> Iterator[str]:
    """Run Prism on a free port.

    Raises:
        OSError: It did not start; the message has its output.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
    command = PRISM.command("mock", "--host", host, "--port", str(port), str(description))
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            wait_for(process, port)
            yield f"http://{host}:{port}"
        except OSError as error:
            log.seek(0)
            raise OSError(f"{error}: {log.read().decode(errors='replace').strip()}") from error
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)  # Prism is a child of npx


def wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until the port accepts connections; raise OSError if it takes too long or the process ends."""
    latest = time.monotonic() + LONGEST_START
    while process.poll() is None and time.monotonic() < latest:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise OSError("it did not start")


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if all requests were accepted, 1 if one was refused, 2 if Prism cannot run."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract.prism", description=__doc__)
    parser.add_argument("description", type=Path, nargs="?", default=Path("openapi.yaml"), help="an OpenAPI file")
    description = parser.parse_args(arguments).description
    try:
        PRISM.fetch()
        with prism(description) as url:
            print(f"Prism accepts {judge(url)} requests of our client, and refuses a wrong one.")
    except RefusedError as refused:
        print(refused, file=sys.stderr)
        return 1
    except (UnavailableError, OSError) as error:
        print(f"Prism cannot run: {error}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
