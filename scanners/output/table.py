"""For people at a terminal: a line a file, and what was found below it."""

from __future__ import annotations

from collections.abc import Sequence

from scanners.files import printable
from scanners.finding import Severity, Verdict
from scanners.output.record import Scanned, summary

_INDENT = " " * 13


def render(scanned: Sequence[Scanned], *, fail_on: Severity, quiet: bool = False) -> str:
    del fail_on
    lines: list[str] = []
    for one in scanned:
        verdict = one.report.verdict
        if quiet and verdict is Verdict.SAFE:
            continue
        lines.append(f"{verdict.value:<11}  {one.path}  ({one.report.format}, {size(one.size)})")
        if one.report.unscannable is not None:
            lines.append(f"{_INDENT}not judged: {printable(one.report.unscannable)}")
        for finding in one.report.findings:
            place = ", ".join(f"{name} {value}" for name, value in finding.where.as_json().items())
            message = printable(finding.message)
            lines.append(f"{_INDENT}{finding.severity.value}: {message} [{finding.rule}, {finding.engine}]")
            if place:
                lines.append(f"{_INDENT}  at {printable(place)}")
    if not quiet:
        lines.append(summary(scanned))
    return "\n".join(lines)


def size(count: int) -> str:
    """`21 bytes`, `1.2 kB`, `5.4 GB`."""
    if count < 1000:
        return "1 byte" if count == 1 else f"{count} bytes"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount:,.1f} TB"
