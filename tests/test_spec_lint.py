"""`make spec-lint` rejects invalid and untidy descriptions, and does not need Node.js."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from . import spec_lint
from .conftest import PROJECT, Make
from .test_npx import needs
from .tools.conftest import NO_SETUP

DESCRIPTION = (PROJECT / "openapi.yaml").read_text()
RULES = PROJECT / ".redocly.yaml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    assert old in DESCRIPTION
    path = tmp_path / "openapi.yaml"
    path.write_text(DESCRIPTION.replace(old, new, 1))
    return path


@pytest.fixture
def no_node(tmp_path: Path) -> str:
    """Provide a path with make and nothing else."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/make").symlink_to(shutil.which("make") or "make")
    return str(tmp_path / "bin")


INVALID = [
    ("type: http", "type: htp", "components securitySchemes apiKey type: "),
    ("responses:", "responsez:", "paths /audio/speech post: "),
    ("required: [error]", "required: error", "required: 'error' is not of type 'array'"),
    ("/audio/speech:", "/audio/{model}:", "Path parameter 'model' for 'post' operation"),
    ("schemas/SpeechRequest'", "schemas/Speech'", "the reference '#/components/schemas/Speech' leads nowhere"),
    ("'#/components/schemas/SpeechRequest'", "speech.yaml", "the reference 'speech.yaml' leads out of the file"),
    ("ErrorMetadata:\n      type", "ErrorMetadata:\n      $ref: '#/components/schemas/ErrorMetadata'\n      x",
     "a reference leads back to itself, or the schemas are nested too deeply"),
    ("openapi: 3.1.0", "openapi: 3.7.0", "openapi: the version 3.7.0 is none of 3.0, 3.1, 3.2"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "problem"), INVALID)
def test_what_is_invalid_is_named(
    old: str, new: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(tmp_path, old, new)
    assert spec_lint.main([str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{path}: {problem}")


def test_long_problems_are_shortened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The validator quotes each schema that OpenAPI 3.0 does not have."""
    assert spec_lint.main([str(changed(tmp_path, "openapi: 3.1.0", "openapi: 3.0.3"))]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) < 500
    assert all(" is not valid under any " in line for line in lines if "components schemas" in line)


def test_another_file_is_rejected_in_one_sentence(make: Make, tmp_path: Path, no_node: str) -> None:
    """`tests/tools/test_bad_input.py` has the sentences."""
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(100 << 20)
    result = make(NO_SETUP, "spec-lint", f"OPENAPI={tmp_path}/large.yaml", PATH=no_node)
    assert result.returncode == 2
    sentence, _ = result.stderr.splitlines()  # the second line is make's own
    assert sentence == f"{tmp_path}/large.yaml is larger than 16 MB; is it an OpenAPI description?"


def test_without_node_redocly_is_skipped_unless_it_is_required(make: Make, tmp_path: Path, no_node: str) -> None:
    fine = make(NO_SETUP, "spec-lint", PATH=no_node, NODE_TOOLS="")
    assert fine.returncode == 0
    assert fine.stderr == "Redocly was left out: it needs Node.js 20.19 or later, and there is none here.\n"
    assert make(NO_SETUP, "spec-lint", PATH=no_node, NODE_TOOLS="required").returncode == 2
    broken = changed(tmp_path, "schemas/SpeechRequest'", "schemas/Speech'")
    before = broken.read_bytes()
    result = make(NO_SETUP, "spec-lint", f"OPENAPI={broken}", PATH=no_node)
    assert result.returncode == 2
    assert result.stderr.startswith(f"{broken}: the reference '#/components/schemas/Speech' leads nowhere\n")
    assert "Redocly" not in result.stderr
    assert broken.read_bytes() == before


UNTIDY = [
    ("operationId: createSpeech", "operationId: create speech", "operation-operationId-url-safe"),
    ("      summary: Create speech\n", "", "operation-summary"),
    ("  headers:\n    Gen", "  headers:\n    Unused: {schema: {type: string}}\n    Gen", "no-unused-components"),
    ("response_format: pcm", "response_format: flac", "no-invalid-media-type-examples"),
    ("      security:\n        - apiKey: []\n", "", "security-defined"),
    ("audio/*:", "text/plain:", "response-mime-type"),
]
"""Edits that leave the description valid, and the rules that they break."""


def test_redocly_rejects_an_untidy_description(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(spec_lint.REDOCLY, monkeypatch)
    untidy = DESCRIPTION
    for old, new, _ in UNTIDY:
        assert old in untidy
        untidy = untidy.replace(old, new, 1)
    (tmp_path / "openapi.yaml").write_text(untidy)
    result = make(NO_SETUP, "spec-lint", f"OPENAPI={tmp_path}/openapi.yaml")
    assert result.returncode == 2
    assert "openapi-spec-validator finds nothing" in result.stdout
    assert set(re.findall(r"\d+:\d+ +error +(\S+)", result.stderr)) == {rule for _, _, rule in UNTIDY}


def test_each_disabled_rule_would_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(spec_lint.REDOCLY, monkeypatch)
    (tmp_path / "all.yaml").write_text("extends: [all]\n")
    assert spec_lint.main([str(PROJECT / "openapi.yaml"), f"--rules={tmp_path}/all.yaml"]) == 1
    broken = set(re.findall(r"\d+:\d+ +error +(\S+)", capsys.readouterr().err))
    assert broken == set(yaml.safe_load(RULES.read_text())["rules"])
