"""What differs on purpose is left out, for as long as it differs as it was reviewed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import PROJECT
from .conftest import Run
from .samples import COPIES, UPSTREAM, Upstream

Compare = Callable[[Upstream], tuple[int, list[str]]]
DEVIATIONS = PROJECT / "docs/deviations.yaml"
ENTRIES: list[Any] = yaml.safe_load(DEVIATIONS.read_text())
BODY = "request application/json"

needs_copies = pytest.mark.skipif(
    not UPSTREAM.exists(), reason="the provider's descriptions do not lie beside the project"
)


@needs_copies
@pytest.mark.parametrize("date", COPIES)
def test_the_provider_promises_what_we_do(run: Run, date: str) -> None:
    expected = (0, ["No differences besides those in docs/deviations.yaml"])
    assert run("upstream-diff", UPSTREAM / f"openrouter-{date}.yaml") == expected


@needs_copies
def test_the_provider_of_april_had_a_field_less(run: Run) -> None:
    status, (line,) = run("upstream-diff", UPSTREAM / "openrouter-2026-04-21.yaml")
    assert status == 1
    statuses = "400, 401, 402, 404, 429, 500, 502, 503, 524, 529"
    assert line.startswith(f"response {statuses} application/json .openrouter_metadata | ")
    assert "| breaking | remove it from openapi.yaml" in line


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["places"][0] for entry in ENTRIES])
def test_without_its_entry_a_difference_is_told(entry: Any, upstream: Upstream, run: Run, tmp_path: Path) -> None:
    (tmp_path / "deviations.yaml").write_text(yaml.dump([other for other in ENTRIES if other is not entry]))
    status, lines = run("upstream-diff", upstream.write(tmp_path), "--deviations", tmp_path / "deviations.yaml")
    assert status == 1
    told = {line.partition(" | ")[0] for line in lines}
    slugs = {f"{BODY} .provider.options.{slug}" for slug in upstream.options["properties"]}
    assert told == (slugs if entry["places"] == [f"{BODY} .provider.options.*"] else set(entry["places"]))


def parameter(**schema: Any) -> dict[str, Any]:
    return {"name": "HTTP-Referer", "in": "header", "schema": {"type": "string", **schema}}


STALE: list[tuple[str, Callable[[Upstream], Any]]] = [
    ("header http-referer", lambda u: u.operation.update(parameters=[parameter(minLength=1)])),
    (f"{BODY} .voice minLength", lambda u: u.fields["voice"].update(minLength=1)),
    (
        f"{BODY} .provider.options.<other>",
        lambda u: u.options.update(additionalProperties={"type": "object"}),
    ),
    (f"{BODY} .provider.options.*", lambda u: u.options.pop("properties")),
    (
        "response 200 header x-generation-id",
        lambda u: u.responses["200"].update(
            headers={
                "X-Generation-ID": {"required": True, "schema": {"type": "string", "pattern": "^gen-tts-[0-9]+-.+$"}}
            }
        ),
    ),
]


@pytest.mark.parametrize(("where", "edit"), STALE)
def test_an_entry_that_matches_nothing_is_told(
    where: str, edit: Callable[[Upstream], Any], upstream: Upstream, compare: Compare
) -> None:
    edit(upstream)
    advice = "remove the place from docs/deviations.yaml"
    what = "docs/deviations.yaml expects a difference that no longer exists"
    assert compare(upstream) == (1, [f"{where} | {what} | not breaking | {advice}"])


CONTRADICTED: list[tuple[str, Callable[[Upstream], Any]]] = [
    ("header http-referer minLength", lambda u: u.operation.update(parameters=[parameter()])),
    (f"{BODY} .input minLength", lambda u: u.fields["input"].update(minLength=2)),
    (f"{BODY} .provider.options.<other>", lambda u: u.options.update(additionalProperties=False)),
    (f"{BODY} .provider.options.z-ai", lambda u: u.options["properties"]["z-ai"].update(required=["a"])),
    (f"{BODY} .provider.options.openai", lambda u: u.options.update(required=["openai"])),
    (f"{BODY} .provider.options", lambda u: u.fields["provider"].pop("properties")),
    ("response 200", lambda u: u.responses.pop("200")),
]


@pytest.mark.parametrize(("where", "edit"), CONTRADICTED)
def test_an_entry_that_says_otherwise_is_told_with_the_difference(
    where: str, edit: Callable[[Upstream], Any], upstream: Upstream, compare: Compare
) -> None:
    """Once: the entry is not reported a second time, as stale."""
    edit(upstream)
    status, (line,) = compare(upstream)
    assert status == 1
    assert line.startswith(f"{where} | ")
    assert line.endswith("or correct the outdated entry in docs/deviations.yaml")


@pytest.mark.parametrize("place", [f"{BODY} .*", f"{BODY} .provider.options.open", "*", f"{BODY} .provider.*"])
def test_a_place_stands_for_no_others(place: str, run: Run, upstream: Upstream, tmp_path: Path) -> None:
    """The beginning of a name is not the name, and a step `.*` is one field."""
    slugs = f"{BODY} .provider.options."
    entries = [{**entry, "places": [place]} if entry["places"] == [f"{slugs}*"] else entry for entry in ENTRIES]
    (tmp_path / "deviations.yaml").write_text(yaml.dump(entries))
    _, lines = run("upstream-diff", upstream.write(tmp_path), "--deviations", tmp_path / "deviations.yaml")
    told = {line.partition(" | ")[0] for line in lines}
    assert told == {place, *(f"{slugs}{slug}" for slug in upstream.options["properties"])}


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({"places": []}, "must be a list of entries"),
        (["x"], "entry 1 is not a mapping"),
        ([{**ENTRIES[0], "reason": " "}], "entry 1 has no reason"),
        ([*ENTRIES, {"places": ["x"], "ours": 1, "reason": "R"}], f"entry {len(ENTRIES) + 1} has no source"),
        ([{**ENTRIES[0], "places": "header http-referer"}], "entry 1 has no list of places"),
        ([{**ENTRIES[0], "place": "x"}], "entry 1 has the unknown field place"),
        ([{**ENTRIES[0], "upstream": ENTRIES[0]["ours"]}], "entry 1 has the same value for ours and upstream"),
        ([ENTRIES[0], ENTRIES[0]], "header http-referer has two entries"),
        ("- a: [", "is not YAML"),
    ],
)
def test_a_file_that_is_no_list_of_entries_is_refused(
    entries: Any, problem: str, run: Run, upstream: Upstream, tmp_path: Path
) -> None:
    path = tmp_path / "deviations.yaml"
    path.write_text(entries if isinstance(entries, str) else yaml.dump(entries))
    status, (sentence,) = run("upstream-diff", upstream.write(tmp_path), "--deviations", path)
    assert status == 2
    assert sentence.startswith(str(path))
    assert problem in sentence
