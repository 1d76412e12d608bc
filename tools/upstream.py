"""`make upstream-diff`: how the provider's description differs from ours, except on purpose."""

from collections.abc import Iterable

from .compare import MEDIA_TYPE, Difference, differences, merged
from .deviations import Deviation, plain, review
from .document import Document
from .facts import REQUEST, RESPONSE, operation_facts
from .report import Finding, summary

_PACKAGE = "overlays/openrouter_speech"
_NEW = "or record it in docs/deviations.yaml, with the reason"
_CONTRADICTED = "or correct the outdated entry in docs/deviations.yaml"


def upstream_diff(ours: Document, upstream: Document, deviations: Iterable[Deviation]) -> list[Finding]:
    """List each unreviewed difference, and what to do about it.

    Raises:
        DescriptionError: One of the two is unusable, or upstream lacks the operation.
    """
    operations = list(ours.operations())
    if len(operations) != 1:
        raise ours.error(f"it has {len(operations)} operations, but only one can be compared")
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
        f"{summary(difference.before)} here, {summary(difference.after)} upstream",
        difference.breaking,
        f"{_edit(difference)}, {otherwise}",
    )


def _stale(entry: Deviation) -> Finding:
    return Finding(
        "stale entry",
        entry.place,
        entry.ours,
        entry.upstream,
        "docs/deviations.yaml expects a difference that no longer exists",
        breaking=False,
        advice="remove the place from docs/deviations.yaml",
    )


def _edit(difference: Difference) -> str:
    if not difference.is_node:
        edit = "change it in openapi.yaml"
    else:
        edit = "remove it from openapi.yaml" if difference.before else "add it to openapi.yaml"
    follows = _hand_written(difference)
    return f"{edit}, run make generate" + (f", update {_PACKAGE}/{follows}" if follows else "")


def _hand_written(difference: Difference) -> str | None:
    """Return the hand-written file to update, if regenerating is not enough."""
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
