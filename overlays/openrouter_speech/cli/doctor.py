"""`openrouter-speech doctor`: what is set up, in plain words. It costs nothing: no key is sent, nothing synthesized."""

import json
import os
import platform
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
import typer
from attrs import asdict, frozen

from .. import errors
from ..credential import Credential
from ..session import SERVER_URL
from ..version import __version__
from .failures import one_line

_PATIENCE = 5
"""Seconds to wait for the server."""

_EXTRAS = {
    "cli": ("typer", "rich"),
    "play": ("miniaudio",),
    "long": ("filelock", "miniaudio", "semantic-text-splitter", "soundfile"),
    "mock": ("jsonschema-rs", "numpy", "PyYAML", "soundfile", "starlette", "uvicorn"),
    "aiohttp": ("httpx-aiohttp",),
}
"""The distributions of each extra, as in pyproject.toml."""

_MARKS = {True: "ok", False: "wrong", None: "-"}


@frozen
class Finding:
    """One thing that was looked at."""

    what: str
    fine: bool | None
    """None where it may be either way."""
    words: str

    def __str__(self) -> str:
        return f"{_MARKS[self.fine]:<6}{self.what:<9}{self.words}"


def doctor(server_url: str | None, *, as_json: bool) -> None:
    """Carry out the command; it ends with 1 where a call could not be made."""
    findings = [*_versions(), _key(), *_defaults(), *_proxies(), _server(server_url or SERVER_URL), *_extras()]
    ready = all(finding.fine is not False for finding in findings)
    if as_json:
        print(json.dumps({"ready": ready, "findings": [asdict(finding) for finding in findings]}))
    else:
        print(*findings, "Ready." if ready else "Not ready: see what is wrong above.", sep="\n")
    raise typer.Exit(0 if ready else 1)


def _versions() -> Iterator[Finding]:
    yield Finding("versions", True, f"openrouter-speech {__version__} (openrouter_speech, openrouter_speech_api)")
    yield Finding(
        "versions", True, f"Python {platform.python_version()} on {platform.system()}, httpx {httpx.__version__}"
    )


def _key() -> Finding:
    if not os.environ.get("OPENROUTER_API_KEY"):
        return Finding("key", False, "none: set the variable OPENROUTER_API_KEY")
    try:
        Credential(None).authorization()
    except errors.ConfigurationError as error:
        return Finding("key", False, str(error))
    return Finding("key", True, "OPENROUTER_API_KEY is set; it is not shown, and was not sent")


def _defaults() -> Iterator[Finding]:
    for name in ("model", "voice"):
        variable = f"OPENROUTER_SPEECH_{name.upper()}"
        value = os.environ.get(variable)
        yield Finding(
            name, True if value else None, one_line(value) if value else f"none; --{name} or {variable} names one"
        )


def _proxies() -> Iterator[Finding]:
    proxies = getproxies()
    exempt = proxies.pop("no", None)
    if not proxies:
        yield Finding("proxies", None, "none")
    for scheme, proxy in proxies.items():
        yield Finding("proxies", True, f"{_without_password(proxy)} for {scheme}")
    if exempt:
        yield Finding("proxies", None, f"none for {one_line(exempt)}")


def _without_password(url: str) -> str:
    """A URL without the user name and the password that may stand in it."""
    before, at, after = url.rpartition("@")
    scheme = before.partition("://")[0] + "://" if "://" in before else ""
    return one_line(f"{scheme}{after}" if at else url)


def _server(url: str) -> Finding:
    shown = _without_password(url)
    begun = time.monotonic()
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            return Finding("server", False, f"{shown} is no address; one begins with https:// and has no password")
        answer = httpx.get(url, timeout=_PATIENCE, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        reason = one_line(str(error)) or type(error).__name__
        return Finding("server", False, f"{shown} does not answer: {reason}")
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Finding("server", False, f"{shown} is in trouble: status {answer.status_code}")
    return Finding("server", True, f"{shown} answers, after {time.monotonic() - begun:.2f} s")


def _extras() -> Iterator[Finding]:
    for extra, names in _EXTRAS.items():
        found = {name: _version(name) for name in names}
        if all(found.values()):
            yield Finding(extra, True, ", ".join(f"{name} {version}" for name, version in found.items()))
        else:
            yield Finding(extra, None, f"not installed: pip install 'openrouter-speech[{extra}]'")


def _version(distribution: str) -> Any:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
