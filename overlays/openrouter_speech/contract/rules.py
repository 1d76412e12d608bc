"""The rules of the description, as the report names them, and the checks that find each broken."""

from collections.abc import Callable

from attrs import frozen

from .exchanges import Exchange, Failure
from .facts import Reading, State

Concerns = Callable[[Exchange, Reading | None], bool]


@frozen
class Rule:
    """A rule that a server keeps or breaks."""

    name: str
    words: str
    checks: frozenset[str]
    """Schemathesis's name of each check that finds it broken."""
    concerns: Concerns
    """Whether an exchange shows that the rule is kept, if no check finds it broken."""


@frozen
class Verdict:
    """What a run says about a rule."""

    rule: Rule
    state: State
    seen: int
    """How many exchanges show it kept or broken."""
    failure: Failure | None = None
    exchange: Exchange | None = None
    """The smallest request that breaks it."""


def _responded(exchange: Exchange, _: Reading | None) -> bool:
    return exchange.status is not None


def _is_accepted(exchange: Exchange, request: Reading | None) -> bool:
    return _is_success(exchange, request) and request is not None and not request.violated


def _is_success(exchange: Exchange, _: Reading | None) -> bool:
    return exchange.status is not None and 200 <= exchange.status < 300


def _is_error(exchange: Exchange, _: Reading | None) -> bool:
    return exchange.status is not None and exchange.status >= 400


def _violates(*places: tuple[str, str]) -> Concerns:
    """Return whether all that is wrong with a request is in these parts and words; an empty one stands for any."""

    def concerns(_: Exchange, request: Reading | None) -> bool:
        wrong = request.violated if request is not None else frozenset()
        return bool(wrong) and all(
            any(fact.part == part and fact.words.startswith(words) for part, words in places) for fact in wrong
        )

    return concerns


_wrong_type = _violates(("body", "another media type"))
_wrong_json = _violates(("body", "what is not JSON"))


def _is_invalid(exchange: Exchange, request: Reading | None) -> bool:
    in_body = _violates(("body", ""), ("header", ""))(exchange, request)
    return in_body and not _wrong_type(exchange, request) and not _wrong_json(exchange, request)


RULES = (
    Rule("responds", "Every request gets a response.", frozenset({"responds"}), _responded),
    Rule("security", "A request without a valid key is refused with a 401.", frozenset({"ignored_auth", "security"}),
         lambda exchange, _: not exchange.key_is_right and exchange.status == 401),
    Rule("examples", "The examples of the description succeed.",
         frozenset({"documented_example_is_spoken", "examples"}), lambda exchange, _: exchange.is_example),
    Rule("valid-requests", "A valid request is accepted.", frozenset({"positive_data_acceptance"}), _is_accepted),
    Rule("invalid-requests", "A request that the schema rules out is refused.",
         frozenset({"negative_data_rejection", "missing_required_header"}), _is_invalid),
    Rule("malformed-requests", "A malformed body is refused with a 400.", frozenset({"malformed-requests"}),
         lambda exchange, request: (_wrong_json(exchange, request) or _is_invalid(exchange, request))
         and exchange.status == 400),
    Rule("media-types", "A body of another media type is refused.", frozenset({"another_media_type_is_refused"}),
         _wrong_type),
    Rule("methods", "Another method is refused with a 405 that names those allowed.",
         frozenset({"unsupported_method", "allow_header_conformance"}), lambda exchange, _: exchange.status == 405),
    Rule("statuses", "The status is a documented one.", frozenset({"status_code_conformance"}), _responded),
    Rule("content-types", "Content-Type is a documented one.", frozenset({"content_type_conformance"}), _responded),
    Rule("headers", "The documented headers are there, in the documented form.",
         frozenset({"response_headers_conformance"}), _is_success),
    Rule("audio", "A success is whole audio in the requested format.", frozenset({"audio_is_what_was_asked_for"}),
         _is_success),
    Rule("error-bodies", "An error has the documented body.", frozenset({"response_schema_conformance"}), _is_error),
    Rule("error-codes", "error.code repeats the status.", frozenset({"error_repeats_its_status"}), _is_error),
    Rule("server-errors", "No request makes the server fail.", frozenset({"not_a_server_error"}), _responded),
)  # fmt: skip


def verdict(rule: Rule, exchanges: list[tuple[Exchange, Reading | None]]) -> Verdict:
    """Judge a rule by the exchanges, each with what its request says."""
    failed = [
        (exchange, failure)
        for exchange, _ in exchanges
        for failure in exchange.failures
        if failure.rule in rule.checks or (failure.rule == rule.name)
    ]
    seen = sum(rule.concerns(exchange, request) for exchange, request in exchanges)
    if not failed:
        return Verdict(rule, "kept" if seen else "never seen", seen)
    exchange, failure = min(failed, key=lambda pair: pair[0].size)
    return Verdict(rule, "broken", max(seen, len({id(exchange) for exchange, _ in failed})), failure, exchange)


def verdicts(exchanges: list[tuple[Exchange, Reading | None]]) -> list[Verdict]:
    """Judge every rule; a check that belongs to none of them, such as one of yours, has a rule of its own."""
    known = {check for rule in RULES for check in rule.checks}
    others = dict.fromkeys(
        failure.rule for exchange, _ in exchanges for failure in exchange.failures if failure.rule not in known
    )
    own = [Rule(check, f"The check {check} passes.", frozenset({check}), _responded) for check in others]
    return [verdict(rule, exchanges) for rule in (*RULES, *own)]
