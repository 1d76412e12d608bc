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


def _is_whole_success(exchange: Exchange, _: Reading | None) -> bool:
    return _is_success(exchange, _) and exchange.response_is_whole


def _is_error(exchange: Exchange, _: Reading | None) -> bool:
    return exchange.status is not None and exchange.status >= 400 and exchange.response_is_whole


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


GENERATION_ID = "x-generation-id"

RULES = (
    Rule("responds", "Every request gets a response.", frozenset({"responds"}), _responded),
    Rule("security", "A request without a valid key is refused with a 401.", frozenset({"ignored_auth", "security"}),
         lambda exchange, _: not exchange.key_is_right and exchange.status == 401),
    Rule("examples", "The examples of the description succeed.",
         frozenset({"documented_example_is_spoken", "examples"}), lambda exchange, _: exchange.is_example),
    Rule("valid-requests", "A valid request is accepted.", frozenset({"positive_data_acceptance"}), _is_accepted),
    Rule("invalid-requests", "A request that the schema rules out is refused.",
         frozenset({"negative_data_rejection", "missing_required_header"}), _is_invalid),
    Rule("malformed-requests", "A malformed body is refused with a 400, or with a 422 if that is documented.",
         frozenset({"malformed-requests"}),
         lambda exchange, request: (_wrong_json(exchange, request) or _is_invalid(exchange, request))
         and exchange.status in {400, 422}),
    Rule("media-types", "A body of another media type is refused.", frozenset({"another_media_type_is_refused"}),
         _wrong_type),
    Rule("methods", "Another method is refused with a 405 that names those allowed.",
         frozenset({"unsupported_method", "allow_header_conformance"}), lambda exchange, _: exchange.status == 405),
    Rule("statuses", "The status is a documented one.", frozenset({"status_code_conformance"}), _responded),
    Rule("content-types", "Content-Type is a documented one.", frozenset({"content_type_conformance", "json_is_utf_8"}),
         _responded),
    Rule("headers", "The documented headers are there, once, in the documented form.",
         frozenset({"response_headers_conformance", "headers_are_readable"}), _is_success),
    Rule("generation-ids", "Each success has an X-Generation-Id of its own.", frozenset({"generation-ids"}),
         lambda exchange, _: _is_success(exchange, None) and GENERATION_ID in exchange.headers),
    Rule("audio", "A success is whole audio in the requested format.", frozenset({"audio_is_what_was_asked_for"}),
         _is_whole_success),
    Rule("error-bodies", "An error has the documented body.", frozenset({"response_schema_conformance"}), _is_error),
    Rule("error-codes", "error.code repeats the status.", frozenset({"error_repeats_its_status"}), _is_error),
    Rule("server-errors", "No request makes the server fail.", frozenset({"not_a_server_error"}), _responded),
)  # fmt: skip

REQUESTS = Rule("requests", "The requests of the application are as the description says.", frozenset({"requests"}),
                lambda _, request: request is not None)  # fmt: skip
"""What a proxy sees besides."""
_SENT_ONLY = frozenset({"examples", "valid-requests", "server-errors"})
"""Rules that need requests whose outcome is known: an application may well ask for a voice that is not there."""
WATCHED = (REQUESTS, *(rule for rule in RULES if rule.name not in _SENT_ONLY))
"""What a proxy can judge."""
