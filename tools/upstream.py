"""`make upstream-diff`: how the provider's description differs from ours, apart from what differs on purpose."""

from collections.abc import Iterable

from .compare import MEDIA_TYPE, Difference, differences, merged
from .deviations import Deviation, plain, review
from .document import Document
from .facts import REQUEST, RESPONSE, operation_facts
from .report import Finding, told

_PACKAGE = "overlays/openrouter_speech"
_NEW = "or enter it in docs/deviations.yaml, with the reason"
_CONTRADICTED = "or correct the entry in docs/deviations.yaml, which no longer fits"


def upstream_diff(ours: Document, upstream: Document, deviations: Iterable[Deviation]) -> list[Finding]:
    """What it would mean to follow the provider's description: each difference that nobody has reviewed.

    Raises:
        DescriptionError: One of the two cannot be used, or upstream does not have the operation.
    """
    operations = list(ours.operations())
    if len(operations) != 1:
        raise ours.error(f"it has {len(operations)} operations, and one can be compared")
    (operation,) = operations
    found = differences(operation_facts(ours, *operation), operation_facts(upstream, *operation))
    result = review(found, deviations)
    return [
        *(_finding(difference, _NEW) for difference in merged(result.unreviewed)),
        *(_finding(difference, _CONTRADICTED) for difference in merged(result.contradicted)),
        *map(_stale, result.stale),
    ]


def _finding(difference: Difference, otherwise: str) -> Finding:
    return Finding(
        "difference",
        difference.where,
        plain(difference.before),
        plain(difference.after),
        f"{told(difference.before)} here, {told(difference.after)} upstream",
        difference.breaking,
        f"{_edit(difference)}, {otherwise}",
    )


def _stale(entry: Deviation) -> Finding:
    return Finding(
        "stale entry",
        entry.place,
        entry.ours,
        entry.upstream,
        "docs/deviations.yaml expects a difference that is not there",
        breaking=False,
        advice="take the place out of docs/deviations.yaml",
    )


def _edit(difference: Difference) -> str:
    if not difference.is_node:
        edit = "change it in openapi.yaml"
    else:
        edit = "take it out of openapi.yaml" if difference.before else "add it to openapi.yaml"
    follows = _hand_written(difference)
    return f"{edit}, run make generate" + (f", see to {_PACKAGE}/{follows}" if follows else "")


def _hand_written(difference: Difference) -> str | None:
    """The file that goes with what changed, where the generated client is not all of it."""
    place = difference.place
    if place[0] == RESPONSE:
        return _read_by(difference)
    if difference.is_node and (len(place) == 1 or (place[0] == REQUEST and len(place) == 3)):
        return "tts.py (SpeechParams) and _http/session.py"
    return {
        "server": "_http/session.py",
        "security": "_http/credential.py",
        "enum": "_core/audio.py and mock/encoder.py",
    }.get(place[-1])


def _read_by(difference: Difference) -> str | None:
    place = difference.place
    if difference.is_node and len(place) == 2:
        return "errors.py"
    if (MEDIA_TYPE,) in difference.before:
        return "_core/audio.py"
    return "_core/headers.py" if len(place) > 2 and place[2].startswith("header ") else None
