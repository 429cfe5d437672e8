"""Files on which other scanners hang, fill the memory or crash: what we know of them is said all the same."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from fixtures.hostile import HOSTILE, computed
from scanners.batch import Batch
from scanners.budget import MIB
from scanners.confinement import Limits
from scanners.engines import interface
from scanners.engines.interface import Objection
from scanners.finding import Report, Verdict
from scanners.jail import Jail
from scanners.source import MemorySource
from tests.scanning import SHELL, judged, proto

LIMITS = Limits(memory_bytes=2048 * MIB, cpu_s=60, wall_s=90.0)


class Crashing:
    """As a parser in another language ends a process."""

    name = "crashing"

    def version(self) -> str:
        return "1"

    def objections(self, stream: bytes) -> list[Objection]:
        del stream
        os.abort()


def with_opinions(content: bytes, folder: Path, *, crashing: bool = False) -> Report:
    """As a command of one thread has it: of the threads of a test, one may hold a lock that a fork would never lose."""
    path = folder / "model.pkl"
    path.write_bytes(content)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(_judged_alone, str(path), crashing).result()


def _judged_alone(path: str, crashing: bool) -> Report:
    interface.LONGEST_TURN_S = 3
    if crashing:
        setattr(interface, "engines", lambda: {Crashing(): "1"})  # noqa: B010 - it is no function to mypy
    (one,) = Batch([path], LIMITS, jobs=1)
    return one.report


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_for_another_scanner_ends_as_our_report(name: str, tmp_path: Path) -> None:
    began = time.monotonic()
    report = with_opinions(HOSTILE[name], tmp_path)
    assert time.monotonic() - began < LIMITS.wall_s
    ours = judged(HOSTILE[name])
    assert report.format == "pickle"
    assert [one for one in report.findings if one.engine == "curator"] == list(ours.findings)
    assert report.unscannable == ours.unscannable
    assert {"fickling", "picklescan", "modelaudit-picklescan"} <= report.engines.keys()


def test_a_scanner_that_crashes_takes_nothing_of_ours_with_it(tmp_path: Path) -> None:
    report = with_opinions(proto(SHELL), tmp_path, crashing=True)
    assert report.verdict is Verdict.UNSAFE
    assert report.engines["crashing"] == "1; not heard: The process that judged it was ended by SIGABRT."


def test_a_scanner_that_takes_all_the_time_takes_nothing_of_ours_with_it() -> None:
    content = proto(SHELL + b"0" + computed()[2:-1])
    with Jail(Limits(memory_bytes=2048 * MIB, cpu_s=60, wall_s=6.0)) as jail:
        jail.scan(MemorySource(b"{}"), "warm.json")
        report = jail.scan(MemorySource(content), "model.pkl")
    assert report.verdict is Verdict.UNSAFE
    assert "not heard" in report.engines["modelaudit-picklescan"]
