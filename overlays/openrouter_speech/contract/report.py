"""What a run found: as text, JSON, HTML and JUnit XML."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from attrs import frozen

from .facts import Fact, State
from .page import page
from .rules import Verdict

_WIDTH = 110


@frozen(kw_only=True)
class Report:
    """What a run found."""

    url: str
    requests: int
    """How many requests were sent, or seen."""
    verdicts: list[Verdict]
    """What is known about each rule."""
    facts: Mapping[Fact, State]
    """What is known about each fact of the description."""
    stopped: bool = False
    """Whether the run ended before all requests were sent."""
    seed: int | None = None
    """None if the requests do not depend on one."""
    examples: int | None = None
    remarks: tuple[str, ...] = ()
    """Sentences about what was not checked, and why."""
    har: str | None = None
    """Every exchange, as an HTTP archive, if it was asked for."""

    @property
    def broken(self) -> list[str]:
        """The names of the rules that are broken."""
        return [verdict.rule.name for verdict in self.verdicts if verdict.state == "broken"]

    @property
    def percent(self) -> float:
        """The share of facts that were seen kept."""
        return 100 * Counter(self.facts.values())["kept"] / max(len(self.facts), 1)

    def text(self) -> str:
        """Return one screen for a person to read."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        head, *summary = self._notes()
        yield f"{self.url}: {head}"
        yield ""
        for verdict in self.verdicts:
            mark = "BROKEN" if verdict.state == "broken" else verdict.state
            yield f"{mark:<12}{verdict.rule.words} [{verdict.rule.name}]"
            if verdict.failure is not None and verdict.exchange is not None:
                yield f"            {_shortened(verdict.failure.message)}"
                yield f"            {verdict.exchange.curl()}"
                yield f"            -> {verdict.exchange.response()}"
        yield ""
        yield from summary

    def _notes(self) -> Iterator[str]:
        yield f"{self.requests} request{'' if self.requests == 1 else 's'}"
        yield from self.remarks
        count = Counter(self.facts.values())
        yield (
            f"Coverage: {self.percent:.0f}% of {len(self.facts)} facts of the description: {count['kept']} kept, "
            f"{count['broken']} broken, {count['never seen']} never seen"
        )
        if self.seed is not None:
            yield f"The same requests again: --seed {self.seed} --examples {self.examples}"
        states = Counter(verdict.state for verdict in self.verdicts)
        yield f"Rules: {states['kept']} kept, {states['broken']} broken, {states['never seen']} never seen"

    def json(self) -> str:
        """Return everything for programs."""
        count = Counter(self.facts.values())
        document = {
            "url": self.url,
            "requests": self.requests,
            "stopped": self.stopped,
            "remarks": list(self.remarks),
            "seed": self.seed,
            "examples": self.examples,
            "rules": [_described(verdict) for verdict in self.verdicts],
            "coverage": {
                "percent": round(self.percent, 1),
                "kept": count["kept"],
                "broken": count["broken"],
                "never_seen": count["never seen"],
                "facts": [
                    {"part": fact.part, "place": fact.place, "fact": fact.words, "state": state}
                    for fact, state in self.facts.items()
                ],
            },
        }
        return json.dumps(document, indent=2) + "\n"

    def html(self) -> str:
        """Return a page that needs no network."""
        return page(f"Contract of {self.url}", self._notes(), self.verdicts, self.facts)

    def junit(self) -> str:
        """Return JUnit XML with a test case for each rule."""
        states = Counter(verdict.state for verdict in self.verdicts)
        stopped = int(self.stopped)
        counts = {
            "tests": str(len(self.verdicts) + stopped), "failures": str(states["broken"]), "errors": str(stopped),
            "skipped": str(states["never seen"]),
        }  # fmt: skip
        suite = ET.Element("testsuite", {"name": f"contract {self.url}", **counts})
        for verdict in self.verdicts:
            case = ET.SubElement(suite, "testcase", {"classname": "contract", "name": verdict.rule.name})
            if verdict.failure is not None and verdict.exchange is not None:
                message = _legal(verdict.failure.message)
                failure = ET.SubElement(case, "failure", {"message": f"{verdict.rule.words} {_shortened(message)}"})
                failure.text = _legal(f"{message}\n\n{verdict.exchange.curl()}\n\n{verdict.exchange.response()}")
            elif verdict.state == "never seen":
                ET.SubElement(case, "skipped", {"message": "no request showed it"})
        if self.stopped:
            case = ET.SubElement(suite, "testcase", {"classname": "contract", "name": "the run"})
            ET.SubElement(case, "error", {"message": " ".join(self.remarks)})
        ET.indent(suite)
        return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suite, encoding="unicode")}\n'


def _described(verdict: Verdict) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": verdict.rule.name, "rule": verdict.rule.words, "state": verdict.state, "requests": verdict.seen,
    }  # fmt: skip
    if verdict.failure is not None and verdict.exchange is not None:
        described["failure"] = {
            "message": verdict.failure.message, "curl": verdict.exchange.curl(), "response": verdict.exchange.response()
        }  # fmt: skip
    return described


def _shortened(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _WIDTH * 2 else f"{line[: _WIDTH * 2]}..."


def _legal(text: str) -> str:
    """Replace characters that no XML file can hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\N{REPLACEMENT CHARACTER}", text)
