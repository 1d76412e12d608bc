"""Test a server against openapi.yaml: which rules it keeps, which it breaks, and which were never seen."""

try:
    from .description import InputError
    from .exchanges import Exchange, Failure
    from .facts import Fact
    from .proxy import Proxy
    from .report import Report
    from .rules import RULES, Rule, Verdict
    from .run import EXAMPLES, random_seed, run
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"The contract tests need the package {error.name}: pip install 'openrouter-speech[contract]'", name=error.name
    ) from error

__all__ = [
    "EXAMPLES", "RULES", "Exchange", "Fact", "Failure", "InputError", "Proxy", "Report", "Rule", "Verdict",
    "random_seed", "run",
]  # fmt: skip
