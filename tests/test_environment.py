"""Settings that httpx cannot use are reported before anything is sent."""

import asyncio
import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
from openrouter_speech import OpenRouter, errors
from openrouter_speech._core.addresses import host_and_port
from openrouter_speech._http import environment

from .conftest import KEY, REQUEST, Connect
from .wire.answers import GOOD
from .wire_server import Connection, WireServer

PROBLEMS = [
    ("ALL_PROXY", "socks5://127.0.0.1:1080", r"ALL_PROXY .* pip install 'openrouter-speech\[socks\]'"),
    ("https_proxy", "socks5h://127.0.0.1:1080", "https_proxy names a SOCKS proxy"),
    ("HTTPS_PROXY", "socks4://127.0.0.1:1080", "HTTPS_PROXY names a proxy of the kind 'socks4'"),
    ("HTTP_PROXY", "127.0.0.1:0", "HTTP_PROXY has the port 0; ports go from 1 to 65535"),
    ("HTTP_PROXY", "http://127.0.0.1:port", "HTTP_PROXY is not a URL"),
    ("NO_PROXY", "localhost,[::1]", r"NO_PROXY has '\[::1\]', which httpx cannot read"),
    ("no_proxy", "fe80::/10", "no_proxy has 'fe80::/10', which httpx cannot read"),
    ("SSL_CERT_FILE", "/missing/ca.pem", "SSL_CERT_FILE names /missing/ca.pem, which cannot be read"),
    ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE names .*, in which there is no certificate"),
    ("SSL_CERT_DIR", "/missing/certificates", "SSL_CERT_DIR names /missing/certificates, which is not a folder"),
    ("SSLKEYLOGFILE", "/missing/keys.log", "SSLKEYLOGFILE names /missing/keys.log, which cannot be written"),
]


@pytest.fixture(autouse=True)
def no_socks_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda _: None)


@pytest.mark.parametrize(("variable", "value", "message"), PROBLEMS)
def test_a_setting_that_httpx_cannot_use_is_named(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    (problem,) = environment.check_environment()
    assert problem.variable == variable
    with pytest.raises(errors.ConfigurationError, match=message), environment.explained():
        pass


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "http://user:password@proxy.test:8080"),
        ("HTTPS_PROXY", "proxy.test:8080"),
        ("ALL_PROXY", ""),
        ("NO_PROXY", "localhost, .example.test,127.0.0.1,::1,10.0.0.0/8,https://example.test,,example.test:8080"),
        ("NO_PROXY", "*"),
        ("SSL_CERT_FILE", ""),
    ],
)
def test_a_setting_that_httpx_can_use_is_no_problem(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    assert environment.check_environment("10.1.2.3") == []
    httpx.Client().close()


def test_a_disabled_proxy_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", "*")
    assert environment.check_environment() == []
    assert not environment.uses_socks()


@pytest.mark.parametrize(("host", "problems"), [("10.1.2.3", 1), ("11.1.2.3", 0), ("example.test", 0)])
def test_a_network_in_no_proxy_is_a_problem_for_its_addresses(
    host: str, problems: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpx would send the request, and the key, to the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:8080")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,127.0.0.0/33")
    assert len(environment.check_environment(host)) == problems


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:secret@127.0.0.1:1080")
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:99999")
    assert "secret" not in str(environment.check_environment())


def test_any_other_failure_to_make_a_client_is_explained() -> None:
    with pytest.raises(errors.ConfigurationError, match="for proxies or certificates cannot be used: new rule"):
        with environment.explained():
            raise ValueError("new rule")


@pytest.mark.parametrize(("variable", "value", "message"), [PROBLEMS[0], PROBLEMS[5]])
def test_a_call_fails_before_anything_is_sent(
    connect: Connect, variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with WireServer(GOOD) as server:
        caller = connect(server_url=server.url)
        with pytest.raises(errors.ConfigurationError, match=message):
            caller.create()
        assert server.connections == 0
        monkeypatch.delenv(variable)
        assert caller.create().content == bytes(480)  # the failure is not cached


@contextmanager
def socks_proxy() -> Iterator[tuple[str, list[int]]]:
    """Start a SOCKS5 proxy (RFC 1928) that responds itself. Provide its URL, and the requested ports."""
    requested: list[int] = []

    def serve() -> None:
        with listener.accept()[0] as client, client.makefile("rb") as stream:
            stream.read(stream.read(2)[1])
            client.sendall(b"\x05\x00")
            requested.append(int.from_bytes(stream.read(10)[-2:]))
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            stream.readline()
            GOOD(Connection(client))
            stream.read()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"socks5://127.0.0.1:{listener.getsockname()[1]}", requested
        thread.join()


@pytest.mark.parametrize("transport", ["sync", "httpx", None])
def test_a_socks_proxy_is_used(transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Awaited calls use it too where aiohttp is installed, which does not support SOCKS."""
    monkeypatch.setattr(environment, "find_spec", find_spec)
    with socks_proxy() as (proxy, requested_ports):
        monkeypatch.setenv("ALL_PROXY", proxy)
        if transport == "sync":
            with OpenRouter(KEY, server_url="http://127.0.0.1:81") as open_router:
                open_router.tts.create_speech(**REQUEST)
        else:
            open_router = OpenRouter(KEY, server_url="http://127.0.0.1:81", async_transport=transport)
            asyncio.run(open_router.tts.create_speech_async(**REQUEST))
    assert requested_ports == [81]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("answer", [b"", b"\x05\xff", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_socks_proxy_that_hangs_up_is_a_connection_error(
    monkeypatch: pytest.MonkeyPatch, is_async: bool, answer: bytes
) -> None:
    """It leaves no connection: gc.collect() would raise a warning."""
    monkeypatch.setattr(environment, "find_spec", find_spec)

    def serve() -> None:
        with listener.accept()[0] as client:
            client.recv(3)  # the greeting
            client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{listener.getsockname()[1]}")
        open_router = OpenRouter(KEY, server_url="http://127.0.0.1:81", retry_config=None)

        def call() -> None:
            if is_async:
                asyncio.run(open_router.tts.create_speech_async(**REQUEST))
            else:
                open_router.tts.create_speech(**REQUEST)

        with open_router, pytest.raises(errors.APIConnectionError, match=r"SOCKS|proxy") as raised:
            call()
        thread.join()
        gc.collect()
    assert not raised.value.maybe_billed


@pytest.mark.parametrize("is_async", [False, True])
def test_a_socks_proxy_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    """httpcore would wait forever, and leave the connection open."""
    monkeypatch.setattr(environment, "find_spec", find_spec)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{listener.getsockname()[1]}")
        with OpenRouter(KEY, server_url="http://127.0.0.1:81", retry_config=None, timeout_ms=50) as open_router:

            def call() -> None:
                if is_async:
                    asyncio.run(open_router.tts.create_speech_async(**REQUEST))
                else:
                    open_router.tts.create_speech(**REQUEST)

            with pytest.raises(errors.APITimeoutError, match="while connecting") as raised:
                call()
    gc.collect()
    assert not raised.value.maybe_billed


def test_aiohttp_cannot_be_required_with_a_socks_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    assert OpenRouter(KEY)._session.connections._can_use_aiohttp() is False
    with pytest.raises(errors.ConfigurationError, match="aiohttp cannot use the environment's SOCKS proxy"):
        OpenRouter(KEY, async_transport="aiohttp")._session.connections._can_use_aiohttp()


@pytest.mark.parametrize(
    ("server_url", "message"),
    [
        ("https://openrouter.test:65536", "server_url has the port 65536; ports go from 1 to 65535"),
        ("https://[::1]:70000", "server_url has the port 70000"),
        ("https://openrouter.test:0/v1", "server_url has the port 0"),
        ("https://openrouter.test:port", "server_url is not a URL"),
        ("https://xn--a", "server_url is not a URL"),
        ("https://open router.test", "server_url names 'open%20router.test', which is not a host"),
        ("https://", "server_url names no host"),
        ("openrouter.test", "server_url must begin with https://"),
    ],
)
def test_an_invalid_server_url_is_rejected(server_url: str, message: str) -> None:
    """The system takes a port above 65535 modulo 65536, so the key would go to another server."""
    with pytest.raises(errors.ConfigurationError, match=message):
        OpenRouter(KEY, server_url=server_url)
    with OpenRouter(KEY) as open_router, pytest.raises(errors.ConfigurationError, match=message):
        open_router.tts.create_speech(**(REQUEST | {"server_url": server_url}))


def test_a_url_has_a_host_and_a_port() -> None:
    assert host_and_port("https://[::1]:8080/v1") == ("::1", 8080)
    assert host_and_port("https://bücher.example") == ("bücher.example", None)


@pytest.mark.parametrize("name", ["http_referer", "x_open_router_title", "x_open_router_categories"])
def test_a_variable_that_no_header_can_hold_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"OPENROUTER_{name.upper()}", "two\nlines")
    with pytest.raises(errors.ConfigurationError, match=f"OPENROUTER_{name.upper()} has"):
        OpenRouter(KEY)


def test_a_given_client_is_checked_at_once_and_again_before_each_call(connect: Connect) -> None:
    """It belongs to the caller, who may change it, and then close it."""
    clients: dict[str, Any] = {"client": httpx.Client(), "async_client": httpx.AsyncClient()}
    with WireServer(GOOD) as server:
        caller = connect(server_url=server.url, **clients)
        assert caller.create().content == bytes(480)
        for given in clients.values():
            given.auth = ("user", "password")
        with pytest.raises(errors.ConfigurationError, match="would replace the API key"):
            caller.create()
        assert len(server.requests) == 1
    for name, given in clients.items():
        with pytest.raises(errors.ConfigurationError, match=rf"The {name} that you passed has auth=\.\.\."):
            OpenRouter(KEY, **{name: given})
    clients["client"].close()
    asyncio.run(clients["async_client"].aclose())
    for name, given in clients.items():
        with pytest.raises(errors.ConfigurationError, match=f"The {name} that you passed is closed"):
            OpenRouter(KEY, **{name: given})
