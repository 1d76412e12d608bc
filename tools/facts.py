"""Turn an operation into facts: a flat mapping of places to values, equal for equivalent descriptions."""

from collections.abc import Iterator, Mapping
from typing import Any

from .document import Document
from .schemas import WORDING, Facts, Place, SchemaReader, text, under

DOCUMENTED = "documented"
"""The value of a place that merely exists: a response, a media type."""

NO_SECURITY = "no credential"
REQUEST, RESPONSE = "request", "response"

_STYLES = {"header": "simple", "path": "simple", "query": "form", "cookie": "form"}
_OPERATION = {"operationId", "parameters", "requestBody", "responses", "security", "servers", "tags"}


def operation_facts(document: Document, method: str, path: str) -> Facts:
    """Extract the contract of an operation: what it accepts and what it returns.

    Raises:
        DescriptionError: There is no such operation, or part of it is invalid.
    """
    try:
        return _Reader(document).operation(document.path_item((method, path)), method)
    except RecursionError as error:
        raise document.error("its schemas are nested too deeply") from error


def rendered(place: Place) -> str:
    """Format a place as in the reports and in docs/deviations.yaml."""
    parts: list[str] = []
    for step in place:
        if parts and step.startswith(".") and parts[-1].startswith("."):
            parts[-1] += step
        else:
            parts.append(step)
    return " ".join(parts)


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._schemas = SchemaReader(document)

    def operation(self, item: Mapping[str, Any], method: str) -> Facts:
        operation = self._document.mapping(item[method], method)
        facts: Facts = {
            ("server",): self._servers(operation, item, self._document.content),
            ("security",): self._security(operation.get("security", self._document.content.get("security", []))),
        }
        facts |= _others(operation, _OPERATION)
        for parameter in self._parameters(item, operation).values():
            facts |= parameter
        if "requestBody" in operation:
            body = self._document.resolved(operation["requestBody"], "requestBody")
            facts[REQUEST, "required"] = body.get("required") is True
            facts |= under(REQUEST, self._content(body))
        responses = self._document.mapping(operation.get("responses", {}), "responses")
        for status in responses:
            if not status.startswith("x-"):
                facts |= under(
                    RESPONSE, under(status.upper().replace("DEFAULT", "default"), self._response(responses[status]))
                )
        return facts

    def _servers(self, *owners: Mapping[str, Any]) -> tuple[str, ...]:
        servers = next((owner["servers"] for owner in owners if owner.get("servers")), [{"url": "/"}])
        found = [self._document.mapping(server, "a server") for server in self._document.sequence(servers, "servers")]
        return tuple(sorted(str(server.get("url")).rstrip("/") for server in found))

    def _security(self, requirements: Any) -> tuple[str, ...]:
        alternatives = [
            " and ".join(
                sorted(self._scheme(name, scopes) for name, scopes in self._document.mapping(one, "security").items())
            )
            for one in self._document.sequence(requirements, "security")
        ]
        return tuple(sorted(alternative or NO_SECURITY for alternative in alternatives)) or (NO_SECURITY,)

    def _scheme(self, name: str, scopes: list[str]) -> str:
        """Describe the scheme itself; its name in the description never goes over the wire."""
        scheme = self._document.resolved(self._document.target(f"#/components/securitySchemes/{name}"), name)
        match scheme.get("type"):
            case "http":
                found = f"http {scheme.get('scheme')}".lower()
            case "apiKey":
                found = f"apiKey in {scheme.get('in')} {scheme.get('name')}"
            case _:
                found = text({key: value for key, value in scheme.items() if key not in WORDING})
        return f"{found} with {', '.join(sorted(scopes))}" if scopes else found

    def _parameters(self, *owners: Mapping[str, Any]) -> dict[str, Facts]:
        """Collect the parameters by location and name; the operation's override those of its path."""
        found: dict[str, Facts] = {}
        for owner in owners:
            for node in self._document.sequence(owner.get("parameters", []), "parameters"):
                parameter = self._document.resolved(node, "a parameter")
                location, name = str(parameter.get("in")), str(parameter.get("name"))
                step = f"{location} {name.lower() if location == 'header' else name}"
                found[step] = under(step, self._parameter(parameter, _STYLES.get(location, "")))
        return found

    def _parameter(self, parameter: Mapping[str, Any], usual_style: str) -> Facts:
        facts: Facts = {("required",): parameter.get("required") is True}
        style = str(parameter.get("style", usual_style))
        if style != usual_style:
            facts["style",] = style
        if (explode := parameter.get("explode", style == "form")) != (style == "form"):
            facts["explode",] = text(explode)
        facts |= _others(parameter, {"content", "explode", "in", "name", "required", "schema", "style"})
        if "content" in parameter:
            return facts | self._content(parameter)
        return facts | self._schemas.facts(parameter.get("schema", {}))

    def _response(self, node: Any) -> Facts:
        response = self._document.resolved(node, "a response")
        facts: Facts = {(): DOCUMENTED} | _others(response, {"content", "headers", "links"})
        headers = self._document.mapping(response.get("headers", {}), "headers")
        for name in headers:
            header = self._document.resolved(headers[name], f"the header {name}")
            facts |= under(f"header {name.lower()}", self._parameter(header, "simple"))
        return facts | self._content(response)

    def _content(self, owner: Mapping[str, Any]) -> Facts:
        facts: Facts = {}
        content = self._document.mapping(owner.get("content", {}), "content")
        for media_type in content:
            media = self._document.mapping(content[media_type], media_type)
            inner: Facts = {(): DOCUMENTED} | _others(media, {"schema"}) | self._schemas.facts(media.get("schema", {}))
            facts |= under(media_type.lower().replace(" ", ""), inner)
        return facts


def _others(node: Mapping[str, Any], known: set[str]) -> Facts:
    """Keep unknown fields as facts, so that nothing is lost."""
    return dict(_other(node, known | WORDING))


def _other(node: Mapping[str, Any], known: set[str] | frozenset[str]) -> Iterator[tuple[Place, str]]:
    for name, value in node.items():
        if name not in known and not name.startswith("x-") and value is not False:
            yield (name,), text(value)
