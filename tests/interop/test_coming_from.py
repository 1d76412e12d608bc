"""The programs of docs/coming-from do the same with the other packages, and with ours.

ElevenLabs has an API of its own, so their package talks to a stand-in that answers with the mock server's audio.
"""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest
from openrouter_speech.mock import MockServer

from ..conftest import KEY, PROJECT, run_programs
from .conftest import OurAudio

TITLES = ["Get audio", "Stream", "Save to a file", "Errors", "Async"]


class Program(NamedTuple):
    """One of the two programs below a heading."""

    title: str
    package: str
    text: str


def programs(package: str) -> list[Program]:
    text = (PROJECT / f"docs/coming-from/{package}.md").read_text()
    found = re.findall(r"^## ([^\n]+)|^With `([\w-]+)`:\n\n```python\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    title, listed = "", []
    for heading, name, code in found:
        title = heading or title
        if code:
            listed.append(Program(title, name, code))
    return listed


PAGES = {package: programs(package) for package in ("elevenlabs", "openai", "openrouter")}
REDIRECTED = {
    "elevenlabs": "from functools import partialmethod\nfrom elevenlabs import client as at\n"
    "for each in (at.ElevenLabs, at.AsyncElevenLabs):\n"
    "    each.__init__ = partialmethod(each.__init__, base_url={url!r})\n",
    "openai": "",  # it has a variable for that
    "openrouter": "from openrouter import sdkconfiguration\nsdkconfiguration.SERVERS['production'] = {url!r}\n",
    "openrouter-speech": "import openrouter_speech._generated as door\ndoor.SERVER_URL = {url!r}\n",
}
"""What makes a program call another server."""


@pytest.fixture
def elevenlabs(server: MockServer, our_audio: OurAudio) -> Iterator[ThreadingHTTPServer]:
    """A stand-in for their API, which refuses the first key."""
    server.reset()
    audio = our_audio(response_format="mp3")
    refusals = [b'{"detail": {"status": "invalid_api_key"}}']

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            refusal = refusals.pop() if refusals else None
            known = re.match(r"/v1/text-to-speech/\w+(/stream)?(\?|$)", self.path) and self.headers["xi-api-key"] == KEY
            self.send_response(401 if refusal else 200 if known else 404)
            self.send_header("Content-Type", "application/json" if refusal else "audio/mpeg")
            self.send_header("Content-Length", str(len(refusal or audio)))
            self.end_headers()
            self.wfile.write(refusal or audio)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as stand_in:
        thread = Thread(target=stand_in.serve_forever, args=(0.01,))
        thread.start()
        yield stand_in
        stand_in.shutdown()
        thread.join()


@pytest.mark.parametrize("package", PAGES)
def test_a_page_has_the_same_programs_for_both(package: str) -> None:
    assert [(program.title, program.package) for program in PAGES[package]] == [
        (title, name) for title in TITLES for name in (package, "openrouter-speech")
    ]


@pytest.mark.parametrize(("page", "package"), [*product(PAGES, ["openrouter-speech"]), *zip(PAGES, PAGES, strict=True)])
def test_each_program_does_what_it_is_for(
    page: str, package: str, server: MockServer, elevenlabs: ThreadingHTTPServer, tmp_path: Path
) -> None:
    if find_spec(package.replace("-", "_")) is None:
        pytest.skip(f"{package} is not installed; `make interop` installs it")
    server.script([401])
    url = f"http://127.0.0.1:{elevenlabs.server_port}" if package == "elevenlabs" else server.url
    programs = {program.title: program.text for program in PAGES[page] if program.package == package}
    first = {"Redirect": REDIRECTED[package].format(url=url), "Errors": programs.pop("Errors")}
    keys = {f"{name}_API_KEY": KEY for name in ("ELEVENLABS", "OPENAI", "OPENROUTER")}
    printed = run_programs(first | programs, tmp_path, **keys, OPENAI_BASE_URL=server.url)
    assert printed["Errors"].startswith("check the key: ")
    assert (tmp_path / "story.mp3").stat().st_size > 1000
    for title in {*TITLES} - {"Errors", "Save to a file"}:
        assert re.fullmatch(r"(\d+ bytes.*\n)+", printed[title])
