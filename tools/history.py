"""`make spec-diff`: what changed in openapi.yaml since a commit, and the version step that this requires."""

from .compare import Difference, differences, merged
from .deviations import plain
from .document import Document, parse
from .facts import DOCUMENTED, operation_facts
from .report import Finding, advice, summary
from .repository import file_at
from .semver import Changes, Step, changes

_REASONS: dict[Step, str] = {
    "major": "breaks callers",
    "minor": "the contract changed without breaking callers",
    "patch": "the wording changed, the contract did not",
    "none": "nothing changed",
}


def spec_diff(base: Document, now: Document) -> Changes:
    """Compare two versions of the contract, and determine the SemVer step that the changes require.

    Raises:
        DescriptionError: One of the two is unusable.
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
    """Read the description at a commit.

    Raises:
        RepositoryError: There is no such commit, or no such file in it.
        DescriptionError: The file is unusable.
    """
    return parse(file_at(ref, path), f"{path} at {ref}")


def _finding(difference: Difference, prefix: str = "") -> Finding:
    return Finding(
        "difference",
        prefix + difference.where,
        plain(difference.before),
        plain(difference.after),
        f"{summary(difference.before)} before, {summary(difference.after)} now",
        difference.breaking,
        advice(breaking=difference.breaking),
    )
