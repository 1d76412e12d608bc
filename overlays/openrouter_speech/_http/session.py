"""The settings of a client, and how to build a call from them."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypedDict

import httpx
from attrs import fields_dict

from .. import _generated as wire
from .._core import headers
from .._core import retries as policy
from .._core.addresses import host_and_port
from .._core.retries import RetryConfig
from .._generated import UNSET, Unset
from ..errors import ConfigurationError
from .costs import CostLookup
from .credential import Credential
from .pools import AsyncTransport, Connections, timeout
from .sending import Call

if TYPE_CHECKING:
    from .._files import StrPath
    from .cache import SpeechCache
    from .known_models import KnownModels


class CallOptions(TypedDict, total=False):
    """The keyword arguments of every method, beside those of its operation."""

    retries: RetryConfig | Unset | None
    """Which failures to retry in this call; None disables retries."""
    server_url: str | None
    """Another server, for this call."""
    timeout_ms: float | None
    """Milliseconds to wait for the next byte, for this call."""
    http_headers: Mapping[str, str] | None
    """Headers to add or replace in this call."""
    extra_body: Mapping[str, Any] | None
    """Request fields that have no parameter here yet."""
    use_cache: bool
    """Whether to use `OpenRouter(cache_dir=...)` for this call; True by default."""


_GET_GENERATION = wire.OPERATIONS["get_generation"]
CALL_OPTIONS = frozenset(CallOptions.__annotations__)
_warned_of: set[str] = set()
"""Hosts that a warning was issued for; one is enough."""


class Session:
    """The settings of a client. `OpenRouter` documents the arguments."""

    def __init__(
        self,
        *,
        credential: Credential,
        http_referer: str | None,
        x_open_router_title: str | None,
        x_open_router_categories: str | Iterable[str] | None,
        server_url: str | None,
        retry_config: RetryConfig | Unset | None,
        timeout_ms: float | None,
        client: httpx.Client | None,
        async_client: httpx.AsyncClient | None,
        async_transport: AsyncTransport | None,
        check_models: bool,
        cache_dir: "StrPath | SpeechCache | None",
    ) -> None:
        self._credential = credential
        app = {
            "http_referer": http_referer,
            "x_open_router_title": x_open_router_title,
            "x_open_router_categories": x_open_router_categories,
        }
        self._app = {
            name: _app_header_of_environment(name) if value is None else headers.app_header(name, value)
            for name, value in app.items()
        }
        self.server_url = _checked_server_url(server_url or wire.SERVER_URL)
        self._retry = policy.DEFAULT if isinstance(retry_config, Unset) else _retry("retry_config", retry_config)
        self._timeout = timeout(timeout_ms)
        self._own_headers = {"User-Agent": headers.user_agent(httpx.__version__), "Accept": "audio/*, application/json"}
        self._check_models = check_models
        self._cache = _cache(cache_dir)
        self.connections = Connections(client, async_client, async_transport, self.server_url)

    def call(self, operation: wire.Operation, arguments: Mapping[str, Any], *, checks_model: bool = True) -> Call:
        """Build a call.

        Args:
            operation: What to request.
            arguments: Those of the operation, and those in `CallOptions`; required ones may be missing here.
            checks_model: Whether to refuse what the model is known to refuse. False if that was done, or has to wait
                for what is still to come.

        Raises:
            TypeError, ValueError: An argument has a wrong type or value; the message names it.
            ConfigurationError: There is no API key.
        """
        own: CallOptions = {name: arguments[name] for name in CALL_OPTIONS if name in arguments}  # type: ignore[assignment]
        given = {name: value for name, value in arguments.items() if name not in CALL_OPTIONS}
        for name, value in self._app.items():
            if name in operation.parameters and given.get(name) is None:
                given[name] = value
        request = wire.prepare(operation, given, own.get("extra_body"))
        server_url, timeout_ms, retry = own.get("server_url"), own.get("timeout_ms"), own.get("retries", UNSET)
        requested = given.get("response_format")
        server_url = self.server_url if server_url is None else _checked_server_url(server_url)
        returns_audio = operation.success.startswith("audio/")
        if returns_audio and checks_model:
            self.check_model(given, server_url)
        return Call(
            request=request,
            server_url=server_url,
            headers=headers.merged(self._own_headers, request.headers, headers.extra_headers(own.get("http_headers"))),
            authorization=self._credential.authorization(required=operation.needs_key),
            timeout=self._timeout if timeout_ms is None else timeout(timeout_ms),
            retry=self._retry if isinstance(retry, Unset) else _retry("retries", retry),
            response_format=None if requested is None else str(requested),
            returns_audio=returns_audio,
            costs=self.costs(server_url) if returns_audio else None,
            cache=self._cache if returns_audio and own.get("use_cache", True) else None,
        )

    def calls_like(self, first: Call) -> Callable[[Mapping[str, Any]], Call]:
        """Return what builds calls that differ from a first one in some fields of the body, in a third of the time.

        `call` must have accepted these fields before. Each call has the API key of its moment.
        """
        own = {"request", "authorization"}
        build = partial(Call, **{name: getattr(first, name) for name in fields_dict(Call) if name not in own})
        request, common = first.request, first.request.fields()

        def call(fields: Mapping[str, Any]) -> Call:
            authorization = self._credential.authorization(required=True)
            return build(request=request.with_fields({**common, **fields}), authorization=authorization)

        return call

    def check_model(self, arguments: Mapping[str, Any], server_url: str | None = None) -> None:
        """Refuse what the model is known to refuse, unless the user wants no such checks.

        Raises:
            ValueError: The model lacks the voice or the format.
        """
        if self._check_models:
            self.known_models.check(server_url or self.server_url, arguments)

    def settings(self) -> dict[str, Any]:
        """Return the arguments for the same session in another process. The API key is not among them.

        Raises:
            ConfigurationError: An httpx client of the caller's cannot go there.
        """
        milliseconds = self._timeout and self._timeout.read and self._timeout.read * 1000
        return {
            **self._app,
            **self.connections.settings(),
            "server_url": self.server_url,
            "retry_config": None,
            "timeout_ms": milliseconds,
            "check_models": self._check_models,
            "cache_dir": self._cache,
        }

    def key(self) -> str:
        """Return the API key, for a process of our own. Raises as `Credential.fixed` does."""
        return self._credential.fixed()

    def formats_of(self, model: object) -> tuple[str, ...] | None:
        """Return the audio formats of a model, if they are known."""
        from .._core.catalog import habits  # noqa: PLC0415  (as for `known_models`)

        return habits(str(model)).formats if self._check_models else None

    def costs(self, server_url: str) -> CostLookup:
        """Return what looks up costs at a server."""
        return CostLookup(self.connections, partial(self._generation, server_url))

    def _generation(self, server_url: str, generation: str) -> Call:
        return self.call(_GET_GENERATION, {"id": generation, "server_url": server_url})

    @cached_property
    def known_models(self) -> "KnownModels":
        """What is known of the models of each server."""
        from .known_models import KnownModels  # noqa: PLC0415  (the first call needs it, and not the start)

        return KnownModels(None if self._cache is None else self._cache.folder)


def _cache(given: "StrPath | SpeechCache | None") -> "SpeechCache | None":
    if given is None:
        return None
    from .cache import speech_cache  # noqa: PLC0415  (few programs need it)

    return speech_cache(given)


def _app_header_of_environment(name: str) -> str | None:
    variable = f"OPENROUTER_{name.upper()}"
    try:
        return headers.app_header(variable, os.environ.get(variable))
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _checked_server_url(url: object) -> str:
    if not isinstance(url, str):
        raise TypeError(f"server_url must be a str, not {type(url).__name__}")
    if not url.strip().lower().startswith(("https://", "http://")):
        raise ConfigurationError(f"server_url must begin with https:// (or http://) and a host, not {url!r}")
    try:
        host, _ = host_and_port(url.strip())
    except ValueError as error:
        raise ConfigurationError(f"server_url {error}") from None
    parsed = httpx.URL(url.strip())
    if parsed.userinfo:
        raise ConfigurationError("server_url must not contain a user name or password; only the API key is sent")
    if parsed.query or parsed.fragment:
        raise ConfigurationError("server_url must not contain '?' or '#', because the operation's path is appended")
    if parsed.scheme == "http" and not _is_loopback(host) and host not in _warned_of:
        _warned_of.add(host)
        warnings.warn(f"The API key goes to {host} unencrypted: use https://", UserWarning, stacklevel=4)
    return str(parsed).rstrip("/")


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.endswith(".localhost") or host.startswith("127.")


def _retry(name: str, config: object) -> RetryConfig:
    if config is None:
        return policy.NONE
    if not isinstance(config, RetryConfig):
        raise TypeError(f"{name} must be a RetryConfig, or None for no retries, not {type(config).__name__}")
    return config
