"""Conforming servers that others could have written keep every rule."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from openrouter_speech.contract import run

from .conforming import fastapi, minimal
from .peer import KEY


@pytest.mark.parametrize("serve", [minimal, fastapi])
def test_a_conforming_server_keeps_every_rule(serve: Callable[[], AbstractContextManager[str]]) -> None:
    with serve() as url:
        report = run(url, KEY)
    assert {verdict.state for verdict in report.verdicts} == {"kept"}, report.text()
    assert "broken" not in report.facts.values()
    assert report.percent > 60
    siblings = "GET /generation, GET /models, GET /models/{author}/{slug}/endpoints"
    assert report.remarks == (f"Not offered, so not tested: {siblings}.",)
