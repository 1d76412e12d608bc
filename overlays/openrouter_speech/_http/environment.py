"""Check the environment's settings for proxies and certificates before httpx uses them."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.request import getproxies

import httpx

from .._core.addresses import host_and_port
from ..errors import ConfigurationError

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
"""Those that httpx supports."""


class Problem(NamedTuple):
    """An environment setting that would break or misdirect calls."""

    variable: str
    message: str
    """A sentence that names the variable and the fix. It has no password."""


def check_environment(host: str = "") -> list[Problem]:
    """Find settings that httpx cannot use.

    Args:
        host: The server's host. If it is an address in a network that `NO_PROXY` exempts, that is a problem: httpx
            would use the proxy anyway.
    """
    return [*_proxy_problems(), *_no_proxy_problems(host), *_certificate_problems()]


def uses_socks() -> bool:
    """Whether the environment names a SOCKS proxy, which aiohttp does not support."""
    return any(url.lower().startswith("socks") for url in _proxies().values())


@contextmanager
def explained(host: str = "") -> Iterator[None]:
    """Explain failures to make an httpx client that the environment causes.

    Raises:
        ConfigurationError: The environment is at fault; the message names the variable.
    """
    for problem in check_environment(host):
        raise ConfigurationError(problem.message)
    try:
        yield
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"The environment's settings for proxies or certificates cannot be used: {error}"
        ) from error


def _proxies() -> dict[str, str]:
    """Return the proxies by scheme, as httpx sees them."""
    found = getproxies()
    if "*" in _exempt(found.get("no", "")):
        return {}
    return {scheme: found[scheme] for scheme in ("http", "https", "all") if found.get(scheme)}


def _exempt(no_proxy: str) -> list[str]:
    return [entry.strip() for entry in no_proxy.split(",") if entry.strip()]


def _proxy_problems() -> Iterator[Problem]:
    for scheme, proxy in _proxies().items():
        variable = _variable(f"{scheme}_proxy")
        if (reason := _proxy_error(proxy if "://" in proxy else f"http://{proxy}")) is not None:
            yield Problem(variable, f"{variable} {reason}")


def _proxy_error(proxy: str) -> str | None:
    """Return what is wrong with a proxy's URL, to follow the name of its variable."""
    scheme = proxy.partition("://")[0].lower()
    if scheme not in _PROXY_SCHEMES:
        return f"names a proxy of the kind {scheme!r}; supported are http://, https://, socks5:// and socks5h://"
    if scheme.startswith("socks") and find_spec("socksio") is None:
        return "names a SOCKS proxy, which needs the package socksio: pip install 'openrouter-speech[socks]'"
    try:
        host_and_port(proxy)
    except ValueError as error:
        return f"{error}; write a proxy as http://proxy.example:8080"
    return None


def _no_proxy_problems(host: str) -> Iterator[Problem]:
    variable = _variable("no_proxy")
    proxies = _proxies()
    for entry in _exempt(getproxies().get("no", "")):
        if not _is_readable(entry):
            yield Problem(
                variable,
                f"{variable} has {entry!r}, which httpx cannot read: use names and addresses, without brackets or IPv6 "
                "networks",
            )
        elif proxies and _is_in_network(host, entry):
            yield Problem(
                variable,
                f"{variable} has the network {entry}, which httpx does not exempt: add the address {host} to it",
            )


def _is_readable(entry: str) -> bool:
    """Whether httpx can parse an entry. If it cannot, making any client fails."""
    try:
        address = ip_address(entry.partition("/")[0])
    except ValueError:
        pattern = entry if "://" in entry else f"all://*{entry}"
    else:
        pattern = f"all://[{entry}]" if address.version == 6 else f"all://{entry}"
    try:
        return httpx.URL(pattern) is not None
    except httpx.InvalidURL:
        return entry == "*"


def _is_in_network(host: str, entry: str) -> bool:
    if "/" not in entry:
        return False
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return False


def _certificate_problems() -> Iterator[Problem]:
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file and (reason := _no_certificates(file)) is not None:
        yield Problem("SSL_CERT_FILE", f"SSL_CERT_FILE names {file}, {reason}: unset it, or name a file in PEM")
    elif folder and not file and not Path(folder).is_dir():
        yield Problem("SSL_CERT_DIR", f"SSL_CERT_DIR names {folder}, which is not a folder: unset it, or name a folder")
    log = os.environ.get("SSLKEYLOGFILE")
    if log and (Path(log).is_dir() or not os.access(Path(log).parent, os.W_OK)):
        yield Problem("SSLKEYLOGFILE", f"SSLKEYLOGFILE names {log}, which cannot be written: unset it")


def _no_certificates(file: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        return "in which there is no certificate"
    except OSError as error:
        return f"which cannot be read ({error.strerror})"
    return None


def _variable(name: str) -> str:
    """Return the variable's name as it is set: lower case takes precedence. Windows and macOS have system settings."""
    return next((known for known in (name, name.upper()) if os.environ.get(known)), f"{name.upper()} (of the system)")
