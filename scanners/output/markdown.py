"""For a comment on a pull request: a Markdown table, the worst first.

Texts from files are untrusted: they are written so that no Markdown, HTML, address or `@name` in them comes alive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scanners.finding import Severity, Verdict
from scanners.output.record import Scanned, summary, worst_of

MOST_ROWS = 100
"""A comment on GitHub has 65,536 letters at most."""
LONGEST_TEXT = 240
_SIGNS = {Verdict.UNSAFE: "🛑", Verdict.UNSCANNABLE: "❔", Verdict.SUSPICIOUS: "⚠️", Verdict.SAFE: "✅"}
_ALIVE = re.compile(r"[^\w ,;()'/-]|_|\.(?=\S)")


def render(scanned: Sequence[Scanned], *, fail_on: Severity, quiet: bool = False) -> str:
    """Only what is to be looked at has a row; safe files without a finding are in the count."""
    del fail_on, quiet
    lines = [f"### Model scan: {_SIGNS[worst_of(scanned)]} {worst_of(scanned).value}", "", summary(scanned)]
    rows = list(_rows(scanned))
    if rows:
        lines += ["", "| Verdict | File | What | Severity | Rule |", "|---|---|---|---|---|", *rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines += ["", f"{len(rows) - MOST_ROWS} more rows are not shown."]
    return "\n".join(lines)


def _rows(scanned: Sequence[Scanned]) -> Iterator[str]:
    for one in sorted(scanned, key=lambda one: -one.report.verdict.rank):
        report = one.report
        start = f"| {_SIGNS[report.verdict]} {report.verdict.value} | {inert(one.path)} |"
        for finding in report.findings:
            where = f" (in {inert(finding.where.member)})" if finding.where.member else ""
            message = inert(finding.message)
            yield f"{start} {message}{where} | {finding.severity.value} | {finding.rule} |"
        if report.unscannable is not None:
            yield f"{start} not judged: {inert(report.unscannable)} | | |"


def inert(text: str) -> str:
    """The text as one line in which every sign that could mean something is written by its number."""
    short = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " ..."
    visible = "".join(letter if letter.isprintable() else " " for letter in short)
    return _ALIVE.sub(lambda found: f"&#{ord(found[0])};", visible)
