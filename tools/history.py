"""`make spec-diff`: what changed in openapi.yaml since a commit, and the version step that it calls for."""

from .compare import Difference, differences, merged
from .deviations import plain
from .document import Document, parse
from .facts import DOCUMENTED, operation_facts
from .report import Finding, advice, told
from .repository import file_at
from .semver import Changes, Step, changes

_REASONS: dict[Step, str] = {
    "major": "callers break",
    "minor": "the contract changed, and callers do not break",
    "patch": "the wording changed, and the contract did not",
    "none": "nothing changed",
}


def spec_diff(base: Document, now: Document) -> Changes:
    """The changes of the contract, and the step of the version (as SemVer has it) that they call for.

    Raises:
        DescriptionError: One of the two cannot be used.
    """
    old, new = list(base.operations()), list(now.operations())
    findings: list[Finding] = []
    for operation in dict.fromkeys([*old, *new]):
        name = f"{operation[0].upper()} {operation[1]}"
        if operation in old and operation in new:
            prefix = f"{name} " if len(old) > 1 or len(new) > 1 else ""
            found = differences(operation_facts(base, *operation), operation_facts(now, *operation))
            findings += [_finding(difference, prefix) for difference in merged(found)]
        else:
            gone = operation in old
            findings.append(
                _finding(Difference((name,), {(): DOCUMENTED} if gone else {}, {} if gone else {(): DOCUMENTED}))
            )
    return changes(findings, same=base.content == now.content, reasons=_REASONS)


def read_at(ref: str, path: str) -> Document:
    """The description as it was at a commit.

    Raises:
        RepositoryError: git knows no such commit, or it has no such file.
        DescriptionError: The file cannot be used.
    """
    return parse(file_at(ref, path), f"{path} at {ref}")


def _finding(difference: Difference, prefix: str = "") -> Finding:
    return Finding(
        "difference",
        prefix + difference.where,
        plain(difference.before),
        plain(difference.after),
        f"{told(difference.before)} before, {told(difference.after)} now",
        difference.breaking,
        advice(breaking=difference.breaking),
    )
