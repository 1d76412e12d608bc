"""openapi.yaml as the mock server uses it: operations with their rules and responses."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import yaml
from attrs import frozen

JSON = "application/json"


@frozen
class Problem:
    """A problem with a request: the field and the reason."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class Rule:
    """A schema to validate values against."""

    def __init__(self, document: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
        # Next to the components, so that references resolve.
        self._validator = jsonschema_rs.Draft202012Validator(
            {**schema, "components": document.get("components", {})}, validate_formats=True
        )

    def problems(self, value: object) -> Iterator[Problem]:
        """Yield every problem with a value."""
        for error in self._validator.iter_errors(value):
            path = [str(step) for step in error.instance_path]
            missing = getattr(error.kind, "property", None) if type(error.kind).__name__ == "Required" else None
            if missing is not None:
                yield Problem(".".join([*path, missing]), "this field is required")
            else:
                yield Problem(".".join(path), error.message)


@frozen
class Parameter:
    """A header or a query parameter."""

    name: str
    location: str
    required: bool
    rule: Rule


@frozen
class Answer:
    """A documented response."""

    status: int
    content_type: str | None
    example: Any
    examples: Mapping[str, Any]
    headers: tuple[str, ...]


@frozen
class Operation:
    """A documented operation."""

    method: str
    path: str
    needs_bearer: bool
    parameters: tuple[Parameter, ...]
    body_types: tuple[str, ...]
    body_required: bool
    body_rule: Rule | None
    body_defaults: Mapping[str, Any]
    answers: Mapping[int, Answer]


class Description:
    """An OpenAPI description."""

    def __init__(self, source: bytes) -> None:
        """Parse a description.

        Raises:
            ValueError: It is not OpenAPI 3.1.
        """
        try:
            document = yaml.load(source, Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            raise ValueError(f"The description is not YAML: {error}") from error
        if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3.1"):
            raise ValueError("The description is not OpenAPI 3.1")
        self.document: dict[str, Any] = document
        self.hash = hashlib.sha256(source).hexdigest()
        servers = document.get("servers") or [{"url": "/"}]
        self.base_path = urlsplit(servers[0]["url"]).path.rstrip("/")
        self.operations = tuple(self._operations())

    @property
    def error_statuses(self) -> set[int]:
        """All documented statuses of 400 and above; `4XX`, `5XX` and `default` stand for each one that has no own."""
        return {status for operation in self.operations for status in operation.answers if status >= 400}

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Description":
        """Load a file, or by default the description this package was generated from."""
        if path is None:
            return cls((resources.files("openrouter_speech_api") / "openapi.yaml").read_bytes())
        return cls(Path(path).read_bytes())

    def _operations(self) -> Iterator[Operation]:
        for path, reference in self.document["paths"].items():
            item = self._resolved(reference)
            for method in ("get", "put", "post", "delete", "options", "head", "patch", "trace"):
                if method in item:
                    shared = item.get("parameters", [])
                    yield self._operation(method.upper(), path, item[method], shared)

    def _operation(self, method: str, path: str, operation: dict[str, Any], shared: list[Any]) -> Operation:
        body = self._resolved(operation.get("requestBody", {}))
        content = body.get("content", {})
        schema = content.get(JSON, {}).get("schema")
        parameters = [self._resolved(parameter) for parameter in [*shared, *operation.get("parameters", [])]]
        return Operation(
            method=method,
            path=path,
            needs_bearer=self._needs_bearer(operation),
            parameters=tuple(
                Parameter(
                    name=parameter["name"],
                    location=parameter["in"],
                    required=parameter.get("required", False),
                    rule=Rule(self.document, parameter.get("schema", {})),
                )
                for parameter in parameters
            ),
            body_types=tuple(content),
            body_required=body.get("required", False),
            body_rule=None if schema is None else Rule(self.document, schema),
            body_defaults={} if schema is None else self._defaults(schema),
            answers={
                status: self._answer(status, operation["responses"][pattern])
                for pattern, statuses in _patterns(operation["responses"])
                for status in statuses
            },
        )

    def _answer(self, status: int, answer: dict[str, Any]) -> Answer:
        answer = self._resolved(answer)
        content: dict[str, Any] = answer.get("content", {})
        content_type = next(iter(content), None)
        media = content[content_type] if content_type else {}
        examples = {name: self._resolved(example).get("value") for name, example in media.get("examples", {}).items()}
        return Answer(
            status=status,
            content_type=content_type,
            example=media.get("example", next(iter(examples.values()), None)),
            examples=examples,
            headers=tuple(answer.get("headers", {})),
        )

    def _needs_bearer(self, operation: dict[str, Any]) -> bool:
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        alternatives = operation.get("security", self.document.get("security", []))
        bearers = {name for name, scheme in schemes.items() if self._resolved(scheme).get("scheme") == "bearer"}
        return bool(alternatives) and all(bearers & alternative.keys() for alternative in alternatives)

    def _defaults(self, schema: dict[str, Any]) -> dict[str, Any]:
        properties = self._resolved(schema).get("properties", {})
        resolved = {name: self._resolved(property_) for name, property_ in properties.items()}
        return {name: property_["default"] for name, property_ in resolved.items() if "default" in property_}

    def _resolved(self, node: Any) -> Any:
        """Follow a node's references."""
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node


def _patterns(responses: Mapping[str, Any]) -> Iterator[tuple[str, Iterable[int]]]:
    """Yield the keys of the responses with the statuses they stand for, the least exact first."""
    for pattern in sorted(responses, key=lambda pattern: (pattern != "default", str(pattern).isdecimal())):
        text = str(pattern).upper()
        if text == "DEFAULT":
            yield pattern, range(400, 600)
        elif text.endswith("XX"):
            yield pattern, range(int(text[0]) * 100, int(text[0]) * 100 + 100)
        elif not text.startswith("X-"):
            yield pattern, [int(text)]
