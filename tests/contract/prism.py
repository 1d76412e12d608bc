"""A second opinion on what our client sends: Prism, which reads openapi.yaml on its own, has to accept it.

`make contract-prism` runs this. It needs Node, whose npx fetches Prism.
"""

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
"""Seconds until Prism listens."""


class RefusedError(Exception):
    """Prism refused what the client sent."""


def judge(url: str) -> int:
    """Send requests to a server that checks them, and count those that it accepts.

    Raises:
        RefusedError: It refused one of them; or it accepted what it has to refuse, so its opinion is worth nothing.
    """
    accepted = 0
    with httpx.Client(trust_env=False) as http:  # a proxy of the environment has no way to this machine
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
    """Make a call whose request has to be accepted; whether the answer is audio does not matter."""
    try:
        client.tts.create_speech(**call)
    except OpenRouterError as error:
        if error.status_code != 200:
            reason = error.headers.get("sl-violations", error.message)  # in this header Prism says what is wrong
            raise RefusedError(f"{error.status_code or 'No answer'}: {reason}\n{call}") from error


@contextmanager
def prism(description: Path) -> Iterator[str]:
    """Prism, serving a description on a free port of this machine.

    Raises:
        OSError: It did not start; the message is what it said.
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
            raise OSError(f"{error}\n{log.read().decode(errors='replace')}") from error
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)  # npx has Prism as a child


def wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when the port takes connections.

    Raises:
        OSError: The process ended before, or took too long.
    """
    latest = time.monotonic() + LONGEST_START
    while process.poll() is None and time.monotonic() < latest:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise OSError("Prism did not start")


def main(arguments: list[str] | None = None) -> int:
    """0 if all requests were accepted, 1 if one was refused, 2 where Prism cannot be asked."""
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
    except UnavailableError as error:
        print(f"Prism cannot be asked: {error}.", file=sys.stderr)
        return 2
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
