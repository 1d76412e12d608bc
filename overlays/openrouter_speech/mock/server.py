"""The mock server, running: in a thread of a test's process, or as a process of its own."""

import os
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from . import voices
from .answers import PACES, Pace
from .app import BODY_LIMIT, application
from .description import Description
from .faults import Fault, Script
from .journal import Journal, RecordedRequest
from .transport import Protocol

_BACKLOG = 512


class MockServer:
    """An endpoint on this machine that answers as `openapi.yaml` says, with audio that sounds.

        with MockServer() as server:
            OpenRouter(api_key="any", server_url=server.url)

    Args:
        port: The port; 0 takes one that is free.
        host: The address; the loopback one unless told otherwise.
        voice_engine: "tones" is a plain synthesizer of our own; "auto", "flite" and "espeak-ng" are in `voices`.
        description: An OpenAPI file to serve in place of the one that this package was generated from.
        pace: "fast" sends audio as fast as it is taken, "realtime" as fast as it plays.
        chaos: The share of requests, from 0 to 1, that fail by chance with a status that passes.
        seed: The same seed gives the same failures.
        body_limit: Bytes of a request's body that are read before it is refused with 413.
        api_key: The only key that is taken; any is, if None.

    Raises:
        OSError: The port is taken.
        ValueError: An argument is not one that can be served.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        voice_engine: str = "tones",
        description: str | Path | None = None,
        pace: Pace = "fast",
        chaos: float = 0.0,
        seed: int = 0,
        body_limit: int = BODY_LIMIT,
        api_key: str | None = None,
    ) -> None:
        if pace not in PACES:
            raise ValueError(f"pace must be one of {', '.join(PACES)}, not {pace!r}")
        self.description = Description.load(description)
        self._journal = Journal()
        self._script = Script(self.description.error_statuses, chaos, seed)
        self._app = application(
            self.description,
            voices.voice(voice_engine),
            journal=self._journal,
            script=self._script,
            pace=pace,
            body_limit=body_limit,
            api_key=api_key,
        )
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What to pass as `server_url`.

        Raises:
            RuntimeError: The server has not been started.
        """
        if self._socket is None:
            raise RuntimeError("The mock server is not running: use it in a with block, or call start()")
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self.description.base_path}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """What has arrived, oldest first, up to the latest thousand. Keys are not in it."""
        return list(self._journal)

    def script(self, faults: Iterable[int | str | Fault]) -> None:
        """Set what the next requests are answered with, one each; those after them get audio.

            server.script([503, "429; retry-after=2", "cut", "ok"])

        Args:
            faults: Statuses, kinds of `faults.KINDS` with or without parameters, or `Fault` objects.

        Raises:
            ValueError: One of them is no fault, or its status is not documented. Nothing is set then.
        """
        self._script.write(faults)

    def reset(self) -> None:
        """Forget what has arrived, and what the next requests were to be answered with."""
        self._journal.clear()
        self._script.write([])

    def start(self) -> Self:
        """Begin to serve, in a thread. When this returns, connections are accepted."""
        self.listen()
        self._thread = threading.Thread(target=self._serve, name="openrouter-speech-mock", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and free the port. Answers that are not complete are cut off."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join()
            self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def run(self) -> None:
        """Serve in this thread, until the process is told to end."""
        self.listen()
        try:
            self._serve()
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def listen(self) -> str:
        """Take the port, and return the URL. Connections wait until the server runs."""
        if self._socket is None:
            self._socket = _listening(self._address)
            self._server = uvicorn.Server(
                uvicorn.Config(
                    self._app,
                    http=Protocol,
                    loop="asyncio",
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    # Longer than any test: a connection that the server closes while the client reuses it is a fault
                    # that nobody asked for.
                    timeout_keep_alive=600,
                )
            )
        return self.url

    def _serve(self) -> None:
        if self._server is not None and self._socket is not None:
            self._server.run(sockets=[self._socket])


def _listening(address: tuple[str, int]) -> socket.socket:
    # Not socket.create_server: asyncio turns off Nagle's delay (40 ms an answer) only where the protocol is named.
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
