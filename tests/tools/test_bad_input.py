"""What cannot be read gets one sentence and exit status 2, and leaves everything as it was."""

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools import ToolError, document

from ..wire_server import refusing
from .conftest import Run, contents

Refused = Callable[[object], str]


@contextmanager
def serving(status: int, body: bytes) -> Iterator[str]:
    """The URL of a server that gives one response."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", body.decode())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/openapi.yaml"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def refused(run: Run, project: Path) -> Refused:
    """Run update with what cannot be read, and return the sentence."""

    def command(source: object) -> str:
        before = contents(project)
        status, (sentence,) = run("update", source)
        assert status == 2
        assert sentence.startswith(str(source))
        assert sentence.endswith((".", "?"))
        assert contents(project) == before
        return sentence

    return command


def bomb(first: str, line: str) -> bytes:
    lines = ["openapi: 3.1.0", first, *(line.format(n, ", ".join([f"*a{n - 1}"] * 10)) for n in range(1, 10))]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not an OpenAPI description: it has no field openapi"),
        (b"- a list", "is not an OpenAPI description"),
        (b'{"error": "not found"}', "is not an OpenAPI description"),
        (b"<!doctype html><html></html>", "is not an OpenAPI description"),
        (b"a: [1, 2", "is not YAML: did not find expected ',' or ']' in line 2"),
        (b"a: *nowhere", "is not YAML: found undefined alias"),
        (b"a: !!python/object:os.system x", "is not YAML: could not determine a constructor"),
        (b"a: 2026-99-99", "is not YAML: month must be in 1..12"),
        (b"a: " + b"9" * 5000, "is not YAML: Exceeds the limit"),
        (b"a: b\n---\nc: d", "is not YAML: but found another document in line 2"),
        (b"? [a]\n: b", "is not YAML: "),
        (b"\xff\xfe\x00\xd8", "is not YAML"),
        (b"ID3\x04\xff\xfb\x90\x64", "is not YAML"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"- " * 100_000, "is nested too deeply"),
        (b'{"a":' * 100_000, "is nested too deeply"),
        (bomb("a0: &a0 [x, x, x, x, x, x, x, x, x, x]", "a{0}: &a{0} [{1}]"), "its aliases unfold to more than"),
        (bomb("a0: &a0 {x: 1}", "a{0}: &a{0} {{<<: [{1}]}}"), "its aliases unfold to more than"),
        (b"openapi: 3.1.0\npaths: &a {b: *a}", "the alias *a refers to a value that contains it"),
        (b"swagger: '2.0'\npaths: {}", "is Swagger 2.0; only OpenAPI 3 can be read"),
        (b"openapi: 4.0.0", "is OpenAPI 4.0.0; only OpenAPI 3 can be read"),
    ],
    ids=range(21),
)
def test_what_is_no_description_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(ToolError, match=re.escape(problem)) as caught:
        document.parse(content, "upstream.yaml")
    assert str(caught.value).startswith("upstream.yaml")
    assert str(caught.value).endswith(".")


def test_a_file_that_is_not_there_is_refused(refused: Refused, tmp_path: Path) -> None:
    for name, problem in (("", "Is a directory"), ("nothing.yaml", "No such file"), ("a\0b", "null")):
        assert problem in refused(f"{tmp_path}/{name}")


def test_a_large_file_is_refused_unparsed(refused: Refused, tmp_path: Path) -> None:
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(100 << 20)
    assert "is larger than 16 MB" in refused(tmp_path / "large.yaml")


def test_a_url_is_read_and_redirects_are_followed() -> None:
    with (
        serving(200, b"openapi: 3.1.0\nresponses: {200: 2026-01-31}") as url,
        serving(302, url.encode()) as redirecting,
    ):
        assert document.read(redirecting).content["responses"] == {"200": "2026-01-31"}


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [(503, b"down", "the server responded with 503"), (200, b"<html>", "is not an OpenAPI description")],
)
def test_a_url_with_another_response_is_refused(status: int, body: bytes, problem: str, refused: Refused) -> None:
    with serving(status, body) as url:
        assert problem in refused(url)


def test_a_response_that_is_too_large_is_refused(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "SIZE_LIMIT", 1 << 20)
    with serving(200, b"#" * (1 << 20) + b"#") as url:
        assert "is larger than 1 MB" in refused(url)


def test_a_url_where_nothing_responds_is_refused(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as url:
        assert "cannot be read" in refused(url)

    def stall(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out", request=request)

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: client(transport=httpx.MockTransport(stall), **options))
    assert "cannot be read: timed out" in refused("http://127.0.0.1/openapi.yaml")


def test_a_url_that_is_none_is_refused(refused: Refused) -> None:
    for url in ("http://", "https://[::"):
        assert "cannot be read" in refused(url)
