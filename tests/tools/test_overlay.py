"""An OpenAPI Overlay 1.1 is applied as its specification says, and more strictly."""

import json
import re
from typing import Any

import pytest

from tools import ToolError
from tools.overlay import applied, parse

HEAD: dict[str, Any] = {"overlay": "1.1.0", "info": {"title": "T", "version": "1"}, "x-operations": ["POST /a"]}
ACTION = {"target": "$", "update": {}}
DOCUMENT: dict[str, Any] = {
    "info": {"title": "old", "tags": ["a", "b"], "empty": {}},
    "list": [{"n": 1}, {"n": 2}, {"n": 3}],
    "one": 1,
}


def overlay(**fields: Any) -> bytes:
    return json.dumps({**HEAD, "actions": [ACTION], **fields}).encode()


def result(*actions: Any, document: Any = DOCUMENT) -> Any:
    return applied(parse(overlay(actions=list(actions)), "sample"), document)


@pytest.mark.parametrize(
    ("action", "place", "expected"),
    [
        ({"target": "$.info", "update": {"title": "new", "more": {"x": 1}}}, "info",
         {"tags": ["a", "b"], "empty": {}, "title": "new", "more": {"x": 1}}),
        ({"target": "$.info", "update": {"tags": ["c"]}}, "info", {**DOCUMENT["info"], "tags": ["a", "b", "c"]}),
        ({"target": "$", "update": {"info": {"empty": {"x": 1}}}}, "info", {**DOCUMENT["info"], "empty": {"x": 1}}),
        ({"target": "$.info.tags", "update": "c"}, "info", {**DOCUMENT["info"], "tags": ["a", "b", "c"]}),
        ({"target": "$.info.tags", "update": ["c", "d"]}, "info", {**DOCUMENT["info"], "tags": ["a", "b", "c", "d"]}),
        ({"target": "$.list", "update": {"n": 4}}, "list", [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]),
        ({"target": "$.one", "update": None}, "one", None),
        ({"target": "$.list[*].n", "update": 0}, "list", [{"n": 0}, {"n": 0}, {"n": 0}]),
        ({"target": "$.list[?@.n < 3]", "remove": True}, "list", [{"n": 3}]),
        ({"target": "$.info.tags[?@ == 'a']", "remove": True}, "info", {**DOCUMENT["info"], "tags": ["b"]}),
        ({"target": "$.info['title', 'tags']", "remove": True}, "info", {"empty": {}}),
        ({"target": "$.info.empty", "copy": "$.list[0]"}, "info", {**DOCUMENT["info"], "empty": {"n": 1}}),
        ({"target": "$.info.tags", "copy": "$.info.tags"}, "info", {**DOCUMENT["info"], "tags": ["a", "b", "a", "b"]}),
        ({"target": "$.one", "copy": "$.info.title"}, "one", "old"),
    ],
)  # fmt: skip
def test_an_action_does_what_the_standard_says(action: Any, place: str, expected: Any) -> None:
    before = json.dumps(DOCUMENT)
    assert result(action)[place] == expected
    assert json.dumps(DOCUMENT) == before


def test_actions_are_applied_in_order_to_copies() -> None:
    found = result(
        {"target": "$.info.empty", "copy": "$.list[0]"},
        {"target": "$.info.empty.n", "update": 9},
        {"target": "$.list[0]", "remove": True},
    )
    assert (found["info"]["empty"], found["list"]) == ({"n": 9}, [{"n": 2}, {"n": 3}])


def test_an_object_that_is_updated_moves_behind_its_siblings() -> None:
    named: Any = {"a": {}, "b": {}, "c": {}}
    assert list(result({"target": "$.a", "update": {}}, document=named)) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ({"target": "$.nobody", "update": {}}, "matches nothing"),
        ({"target": "$.list[?@.n == 4]", "remove": True}, "matches nothing"),
        ({"target": "$.info", "copy": "$.nobody"}, "copies $.nobody, which matches 0 values instead of one"),
        ({"target": "$.info", "copy": "$.list[*]"}, "copies $.list[*], which matches 3 values instead of one"),
        ({"target": "$.info", "update": 1}, "puts primitive in the place of object"),
        ({"target": "$.info", "update": {"tags": {}}}, "puts object in the place of array"),
        ({"target": "$.one", "update": []}, "puts array in the place of primitive"),
        ({"target": "$['info', 'one']", "update": {}}, "matches values of different kinds"),
        ({"target": "$", "remove": True}, "cannot remove the whole document"),
    ],
)
def test_an_action_that_does_not_fit_is_named(action: Any, problem: str) -> None:
    with pytest.raises(ToolError) as caught:
        result(ACTION, action)
    assert str(caught.value) == f"sample: action 2 ({action['target']}) {problem}."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"- a", "it has no field overlay"),
        (b"openapi: 3.1.0", "it has no field overlay"),
        (overlay(overlay="2.0.0"), "its version is 2.0.0"),
        (overlay(overlay=1.1), "its version is 1.1"),
        (overlay(info={"title": "T"}), "info must have a title and a version"),
        (overlay(info={**HEAD["info"], "author": "A"}), "the field author is unknown"),
        (overlay(action=[]), "the field action is unknown"),
        (overlay(actions=[]), "it has no actions"),
        (overlay(actions=[ACTION, 5]), "action 2 has no target"),
        (overlay(actions=[{"update": {}}]), "action 1 has no target"),
        (overlay(actions=[{**ACTION, "reason": "R"}]), "action 1 has the unknown field reason"),
        (overlay(actions=[{"target": "$"}]), "action 1 must have exactly one of update, copy and remove: true"),
        (overlay(actions=[{**ACTION, "remove": True}]), "action 1 must have exactly one of"),
        (overlay(actions=[{"target": "$", "remove": False}]), "action 1 must have exactly one of"),
        (overlay(actions=[{**ACTION, "target": "$.a["}]), "action 1 has the invalid JSONPath '$.a['"),
        (overlay(actions=[{"target": "$", "copy": 5}]), "action 1 has the invalid JSONPath 5"),
    ],
)
def test_what_is_no_overlay_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(ToolError, match=re.escape(f"sample is not an OpenAPI Overlay 1.1: {problem}")):
        parse(content, "sample")


@pytest.mark.parametrize("operations", [None, [], "POST /a", ["post /a"], ["/a"], [5]])
def test_the_operations_have_to_be_listed(operations: Any) -> None:
    with pytest.raises(ToolError, match="sample must list operations under x-operations"):
        parse(overlay(**{"x-operations": operations}), "sample")


def test_extensions_and_version_1_0_are_fine() -> None:
    action = {**ACTION, "x-a": 1, "description": "D"}
    content = overlay(overlay="1.0.0", extends="a.yaml", actions=[action], **{"x-b": 2})
    assert parse(content, "sample").operations == [("post", "/a")]
