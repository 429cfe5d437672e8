"""Where other scanners and ours disagree on the pickles of the labelled corpus, and what files made for them do.

    python -m benchmarks.opinions

Writes the two tables of `docs/second-opinions.md`. The engines are those that are installed beside us; what they are
given is what our own machine has read as pickles, in whatever file they lie.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.environments import ROOT
from fixtures.corpus import Sample, all_samples
from fixtures.hostile import HOSTILE
from scanners.batch import Batch
from scanners.budget import MIB
from scanners.engines.interface import Engine, engines
from scanners.finding import Report, Severity

PAGE = ROOT / "docs" / "second-opinions.md"
ALONE_S = 60
ALONE_BYTES = 4096 * MIB


def main() -> None:
    asked = {engine: version for engine, version in engines().items() if not version.startswith("absent:")}
    text = PAGE.read_text()
    for name, table in (("disagreements", disagreements(asked)), ("hostile files", hostile(asked))):
        place = re.search(rf"(?<=<!-- made: {name} -->\n).*?(?=<!-- end -->)", text, re.DOTALL)
        if place is None:
            sys.exit(f"{PAGE.name} has no place for the table of {name}")
        text = text[: place.start()] + table + text[place.end() :]
    PAGE.write_text(text)
    print(f"wrote {PAGE.relative_to(ROOT)}")


# --- who objects to what ----------------------------------------------------------------------------------------


@dataclass
class Row:
    """The samples of one technique that have pickles in them."""

    samples: int = 0
    ours: int = 0
    """That we find at medium or above."""
    others: Counter[str] = field(default_factory=Counter)
    """That an engine objects to, whatever the objection weighs with us."""


def disagreements(asked: dict[Engine, str]) -> str:
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    names = [engine.name for engine in asked]
    for sample, reports in _judged(list(all_samples())):
        with_pickles = [report for report in reports if not report.engines.keys().isdisjoint(names)]
        if not with_pickles:
            continue
        row = rows["ordinary" if sample.is_ordinary else "unsafe", sample.technique]
        findings = [finding for report in with_pickles for finding in report.findings]
        row.samples += 1
        row.ours += any(one.engine == "curator" and one.severity is not Severity.LOW for one in findings)
        row.others.update({one.engine for one in findings} & {*names})
    lines = [
        _line(["", "files", "curator", *(f"{engine.name} {version}" for engine, version in asked.items())]),
        _line(["---"] * (3 + len(names))),
    ]
    for kind in ("unsafe", "ordinary"):
        chosen = [row for (of_kind, _), row in rows.items() if of_kind == kind]
        if chosen:
            lines.append(_cells(f"**all {kind} files**", _sum(chosen), names))
        for (of_kind, technique), row in sorted(rows.items()):
            # Where all say the same there is nothing to learn.
            said = {row.ours, *(row.others[name] for name in names)}
            if of_kind == kind and said not in ({row.samples}, {0}):
                lines.append(_cells(technique, row, names))
    return "".join(lines)


def _judged(samples: list[Sample]) -> Iterable[tuple[Sample, list[Report]]]:
    with tempfile.TemporaryDirectory() as folder:
        owners: list[Sample] = []
        paths: list[str] = []
        for number, sample in enumerate(samples):
            for name, content in sample.files.items():
                path = Path(folder) / str(number) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                paths.append(str(path))
                owners.append(sample)
        reports: dict[str, list[Report]] = defaultdict(list)
        for judged in Batch(paths):
            reports[owners[judged.number].id].append(judged.report)
    return [(sample, reports[sample.id]) for sample in samples]


def _sum(rows: list[Row]) -> Row:
    return Row(
        sum(row.samples for row in rows),
        sum(row.ours for row in rows),
        sum((row.others for row in rows), Counter()),
    )


def _cells(title: str, row: Row, names: list[str]) -> str:
    return _line([title, str(row.samples), str(row.ours), *(str(row.others[name]) for name in names)])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


# --- what stops them --------------------------------------------------------------------------------------------


def hostile(asked: dict[Engine, str]) -> str:
    names = [engine.name for engine in asked]
    lines = [_line(["the file", *(f"{name} alone" for name in names), "our scan with all of them"])]
    lines.append(_line(["---"] * (2 + len(names))))
    for title, content in HOSTILE.items():
        alone = [_measured(partial(engine.objections, content)) for engine in asked]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.pkl"
            path.write_bytes(content)
            ours = _measured(partial(list, Batch([str(path)])), confined=False)
        lines.append(_line([f"{title} ({len(content) / 1e6:.1f} MB)", *alone, ours]))
    return "".join(lines)


def _measured(work: Callable[[], object], *, confined: bool = True) -> str:
    """Seconds and the most memory of the work in a process of its own, its children included."""
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        if confined:
            resource.setrlimit(resource.RLIMIT_AS, (ALONE_BYTES, ALONE_BYTES))
            signal.alarm(ALONE_S)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            work()
        except Exception:
            os._exit(3)
        os._exit(0)
    _, status, usage = os.wait4(pid, 0)
    how = {-signal.SIGALRM: "ended after ", 0: "", 3: ""}.get(os.waitstatus_to_exitcode(status), "crashed after ")
    return f"{how}{time.monotonic() - began:.1f} s, {usage.ru_maxrss >> 10} MiB"


if __name__ == "__main__":
    main()
