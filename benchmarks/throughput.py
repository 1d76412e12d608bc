"""How many requests per second the mock server takes, beside Prism: both check each request against openapi.yaml."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from attrs import asdict

from tests.contract.prism import PRISM, prism
from tests.npx import UnavailableError

from .comparison import Measurements, Spread
from .processes import PROJECT, clean_environment

MOCK = "mock server"
CASES = {"a documented error": "Prefer: code=429\r\n", "speech (from Prism a placeholder)": ""}
"""What the response is, and the header that asks for it."""
CONNECTIONS = (1, 50)
REQUESTS = 300
"""Over all connections."""
BODY = b'{"input": "Hello world", "model": "elevenlabs/eleven-turbo-v2", "voice": "alloy", "response_format": "pcm"}'


def measure(*, quick: bool) -> dict[str, Any]:
    """Measure the mock server and, if it is available, Prism in turns."""
    measurements, found = Measurements(quick), dict[str, Any]()
    with ExitStack() as stack:
        servers = {MOCK: stack.enter_context(_mock())}
        try:
            PRISM.fetch()
            servers["Prism"] = stack.enter_context(prism(PROJECT / "openapi.yaml"))
            found["prism"] = PRISM.package
        except (UnavailableError, OSError) as error:
            found["why_without_prism"] = str(error)
            print(f"Prism is left out: {error}.", flush=True)
        for server, header in product(servers, CASES.values()):
            _rate_of(servers, header, 10, server)  # Prism gets faster over its first hundreds of requests
        for (what, header), connections in product(CASES.items(), CONNECTIONS):
            case = f"{what}, {connections} connection{'s' if connections > 1 else ''}"
            measurements.take_turns(case, 12, list(servers), partial(_rate_of, servers, header, connections))
    lines = {
        case: {server: asdict(Spread.of(rates)) for server, rates in values.items()}
        for case, values in measurements.values.items()
    }
    return {**found, "requests_per_second": lines, "missing": measurements.missing}


def _rate_of(servers: Mapping[str, str], header: str, connections: int, server: str) -> float:
    return rate(servers[server], header, connections, max(REQUESTS // connections, 6))


def rate(url: str, header: str, connections: int, requests: int) -> float:
    """Return the requests per second over several connections at once, each with this many requests one by one.

    Raises:
        OSError: A connection failed.
        RuntimeError: A response is neither a success nor a 429.
    """
    parts = urlsplit(f"{url}/audio/speech")
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer any-key\r\n{header}"
    request = f"{head}Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY

    async def send() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=16 << 20)
        try:
            for _ in range(requests):
                writer.write(request)
                await _read(reader)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def send_all() -> None:
        await asyncio.gather(*(send() for _ in range(connections)))

    begun = time.perf_counter()
    asyncio.run(send_all())
    return connections * requests / (time.perf_counter() - begun)


async def _read(reader: asyncio.StreamReader) -> None:
    """Read a response as cheaply as possible."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if head[9:12] not in {b"200", b"429"}:
            raise RuntimeError(f"A server responded with {head!r}")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        await (reader.readexactly(int(length[1])) if length else reader.readuntil(b"\r\n0\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        raise OSError("A server closed a connection") from error


@contextmanager
def _mock() -> Iterator[str]:
    """Run the mock server in a process of its own."""
    command = [sys.executable, "-m", "openrouter_speech.mock", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
        try:
            yield (process.stdout.readline() if process.stdout else "").split()[-1]
        finally:
            process.terminate()
