"""The figures of a benchmark: every round's, their medians and ratios as a table and as JSON, and what was to reach."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import find_program


@dataclass(frozen=True)
class Target:
    """What a figure is to reach."""

    case: str
    way: str
    figure: str
    at_least: float | None = None
    at_most: float | None = None
    against: str | None = None
    """The way that the figure is divided by; None for the figure itself."""
    other_figure: str | None = None
    """Where the figure is compared with another one of the same way."""
    other_case: str | None = None
    """Where the divisor is of another case."""
    difference: bool = False
    """Whether the other is taken away instead of divided by."""


@dataclass
class Results:
    """Every figure of every round, by case and way."""

    name: str
    options: argparse.Namespace
    base: str
    """The way that the table's ratios are to."""
    figures: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, case: str, way: str, **figures: float) -> None:
        """The figures of one round."""
        kept = self.figures.setdefault(case, {}).setdefault(way, {})
        for figure, value in figures.items():
            kept.setdefault(figure, []).append(value)
        shown = ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items())
        print(f"  {case}, {way}: {shown}", file=sys.stderr, flush=True)

    def report(self) -> None:
        """Print the table, and write the JSON where it was asked for."""
        where = machine()
        print(f"\n{self.name}, {self.options.rounds} rounds, medians; x: median of the rounds' ratios to {self.base}")
        print(
            f"machine: {where['cores']} cores ({where['processor']}), {where['memory_gib']} GiB, "
            f"kernel {where['kernel']}, Python {where['python']}, nginx {where['nginx']}"
        )
        for line in self._lines():
            print(line)
        judged = [(target, self._reached(target)) for target in self.targets if self._measured(target)]
        for target, value in judged:
            print(_verdict(target, value))
        for note in self.notes:
            print(f"note: {note}")
        if self.options.json:
            document = {
                "benchmark": self.name,
                "machine": where,
                "options": {
                    name: str(value) for name, value in vars(self.options).items() if name not in {"json", "folder"}
                },
                "base": self.base,
                "rounds": self.figures,
                "medians": {
                    case: {
                        way: {figure: _median(values) for figure, values in kept.items()} for way, kept in ways.items()
                    }
                    for case, ways in self.figures.items()
                },
                "targets": [{**vars(target), "value": value, "met": _met(target, value)} for target, value in judged],
                "notes": self.notes,
            }
            self.options.json.write_text(json.dumps(document, indent=2) + "\n")

    def _lines(self) -> Iterator[str]:
        for case, ways in self.figures.items():
            names = list(dict.fromkeys(figure for kept in ways.values() for figure in kept))
            yield f"\n{case:<34}" + "".join(f"{name:>16}{'x':>9}" for name in names)
            for way, kept in ways.items():
                cells = ""
                for name in names:
                    value = f"{_median(kept[name]):.4g}" if name in kept else "-"
                    others = ways.get(self.base, {}).get(name)
                    factor = f"{_ratio(kept[name], others):.3g}" if others and name in kept else "-"
                    cells += f"{value:>16}{factor:>9}"
                yield f"  {way:<32}{cells}"

    def _values(self, case: str, way: str, figure: str) -> list[float]:
        return self.figures.get(case, {}).get(way, {}).get(figure, [])

    def _divisor(self, target: Target) -> list[float]:
        case = target.other_case or target.case
        return self._values(case, target.against or target.way, target.other_figure or target.figure)

    def _measured(self, target: Target) -> bool:
        return bool(self._values(target.case, target.way, target.figure)) and bool(self._divisor(target))

    def _reached(self, target: Target) -> float:
        values = self._values(target.case, target.way, target.figure)
        if target.difference:
            return _median([mine - its for mine, its in zip(values, self._divisor(target), strict=False)])
        compared = target.against or target.other_figure or target.other_case
        return _ratio(values, self._divisor(target)) if compared else _median(values)


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _ratio(values: list[float], others: list[float]) -> float:
    """The median of each round's ratio: what slows a whole round down touches both."""
    return _median([mine / its if its else float("nan") for mine, its in zip(values, others, strict=False)])


def _met(target: Target, value: float) -> bool:
    if target.at_least is not None:
        return value >= target.at_least
    assert target.at_most is not None
    return value <= target.at_most


def _verdict(target: Target, value: float) -> str:
    wanted = f"at least {target.at_least:g}" if target.at_least is not None else f"at most {target.at_most:g}"
    link = " - " if target.difference else " / "
    other = [name for name in (target.other_case, target.against, target.other_figure) if name]
    compared = link + " ".join(other) if other else ""
    said = "reached" if _met(target, value) else "MISSED"
    return f"{said}: {target.case}, {target.way} {target.figure}{compared}: {value:.4g} ({wanted})"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    nginx = find_program("nginx")
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr if nginx else "none"
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor[1] if processor else platform.machine(),
        "memory_gib": round(int(memory[1]) / (1 << 20), 1) if memory else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "nginx": said.strip().rpartition("/")[2],
    }
