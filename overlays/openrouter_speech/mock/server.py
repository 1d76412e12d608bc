"""Run the mock server: in a thread, or as a separate process."""

import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import uvicorn

from .._serving import Server, listening
from . import profiles, voices
from .answers import PACES, Pace
from .app import BODY_LIMIT, application
from .catalog import Catalog
from .description import Description
from .faults import Fault, Script
from .journal import Journal, RecordedRequest
from .transport import Protocol

if TYPE_CHECKING:
    import socket


class MockServer:
    """A local endpoint that responds as `openapi.yaml` documents, with audible audio.

        with MockServer() as server:
            OpenRouter(api_key="any", server_url=server.url)

    Args:
        port: The port; 0 picks a free one.
        host: The address; loopback by default.
        voice_engine: "tones" is a built-in synthesizer; for "auto", "flite" and "espeak-ng" see `voices.voice`.
        description: An OpenAPI file to serve instead of the one this package was generated from.
        pace: "fast" sends audio as fast as the client reads it, "realtime" as fast as it plays.
        chaos: Share of requests, from 0 to 1, that fail at random with a transient status.
        seed: The same seed gives the same failures.
        body_limit: The largest request body, in bytes; a larger one gets a 413.
        api_key: The only key to accept; None accepts any.
        profile: "lenient" checks what the description says. "live" also checks what models are known to need and
            refuse, as the live service does; so does a YAML file with rules of your own.
        models: A JSON or YAML file with the models to list, in the form of `GET /models`.
        cost_after: How often to answer 404 to a look-up of what a request cost, before it is there.

    Raises:
        OSError: The port is in use.
        ValueError: An argument is invalid.
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
        profile: str | Path = profiles.LENIENT,
        models: str | Path | None = None,
        cost_after: int = 0,
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
            profile=profiles.profile(profile),
            catalog=Catalog(models, cost_after),
        )
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL to pass as `server_url`.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._socket is None:
            raise RuntimeError("The mock server is not running: use it in a with block, or call start()")
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self.description.base_path}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """The last thousand requests received, oldest first. API keys are hidden."""
        return list(self._journal)

    def script(self, faults: Iterable[int | str | Fault]) -> None:
        """Set the faults of the next requests, one each. Later requests get audio.

            server.script([503, "429; retry-after=2", "cut", "ok"])

        Args:
            faults: Statuses, kinds from `faults.KINDS` with or without parameters, or `Fault` objects.

        Raises:
            ValueError: An item is not a fault, or its status is not documented. Nothing is changed.
        """
        self._script.write(faults)

    def reset(self) -> None:
        """Clear the recorded requests and the script."""
        self._journal.clear()
        self._script.write([])

    def start(self) -> Self:
        """Serve in a background thread. Connections are accepted as soon as this returns."""
        self.listen()
        self._thread = threading.Thread(target=self._serve, name="openrouter-speech-mock", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and free the port. In-flight responses are cut off."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join()
            self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def run(self) -> None:
        """Serve in the current thread until the process is stopped."""
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
        """Bind the port and return the URL. Connections wait until the server runs."""
        if self._socket is None:
            self._socket = listening(self._address)
            self._server = Server(
                uvicorn.Config(
                    self._app,
                    http=Protocol,
                    loop="asyncio",
                    lifespan="off",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    # Longer than any test: closing a connection that the client is about to reuse would be an
                    # unwanted fault.
                    timeout_keep_alive=600,
                )
            )
        return self.url

    def _serve(self) -> None:
        if self._server is not None and self._socket is not None:
            self._server.run(sockets=[self._socket])
