"""Examines the scanner with the labelled corpus: what is found, what is missed, what is wrongly blamed.

    python -m benchmarks.corpus [--only field-pickle] [--json result.json] [--workers 2] [--seconds 5] [--verbose]

Our own judges alone, one worker process or more, each file with a time limit. An unsafe sample counts as found at
medium or above; its severity is right when unsafe is called unsafe (high or critical) and suspicious is called medium.
A sample is silently clean when no file of it has a finding of medium or above and none is called unscannable.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from fixtures.corpus import Sample, all_samples
from scanners.finding import Severity
from scanners.scan import scan
from scanners.source import MemorySource


@dataclass(frozen=True, slots=True)
class Marked:
    """What became of one sample."""

    id: str
    technique: str
    format: str
    deserves: str | None
    may_be: str
    worst: str | None
    """The worst severity found in any of its files."""
    rules: tuple[str, ...]
    unscannable: str | None
    seconds: float

    @property
    def worst_rank(self) -> int:
        return -1 if self.worst is None else Severity(self.worst).rank

    @property
    def found(self) -> bool:
        return self.worst_rank >= Severity.MEDIUM.rank

    @property
    def right(self) -> bool:
        if self.deserves is None:
            return self.worst_rank <= Severity(self.may_be).rank and self.unscannable is None
        if Severity(self.deserves).rank >= Severity.HIGH.rank:
            return self.worst_rank >= Severity.HIGH.rank
        # High and critical are one verdict.
        most = Severity.CRITICAL if Severity(self.may_be).rank >= Severity.HIGH.rank else Severity.MEDIUM
        return Severity.MEDIUM.rank <= self.worst_rank <= most.rank

    @property
    def silent(self) -> bool:
        return self.deserves is not None and not self.found and self.unscannable is None

    def line(self) -> str:
        said = f"{self.worst or 'nothing'} ({', '.join(self.rules) or 'no rule'})"
        return f"{self.id}: due {self.deserves or f'at most {self.may_be}'}, said {said}" + (
            f"; unscannable: {self.unscannable}" if self.unscannable else ""
        )


class _TooLong(BaseException):
    """The time limit of one file; no judge catches it."""


def _alarm(_number: int, _frame: FrameType | None) -> None:
    raise _TooLong


def mark(sample: Sample, seconds: float) -> Marked:
    began = time.perf_counter()
    severities: list[Severity] = []
    rules: dict[str, None] = {}
    unscannable: str | None = None
    signal.signal(signal.SIGALRM, _alarm)
    for path, content in sample.files.items():
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            report = scan(MemorySource(content), path, engines=False)
        except _TooLong:
            unscannable = f"{path} took more than {seconds} s"
            continue
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        severities += [finding.severity for finding in report.findings]
        rules |= dict.fromkeys(finding.rule for finding in report.findings)
        unscannable = unscannable or report.unscannable
    worst = max(severities, key=lambda severity: severity.rank, default=None)
    return Marked(
        sample.id,
        sample.technique,
        sample.format,
        sample.deserves.value if sample.deserves else None,
        sample.may_be.value,
        worst.value if worst else None,
        tuple(rules),
        unscannable,
        time.perf_counter() - began,
    )


def mark_all(only: str, seconds: float, workers: int) -> list[Marked]:
    with ProcessPoolExecutor(workers) as pool:
        parts = pool.map(_mark_part, [(only, seconds, number, workers) for number in range(workers)])
        return sorted((marked for part in parts for marked in part), key=lambda marked: marked.id)


def _mark_part(given: tuple[str, float, int, int]) -> list[Marked]:
    only, seconds, number, workers = given
    chosen = [sample for sample in all_samples() if sample.id.startswith(only)]
    return [mark(sample, seconds) for sample in chosen[number::workers]]


def _list(title: str, marks: Iterable[Marked]) -> None:
    lines = [f"  {marked.line()}" for marked in marks]
    print(f"\n{title}: {len(lines)}")
    print("\n".join(lines), end="\n" if lines else "")


def _table(title: str, marks: Iterable[Marked], by: str) -> None:
    groups: dict[str, list[Marked]] = defaultdict(list)
    for marked in marks:
        groups[getattr(marked, by)].append(marked)
    print(f"\n{title}: {len(groups)}")
    for name, group in sorted(groups.items()):
        found, right = sum(marked.found for marked in group), sum(marked.right for marked in group)
        print(f"  {name:<34} {len(group):>4} samples, found {found:>4}, severity right {right:>4}")


def show(marks: list[Marked], *, verbose: bool) -> None:
    unsafe = [marked for marked in marks if marked.deserves]
    ordinary = [marked for marked in marks if not marked.deserves]
    _table("Techniques", unsafe, "technique")
    _table("Formats of unsafe samples", unsafe, "format")
    if verbose:
        _list("Not found", (marked for marked in unsafe if not marked.found and not marked.silent))
        _list("Found, severity wrong", (marked for marked in unsafe if marked.found and not marked.right))
    _list("Silently clean", (marked for marked in unsafe if marked.silent))
    _list("Ordinary, above its due", (m for m in ordinary if m.worst_rank > Severity(m.may_be).rank))
    _list("Ordinary, unscannable", (marked for marked in ordinary if marked.unscannable))
    slow = sorted(marks, key=lambda marked: -marked.seconds)[:5]
    print("\nSlowest: " + ", ".join(f"{marked.id} {marked.seconds:.2f} s" for marked in slow))
    print(f"\nUnsafe samples: {len(unsafe)}, of {len({m.format for m in unsafe})} formats")
    _target("found at medium or above", sum(m.found for m in unsafe), len(unsafe), at_least=98)
    _target("severity right", sum(m.right for m in unsafe), len(unsafe), at_least=90)
    _target("silently clean", sum(m.silent for m in unsafe), len(unsafe), at_most=0)
    print(f"  of the {len({m.technique for m in unsafe})} techniques, each counted once: {_mean_of_techniques(unsafe)}")
    print(f"Ordinary samples: {len(ordinary)}, of {len({m.format for m in ordinary})} formats")
    above = sum(m.worst_rank > Severity(m.may_be).rank for m in ordinary)
    _target("above their due", above, len(ordinary), at_most=0)
    _target("unscannable", sum(bool(m.unscannable) for m in ordinary), len(ordinary), at_most=2)


def _mean_of_techniques(unsafe: list[Marked]) -> str:
    """A corpus with many variants of one technique is judged by all of them alike."""
    groups: dict[str, list[Marked]] = defaultdict(list)
    for marked in unsafe:
        groups[marked.technique].append(marked)
    if not groups:
        return "nothing to count"
    found = sum(sum(m.found for m in group) / len(group) for group in groups.values()) / len(groups)
    right = sum(sum(m.right for m in group) / len(group) for group in groups.values()) / len(groups)
    return f"found {100 * found:.1f} %, severity right {100 * right:.1f} %"


def _target(name: str, part: int, of: int, *, at_least: float = 0, at_most: float = 100) -> None:
    """One figure and whether it is as it is to be, in per cent of the samples."""
    share = 100 * part / of if of else at_least
    asked = f">= {at_least:g} %" if at_most == 100 else f"<= {at_most:g} %"
    reached = "reached" if at_least <= share <= at_most else "MISSED"
    print(f"  {name:<26}{part:>6}/{of:<6}{share:>6.1f} %   {asked:<8} {reached}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__)
    parser.add_argument("--only", default="", help="samples whose id begins so")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    marks = mark_all(given.only, given.seconds, given.workers)
    show(marks, verbose=given.verbose)
    if given.json:
        given.json.write_text(json.dumps([asdict(marked) for marked in marks], indent=1))


if __name__ == "__main__":
    main()
