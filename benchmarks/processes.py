"""The processes of a run: the server, and the clients. All of them end with the `with` block that began them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROJECT = Path(__file__).parent.parent


def clean_environment() -> dict[str, str]:
    """The variables of this process, without those that would make one client behave differently from another."""
    unwanted = ("PYTHON", "OPENROUTER_", "OPENAI_", "MAKE", "MFLAGS", "COV_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(unwanted) and not name.lower().endswith("_proxy")
    }


class _Process:
    def __init__(self, *command: str | Path) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=clean_environment()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.__exit__(kind, error, trace)  # its standard input ends, and so does it

    def write(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101  (for the type checker)
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def read(self) -> str:
        assert self._process.stdout is not None  # noqa: S101  (for the type checker)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}; the reason is above")
        return line


class Server(_Process):
    """`server.py`, and its limits."""

    def __init__(self) -> None:
        super().__init__(sys.executable, PROJECT / "benchmarks" / "server.py")
        self.port = int(self.read())

    def url(self, answer: str) -> str:
        """The URL whose answer is of this kind: "short", "first-20", "stream-256"."""
        return f"http://127.0.0.1:{self.port}/{answer}/api/v1"

    def busy(self) -> float:
        """Seconds of processor time that it has used so far."""
        with self.connect() as connection:
            connection.sendall(b"GET /stats HTTP/1.1\r\n\r\n")
            return float(json.loads(connection.recv(65536).partition(b"\r\n\r\n")[2])["cpu"])

    def send_with_retries(self, connection: socket.socket, answer: str, length: int) -> None:
        """One request of a client that does nothing with its answer, of this length, but count its bytes."""
        body = b'{"input":"Hello world","model":"elevenlabs/eleven-turbo-v2","voice":"alloy","response_format":"pcm"}'
        head = f"POST /{answer}/api/v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        buffer, received = bytearray(1 << 20), 0
        while received < length:
            received += connection.recv_into(buffer)

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port))


class Worker(_Process):
    """A client in its own environment, which is told what to do."""

    def __init__(self, python: Path, client: str) -> None:
        super().__init__(python, "-m", "benchmarks.clients", client)

    def ask(self, command: str, **arguments: Any) -> Any:
        """Have it carry out a command of `clients/__main__.py`, and wait for the answer."""
        self.write(json.dumps({"do": command, **arguments}))
        return json.loads(self.read())
