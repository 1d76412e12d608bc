"""The documentation site: nothing in it leads nowhere, loads from elsewhere, or is left out."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import griffe
import openrouter_speech
import pytest
from openrouter_speech.tts import TTS, SpeechParams

from website import __main__ as website
from website import links, pages, reference
from website.signatures import Signatures

from .conftest import PROJECT
from .test_documents import DOCUMENTS

FINE = """<a href="other.html#there" id="here">x</a><a href="#here">x</a><a href="https://example.com">x</a>
<img src="data:image/png;base64,eA=="><link rel="canonical" href="https://example.com/">"""
PROBLEMS = [
    ('<a href="missing.html">x</a>', "missing.html does not exist"),
    ('<a href="other.html#missing">x</a>', "other.html#missing has no such anchor"),
    ('<a href="#missing">x</a>', "#missing has no such anchor"),
    ('<a href="../outside.html">x</a>', "../outside.html does not exist"),
    ('<source srcset="a.png 1x, b.png 2x">', "b.png does not exist"),
    ('<script src="https://example.com/a.js"></script>', "loads https://example.com/a.js"),
    ('<link rel="stylesheet" href="//example.com/a.css">', "loads //example.com/a.css"),
    ('<img src="https://example.com/a.png">', "loads https://example.com/a.png"),
]


@pytest.mark.parametrize(("html", "problem"), [*PROBLEMS, (FINE, None)])
def test_a_page_with_a_problem_is_named(html: str, problem: str | None, tmp_path: Path) -> None:
    (tmp_path / "outside.html").touch()
    (tmp_path / "site").mkdir()
    (tmp_path / "site/a.png").touch()
    (tmp_path / "site/other.html").write_text('<p id="there">')
    (tmp_path / "site/page.html").write_text(html)
    assert links.problems(tmp_path / "site") == ([f"page.html: {problem}"] if problem else [])


@pytest.mark.parametrize(
    ("name", "text", "loaded"),
    [
        ("a.css", "@font-face { src: url('https://example.com/a.woff') }", "https://example.com/a.woff"),
        ("a.js", 'fetch("https://example.com")', 'fetch("https://...'),
    ],
)
def test_a_style_or_script_that_loads_from_elsewhere_is_named(
    name: str, text: str, loaded: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    assert links.problems(tmp_path) == [f"{name}: loads {loaded}"]


def test_every_document_has_a_page() -> None:
    listed = {document for section in pages.SECTIONS.values() for document in section}
    assert {str(document.relative_to(PROJECT)) for document in DOCUMENTS} <= listed


def test_every_public_module_and_name_has_a_place_in_the_reference() -> None:
    documented = {name for modules in reference.MODULES.values() for m in modules for name in reference.public_names(m)}
    folder = PROJECT / "overlays/openrouter_speech"
    for path in folder.rglob("*.py"):
        name = ".".join(path.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__")
        if "._" not in name and not name.startswith("openrouter_speech.cli") and name != "openrouter_speech":
            public = getattr(import_module(name), "__all__", [])
            assert {f"{name}.{each}" for each in public} <= documented, name
    ends = {name.rpartition(".")[2] for name in documented}
    assert {n for n in openrouter_speech.__all__ if n not in {"components", "errors", "utils", "__version__"}} <= ends


def test_the_reference_lists_every_parameter_of_a_method() -> None:
    """Those too that come with `**params`."""
    loader = griffe.GriffeLoader(
        search_paths=[PROJECT / "generated", PROJECT / "overlays"], extensions=griffe.load_extensions(Signatures)
    )
    loader.load("openrouter_speech_api")
    shown = loader.load("openrouter_speech")["tts.TTS"]
    for name, method in inspect.getmembers(TTS, inspect.isfunction):
        if not name.startswith("_"):
            assert {each.name for each in shown[name].parameters} == set(inspect.signature(method).parameters), name
            (section,) = (each for each in shown[name].docstring.parsed if each.kind.value == "parameters")
            assert {each.name for each in section.value} >= get_type_hints(SpeechParams).keys() - {"input"}


def test_every_variable_is_described() -> None:
    """Those that options have are read from the options; here are the others."""
    code = "\n".join(path.read_text() for path in (PROJECT / "overlays").rglob("*.py"))
    described = reference.pages()["Reference"]["reference/environment.md"]
    for name in re.findall(r"\bOPENROUTER_[A-Z_]+[A-Z]\b", code):
        assert f"`{name}`" in described, name


def test_the_picture_of_the_layers_shows_modules_that_exist() -> None:
    names = re.findall(r'class="name"[^>]*>(\w+)<', (PROJECT / "docs/images/layers.svg").read_text())
    assert len(names) > 10
    for name in names:
        import_module(name if name.endswith("_api") else f"openrouter_speech.{name}")


def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    """zensical is strict, and our own check knows what it does not look at."""
    pytest.importorskip("zensical", reason="zensical is not installed; `make docs` installs it")
    assert website.build(tmp_path / "site") == 0
    client = (tmp_path / "site/reference/client.html").read_text()
    assert 'id="openrouter_speech.tts.TTS.create_speech"' in client
    assert "--max-retries" not in (text := (tmp_path / "site/reference/commands.html").read_text())
    assert "--response-format" in text or "--format" in text
