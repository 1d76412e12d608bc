"""The report as an HTML page that needs no network."""

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape

from .facts import Fact, State
from .rules import Verdict

_STYLE = """
:root { color-scheme: light dark; --line: #d0d7de; --kept: #116329; --broken: #b3141e; --never: #57606a;
  --code: #f3f4f6 }
@media (prefers-color-scheme: dark) {
  :root { --line: #3d444d; --kept: #56d364; --broken: #ff8b84; --never: #a3adb8; --code: #20262d }
  body { background: #12161b; color: #e6edf3 }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; font-weight: 600; padding: 1.5rem 0 .3rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-top: 1px solid var(--line) }
td { overflow-wrap: anywhere }
th { white-space: nowrap; width: 7rem }
.kept { color: var(--kept) } .broken { color: var(--broken) } .never { color: var(--never); font-weight: normal }
pre { background: var(--code); padding: .6rem; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
meter { width: 100%; height: 1.2rem }
"""


def page(title: str, notes: Iterable[str], verdicts: Iterable[Verdict], facts: Mapping[Fact, State]) -> str:
    """Return the page.

    Args:
        title: The heading.
        notes: Paragraphs below it.
        verdicts: What is known about each rule.
        facts: What is known about each fact.
    """
    kept = Counter(facts.values())["kept"]
    parts: dict[str, list[str]] = {}
    for fact, state in facts.items():
        place = f"<code>{escape(fact.place)}</code> " if fact.place else ""
        parts.setdefault(fact.part, []).append(_row(state, place + escape(fact.words)))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
<main>
<h1>{escape(title)}</h1>
{"".join(f"<p>{escape(note)}</p>" for note in notes)}
<h2>Rules</h2>
{_table("Rules of the description", map(_rule, verdicts))}
<h2>Coverage</h2>
<p>{kept} of {len(facts)} facts were seen kept.</p>
<meter min="0" max="{len(facts)}" value="{kept}" aria-label="Facts that were seen kept"></meter>
{"".join(_table(part, rows) for part, rows in parts.items())}
</main>
</html>
"""


def _rule(verdict: Verdict) -> str:
    words = f"{escape(verdict.rule.words)} <code>{escape(verdict.rule.name)}</code>"
    if verdict.failure is not None and verdict.exchange is not None:
        shown = (verdict.failure.message, verdict.exchange.curl(), verdict.exchange.response())
        words += "".join(f"<pre>{escape(text)}</pre>" for text in shown)
    return _row(verdict.state, words)


def _row(state: State, words: str) -> str:
    return f'<tr><th scope="row" class="{state.split()[0]}">{state}</th><td>{words}</td></tr>\n'


def _table(caption: str, rows: Iterable[str]) -> str:
    return f"<table><caption>{escape(caption)}</caption>\n{''.join(rows)}</table>\n"
