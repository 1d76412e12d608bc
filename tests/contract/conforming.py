"""Two conforming servers by other means than the peer's: a minimal one, and one that FastAPI validates for.

The minimal one checks with the schema of the description, and nothing besides.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any, Literal

import jsonschema_rs
import uvicorn
import yaml
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from openrouter_speech._serving import Server, listening
from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator
from starlette.exceptions import HTTPException as StarletteHTTPException

from ..conftest import PROJECT
from .peer import KEY, SILENCE, SILENT_MP3

AUDIO = {"pcm": ("audio/pcm;rate=24000;channels=1", SILENCE), "mp3": ("audio/mpeg", SILENT_MP3)}
NUMBERS = itertools.count(1)
COMPONENTS = yaml.safe_load((PROJECT / "openapi.yaml").read_text())["components"]
VALIDATOR = jsonschema_rs.Draft202012Validator({"$ref": "#/components/schemas/SpeechRequest", "components": COMPONENTS})


def error(status: int) -> dict[str, Any]:
    return {"error": {"code": status, "message": "No"}}


class Minimal(BaseHTTPRequestHandler):
    """What openapi.yaml says, in a page of code."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/audio/speech":
            self.answer(404)
        elif self.headers.get("Authorization") != f"Bearer {KEY}":
            self.answer(401)
        elif self.headers.get_content_type() != "application/json" and "Content-Type" in self.headers:
            self.answer(415)
        else:
            try:
                body = json.loads(content)
                self.answer(200 if VALIDATOR.is_valid(body) else 400, body)
            except ValueError:
                self.answer(400)

    def refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(405)

    do_HEAD = do_GET = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_QUERY = refuse

    def answer(self, status: int, body: Any = None) -> None:
        content_type, content = "application/json", json.dumps(error(status)).encode()
        if status == 200:
            content_type, content = AUDIO[body.get("response_format", "pcm")]
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if status == 200:
            self.send_header("X-Generation-Id", f"gen-tts-{next(NUMBERS)}-a")
        if status == 405:
            self.send_header("Allow", "POST")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def minimal() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Minimal)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Turn(BaseModel):
    text: StrictStr
    voice: StrictStr = ""
    instructions: StrictStr = ""


class Provider(BaseModel):
    options: dict[str, dict[str, Any]] = {}
    zdr: StrictBool | None = None
    data_collection: Literal["allow", "deny"] | None = None


class Recording(BaseModel):
    data: Annotated[StrictStr, Field(min_length=1, max_length=20_971_520)] = ""
    url: StrictStr = ""
    format: StrictStr = ""

    @model_validator(mode="after")
    def one_source(self) -> "Recording":
        if len(self.model_fields_set & {"data", "url"}) != 1:
            raise ValueError("data or url")
        return self


class AudioReference(BaseModel):
    type: Literal["input_audio"]
    input_audio: Recording


class TextReference(BaseModel):
    type: Literal["text"]
    text: Annotated[StrictStr, Field(max_length=10_000)]


class Image(BaseModel):
    url: StrictStr


class ImageReference(BaseModel):
    type: Literal["image_url"]
    image_url: Image


class Trace(BaseModel):
    trace_id: StrictStr = ""
    trace_name: StrictStr = ""
    span_name: StrictStr = ""
    generation_name: StrictStr = ""
    parent_span_id: StrictStr = ""


class SpeechRequest(BaseModel):
    input: StrictStr | list[Turn]
    model: StrictStr
    voice: Annotated[StrictStr, Field(min_length=1)] = "any"
    provider: Provider = Provider()
    response_format: Literal["mp3", "pcm"] = "pcm"
    speed: StrictInt | StrictFloat = 1
    input_references: list[AudioReference | TextReference | ImageReference] = []
    session_id: Annotated[StrictStr, Field(max_length=256)] = ""
    trace: Trace = Trace()
    user: StrictStr = ""
    instructions: StrictStr = ""


def has_key(authorization: Annotated[str, Header()] = "") -> None:
    if authorization != f"Bearer {KEY}":
        raise HTTPException(401)


app = FastAPI()


@app.post("/audio/speech", dependencies=[Depends(has_key)])
def speak(body: SpeechRequest) -> Response:
    content_type, content = AUDIO[body.response_format]
    headers = {"Content-Type": content_type, "X-Generation-Id": f"gen-tts-{next(NUMBERS)}-a"}
    return Response(content, headers=headers)


@app.exception_handler(StarletteHTTPException)
def failed(_: Request, reason: StarletteHTTPException) -> Response:
    return JSONResponse(error(reason.status_code), reason.status_code, dict(reason.headers or {}))


@app.exception_handler(RequestValidationError)
def refused(request: Request, _: RequestValidationError) -> Response:
    is_json = request.headers.get("content-type", "application/json").startswith("application/json")
    status = 400 if is_json else 415
    return JSONResponse(error(status), status)


@contextmanager
def fastapi() -> Iterator[str]:
    server = Server(uvicorn.Config(app, log_config=None, log_level="critical", lifespan="off"))
    listener = listening(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join()
    listener.close()
