"""The server that all clients are measured against: it answers the same bytes, as cheaply as Python can.

`python benchmarks/server.py` prints the port it listens on, and ends when its standard input does. One loop over bare
sockets: a request is read as far as its length tells, and never parsed. The first part of its path says what to answer:

    /short/...       4 KiB
    /stream-256/...  256 MiB of pcm, from one buffer
    /mp3-256/...     the same, called mp3
    /first-20/...    4 KiB at once, the rest of 64 KiB after 20 ms
    /stats           the seconds of processor time used so far, as JSON
"""

import json
import re
import selectors
import socket
import sys
import time

SHORT = 4 << 10
FIRST = 64 << 10

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PIECE = bytes(1 << 20)


def head(length: int, content_type: str = "audio/pcm;rate=24000;channels=1") -> bytes:
    """The head of an answer, of an odd length: what is read of the body in one go is then no whole number of frames."""
    lines = [
        "HTTP/1.1 200 OK",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
        "X-Generation-Id: gen-tts-1767225600-q7Zp2mXw",
        "X-Pad: ",
    ]
    text = "\r\n".join([*lines, "", ""])
    return (text if len(text) % 2 else text.replace("X-Pad: ", "X-Pad: .")).encode()


def expected(request: bytes) -> int:
    """How many bytes the request that begins here has; 0 as long as that is not known."""
    end = request.find(b"\r\n\r\n")
    if end < 0:
        return 0
    length = _LENGTH.search(request, 0, end)
    return end + 4 + (int(length[1]) if length else 0)


class Server:
    """Answers on loopback until its standard input ends."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._waiting: dict[socket.socket, bytes] = {}
        self._short = head(SHORT) + bytes(SHORT)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def run(self) -> None:
        """Serve until standard input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._serve(key.fileobj)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ)

    def _serve(self, connection: socket.socket) -> None:
        try:
            received = connection.recv(65536)
            request = self._waiting[connection] + received
            if received and not 0 < expected(request) <= len(request):
                self._waiting[connection] = request
            elif received:
                self._waiting[connection] = b""
                self._answer(connection, request)
                return
        except OSError:  # the client went away
            received = b""
        if not received:
            self._selector.unregister(connection)
            del self._waiting[connection]
            connection.close()

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        kind, _, size = request[request.find(b"/") + 1 :].split(b"/", 1)[0].partition(b"-")
        if kind == b"short":
            connection.sendall(self._short)
        elif kind in {b"stream", b"mp3"}:
            length = int(size) << 20
            connection.sendall(head(length, "audio/mpeg") if kind == b"mp3" else head(length))
            for _ in range(int(size)):
                connection.sendall(_PIECE)
        elif kind == b"first":
            connection.sendall(head(FIRST) + _PIECE[:SHORT])
            time.sleep(int(size) / 1000)
            connection.sendall(_PIECE[: FIRST - SHORT])
        else:
            stats = json.dumps({"cpu": time.process_time()}).encode()
            connection.sendall(head(len(stats), "application/json") + stats)


def main() -> None:
    server = Server()
    print(server.port, flush=True)
    server.run()


if __name__ == "__main__":
    main()
