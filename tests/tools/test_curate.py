"""openapi.yaml is what the facts and the overlay give, readable, and with words for everything."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import curate, overlay

from ..conftest import PROJECT, Make
from .conftest import NO_SETUP, Run


def test_what_is_committed_is_up_to_date(run: Run, project: Path) -> None:
    assert run("curate", "--check") == (0, [])
    before = Path("openapi.yaml").read_bytes()
    assert run("curate") == (0, ["openapi.yaml matches upstream/curation.overlay.yaml"])
    assert Path("openapi.yaml").read_bytes() == before


def test_a_difference_is_shown(run: Run, project: Path) -> None:
    path = Path("openapi.yaml")
    path.write_text(path.read_text().replace("The audio format of the response.", "Another sentence."))
    status, lines = run("curate", "--check")
    assert status == 1
    assert "-      description: Another sentence." in lines
    assert "+      description: The audio format of the response." in lines
    assert lines[-1].endswith("run 'make curate' and commit the result.")


def test_empty_words_are_named(run: Run, project: Path) -> None:
    path = Path("upstream/curation.overlay.yaml")
    path.write_text(path.read_text().replace("description: The audio format of the response.", "description: ''"))
    assert run("curate")[0] == 0
    missing = "$.components.schemas.ResponseFormatEnum has no description yet."
    assert run("curate", "--check") == (1, [f"upstream/curation.overlay.yaml: {missing}"])


def test_make_checks_and_writes(make: Make, project: Path) -> None:
    here = ("-C", str(project), NO_SETUP)
    (project / "openapi.yaml").write_text("")
    result = make(*here, "check-curated", PYTHONPATH=str(PROJECT))
    assert result.returncode == 2
    assert "+openapi: 3.1.0" in result.stderr
    assert make(*here, "curate", PYTHONPATH=str(PROJECT)).returncode == 0
    assert (project / "openapi.yaml").read_bytes() == (PROJECT / "openapi.yaml").read_bytes()


def test_each_action_has_its_reason() -> None:
    path = PROJECT / curate.OVERLAY
    actions = overlay.parse(path.read_bytes(), path.name).actions
    assert [action["target"] for action in actions if not action.get("description", "").strip()] == []


def test_it_is_easy_to_read() -> None:
    text = (PROJECT / "openapi.yaml").read_text()
    first, second, *lines = text.splitlines()
    assert "`make curate`" in first
    assert second.startswith("# Do not edit it: edit the overlay.")
    assert list(yaml.safe_load(text)) == ["openapi", "info", "servers", "tags", "paths", "components"]
    assert not any(line.lstrip().startswith(("*", "&", "{")) or ": *" in line or ": &" in line for line in lines)
    assert max(map(len, lines)) <= 120
    assert "x-cut-from" not in text


def described(**parts: Any) -> dict[str, Any]:
    return {"description": "D", **parts}


PARAMETER = {"name": "q", "in": "query"}
PATH = "$.paths['/a/{b}'].get"


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        ({}, []),
        ({"summary": " "}, [(PATH, "summary")]),
        ({"description": None}, [(PATH, "description")]),
        ({"parameters": [described(**PARAMETER, schema=described())]}, []),
        ({"parameters": [{**PARAMETER, "schema": {}}]},
         [(f"{PATH}.parameters[?@.name == 'q' && @.in == 'query']", "description"),
          (f"{PATH}.parameters[?@.name == 'q' && @.in == 'query'].schema", "description")]),
        ({"responses": {"200": {}}}, [(f"{PATH}.responses['200']", "description")]),
        ({"responses": {"200": described(headers={"X-A": {"schema": {}}})}},
         [(f"{PATH}.responses['200'].headers['X-A']", "description")]),
        ({"requestBody": {"content": {"a/b": {"schema": {"properties": {"it's": {}, "n": {"$ref": "#"}}}}}}},
         [(rf"{PATH}.requestBody.content['a/b'].schema.properties['it\'s']", "description")]),
        ({"requestBody": {"content": {"a/b": {"schema": {"items": {"oneOf": [{"properties": {"n": {}}}]}}}}}},
         [(f"{PATH}.requestBody.content['a/b'].schema.items.oneOf[0].properties.n", "description")]),
    ],
)  # fmt: skip
def test_what_has_words_today_needs_them(operation: Any, missing: list[tuple[str, str]]) -> None:
    paths = {"/a/{b}": {"get": {"summary": "S", "description": "D", **operation}}}
    assert curate.unwritten({"paths": paths}) == missing


def test_a_component_needs_words_and_nothing_else_of_it() -> None:
    components: Any = {"schemas": {"A": {}}, "headers": {"B": {}}, "responses": {"C": {}}, "securitySchemes": {"D": {}}}
    missing = [("$.components.schemas.A", "description"), ("$.components.headers.B", "description"),
               ("$.components.responses.C", "description")]  # fmt: skip
    assert curate.unwritten({"components": components}) == missing


def test_long_texts_are_folded_and_come_back() -> None:
    value = {
        "a": "word " * 40 + "end",
        "b": ["x", None, 1],
        "c": [{"d": "5"}],
        "e": "line\nline",
        "f": "ends with a dot: ",
    }
    text = curate.dumped(value)
    assert yaml.safe_load(text) == value
    assert text.startswith("a: >-\n")
    assert "b: [x, null, 1]\nc:\n  - d: '5'\n" in text
    assert max(map(len, text.splitlines())) <= 120
