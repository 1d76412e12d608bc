"""`make generate`: run openapi-python-client, and give its templates what its own data leaves out.

The generator drops the bounds of a schema, and has no template for the parameters of a call, the class of an error or
a page of documentation. Here each template also gets the description itself, and some modules are added.
"""

import keyword
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import openapi_python_client as generator
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import EnumProperty, LiteralEnumProperty, ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import ClassName, snake_case

from . import ToolError
from .cut import WORDING, mapped
from .document import Document, read

_ADDED = ("operations.py", "params.py", "status_errors.py", "reference.md")
"""Files of the package that the generator does not write itself, each with a template of ours."""

_RESERVED = frozenset({"self", "path", "text", "retries", "server_url", "timeout_ms", "http_headers", "extra_body"}) | {
    "use_cache", "convert", "max_cost", "cost",
    "heading", "language", "limit", "limit_unit", "pause_ms", "concurrency", "folder", "on_progress",
    "say", "voices", "turns", "retry_suspicious",
    "rows", "name", "rate", "shard", "skip_invalid", "retry_failed", "metadata", "upload", "on_row",
    "convert_to", "cluster",
}  # fmt: skip
"""Parameters of our own methods. A field of the same name gets an underscore."""

_STATUS_NAMES = {413: "PayloadTooLarge", 414: "UriTooLong", 416: "RangeNotSatisfiable", 422: "UnprocessableEntity"} | {
    418: "ImATeapot",
    500: "InternalServer",
}
"""Where `http.HTTPStatus` depends on Python's version, or is longer than it has to be."""


class Parameter(NamedTuple):
    """A keyword argument of a call."""

    keyword: str
    name: str
    """The name on the wire."""
    location: str
    """Where it is sent: "body", "header", "path" or "query"."""
    required: bool
    type: str
    """The types that are accepted, as in an annotation."""
    default: str | None
    schema: dict[str, Any]
    description: str


class Operation(NamedTuple):
    """An operation of the description."""

    name: str
    """Such as `create_speech`."""
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: dict[str, Any] | None
    """The schema of its JSON body."""
    needs_key: bool
    success: str
    """The media type of a success."""
    errors: dict[int, str]
    """The error class of each documented status."""


class Project(generator.Project):
    """The generator's project, with the description at hand and some modules more."""

    def __init__(self, source: Document, openapi: GeneratorData, config: Config, templates: Path) -> None:
        super().__init__(openapi=openapi, config=config, custom_template_path=templates)
        self._source = source
        self._document = document = source.content
        self.env.filters["repr"] = repr
        self.env.globals.update(
            operations=[
                self._operation(endpoint)
                for collection in openapi.endpoint_collections_by_tag.values()
                for endpoint in collection.endpoints
            ],
            schemas={
                name: without_wording(schema)
                for name, schema in document.get("components", {}).get("schemas", {}).items()
            },
            unions=dict(self._unions()),
            statuses=dict(sorted(self._statuses())),
            server_url=document["servers"][0]["url"],
        )

    def _build_api(self) -> None:
        super()._build_api()
        for name in _ADDED:
            text = self.env.get_template(f"{name}.jinja").render()
            (self.package_dir / name).write_text(text, encoding="utf-8")

    def _operation(self, endpoint: Endpoint) -> Operation:
        path, method = endpoint.path.get_untrusted_value(), endpoint.method
        item = self._resolved(self._document["paths"][path])
        operation = item[method]
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        body = content["application/json"].get("schema", {}) if "application/json" in content else None
        parameters: dict[str, Parameter] = {}
        others = list(self._others(endpoint, item, operation))
        for parameter in (*others, *self._fields(endpoint, body)):  # a header keeps its name: code in use depends on it
            word = parameter.keyword
            while word in parameters or word in _RESERVED or keyword.iskeyword(word):
                word += "_"
            parameters[word] = parameter._replace(keyword=word)
        ordered = sorted(parameters.values(), key=lambda one: (not one.required, one.location != "body"))
        return Operation(
            name=str(endpoint.name),
            method=method.upper(),
            path=path,
            summary=operation.get("summary", ""),
            description=operation.get("description", ""),
            parameters=ordered,
            body=None if body is None else without_wording(body),
            needs_key=bool(operation.get("security", self._document.get("security"))),
            success=self._success(operation),
            errors={int(status): name for status, name, _ in self._errors(operation)},
        )

    def _success(self, operation: dict[str, Any]) -> str:
        found = (self._resolved(answer) for status, answer in operation["responses"].items() if str(status)[0] == "2")
        return next((media_type for answer in found for media_type in answer.get("content", ())), "")

    def _fields(self, endpoint: Endpoint, body: dict[str, Any] | None) -> Iterator[Parameter]:
        """Yield the fields of the JSON body, if it is an object."""
        if body is None:
            return
        model = next(body.prop for body in endpoint.bodies if body.content_type == "application/json")
        if not isinstance(model, ModelProperty):
            raise ToolError(f"{endpoint.name}: only an object can be the body of a request.")
        schemas = self._properties(body)
        for prop in [*(model.required_properties or ()), *(model.optional_properties or ())]:
            yield self._parameter(prop, "body", schemas[prop.name.get_untrusted_value()])

    def _others(self, endpoint: Endpoint, item: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[Parameter]:
        """Yield the parameters in the path, the query and the headers."""
        described = {
            (parameter["in"], parameter["name"]): parameter
            for parameter in map(self._resolved, [*item.get("parameters", ()), *operation.get("parameters", ())])
        }
        for location, found in (
            ("path", endpoint.path_parameters),
            ("query", endpoint.query_parameters),
            ("header", endpoint.header_parameters),
        ):
            for prop in found:
                parameter = described[location, prop.name.get_untrusted_value()]
                schema = {"description": parameter.get("description", ""), **parameter.get("schema", {})}
                yield self._parameter(prop, location, schema)

    def _parameter(self, prop: Any, location: str, schema: dict[str, Any]) -> Parameter:
        name = prop.name.get_untrusted_value()
        resolved = self._resolved(schema)
        return Parameter(
            keyword=snake_case(name),
            name=name,
            location=location,
            required=prop.required,
            type=schema.get("x-python-type") or " | ".join(dict.fromkeys(accepted(prop))),
            default=repr(resolved["default"]) if "default" in resolved else None,
            schema=without_wording(schema),
            description=schema.get("description") or resolved.get("description", ""),
        )

    def _properties(self, schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
        resolved = self._resolved(schema)
        merged: dict[str, dict[str, Any]] = resolved.get("properties", {})
        for part in resolved.get("allOf", ()):
            merged = self._properties(part) | merged
        return merged

    def _unions(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the schemas that are one of several models, such as `SpeechInputReference`."""
        models = {str(model.class_info.name) for model in self.openapi.models}
        for name, schema in self._document.get("components", {}).get("schemas", {}).items():
            parts = schema.get("oneOf", schema.get("anyOf", ()))
            names = [str(ClassName(part["$ref"].rpartition("/")[2], "Model")) for part in parts if "$ref" in part]
            if 1 < len(names) == len(parts) and models.issuperset(names):
                yield str(ClassName(name, "Model")), names

    def _statuses(self) -> Iterator[tuple[int, tuple[str, str]]]:
        for operation in self._source.operations().values():
            yield from ((int(status), (name, text)) for status, name, text in self._errors(operation))

    def _errors(self, operation: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Yield the status of each documented error, the name of its class, and its description."""
        for status, response in operation["responses"].items():
            if str(status).isdecimal() and int(status) >= 400:
                resolved = self._resolved(response)
                name = ClassName(resolved.get("x-error-name") or _status_name(int(status)), "Status")
                yield str(status), f"{name}ResponseError", resolved.get("description", "")

    def _resolved(self, node: Any) -> Any:
        return self._source.resolved(node, "a reference")


def accepted(prop: Any) -> Iterable[str]:
    """Yield the types that a caller may pass: models may be dicts, and enums are open."""
    match prop:
        case ModelProperty():
            return (str(prop.class_info.name), "Mapping[str, Any]")
        case EnumProperty() | LiteralEnumProperty():
            return (str(prop.class_info.name), prop.value_type.__name__)
        case ListProperty():
            return (f"Sequence[{' | '.join(dict.fromkeys(accepted(prop.inner_property)))}]",)
        case UnionProperty():
            return [one for inner in prop.inner_properties for one in accepted(inner)]
        case _:
            return (prop.get_type_string(no_optional=True).as_unembedded_code(),)


def without_wording(schema: dict[str, Any]) -> dict[str, Any]:
    """Copy a schema without its descriptions and examples."""
    copy: dict[str, Any] = mapped(
        schema, lambda node: {key: node[key] for key in node if not (key in WORDING or key.startswith("x-"))}
    )
    return copy


def _simplified(node: dict[str, Any]) -> dict[str, Any]:
    """Adapt a part of the description to the generator.

    Alternatives such as `oneOf: [{required: [data]}, {required: [url]}]` are about presence, but the generator would
    make a union of them, and lose the object. An enum with one value becomes a literal instead of a class.
    """
    for key in ("oneOf", "anyOf"):
        if key in node and all(part.keys() == {"required"} for part in node[key]):
            del node[key]
    if len(node.get("enum", ())) == 1:
        node["const"] = node.pop("enum")[0]
    return node


def _status_name(status: int) -> str:
    try:
        return _STATUS_NAMES.get(status) or HTTPStatus(status).name.title().replace("_", "")
    except ValueError:
        return f"Status{status}"


def generate(description: Path, config_file: Path, templates: Path, target: Path) -> list[str]:
    """Generate the package `target` from a description. Returns what went wrong; nothing at all may."""
    source = read(str(description))
    settings = ConfigFile.load_from_path(config_file)
    config = Config.from_sources(settings, MetaType.NONE, description, "utf-8", False, target)
    openapi = GeneratorData.from_dict(mapped(source.content, _simplified), config=config)
    if isinstance(openapi, GeneratorError):
        return [f"{openapi.header}\n{openapi.detail or ''}"]
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])  # the generator's hooks call ruff
    try:
        with redirect_stdout(None):
            problems = Project(source, openapi, config, templates).build()
    finally:
        os.environ["PATH"] = path
    shutil.copy(description, target / "openapi.yaml")
    (target / "py.typed").touch()
    return [f"{problem.header}\n{problem.detail or ''}" for problem in problems]


def main(arguments: list[str]) -> int:
    """Run `python -m tools.generate openapi.yaml generator-config.yaml templates target`."""
    try:
        problems = generate(*map(Path, arguments))
    except ToolError as error:
        problems = [str(error)]
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
