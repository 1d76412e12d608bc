"""`make spec-lint`: check an OpenAPI description with openapi-spec-validator, and with Redocly if there is Node.js."""

# ruff: noqa: T201  (a program, which prints)

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator, OpenAPIV32SpecValidator

from tools import ToolError, document

from .npx import Program

REDOCLY = Program("@redocly/cli@2.77.0", node=(20, 19))
VALIDATORS = {"3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator, "3.2": OpenAPIV32SpecValidator}
LONGEST_PROBLEM = 300
"""Characters. The validator may quote half the description."""


def problems(description: document.Document) -> Iterator[str]:
    """Iterate over the broken references and the errors that openapi-spec-validator finds, one line each."""
    yield from _broken_references(description, description.content)
    version = str(description.content["openapi"])
    if not (validator := VALIDATORS.get(version[:3])):
        yield f"openapi: the version {version} is none of {', '.join(VALIDATORS)}"
        return
    as_json = json.loads(json.dumps(description.content, default=str))  # a YAML date is a string in OpenAPI
    for error in validator(as_json).iter_errors():
        place = " ".join(map(str, error.absolute_path))
        yield f"{place}: {_shortened(error.message)}".removeprefix(": ")


def _broken_references(description: document.Document, node: Any) -> Iterator[str]:
    """Find references that the validator ignores, or that Redocly would download."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            try:
                description.target(node["$ref"])
            except ToolError as error:
                yield str(error).removeprefix(f"{description.name}: ").removesuffix(".")
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _broken_references(description, child)


def _shortened(message: str) -> str:
    line, half = message.partition("\n")[0], LONGEST_PROBLEM // 2
    return line if len(line) <= LONGEST_PROBLEM else f"{line[:half]} … {line[-half:]}"


def validate(path: str) -> int:
    """Return 0 if the description is valid, 1 if it is not, 2 if there is none."""
    try:
        found = list(dict.fromkeys(problems(document.read(path))))  # an alias repeats its errors
    except ToolError as error:
        print(error, file=sys.stderr)
        return 2
    except RecursionError:
        found = ["a reference leads back to itself, or the schemas are nested too deeply"]
    for problem in found:
        print(f"{path}: {problem}", file=sys.stderr)
    if not found:
        print(f"openapi-spec-validator finds nothing in {path}.")
    return 1 if found else 0


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if neither finds anything, 1 if one does, 2 if the description or a required tool is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.spec_lint", description=__doc__)
    parser.add_argument("description", nargs="?", default="openapi.yaml", help="an OpenAPI file")
    parser.add_argument("--rules", default=".redocly.yaml", help="Redocly's configuration")
    options = parser.parse_args(arguments)
    if status := validate(options.description):
        return status
    rules = f"--config={options.rules}"
    return REDOCLY.check("Redocly", "lint", rules, "--lint-config=error", "--format=stylish", options.description)


if __name__ == "__main__":
    sys.exit(main())
