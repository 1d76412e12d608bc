"""The options that `say`, `narrate` and `batch` share. All times are in seconds."""

# A dataclass, and no import of the client or the models: --help loads this module, and has to be fast.
import functools
import inspect
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from openrouter_speech_api.operations import OPERATIONS, SCHEMAS, Parameter

from .._core.checks import Checker
from . import completion

if TYPE_CHECKING:
    from pathlib import Path

    from .._core.retries import RetryConfig
    from ..client import OpenRouter

VOICE, SERVICE, APP, OUTPUT = "The voice", "The service", "Your app", "Output"

HEADERS = "OPENROUTER_SPEECH_HEADERS"
"""The variable for headers, one per line."""


def option(
    panel: str | None, text: str, *names: str, env: str | None = None, show_default: bool = False, **more: Any
) -> Any:
    """Define an option in a panel of the help. `env` gets the prefix OPENROUTER_SPEECH_ unless it has OPENROUTER_."""
    variable = env if env is None or env.startswith("OPENROUTER_") else f"OPENROUTER_SPEECH_{env}"
    return typer.Option(*names, help=text, envvar=variable, rich_help_panel=panel, show_default=show_default, **more)


def not_negative(seconds: float | None) -> float | None:
    """Check that a duration is finite, and 0 or more."""
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise typer.BadParameter(f"{seconds} is not a number of seconds, 0 or more")
    return seconds


def positive(seconds: float | None) -> float | None:
    """Check that a duration is finite, and more than 0."""
    if seconds is not None and not 0 < seconds < float("inf"):
        raise typer.BadParameter(f"{seconds} is not a number of seconds greater than 0")
    return seconds


def unreadable(parameter: Any, context: typer.Context) -> str | None:
    """Return the problem with the variable of an option; None if it is valid or not set."""
    try:
        value = parameter.value_from_envvar(context)
        if value is not None:
            parameter.process_value(context, value)
    except typer.BadParameter as error:
        return error.message
    return None


_OPERATION = OPERATIONS["create_speech"]
_CHECKER = Checker(SCHEMAS)
_OWN = {"input", "response_format", "input_references"} | {
    "http_referer", "x_open_router_title", "x_open_router_categories",
}  # fmt: skip
"""Parameters of the operation with an argument or option that is written by hand, below."""
_COMPLETIONS = {"model": completion.models, "voice": completion.voices}
_SHORT = {"model": "-m", "voice": "-v", "speed": "-s"}
_SCALARS: dict[str, type] = {"string": str, "number": float, "integer": int, "boolean": bool}

_METAVARS: dict[type | None, str | None] = {None: "JSON", str: "TEXT", float: "NUMBER", int: "COUNT", bool: None}

_TAKEN = frozenset({"help", "text", "file", "output", "play", "book", "dry_run", "srt", "vtt"}) | {
    "heading", "language", "say", "voice_of", "turns", "retry_suspicious",
    "rows", "name", "rate", "shard", "skip_invalid", "metadata", "upload", "failed",
    "convert_to", "cluster",
    "limit", "limit_unit", "pause", "concurrency", "folder", "format", "provider_options", "reference", "transcript",
    "header", "timeout", "retry_wait", "retry_for", "retry_maybe_billed", "json", "debug",
    "retries", "server_url", "check_models", "cache", "cost", "max_cost",
}  # fmt: skip
"""Options of our own. A parameter of the same name gets the prefix --api-."""

OTHERS = {name: parameter for name, parameter in _OPERATION.parameters.items() if name not in _OWN}
"""Parameters of the operation whose option comes from openapi.yaml."""


def _type(parameter: Parameter) -> type | None:
    """Return the type of a parameter's option; None if it takes JSON."""
    types = _CHECKER.types(parameter.schema) or ()
    return next((_SCALARS[name] for name in _SCALARS if name in types), None)


def option_of(name: str) -> str:
    """Return the option of a parameter that comes from openapi.yaml."""
    name = name.rstrip("_")
    return f"--{'api-' if name in _TAKEN else ''}{name.replace('_', '-')}"


def _variable(name: str) -> str:
    return option_of(name)[2:].replace("-", "_").upper()


def _from_description(name: str, parameter: Parameter) -> inspect.Parameter:
    """Make the option of a parameter, as `Settings` has them."""
    kind = _type(parameter)
    metavar = _METAVARS[kind]
    text = parameter.description + (" As JSON." if kind is None else "")
    names = [option_of(name), *([_SHORT[name]] if name in _SHORT else [])]
    made = option(VOICE, text, *names, env=_variable(name), metavar=metavar, autocompletion=_COMPLETIONS.get(name))
    return inspect.Parameter(
        f"of_{name}", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[(kind or str) | None, made]
    )


@dataclass(frozen=True)
class Settings:
    """The settings of a call and of its output."""

    format: Annotated[
        str | None,
        option(
            VOICE, "The format to request: mp3 or pcm. For say, the suffix of -o overrides the variable.",
            "--format", env="FORMAT", metavar="FORMAT",
        ),
    ] = None  # fmt: skip
    provider_options: Annotated[
        str | None,
        option(
            VOICE, 'Provider options, as JSON: \'{"openai": {"instructions": "Speak warmly."}}\'.',
            "--provider-options", env="PROVIDER_OPTIONS", metavar="JSON",
        ),
    ] = None  # fmt: skip
    reference: Annotated[
        list[str] | None,
        option(VOICE, "A recording of the voice to clone: a file or a URL; repeatable.", "--reference", metavar="FILE"),
    ] = None
    transcript: Annotated[
        list[str] | None,
        option(VOICE, "What is said in the recording; repeatable, in the same order.", "--transcript", metavar="TEXT"),
    ] = None
    server_url: Annotated[
        str | None,
        option(SERVICE, "Use another server, such as the mock.", "--server-url", env="SERVER_URL", metavar="URL"),
    ] = None
    header: Annotated[
        list[str] | None,
        option(
            SERVICE, f"Add a header, as 'Name: value'; repeatable. The variable {HEADERS} holds one per line.",
            "--header", "-H", metavar="HEADER",
        ),
    ] = None  # fmt: skip
    timeout: Annotated[
        float | None,
        option(
            SERVICE, "Wait at most this long for the next byte (120).",
            "--timeout", env="TIMEOUT", metavar="SECONDS", callback=positive,
        ),
    ] = None  # fmt: skip
    retries: Annotated[
        int | None,
        option(
            SERVICE,
            "Retry at most this many times; 0 for never (say: 2, narrate and batch: 10).",
            "--retries",
            env="RETRIES",
            min=0,
            metavar="COUNT",
        ),
    ] = None
    retry_wait: Annotated[
        float | None,
        option(
            SERVICE, "Wait this long before the first retry (0.5), and longer before each one after it.",
            "--retry-wait", env="RETRY_WAIT", metavar="SECONDS", callback=not_negative,
        ),
    ] = None  # fmt: skip
    retry_for: Annotated[
        float | None,
        option(
            SERVICE, "Stop retrying after this long (say: 60, narrate and batch: 600).",
            "--retry-for", env="RETRY_FOR", metavar="SECONDS", callback=not_negative,
        ),
    ] = None  # fmt: skip
    retry_maybe_billed: Annotated[
        bool,
        option(
            SERVICE, "Also retry requests that may have been charged, at the risk of paying twice.",
            "--retry-maybe-billed", env="RETRY_MAYBE_BILLED",
        ),
    ] = False  # fmt: skip
    cache: Annotated[
        bool,
        option(
            SERVICE, "Keep the audio of each request, and use it for identical ones; see openrouter-speech cache (no).",
            "--cache/--no-cache", env="CACHE",
        ),
    ] = False  # fmt: skip
    check_models: Annotated[
        bool,
        option(
            SERVICE, "Refuse what the model is known to refuse, before it is sent (yes).",
            "--check-models/--no-check-models", env="CHECK_MODELS",
        ),
    ] = True  # fmt: skip
    http_referer: Annotated[
        str | None, option(APP, "The URL of your app.", "--http-referer", env="OPENROUTER_HTTP_REFERER", metavar="URL")
    ] = None
    x_open_router_title: Annotated[
        str | None,
        option(
            APP, "The name of your app.", "--x-open-router-title", env="OPENROUTER_X_OPEN_ROUTER_TITLE", metavar="NAME"
        ),
    ] = None
    x_open_router_categories: Annotated[
        str | None,
        option(
            APP, "The categories of your app, comma-separated.",
            "--x-open-router-categories", env="OPENROUTER_X_OPEN_ROUTER_CATEGORIES", metavar="LIST",
        ),
    ] = None  # fmt: skip
    others: dict[str, Any] = field(default_factory=dict)
    """The options that come from openapi.yaml, by parameter."""
    json: Annotated[bool, option(OUTPUT, "Print the result as JSON.", "--json", env="JSON")] = False
    debug: Annotated[
        bool, option(OUTPUT, "Log each attempt, and show the traceback of an error.", "--debug", env="DEBUG")
    ] = False

    def open_router(self, *, sends: bool = True, needs_key: bool = True) -> "OpenRouter":
        """Create a client. The library reads the key from the environment.

        Args:
            sends: Whether anything is sent; if not, the key is not used.
            needs_key: Whether the key has to be there.

        Raises:
            ValueError: The key is missing, or a setting is invalid.
        """
        from ..client import OpenRouter

        if sends and needs_key and not os.environ.get("OPENROUTER_API_KEY"):
            raise ValueError("The API key is missing: set the variable OPENROUTER_API_KEY")
        return OpenRouter(
            None if sends else "none",
            server_url=self.server_url,
            timeout_ms=None if self.timeout is None else self.timeout * 1000,
            http_referer=self.http_referer,
            x_open_router_title=self.x_open_router_title,
            x_open_router_categories=self.x_open_router_categories,
            check_models=self.check_models,
            cache_dir=self.cache_dir() if self.cache else None,
        )

    @staticmethod
    def cache_dir() -> "Path":
        """Return the folder for audio and look-ups.

        Raises:
            ValueError: The system has none.
        """
        from .._http.lookups import cache_folder

        if (folder := cache_folder()) is None:
            raise ValueError("There is no folder for a cache: set the variable OPENROUTER_SPEECH_CACHE_DIR")
        return folder

    def request(self, *, complete: bool = True) -> dict[str, Any]:
        """Return the arguments of a call, except for its text, format and retries.

        Args:
            complete: Whether a required one must be there. The rows of a batch may have it.

        Raises:
            ValueError: A setting is missing or invalid.
        """
        for name, parameter in OTHERS.items():
            if complete and parameter.required and not self.others.get(name):
                variable = f"OPENROUTER_SPEECH_{_variable(name)}"
                raise ValueError(f"The {name} is missing: pass {option_of(name)}, or set {variable}")
        params = {name: self._other(name, value) for name, value in self.others.items() if value is not None}
        return {
            **params,
            "provider": self._provider(params.get("provider")),
            "input_references": self._references() or None,
            "http_headers": self.headers(),
        }

    def retry(self, default: "RetryConfig") -> "RetryConfig":
        """Return the retries of a call: `default`, changed by the options."""
        from .._core.retries import BackoffStrategy, RetryConfig

        usual = default.backoff
        scale = 1 if self.retry_wait is None else self.retry_wait * 1000 / usual.initial_interval
        backoff = BackoffStrategy(
            usual.initial_interval * scale,
            usual.max_interval * scale,
            usual.exponent,
            usual.max_elapsed_time if self.retry_for is None else self.retry_for * 1000,
            jitter_ms=None if usual.jitter_ms is None else usual.jitter_ms * scale,
        )
        return RetryConfig(
            "backoff",
            backoff,
            default.retry_connection_errors,
            max_retries=default.max_retries if self.retries is None else self.retries,
            retry_maybe_billed=self.retry_maybe_billed,
        )

    def _provider(self, provider: Any) -> Any:
        if self.provider_options is None:
            return provider
        options = _parsed("provider-options", self.provider_options)
        if not isinstance(options, dict) or not all(isinstance(value, dict) for value in options.values()):
            raise ValueError('--provider-options must be objects by provider: {"openai": {"instructions": "..."}}')
        return {**(provider if isinstance(provider, dict) else {}), "options": options}

    def _references(self) -> list[Any]:
        from .._references import reference_clip

        recordings, transcripts = self.reference or [], self.transcript or []
        if len(transcripts) not in {0, len(recordings)}:
            raise ValueError("--transcript must be given for each --reference, in the same order, or not at all")
        pairs = itertools.zip_longest(recordings, transcripts)
        return [part for recording, transcript in pairs for part in reference_clip(recording, transcript)]

    def _other(self, name: str, value: Any) -> Any:
        return _parsed(option_of(name)[2:], value) if _type(OTHERS[name]) is None else value

    def headers(self) -> dict[str, str]:
        """Return the headers to add.

        Raises:
            ValueError: One has no colon.
        """
        headers = {}
        for line in filter(str.strip, self.header or ()):
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"--header takes 'Name: value'; the one that starts with {name[:20]!r} has no colon")
            headers[name.strip()] = value.strip()
        return headers


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"--{name} is not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError(f"--{name} is nested too deeply") from error


def with_settings(command: Callable[..., None], *, voice: bool = True) -> Callable[..., None]:
    """Add the options of `Settings` to a command, which gets them as `settings`; without `voice`, only the others."""
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]
    shared = [p for p in inspect.signature(Settings).parameters.values() if p.name != "others"]
    shared = [p for p in shared if voice or p.annotation.__metadata__[0].rich_help_panel in {SERVICE, OUTPUT}]
    described = [_from_description(name, parameter) for name, parameter in OTHERS.items()] if voice else []

    @functools.wraps(command)
    def called(**values: Any) -> None:
        values["header"] = [*os.environ.get(HEADERS, "").splitlines(), *(values["header"] or ())]
        others = {name: values.pop(f"of_{name}") for name in OTHERS if voice}
        settings = Settings(**{p.name: values.pop(p.name) for p in shared}, others=others)
        command(**values, settings=settings)

    keyword = inspect.Parameter.KEYWORD_ONLY
    called.__signature__ = inspect.Signature([p.replace(kind=keyword) for p in (*own, *described, *shared)])  # type: ignore[attr-defined]
    return called
