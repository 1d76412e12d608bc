"""A proxy that passes an application's requests on, and checks both directions against the description.

Nothing is changed and nothing is held back: each part of a body goes on as it comes. Copies are checked afterwards, in
a thread of their own.
"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from attrs import define, field

from .._serving import Server, listening
from .description import base_url, schema
from .report import Report
from .watching import LIMIT, Headers, Passed, Watcher

MEMORY = 256 << 20
"""Bytes of all bodies that are being copied, or wait to be checked. Beyond it they are passed on without a copy."""

_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
}  # fmt: skip
"""Headers that concern one connection (RFC 9110, section 7.6.1)."""
_NOT_PASSED_ON = {b"host", b"expect"}
"""Uvicorn has told the application to continue already."""

RawHeaders = list[tuple[bytes, bytes]]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Proxy:
    """A proxy in front of a server.

        with Proxy("https://openrouter.ai/api/v1") as proxy:
            OpenRouter(server_url=proxy.url)
        print(proxy.report().text())

    Args:
        url: The base URL of the server.
        port: The port on 127.0.0.1; 0 picks a free one.
        description: An OpenAPI file; by default the one of this package.

    Raises:
        InputError: The URL or the description is not one.
        OSError: The port is in use.
    """

    def __init__(self, url: str, *, port: int = 0, description: str | Path | None = None) -> None:
        self.target = base_url(url)
        self._watcher = Watcher(schema(self.target, description))
        self._memory = _Memory(MEMORY)
        self._unchecked: list[str] = []
        self._requests: set[asyncio.Task[None]] = set()
        self._socket = listening(("127.0.0.1", port))
        self._server = Server(
            uvicorn.Config(
                self._respond, interface="asgi3", http="h11", ws="none", lifespan="off", access_log=False,
                log_config=None, log_level=logging.CRITICAL + 1, server_header=False, date_header=False,
                proxy_headers=False, timeout_keep_alive=600,
            )
        )  # fmt: skip
        self._thread = threading.Thread(target=self._serve, name="openrouter-speech-proxy", daemon=True)
        self._checking = ThreadPoolExecutor(1, "openrouter-speech-checking")

    @property
    def url(self) -> str:
        """The URL to use in place of the server's."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop. Responses in flight are cut off; those that came are checked before this returns."""
        self._server.end()
        self._thread.join()
        self._checking.shutdown()

    def report(self) -> Report:
        """Return what was seen. Call it after the proxy has stopped."""
        ledger = self._watcher.ledger
        return Report(
            url=self.target, requests=ledger.requests, verdicts=ledger.verdicts(), facts=ledger.facts(),
            remarks=(*self._watcher.remarks(), *self._unchecked),
        )  # fmt: skip

    def _serve(self) -> None:
        asyncio.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        limits = httpx.Limits(max_connections=None)
        # The application decides how long it waits: when it hangs up, so does the proxy.
        timeout = httpx.Timeout(None, connect=30)
        async with httpx.AsyncClient(limits=limits, timeout=timeout) as self._client:
            with self._socket:
                await self._server.serve(sockets=[self._socket])
            for task in self._requests:
                task.cancel()
            await asyncio.gather(*self._requests, return_exceptions=True)

    async def _respond(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on, until the response ends or the application hangs up (an ASGI application)."""
        passing = _Passing(self.target, scope, receive, send, self._memory)
        task = asyncio.ensure_future(passing.run(self._client))
        self._requests.add(task)
        gone = asyncio.ensure_future(passing.hung_up())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            task.cancel()
            await asyncio.wait({task, gone})
            self._requests.discard(task)
            self._checking.submit(self._check, passing)

    def _check(self, passing: "_Passing") -> None:
        try:
            self._watcher.take(passing.passed())
        except Exception as error:  # noqa: BLE001  (a check must not end the proxy; the report says that it failed)
            remark = f"A check failed with {type(error).__name__}; {passing.method} was not checked."
            if remark not in self._unchecked:
                self._unchecked.append(remark)
        finally:
            passing.forget()


@define
class _Memory:
    """Bytes for copies of bodies, shared by all requests."""

    free: int
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def take(self, size: int) -> bool:
        """Take as much, if it is there."""
        with self._lock:
            if size > self.free:
                return False
            self.free -= size
            return True

    def give(self, size: int) -> None:
        with self._lock:
            self.free += size


@define
class _Copy:
    """The beginning of a body; all of it, unless it is too large."""

    memory: _Memory
    content: bytearray = field(init=False, factory=bytearray)
    size: int = field(init=False, default=0)

    @property
    def is_whole(self) -> bool:
        return len(self.content) == self.size

    def add(self, part: bytes) -> None:
        if self.is_whole and len(self.content) + len(part) <= LIMIT and self.memory.take(len(part)):
            self.content += part
        self.size += len(part)

    def forget(self) -> None:
        self.memory.give(len(self.content))
        self.content.clear()


class _Passing:
    """A request on its way, and its response."""

    def __init__(
        self, target: str, scope: MutableMapping[str, Any], receive: Receive, send: Send, memory: _Memory
    ) -> None:
        self.method: str = scope["method"]
        self.target = target
        path = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        base = httpx.URL(target)
        self._url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path)
        self._received: RawHeaders = list(scope["headers"])
        self._receive, self._send = receive, send
        self._body, self._content = _Copy(memory), _Copy(memory)
        self._body_ended = asyncio.Event()
        self._status: int | None = None
        self._headers: RawHeaders = []
        self._is_complete = False
        self._trouble = ""

    def passed(self) -> Passed:
        """Return what was passed on."""
        return Passed(
            method=self.method, url=str(self._url), request_headers=_text(self._received),
            body=bytes(self._body.content), body_is_whole=self._body.is_whole and self._body_ended.is_set(),
            status=self._status, headers=_text(self._headers), content=bytes(self._content.content),
            size=self._content.size, content_is_whole=self._content.is_whole and self._is_complete,
            trouble=self._trouble,
        )  # fmt: skip

    def forget(self) -> None:
        """Free the memory of the bodies."""
        self._body.forget()
        self._content.forget()

    async def hung_up(self) -> None:
        """Return when the application closes the connection."""
        await self._body_ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def run(self, client: httpx.AsyncClient) -> None:
        """Send the request and pass the response on."""
        names = {name for name, _ in self._received}
        has_body = bool(names & {b"content-length", b"transfer-encoding"})
        if not has_body:
            self._body_ended.set()
        headers = _end_to_end(self._received, _NOT_PASSED_ON)
        request = httpx.Request(self.method, self._url, headers=headers, content=self._parts() if has_body else None)
        if not has_body:
            request.headers.pop("content-length", None)
        try:
            response = await client.send(request, stream=True)
        except _HungUpError:
            return
        except httpx.TransportError as error:
            with suppress(_HungUpError):  # the request is checked all the same
                if not self._body_ended.is_set():
                    async for _ in self._parts():
                        pass
            await self._send_502(error)
            return
        try:
            await self._pass_back(response)
        finally:
            await response.aclose()

    async def _parts(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _HungUpError
            part, more = message.get("body", b""), message.get("more_body", False)
            self._body.add(part)
            if part:
                yield part
        self._body_ended.set()

    async def _pass_back(self, response: httpx.Response) -> None:
        self._status, self._headers = response.status_code, response.headers.raw
        headers = _end_to_end(self._headers, set())
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        try:
            async for part in response.aiter_raw():
                self._content.add(part)
                await self._send({"type": "http.response.body", "body": part, "more_body": True})
        except httpx.TransportError as error:
            self._trouble = f"the response was cut off after {self._content.size} bytes: {_reason(error)}"
            return  # uvicorn closes the connection, so that the application sees the same
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self._is_complete = True

    async def _send_502(self, error: httpx.TransportError) -> None:
        self._trouble = f"no response: {_reason(error)}"
        text = f"The proxy got no response from {self.target}: {_reason(error)}"
        body = json.dumps({"error": {"code": 502, "message": text}}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": 502, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


class _HungUpError(Exception):
    """The application closed the connection before its request ended."""


def _end_to_end(headers: RawHeaders, left_out: set[bytes]) -> RawHeaders:
    """Return the headers that a proxy passes on."""
    named = {
        word.strip().lower() for name, value in headers if name.lower() == b"connection" for word in value.split(b",")
    }
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP | left_out | named]


def _text(headers: RawHeaders) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
