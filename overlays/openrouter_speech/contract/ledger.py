"""What is known of a server after each exchange. Exchanges are not kept, so that a run may be of any length."""

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, field

from .exchanges import Exchange, Failure
from .facts import Coverage, Fact, Operation, Reading, State, operations
from .rules import GENERATION_ID, RULES, Rule, Verdict

_REMEMBERED = 10_000
"""How many generation ids are compared."""


@define
class _Tally:
    """What was seen of a rule."""

    seen: int = 0
    broken: int = 0
    failure: Failure | None = None
    exchange: Exchange | None = None
    """The smallest request that breaks it."""


@define
class Ledger:
    """The rules and the facts of a description, with what the exchanges showed of each."""

    document: Mapping[str, Any]
    rules: tuple[Rule, ...] = RULES
    requests: int = field(init=False, default=0)
    operations: list[Operation] = field(init=False)
    _coverage: Coverage = field(init=False)
    _tallies: dict[str, _Tally] = field(init=False, factory=dict)
    _ids: dict[str, None] = field(init=False, factory=dict)
    """Generation ids, oldest first."""

    @operations.default
    def _operations(self) -> list[Operation]:
        return operations(self.document)

    @_coverage.default
    def _facts(self) -> Coverage:
        return Coverage(tuple(dict.fromkeys(fact for each in self.operations for fact in each.facts())))

    def operation(self, exchange: Exchange) -> Operation | None:
        """Return the operation that an exchange is for."""
        return next((each for each in self.operations if each.takes(exchange)), None)

    def add(self, exchange: Exchange) -> None:
        """Take in an exchange."""
        self.requests += 1
        exchange = self._with_repeated_id(exchange)
        operation = self.operation(exchange)
        request = operation.read_request(exchange) if operation is not None else None
        if operation is not None:
            self._coverage.add(operation, exchange, request)
        self._tally(exchange, request)

    def _with_repeated_id(self, exchange: Exchange) -> Exchange:
        """Return it with a failure if it is a success with the generation id of another."""
        found = exchange.headers.get(GENERATION_ID)
        if found is None or exchange.status is None or not 200 <= exchange.status < 300 or exchange.method == "HEAD":
            return exchange
        if found in self._ids:
            failure = Failure("generation-ids", f"{found!r} was the X-Generation-Id of an earlier response, too")
            return evolve(exchange, failures=(*exchange.failures, failure))
        self._ids[found] = None
        if len(self._ids) > _REMEMBERED:
            self._ids.pop(next(iter(self._ids)))
        return exchange

    def _tally(self, exchange: Exchange, request: Reading | None) -> None:
        failures = {self._named(failure): failure for failure in reversed(exchange.failures)}
        for rule in self.rules:
            tally = self._tallies.setdefault(rule.name, _Tally())
            tally.seen += rule.concerns(exchange, request)
        for name, failure in failures.items():
            tally = self._tallies.setdefault(name, _Tally())
            tally.broken += 1
            if tally.exchange is None or exchange.size < tally.exchange.size:
                tally.failure, tally.exchange = failure, exchange.shortened()

    def _named(self, failure: Failure) -> str:
        """Return the name of the rule that a failure breaks; a check of yours is a rule of its own."""
        return next((rule.name for rule in RULES if failure.rule in rule.checks), failure.rule)

    def verdicts(self) -> list[Verdict]:
        """Return what is known about each rule."""
        known = {rule.name for rule in self.rules}
        own = [
            Rule(name, f"The check {name} passes.", frozenset({name}), lambda *_: True)
            for name in self._tallies
            if name not in known
        ]
        return [self._verdict(rule) for rule in (*self.rules, *own)]

    def _verdict(self, rule: Rule) -> Verdict:
        tally = self._tallies.get(rule.name, _Tally())
        if tally.failure is None:
            return Verdict(rule, "kept" if tally.seen else "never seen", tally.seen)
        return Verdict(rule, "broken", max(tally.seen, tally.broken), tally.failure, tally.exchange)

    def facts(self) -> dict[Fact, State]:
        """Return what is known about each fact."""
        return self._coverage.states()
