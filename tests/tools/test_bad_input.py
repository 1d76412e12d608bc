"""What cannot be compared gets one sentence and exit status 2, and leaves everything as it was."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tools import document

from ..conftest import PROJECT
from ..wire_server import refusing
from .conftest import Run
from .samples import PATH, Upstream, small

Answer = tuple[int, bytes]
Refused = Callable[[object], str]
BODY = "#/components/schemas/SpeechRequest"
ITSELF = "#/paths/~1audio~1speech/post/responses/400"


@contextmanager
def serving(*answer: Answer) -> Iterator[str]:
    """The URL of a server that gives one answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer[0]
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
    """Compares with what cannot be compared, and gives the sentence."""

    def command(source: object) -> str:
        before = {path: path.is_file() and path.read_bytes() for path in project.rglob("*")}
        status, (sentence,) = run("upstream-diff", source)
        assert status == 2
        assert sentence.startswith(str(source))
        assert sentence.endswith((".", "?"))
        assert {path: path.is_file() and path.read_bytes() for path in project.rglob("*")} == before
        return sentence

    return command


def yaml_bomb() -> bytes:
    lines = ["openapi: 3.1.0", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines).encode()


def merge_bomb() -> bytes:
    lines = ["openapi: 3.1.0", "a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not an OpenAPI description: it has no field openapi"),
        (b"just words", "is not an OpenAPI description"),
        (b"- a list", "is not an OpenAPI description"),
        (b'{"error": "not found"}', "is not an OpenAPI description"),
        (b"<!doctype html><html></html>", "is not an OpenAPI description"),
        (b"a: [1, 2", "is not YAML: did not find expected ',' or ']' in line 2"),
        (b"a: *nowhere", "is not YAML: found undefined alias"),
        (b"a: !!python/object:os.system x", "is not YAML: could not determine a constructor"),
        (b"a: 2026-99-99", "is not YAML: month must be in 1..12"),
        (b"a: " + b"9" * 5000, "is not YAML: Exceeds the limit"),
        (b"a: b\n---\nc: d", "is not YAML: but found another document in line 2"),
        (b"\xff\xfe\x00\xd8", "is not YAML"),
        (b"\x00\x01", "is not YAML"),
        (b"ID3\x04\xff\xfb\x90\x64", "is not YAML"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"- " * 100_000, "is nested too deeply"),
        (b'{"a":' * 100_000, "is nested too deeply"),
        (yaml_bomb(), "is too large: its aliases unfold to more than 5000000 values"),
        (merge_bomb(), "is too large: its aliases unfold to more than 5000000 values"),
        (b"openapi: 3.1.0\npaths: &a {b: *a}", "the alias *a refers to a value that contains it"),
        (b"swagger: '2.0'\npaths: {}", "is Swagger 2.0; only OpenAPI 3 can be compared"),
        (b"openapi: 4.0.0", "is OpenAPI 4.0.0; only OpenAPI 3 can be compared"),
        (b"openapi: 3.1.0", "there is no POST /audio/speech; no path is similar"),
        (b"{openapi: 3.1.0}", "there is no POST /audio/speech"),
        (b"openapi: 3.1.0\npaths: []", "paths must be a mapping, not []"),
    ],
    ids=range(25),
)
def test_what_is_no_description_is_refused(content: bytes, problem: str, refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "upstream.yaml").write_bytes(content)
    assert problem in refused(tmp_path / "upstream.yaml")


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda u: u.fields.update(speed={"$ref": "#/components/Speed"}), "'#/components/Speed' leads nowhere"),
        (lambda u: u.responses.update({"400": {"$ref": "#/nowhere"}}), "'#/nowhere' leads nowhere"),
        (lambda u: u.fields.update(speed={"$ref": "speed.yaml"}), "'speed.yaml' leads out of the file"),
        (lambda u: u.schemas.update(SpeechRequest={"$ref": BODY}), f"{BODY!r} leads back to itself"),
        (lambda u: u.responses.update({"400": {"$ref": ITSELF}}), f"{ITSELF!r} leads back to itself"),
        (lambda u: u.document.update(security=[{"nobody": []}]), "'#/components/securitySchemes/nobody' leads nowhere"),
        (lambda u: u.operation.update(responses=5), "responses must be a mapping, not 5"),
        (lambda u: u.operation.update(parameters={}), "parameters must be a list, not {}"),
        (lambda u: u.operation.update(requestBody=None), "requestBody must be a mapping, not null"),
        (lambda u: u.responses.update({"200": "fine"}), 'a response must be a mapping, not "fine"'),
    ],
    ids=range(10),
)  # fmt: skip
def test_a_description_that_is_broken_is_refused(
    edit: Callable[[Upstream], Any], problem: str, refused: Refused, tmp_path: Path
) -> None:
    upstream = Upstream(small())
    edit(upstream)
    assert problem in refused(upstream.write(tmp_path))


def test_nesting_beyond_what_python_can_follow_is_refused(refused: Refused, tmp_path: Path) -> None:
    upstream = Upstream(small())
    deep = upstream.schemas
    for level in range(1000):
        deep[f"Deep{level}"] = {"properties": {"in": {"$ref": f"#/components/schemas/Deep{level + 1}"}}}
    deep["Deep1000"] = {}
    upstream.fields["speed"] = {"$ref": "#/components/schemas/Deep0"}
    assert "its schemas are nested too deeply" in refused(upstream.write(tmp_path))


def test_paths_that_look_close_are_named(refused: Refused, tmp_path: Path) -> None:
    upstream = Upstream(small())
    paths = upstream.document["paths"]
    paths["/audio/speeches"] = paths.pop(PATH)
    sentence = refused(upstream.write(tmp_path))
    assert "there is no POST /audio/speech; similar paths: /audio/speeches, " in sentence


def test_other_methods_of_the_path_are_named(refused: Refused, tmp_path: Path) -> None:
    upstream = Upstream(small())
    item = upstream.document["paths"][PATH]
    item["put"] = item["get"] = item.pop("post")
    assert "there is no POST /audio/speech; the path has GET, PUT." in refused(upstream.write(tmp_path))


@pytest.mark.parametrize(
    ("name", "problem"), [("", "Is a directory"), ("nothing.yaml", "No such file"), ("a\0b", "null")]
)
def test_a_file_that_is_not_there_gets_a_sentence(name: str, problem: str, refused: Refused, tmp_path: Path) -> None:
    assert problem in refused(f"{tmp_path}/{name}")


def test_a_large_file_is_refused_unparsed(refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = document.values

    def only_ours(content: bytes, name: str) -> Any:
        assert name == "openapi.yaml"
        return values(content, name)

    monkeypatch.setattr(document, "values", only_ours)
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(100 << 20)
    assert "is larger than 16 MB" in refused(tmp_path / "large.yaml")


def test_a_description_behind_a_url_is_read(run: Run) -> None:
    with serving((200, yaml.dump(small()).encode())) as url:
        assert run("upstream-diff", url)[0] == 0
        with serving((302, url.encode())) as redirecting:
            assert run("upstream-diff", redirecting)[0] == 0


def test_a_url_with_another_answer_is_refused(refused: Refused) -> None:
    with serving((503, b"down")) as url:
        assert "the server responded with 503" in refused(url)
    with serving((200, b"<html>")) as url:
        assert "is not an OpenAPI description" in refused(url)


def test_a_url_with_a_large_answer_is_refused(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "SIZE_LIMIT", 1 << 20)
    with serving((200, b"#" * (1 << 20) + b"#")) as url:
        assert "is larger than 1 MB" in refused(url)


def test_a_url_whose_answer_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "LONGEST", -1)
    with serving((200, b"#")) as url, pytest.raises(document.DescriptionError, match="the download took"):
        document.read(url)


def test_a_url_where_nothing_answers_is_refused(refused: Refused) -> None:
    with refusing() as url:
        assert "cannot be read" in refused(url)


@pytest.mark.parametrize("url", ["http://", "https://[::"])
def test_a_url_that_is_none_is_refused(url: str, refused: Refused) -> None:
    assert "cannot be read" in refused(url)


def test_a_port_that_does_not_exist_is_refused(refused: Refused) -> None:
    """Not taken modulo 65536 by the system, which leads to a server that does answer."""
    with serving((200, yaml.dump(small()).encode())) as url:
        port = httpx.URL(url).port or 0
        wrapped = url.replace(f":{port}/", f":{port + 65_536}/")
        assert f"cannot be read: there is no port {port + 65_536}" in refused(wrapped)
        with serving((302, wrapped.encode())) as redirecting:
            assert "cannot be read: there is no port" in refused(redirecting)


def test_our_own_description_is_named_when_it_is_the_broken_one(run: Run, tmp_path: Path) -> None:
    ours = tmp_path / "openapi.yaml"
    ours.write_text((PROJECT / "openapi.yaml").read_text().replace("/schemas/SpeechRequest'", "/schemas/Speech'"))
    status, (sentence,) = run("upstream-diff", Upstream(small()).write(tmp_path), "--ours", ours)
    assert status == 2
    assert sentence == f"{ours}: the reference '#/components/schemas/Speech' leads nowhere."
    ours.write_text("openapi: 3.1.0\npaths: {/a: {get: {}, post: {}}}")
    _, (sentence,) = run("upstream-diff", Upstream(small()).write(tmp_path), "--ours", ours)
    assert sentence == f"{ours}: it has 2 operations, but only one can be compared."
