"""A server that fails each request as its header specifies, and counts the requests of each call.

It runs as a separate process, so that its sockets and memory are not counted as the client's. `python -m
tests.soak.server` prints its port, and exits when its standard input closes.
"""

# ruff: noqa: T201  (it prints its port)

import asyncio
import json
import socket
import struct
import sys
from collections import Counter

HEADER = "x-soak"
"""The request header with the number of the call and the fault of each attempt, such as "17;503,cut,ok"."""
AUDIO = bytes(number % 251 for number in range(48_000))
"""A second of pcm: several chunks for any transport."""
_HALF = len(AUDIO) // 2
_AUDIO_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: audio/pcm;rate=24000;channels=1\r\nX-Generation-Id: gen-tts-1-soak\r\n"
_WHOLE = f"{_AUDIO_HEAD}Content-Length: {len(AUDIO)}\r\n\r\n".encode()
_CHUNKED = f"{_AUDIO_HEAD}Transfer-Encoding: chunked\r\n\r\n{_HALF:x}\r\n".encode()

PASSING = ("429", "500", "502", "503", "529")
"""Statuses that are retried."""
FAULTS = (*PASSING, "400", "cut", "cut chunks", "hang up", "stall", "reset", "empty", "closes silently")
"""All faults. The last one lets the request succeed, and closes the connection afterwards."""


class Soaked:
    """The server."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.open = 0
        self.most = 0
        """The peak of open connections."""

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while await self._request(reader, writer):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            self.open -= 1
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Respond to one request; return whether to keep the connection open."""
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        await reader.readexactly(int(headers.get("content-length", 0)))
        if line.startswith("GET "):
            seen = {"open": self.open - 1, "most": self.most, "requests": self.requests}
            self._send(writer, 200, json.dumps(seen).encode())
            return True
        call, _, faults = headers[HEADER].partition(";")
        wanted = faults.split(",")
        fault = wanted[min(self.requests[int(call)], len(wanted) - 1)]
        self.requests[int(call)] += 1
        return await self._answer(fault, reader, writer)

    async def _answer(self, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if fault.isdecimal():
            self._send(writer, int(fault), b'{"error": {"code": %s, "message": "It failed"}}' % fault.encode())
            return True
        if fault == "empty":
            self._send(writer, 200, b"", "audio/pcm;rate=24000;channels=1")
            return True
        if fault in {"cut", "stall", "reset"}:
            writer.write(_WHOLE + AUDIO[:_HALF])
        elif fault == "cut chunks":
            writer.write(_CHUNKED + AUDIO[:_HALF] + b"\r\n")
        elif fault != "hang up":
            writer.write(_WHOLE + AUDIO)
        await writer.drain()
        if fault == "stall":
            await reader.read()  # until the client hangs up
        elif fault == "reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return fault == "ok"

    @staticmethod
    def _send(writer: asyncio.StreamWriter, status: int, body: bytes, content_type: str = "application/json") -> None:
        writer.write(
            f"HTTP/1.1 {status} Status\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )


async def main() -> None:
    soaked = Soaked()
    # Clients disconnect at any moment, on purpose; asyncio would print tracebacks for some of them.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    server = await asyncio.start_server(soaked.connection, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
