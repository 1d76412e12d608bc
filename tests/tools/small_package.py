"""The two import packages in small: as much of each as a change of the API can be made to."""

from pathlib import Path

from tools.packages import PACKAGES

GENERATED, WRITTEN = PACKAGES
MODELS, SPEAK, INIT, CLIENT, ERRORS, MOCK, PLUGIN, SERVER, SESSION, TTS, VERSION = (
    f"{GENERATED}/models/request.py",
    f"{GENERATED}/api/speak.py",
    f"{WRITTEN}/__init__.py",
    f"{WRITTEN}/client.py",
    f"{WRITTEN}/errors.py",
    f"{WRITTEN}/mock/__init__.py",
    f"{WRITTEN}/pytest_plugin.py",
    f"{WRITTEN}/mock/server.py",
    f"{WRITTEN}/_http/session.py",
    f"{WRITTEN}/tts.py",
    f"{WRITTEN}/_version.py",
)

FILES = {
    f"{GENERATED}/__init__.py": "",
    f"{GENERATED}/models/__init__.py": """\
from .request import Format, Request

__all__ = ("Format", "Request")
""",
    MODELS: '''\
from __future__ import annotations
from enum import StrEnum
from attrs import define as _attrs_define
from attrs import field as _attrs_field
from ..types import UNSET, Unset

class Format(StrEnum):
    MP3 = "mp3"
    PCM = "pcm"

@_attrs_define
class Request:
    """What to say."""
    text: str
    speed: float | Unset = UNSET
    extra: dict[str, str] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, str]: ...
''',
    f"{GENERATED}/api/__init__.py": "",
    SPEAK: """\
from ..models.request import Request

def sync(*, body: Request, title: str = "") -> bytes | None: ...
""",
    f"{GENERATED}/types.py": """\
class Unset: ...
UNSET: Unset = Unset()

__all__ = ["UNSET", "Unset"]
""",
    INIT: """\
from httpx import Timeout
from . import components, errors
from .client import Client
from ._version import __version__

__all__ = [
    "Client",
    "Timeout",
    "__version__",
    "components",
    "errors",
]
""",
    f"{WRITTEN}/components.py": """\
from openrouter_speech_api.models import Format, Request

__all__ = ["Format", "Request"]
""",
    CLIENT: '''\
from collections.abc import Iterator
from contextlib import contextmanager
import httpx
from ._http.session import Base, Session

class Client(Base):
    """A client."""
    retries: int = 2

    def __init__(self, key: str | None = None, *, timeout: float | None = None) -> None:
        self._session = Session()

    @property
    def url(self) -> str: ...

    @url.setter
    def url(self, value: str) -> None: ...

    def close(self) -> None: ...
    def send(self, text: str, voice: str = "alloy", speed: int = 1) -> str | None: ...
    async def send_async(self, text: str) -> httpx.Response: ...
    @classmethod
    def of(cls, other: "Client") -> "Client": ...
    @contextmanager
    def open(self) -> Iterator[str]: ...
    def __enter__(self) -> None: ...
    def __repr__(self) -> str: ...
    def _hidden(self) -> None: ...
''',
    ERRORS: """\
class SpeechError(Exception):
    code: int | None = None

    def explain(self) -> str: ...

class StatusError(SpeechError): ...
class ConfigurationError(SpeechError, ValueError): ...
class Internal: ...

__all__ = ["ConfigurationError", "SpeechError", "StatusError"]
""",
    MOCK: """\
from .server import Server

__all__ = ["Server"]
""",
    SERVER: """\
from dataclasses import dataclass, field

@dataclass
class Server:
    port: int = 0
    seed: int = field(default=0, kw_only=True)

    def run(self) -> None: ...

class Internal: ...
""",
    PLUGIN: """\
import pytest

@pytest.fixture
def openrouter_speech_mock(_server: object) -> object: ...

def pytest_configure(config: object) -> None: ...

__all__ = ["openrouter_speech_mock"]
""",
    SESSION: """\
class Session:
    def call(self, text: str) -> None: ...

class Base:
    def shared(self) -> None: ...
""",
    TTS: """\
from typing import Required, TypedDict, TypeVar, Unpack

F = TypeVar("F")

class SpeechParams(TypedDict, total=False):
    input: Required[str]
    speed: float | None
    title: str

class TTS:
    def create_speech(self, **params: Unpack[SpeechParams]) -> bytes: ...
    def save_speech(self, path: str, **params: Unpack[SpeechParams]) -> None: ...

__all__ = ["SpeechParams", "TTS"]
""",
    VERSION: '__version__ = "0.1.0"\n',
    f"{WRITTEN}/_http/__init__.py": "",
}


def write(folder: Path) -> None:
    """Put the packages into a folder."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Change what stands there once."""
    content = (folder / file).read_text()
    assert content.count(old) == 1, f"{old!r} is in {file} {content.count(old)} times"
    (folder / file).write_text(content.replace(old, new))
