"""The mock server keeps the contract. `make contract` passes SEED and EXAMPLES in the environment."""

import os

from openrouter_speech.contract import random_seed, run
from openrouter_speech.mock import MockServer

KEY = "the-contract-tests-own-key"


def test_the_mock_server_keeps_every_rule() -> None:
    given = os.environ.get("SEED")
    seed = random_seed() if given == "random" else int(given) if given else None
    with MockServer(api_key=KEY) as server:
        report = run(server.url, KEY, seed=seed, examples=int(os.environ.get("EXAMPLES") or 40))
    assert {verdict.state for verdict in report.verdicts} == {"kept"}, report.text()
    assert "broken" not in report.facts.values()
