"""The description gains facts of every kind, and all else follows from `make generate`: nothing is written by hand."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import PROJECT
from .conftest import NO_SETUP, git

FIELDS: dict[str, Any] = {
    "dialect": {"type": "string", "description": "The dialect of the text."},
    "stability": {"type": "number", "minimum": 0, "maximum": 1, "description": "How even the voice is."},
    "seed": {"type": "integer", "description": "Repeats a voice."},
    "watermark": {"type": "boolean", "description": "Marks the audio."},
    "timing": {"type": "object", "required": ["unit"], "properties": {"unit": {"type": "string", "enum": ["word"]}}},
    "from": {"type": "string", "description": "A keyword of Python."},
    "limit": {"type": "integer", "description": "A parameter of ours in `narrate`."},
    "format": {"type": "string", "description": "An option of ours in `say`."},
}
HEADER: dict[str, Any] = {"name": "X-OpenRouter-Audience", "in": "header", "schema": {"type": "string", "maxLength": 8}}
OPERATION: dict[str, Any] = {
    "operationId": "listVoices",
    "tags": ["Voices"],
    "summary": "List voices",
    "description": "Lists the voices of a region.",
    "parameters": [
        {"name": "region", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    ],
    "responses": {
        "200": {
            "description": "The voices.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["data"],
                        "properties": {"data": {"type": "array", "items": {"type": "string"}}},
                    },
                    "example": {"data": ["alloy"]},
                }
            },
        }
    },
}
STATUSES = {409: "The voice is busy.", 451: "The text is not allowed."}

CALLER = """
import json
import pydoc
import sys
from typing import get_type_hints

import httpx
from openrouter_speech import OpenRouter, components, errors
from openrouter_speech._generated import OPERATIONS, prepare
from openrouter_speech.mock import MockServer
from openrouter_speech.tts import TTS, NarrationParams, SpeechParams

GIVEN = {"input": "Hello", "model": "a/b", "voice": "alloy"}
NEW = {
    "dialect": "fr", "stability": 0.5, "seed": 7, "watermark": True, "timing": {"unit": "word"}, "from_": "a",
    "response_format": "flac", "limit_": 1, "format": "b",
}
WRONG = [{"dialect": 1}, {"stability": 2}, {"seed": 1.5}, {"timing": {}}, {"timing": {"unit": 1}},
         {"x_open_router_audience": "much too long"}]

with MockServer() as server, OpenRouter("k" * 20, server_url=server.url, retry_config=None) as client:
    found = {}
    try:
        client.tts.create_speech(**GIVEN, **NEW, x_open_router_audience="kids")
    except errors.OpenRouterError as error:  # the mock has no encoder for a format of tomorrow
        found["unspoken"] = str(error)
    request = server.requests[-1]
    found["sent"] = request.json
    found["header"] = dict(request.headers).get("x-openrouter-audience")
    found["refused"] = []
    for wrong in WRONG:
        try:
            client.tts.create_speech(**GIVEN, **wrong)
        except (TypeError, ValueError) as error:
            found["refused"].append(str(error))
    found["mock"] = httpx.post(
        server.url + "/audio/speech", headers={"Authorization": "Bearer key"}, json={**GIVEN, "stability": 2}
    ).status_code
    found["raised"] = []
    for kind in (errors.ConflictResponseError, errors.UnavailableForLegalReasonsResponseError):
        server.script([status for status, one in errors.BY_STATUS.items() if one is kind])
        try:
            client.tts.create_speech(**GIVEN)
        except errors.APIStatusError as error:
            found["raised"].append(type(error).__name__)
    found["voices"] = httpx.get(f"{server.url}/voices/en?limit=2", headers={"Authorization": "Bearer key"}).json()
    found["request"] = prepare(OPERATIONS["list_voices"], {"region": "pt/br", "limit_": 2})[:2]
    found["enum"] = str(components.ResponseFormatEnum("flac"))
    found["model"] = components.SpeechRequestTiming(unit="word").to_dict()
    found["help"] = pydoc.plain(pydoc.render_doc(TTS.narrate))
    found["hints"] = [
        {name: str(hint) for name, hint in get_type_hints(params).items()} for params in (SpeechParams, NarrationParams)
    ]
    json.dump(found, sys.stdout)
"""


class Copy:
    """This project in another folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("Makefile", "openapi.yaml", "generator-config.yaml", "pyproject.toml"):
            shutil.copy(PROJECT / name, folder / name)
        for name in ("generated", "overlays", "templates", "tools"):
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / ".gitignore").write_text("__pycache__\n")
        git(folder, "init", "--quiet")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message=As it was")

    def run(self, *command: str | Path) -> str:
        paths = os.pathsep.join(str(self.folder / name) for name in ("generated", "overlays"))
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTEST", "GIT_"))
        } | {"PYTHONPATH": paths, "MYPYPATH": paths, "COVERAGE_PROCESS_START": "", "PYTHONDONTWRITEBYTECODE": "1"}
        result = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert not re.search("Traceback|Error 1", result.stderr), result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The project after the change, regenerated."""
    copy = Copy(tmp_path_factory.mktemp("rehearsal") / "project")
    description = copy.folder / "openapi.yaml"
    document = yaml.load(description.read_bytes(), yaml.CSafeLoader)
    schemas, operation = document["components"]["schemas"], document["paths"]["/audio/speech"]["post"]
    schemas["SpeechRequest"]["properties"] |= FIELDS
    schemas["ResponseFormatEnum"]["enum"].append("flac")
    operation["parameters"].append(HEADER)
    document["paths"]["/voices/{region}"] = {"get": OPERATION}
    for status, text in STATUSES.items():
        operation["responses"][str(status)] = {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
        }
    description.write_text(json.dumps(document))
    copy.run("make", "--no-print-directory", f"VENV={sys.prefix}", NO_SETUP, "generate")
    return copy


@pytest.fixture(scope="module")
def found(copy: Copy) -> dict[str, Any]:
    """What a caller sees."""
    found: dict[str, Any] = json.loads(copy.run(sys.executable, "-c", CALLER))
    return found


def test_only_the_description_and_generated_code_change(copy: Copy) -> None:
    changed = copy.run("git", "status", "--porcelain", "--untracked-files=all").split("\n")
    assert {line[3:].partition("/")[0] for line in changed if line} == {"openapi.yaml", "generated"}


def test_new_fields_and_headers_are_sent(found: dict[str, Any]) -> None:
    assert found["sent"] == {
        "input": "Hello", "model": "a/b", "voice": "alloy", "dialect": "fr", "stability": 0.5, "seed": 7,
        "watermark": True, "timing": {"unit": "word"}, "from": "a", "response_format": "flac", "limit": 1,
        "format": "b",
    }  # fmt: skip
    assert found["header"] == "kids"


def test_a_wrong_type_or_bound_is_refused_by_name(found: dict[str, Any]) -> None:
    assert found["refused"] == [
        "dialect must be a str, not int",
        "stability must be at most 1, not 2",
        "seed must be an int, not float",
        "timing.unit is missing",
        "timing.unit must be a str, not int",
        "x_open_router_audience has 13 characters; the maximum is 8",
    ]


def test_the_mock_server_validates_and_journals_new_fields(found: dict[str, Any]) -> None:
    assert found["mock"] == 400
    assert found["sent"]["dialect"] == "fr"


def test_new_statuses_have_error_classes(found: dict[str, Any]) -> None:
    assert found["raised"] == ["ConflictResponseError", "UnavailableForLegalReasonsResponseError"]


def test_new_models_and_enum_values_are_components(found: dict[str, Any]) -> None:
    assert (found["enum"], found["model"]) == ("flac", {"unit": "word"})


def test_a_new_operation_is_served_and_can_be_requested(copy: Copy, found: dict[str, Any]) -> None:
    assert found["voices"] == {"data": ["alloy"]}
    assert found["request"] == ["GET", "/voices/pt%2Fbr?limit=2"]
    assert (copy.folder / "generated/openrouter_speech_api/api/voices/list_voices.py").exists()


def test_help_lists_new_parameters(found: dict[str, Any]) -> None:
    assert "dialect: str | None = None" in found["help"]
    assert "from_: str | None = None" in found["help"]


def test_the_command_line_has_new_options(copy: Copy) -> None:
    for command in ("say", "narrate"):
        text = copy.run(sys.executable, "-m", "openrouter_speech", command, "--help")
        for option in (
            "--dialect TEXT",
            "--stability NUMBER",
            "--seed COUNT",
            "--watermark",
            "--timing JSON",
            "--api-format TEXT",
        ):
            assert option in text, option


def test_type_checkers_know_new_parameters(found: dict[str, Any]) -> None:
    """`tests/test_typing.py` proves that they go by these annotations."""
    timing = "openrouter_speech_api.models.speech_request_timing.SpeechRequestTiming"
    for hints in found["hints"]:
        assert (hints["dialect"], hints["seed"], hints["watermark"]) == ("str | None", "int | None", "bool | None")
        assert (hints["from_"], hints["stability"]) == ("str | None", "float | None")
        assert hints["timing"].startswith(timing)


def test_the_reference_lists_everything_new(copy: Copy) -> None:
    text = (copy.folder / "generated/openrouter_speech_api/reference.md").read_text()
    for name in (*FIELDS, HEADER["name"], *map(str, STATUSES), *STATUSES.values()):
        assert name in text, name
