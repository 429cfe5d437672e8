"""What all formats are made from: each file with its report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scanners.finding import Report, Severity, Verdict

PACKAGE_VERSION = "0.1.0"
"""Of model-curator; written here as well, since asking the installation for it takes longer than a scan."""


@dataclass(slots=True)
class Scanned:
    """One file with its report."""

    path: str
    """As people are told it."""
    size: int
    sha256: str | None
    """Hex; None where it was not computed."""
    report: Report
    place: str = ""
    """Where it lies, as a path or an address, for tools that open it."""


def worst_of(scanned: Iterable[Scanned]) -> Verdict:
    return max((one.report.verdict for one in scanned), key=lambda verdict: verdict.rank, default=Verdict.SAFE)


def engines_of(scanned: Iterable[Scanned]) -> dict[str, str]:
    """Name and version of all that were asked; ours is the package's."""
    engines: dict[str, str] = {}
    for one in scanned:
        engines |= one.report.engines
    engines["curator"] = PACKAGE_VERSION
    return engines


def summary(scanned: Sequence[Scanned]) -> str:
    """`3 files: 1 unsafe, 2 safe`."""
    verdicts = [one.report.verdict for one in scanned]
    counts = [(verdict, verdicts.count(verdict)) for verdict in sorted(Verdict, key=lambda one: -one.rank)]
    files = "1 file" if len(verdicts) == 1 else f"{len(verdicts)} files"
    return f"{files}: " + (
        ", ".join(f"{count} {verdict.value}" for verdict, count in counts if count) or "nothing to judge"
    )


def exit_code(scanned: Iterable[Scanned], fail_on: Severity) -> int:
    """0: nothing found, 1: found, 3: something could not be judged. What was found is certain, so 1 outweighs 3."""
    open_end = False
    for one in scanned:
        if any(finding.severity.rank >= fail_on.rank for finding in one.report.findings):
            return 1
        open_end |= not one.report.complete
    return 3 if open_end else 0
