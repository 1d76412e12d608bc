"""`openrouter-speech doctor`: check the setup, at no cost. No key is sent, and nothing is synthesized.

It always runs to the end, and prints a line for each problem.
"""

import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
import typer
from attrs import asdict, frozen

from .. import errors
from .._core import retries
from .._core.bodies import escaped
from .._generated import SERVER_URL
from .._http.credential import Credential
from .._http.environment import check_environment
from .._version import __version__
from .failures import by_option, one_line
from .options import HEADERS, OTHERS, Settings, unreadable

_PATIENCE = 5
"""Seconds to wait for the server."""

_SERVER_URL = "OPENROUTER_SPEECH_SERVER_URL"

_EXTRAS = {
    "cli": ("typer", "rich"),
    "contract": ("jsonschema-rs", "miniaudio", "rich", "schemathesis", "typer", "uvicorn"),
    "convert": ("soundfile",),
    "play": ("miniaudio",),
    "batch": ("filelock",),
    "parquet": ("pyarrow",),
    "remote": ("fsspec",),
    "cluster": ("cryptography", "dask"),
    "long": ("filelock", "miniaudio", "samplerate", "semantic-text-splitter", "sentencex", "soundfile"),
    "mock": ("jsonschema-rs", "numpy", "PyYAML", "soundfile", "starlette", "uvicorn"),
    "aiohttp": ("aiohttp",),
    "socks": ("socksio",),
}
"""The distributions of each extra, as in pyproject.toml."""

_MARKS = {True: "ok", False: "wrong", None: "-"}


@frozen
class Finding:
    """The result of one check."""

    what: str
    fine: bool | None
    """None if neither right nor wrong."""
    words: str

    def __str__(self) -> str:
        return f"{_MARKS[self.fine]:<6}{self.what:<9}{self.words}"


def doctor(server_url: str | None, commands: Mapping[str, Any], *, as_json: bool) -> None:
    """Run the command. Exits with 1 if calls would fail.

    Args:
        server_url: The server to check.
        commands: The commands whose options are checked, by name.
        as_json: Whether to report as JSON.
    """
    problems = list(_safely("variable", _environment))
    checks = (
        ("versions", _versions), ("key", _key), ("default", _defaults), ("options", partial(_options, commands)),
        ("proxies", _proxies), ("server", partial(_server, server_url, usable=not problems)), ("terminal", _terminal),
        ("extras", _extras),
    )  # fmt: skip
    findings = [finding for what, check in checks for finding in _safely(what, check)] + problems
    ready = all(finding.fine is not False for finding in findings)
    if as_json:
        print(json.dumps({"ready": ready, "findings": [asdict(finding) for finding in findings]}))
    else:
        print(*(escaped(str(finding)) for finding in findings), sep="\n")
        print("Ready." if ready else "Not ready: fix the lines marked 'wrong'.")
    raise typer.Exit(0 if ready else 1)


def _safely(what: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a check; if the check itself fails, that is the finding."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001  (the other checks still run)
        yield Finding(what, False, f"cannot be checked: {_without_passwords(str(error)) or type(error).__name__}")


def _environment() -> Iterator[Finding]:
    """Check the variables that httpx and the system use."""
    for problem in check_environment():
        yield Finding("variable", False, _without_passwords(problem.message))


def _versions() -> Iterator[Finding]:
    yield Finding("versions", True, f"openrouter-speech {__version__} (openrouter_speech, openrouter_speech_api)")
    yield Finding(
        "versions", True, f"Python {platform.python_version()} on {platform.system()}, httpx {httpx.__version__}"
    )


def _key() -> Iterator[Finding]:
    if not os.environ.get("OPENROUTER_API_KEY"):
        yield Finding("key", False, "missing: set the variable OPENROUTER_API_KEY")
        return
    try:
        Credential(None).authorization()
    except errors.ConfigurationError as error:
        yield Finding("key", False, str(error))
    else:
        yield Finding("key", True, "OPENROUTER_API_KEY is set (not shown, not sent)")


def _defaults() -> Iterator[Finding]:
    for name in ("model", "voice"):
        variable = f"OPENROUTER_SPEECH_{name.upper()}"
        value = os.environ.get(variable)
        yield Finding(name, True if value else None, one_line(value) if value else f"none: set --{name} or {variable}")


def _options(commands: Mapping[str, Any]) -> Iterator[Finding]:
    """Check the variables of options for invalid values."""
    wrong: dict[str, str] = {}
    for command in (commands["say"], commands["narrate"], *commands["batch"].commands.values()):
        context = typer.Context(command)
        for parameter in command.params:
            variable = parameter.envvar
            if variable and variable != _SERVER_URL and variable not in wrong and os.environ.get(variable):
                wrong[variable] = unreadable(parameter, context) or _refused(
                    parameter.name, parameter.process_value(context, parameter.value_from_envvar(context))
                )
    wrong[HEADERS] = _refused("header", os.environ.get(HEADERS, "").splitlines())
    for variable, message in wrong.items():
        if message:
            yield Finding("variable", False, f"{variable}: {one_line(message).rstrip('.')}; change or unset it")


def _refused(name: str, value: object) -> str:
    """Return the reason why a setting is refused; empty if it is not, or if calls fail for another reason."""
    name = name.removeprefix("of_")
    if name not in Settings.__dataclass_fields__.keys() | OTHERS.keys():
        return ""
    without, message = _reason({}), _reason({"others": {name: value}} if name in OTHERS else {name: value})
    return "" if message == without else message


def _reason(changed: dict[str, Any]) -> str:
    """Return the reason why no call can be built with these settings and harmless others. Nothing is sent."""
    harmless = {"model": "any"}
    app = dict.fromkeys(("http_referer", "x_open_router_title", "x_open_router_categories"), "")
    given = app | {"server_url": SERVER_URL} | changed
    settings = Settings(**given | {"others": harmless | changed.get("others", {})})
    try:
        with warnings.catch_warnings(action="ignore"), settings.open_router(sends=False) as open_router:
            open_router.tts.stream_speech(
                **settings.request(),
                input="Hello",
                response_format=settings.format,
                retries=settings.retry(retries.DEFAULT),
            )
    except (TypeError, ValueError) as error:
        return by_option(str(error))
    return ""


def _proxies() -> Iterator[Finding]:
    proxies = getproxies()
    exempt = proxies.pop("no", None)
    if not proxies:
        yield Finding("proxies", None, "none")
    for scheme, proxy in proxies.items():
        yield Finding("proxies", None, f"{_without_password(proxy)} for {scheme}")
    if exempt:
        yield Finding("proxies", None, f"none for {one_line(exempt)}")


def _without_password(url: str) -> str:
    """Remove the user name and the password from a URL."""
    before, at, after = url.rpartition("@")
    scheme = before.partition("://")[0] + "://" if "://" in before else ""
    return one_line(f"{scheme}{after}" if at else url)


def _without_passwords(message: str) -> str:
    """Remove the user names and passwords of proxies from a message."""
    for url in getproxies().values():
        secret, at, _ = url.rpartition("://")[2].rpartition("@")
        password = secret.partition(":")[2]
        message = message.replace(f"{secret}@", "") if at else message
        message = (
            message.replace(password, "***") if len(password) > 3 else message
        )  # a shorter one is part of many words
    return one_line(message)


def _server(given: str | None, *, usable: bool) -> Iterator[Finding]:
    """Check that the server responds.

    Args:
        given: Its URL.
        usable: Whether to send a request: with invalid variables, it would fail anyway.
    """
    url = given or SERVER_URL
    source = "" if given is None else f"{_SERVER_URL if given == os.environ.get(_SERVER_URL) else '--server-url'}: "
    address = _without_password(url)
    if not _is_address(url) or _refused("server_url", url):
        words = "is not a valid URL: it needs https://, a port up to 65535 if any, and no password"
        yield Finding("server", False, f"{source}{address} {words}")
        return
    if not usable:
        yield Finding("server", None, f"{address} was not checked: fix the variables first")
        return
    begun = time.monotonic()
    try:
        response = httpx.get(url, timeout=_PATIENCE, follow_redirects=False)
    except httpx.TransportError as error:
        reason = _without_passwords(str(error)) or type(error).__name__
        yield Finding("server", False, f"no response from {address}: {reason}")
    except Exception as error:  # noqa: BLE001  (unknown kinds of proxy, missing certificates)
        reason = f"{type(error).__name__}: {_without_passwords(str(error))}"
        yield Finding("server", False, f"{address} cannot be reached ({reason}): check {', '.join(_suspects())}")
    else:
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            yield Finding("server", False, f"{address} fails with status {response.status_code}")
        else:
            yield Finding("server", True, f"{address} responds, after {time.monotonic() - begun:.2f} s")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:  # the port is not a number, or out of range
        return False


def _suspects() -> list[str]:
    """Return the variables set here that affect how a server is reached."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
    return [name for name in os.environ if name.upper() in names] or ["the network"]


def _terminal() -> Iterator[Finding]:
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    if not encoding.startswith("utf"):
        yield Finding(
            "terminal", None, rf"{encoding}: other characters appear as \xe9; PYTHONIOENCODING=utf-8 changes that"
        )


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
    except Exception:  # noqa: BLE001  (not installed, or its metadata is damaged)
        return None
