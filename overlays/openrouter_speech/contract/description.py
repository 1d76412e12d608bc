"""The description, as Schemathesis reads it."""

import json
import tomllib
from collections.abc import Collection
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import schemathesis
import yaml
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.result import Err

from . import checks  # noqa: F401  (registers them)
from .facts import operations

SETTINGS = resources.files(__package__) / "schemathesis.toml"


TIMEOUT = 10.0
"""Seconds to wait for a response."""


class InputError(ValueError):
    """The contract tests cannot run with this URL, key or description."""


def base_url(url: str) -> str:
    """Return the URL of a server, without a slash at its end.

    Raises:
        InputError: It is none, or holds a password.
    """
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise InputError(f"{url!r} is no URL of a server: it needs http:// or https://, and a host")
    if "@" in parts.netloc:
        raise InputError("the URL holds a password, which would be in the report: leave it out")
    if parts.query or parts.fragment:
        raise InputError(f"{url!r} is no base URL: it has a query or a fragment")
    return url.rstrip("/")


def schema(
    url: str,
    description: str | Path | None,
    *,
    key: str = "",
    seed: int | None = None,
    examples: int = 1,
    without: Collection[str] = (),
) -> Any:
    """Load a description for a server.

    Args:
        url: The base URL of the server.
        description: An OpenAPI file; by default the one of this package.
        key: The key for requests that Schemathesis sends.
        seed: Chooses the generated requests; by default the one in schemathesis.toml.
        examples: How many requests are generated.
        without: Operations to leave out, such as "GET /models".

    Raises:
        InputError: The file cannot be read, or is no description.
    """
    config = tomllib.loads(SETTINGS.read_text("utf-8"))
    config["base-url"] = url
    config["request-timeout"] = TIMEOUT
    config["generation"]["max-examples"] = examples
    config["seed"] = config["seed"] if seed is None else seed
    try:
        if description is None:
            text = (resources.files("openrouter_speech_api") / "openapi.yaml").read_text("utf-8")
        else:
            text = Path(description).read_text("utf-8")
        if without:
            text = _without(text, without)
        loaded = schemathesis.openapi.from_file(text, config=schemathesis.Config.from_dict(config))
        # The name that the description has for the key: the check for ignored credentials can leave that one out.
        secured = loaded.raw_schema.get("components", {}).get("securitySchemes", {})
        bearers = [name for name, scheme in secured.items() if scheme.get("scheme", "").lower() == "bearer"]
        if key:
            config["auth"] = {"openapi": {name: {"bearer": key} for name in bearers}}
            loaded = schemathesis.openapi.from_file(text, config=schemathesis.Config.from_dict(config))
        if not loaded.statistic.operations.total:
            raise InputError(f"{description} describes no operation")
        for operation in loaded.get_all_operations():
            if isinstance(operation, Err):
                raise operation.err()
        for each in operations(loaded.raw_schema):
            list(each.facts())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{description} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from error
    except InputError:
        raise
    except (SchemathesisError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise InputError(f"{description} is not an OpenAPI description: {reason}") from error
    return loaded


def _without(text: str, operations: Collection[str]) -> str:
    content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (both are safe)
    for operation in operations:
        method, path = operation.split(" ", 1)
        del content["paths"][path][method.lower()]
        if not content["paths"][path]:
            del content["paths"][path]
    return json.dumps(content)
