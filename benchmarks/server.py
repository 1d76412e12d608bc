"""The server that all clients are measured against. It sends the same bytes to each, as cheaply as Python can.

A thread per connection waits for whole requests, of which it parses nothing but the length. The first part of the path
selects the response:

    /short/...       4 KiB
    /stream-256/...  256 MiB of pcm, from one buffer
    /mp3-256/...     the same of mp3: silence
    /first-20/...    4 KiB at once, the rest of 64 KiB after 20 ms

For each line of standard input, "port" or "busy", it prints its port or the seconds of processor time used so far.
"""

import re
import socket
import sys
import time
from contextlib import suppress
from threading import Thread
from timeit import timeit

from .processes import Process

SHORT, FIRST, PIECE = 4 << 10, 64 << 10, bytes(1 << 20)
FRAME = b"\xff\xf3\x44\xc0" + bytes(92)
"""An empty frame of mp3: MPEG 2, 24 kHz, mono, 32 kbit/s."""
MP3 = [(FRAME * (1 << 15))[at << 20 : (at + 1) << 20] for at in range(3)]
"""1 MiB each. Three of them are whole frames."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def head(length: int, content_type: str = "audio/pcm;rate=24000;channels=1") -> bytes:
    """Return the head of a response. Its length is odd, so that what a client reads at a time ends within a frame."""
    lines = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n"
    lines += "X-Generation-Id: gen-tts-1767225600-q7Zp2mXw\r\nX-Pad: "
    return f"{lines}{'.' * (len(lines) % 2 == 0)}\r\n\r\n".encode()


SHORT_RESPONSE = head(SHORT) + bytes(SHORT)


def respond(connection: socket.socket, request: bytes) -> None:
    """Send the response that the path selects."""
    kind, _, size = request[request.find(b"/") + 1 :].split(b"/", 1)[0].partition(b"-")
    if kind == b"short":
        connection.sendall(SHORT_RESPONSE)
    elif kind in {b"stream", b"mp3"}:
        length = int(size) << 20
        connection.sendall(head(length, "audio/mpeg") if kind == b"mp3" else head(length))
        for number in range(int(size)):
            connection.sendall(MP3[number % 3] if kind == b"mp3" else PIECE)
    else:
        connection.sendall(head(FIRST) + PIECE[:SHORT])
        time.sleep(int(size) / 1000)
        connection.sendall(PIECE[: FIRST - SHORT])


def serve(connection: socket.socket) -> None:
    """Respond to the requests of a connection until the client goes away."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = b""
    with connection, suppress(OSError):
        while received := connection.recv(65536):
            request += received
            end = request.find(b"\r\n\r\n") + 4
            length = LENGTH.search(request, 0, end)
            if end > 3 and len(request) >= end + (int(length[1]) if length else 0):
                respond(connection, request)
                request = b""


def accept(listener: socket.socket) -> None:
    while True:
        Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()


def main() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        Thread(target=accept, args=[listener], daemon=True).start()
        for line in sys.stdin:
            print(time.process_time() if line == "busy\n" else listener.getsockname()[1], flush=True)


class Server(Process):
    """This module, running."""

    def __init__(self) -> None:
        super().__init__(sys.executable, "server")
        self.port = int(self.measure("port"))

    def url(self, response: str) -> str:
        """Return the base URL for a response: "short", "first-20", "stream-256"."""
        return f"http://127.0.0.1:{self.port}/{response}/api/v1"

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port))

    def busy(self) -> float:
        """Return the seconds of processor time that the server has used so far."""
        return self.measure("busy")

    def limits(self) -> dict[str, int]:
        """Measure what the server can do, with a client that only counts bytes."""
        buffer, before = bytearray(1 << 20), self.busy()
        with self.connect() as connection:

            def call(response: bytes, length: int) -> None:
                connection.sendall(b"POST /%b/ HTTP/1.1\r\nContent-Length: 100\r\n\r\n" % response + bytes(100))
                while length > 0:
                    length -= connection.recv_into(buffer)

            passed = timeit(lambda: call(b"short", SHORT), number=5000)
            worked = self.busy() - before
            streamed = timeit(lambda: call(b"stream-1024", 1 << 30), number=1)
        return {
            "calls per second, one by one": round(5000 / passed),
            "calls per second, by its processor time": round(5000 / worked),
            "MiB per second": round(1024 / streamed),
        }


if __name__ == "__main__":
    main()
