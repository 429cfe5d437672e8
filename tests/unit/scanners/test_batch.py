"""Whatever one file of many does to its judge, it alone is not judged, and what judged it can reach nothing."""

from __future__ import annotations

import ctypes
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanners import batch, batch_child, needs
from scanners.batch import Batch
from scanners.budget import MIB
from scanners.confinement import Limits
from scanners.finding import Report, Verdict
from scanners.needs import BadNeed, Needs
from scanners.scan import scan as genuine
from scanners.source import ByteSource
from tests.scanning import POISONED_TORCH_ZIP, SAFETENSORS, SHELL, TORCH_LEGACY, TORCH_ZIP, judged, proto

LIMITS = Limits(memory_bytes=1024 * MIB, cpu_s=20, wall_s=30.0)


def judge(paths: list[Path], limits: Limits = LIMITS, *, jobs: int = 1, engines: bool = False) -> list[Report]:
    found = list(Batch([str(path) for path in paths], limits, engines=engines, jobs=jobs))
    assert sorted(one.number for one in found) == list(range(len(paths))), "each file is judged once"
    return [one.report for one in sorted(found, key=lambda one: one.number)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_among_many_is_judged_as_it_is_alone(jobs: int, tmp_path: Path) -> None:
    template = tmp_path / "chat_template.jinja"
    template.write_text("{{ ''.__class__.__mro__ }}")
    paths = [SAFETENSORS, POISONED_TORCH_ZIP, TORCH_ZIP, TORCH_LEGACY, template] * 9
    for path, report in zip(paths, judge(paths, jobs=jobs), strict=True):
        alone = judged(path.read_bytes(), path.name)
        assert (report.findings, report.format, report.metadata) == (alone.findings, alone.format, alone.metadata)
        assert report.bytes_read == alone.bytes_read


def test_more_files_than_a_process_may_have_open_are_judged(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number:04}.pkl" for number in range(1200)]
    for path in paths:
        path.write_bytes(pickle.dumps(path.name))
    assert {report.verdict for report in judge(paths, jobs=2)} == {Verdict.SAFE}


def test_the_other_scanners_are_heard(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(proto(SHELL))
    (report,) = judge([path], engines=True)
    assert {"fickling", "picklescan"} <= {finding.engine for finding in report.findings}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The middle one of three is the hostile one."""
    paths = [tmp_path / name for name in ("a.pkl", "hostile.pkl", "z.pkl")]
    for path in paths:
        path.write_bytes(proto(SHELL))
    return paths


def misbehave(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """As a file would that has taken over its judge."""

    def scan(source: ByteSource, name: str, **options: Any) -> Report:
        if name == "hostile.pkl":
            act()
        return genuine(source, name, **options)

    monkeypatch.setattr(batch_child, "scan", scan)


def end_of_the_middle_one(files: list[Path], limits: Limits = LIMITS) -> str:
    first, hostile, last = judge(files, limits)
    assert (first.verdict, last.verdict) == (Verdict.UNSAFE, Verdict.UNSAFE), "the others are judged"
    assert hostile.verdict is Verdict.UNSCANNABLE
    return str(hostile.unscannable)


def compute_for_ever() -> None:
    while True:
        pass


def say_nonsense() -> None:
    # In the child alone: the keeper has its own.
    batch_child._say = lambda pipe, *_: os.write(pipe, b"D\xff\xff\xff\xff")  # type: ignore[assignment]


def ask_for_nonsense() -> None:
    raise needs.Need("import antigravity")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: ctypes.string_at(0), "ended by SIGSEGV"),
        (lambda: os._exit(0), "ended without a report"),
        (lambda: time.sleep(60), "longer than 4 seconds."),
        (compute_for_ever, "more than 1 seconds of computing"),
        (say_nonsense, "answered with a frame of 4,294,967,295 bytes"),
        (ask_for_nonsense, "answered with a need that is none"),
    ],
    ids=["crash", "exit", "hang", "loop", "nonsense", "need"],
)
def test_a_file_that_ends_its_judge_is_not_judged(
    act: Callable[[], object], said: str, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    misbehave(monkeypatch, act)
    assert said in end_of_the_middle_one(
        files, Limits(memory_bytes=1024 * MIB, cpu_s=1, wall_s=4.0 if said.endswith("4 seconds.") else 60.0)
    )


def test_a_file_that_eats_memory_is_not_judged(files: list[Path]) -> None:
    files[1].write_bytes(b"\x80\x04" + b"(" * 12_000_000 + b".")
    assert "takes more memory" in end_of_the_middle_one(files, Limits(memory_bytes=320 * MIB, cpu_s=20, wall_s=30.0))


LIBC = ctypes.CDLL(None)


@pytest.mark.parametrize(
    "act",
    [
        lambda: LIBC.open(b"/etc/hostname", os.O_RDONLY),
        lambda: LIBC.close(0) or LIBC.open(b"/etc/hostname", os.O_RDONLY),
        lambda: LIBC.close(0) or LIBC.socket(socket.AF_INET, socket.SOCK_STREAM, 0),
        lambda: LIBC.unlink(__file__.encode()),
        lambda: LIBC.execv(b"/bin/true", None),
    ],
    ids=["read", "read in the place of another", "connect", "remove", "run"],
)
def test_native_code_that_breaks_out_of_a_judge_can_do_nothing(
    act: Callable[[], int], files: list[Path], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.id in ("remove", "run") and not _has_landlock():
        pytest.skip("this kernel has no Landlock")
    monkeypatch.setattr(batch, "how_it_ended", lambda status, _: f"It ended with {status}.")
    misbehave(monkeypatch, lambda: os._exit(77 if act() < 0 else 0))
    assert end_of_the_middle_one(files) == "It ended with 77."
    assert Path(__file__).exists()


def _has_landlock() -> bool:
    return sys.platform.startswith("linux") and bool(LIBC.syscall(444, None, ctypes.c_size_t(0), 1) >= 1)


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.pkl")
    (report,) = judge([tmp_path / "model.pkl"])
    assert "not a regular file" in str(report.unscannable)


def test_a_run_that_is_left_ends_its_children(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    misbehave(monkeypatch, lambda: time.sleep(60))
    run = Batch([str(path) for path in files], LIMITS, engines=False, jobs=1)
    left = iter(run)
    next(left)
    (child,) = run._running.values()
    del left
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


class TestNeeds:
    @pytest.mark.parametrize(
        "said",
        [
            b"import antigravity", b"import os; os.system", b"import pytest", b"import ../x", b"call os:getcwd", b"",
            b"call scanners.scan:scan", b"call scanners.jail_child:main", b"call scanners.engines.interface:nothing",
            b"everything else", b"\xff",
        ],
    )  # fmt: skip
    def test_a_child_cannot_have_loaded_what_no_judge_needs(self, said: bytes) -> None:
        with pytest.raises(BadNeed):
            Needs().meet(said, frozenset())

    def test_a_module_that_is_not_installed_is_told_from_then_on(self) -> None:
        met = Needs()
        met.meet(b"import modelaudit.nothing_of_that_name", frozenset())
        assert met.absent == {"modelaudit.nothing_of_that_name"}

    def test_a_need_is_met_once(self) -> None:
        met = Needs()
        met.meet(b"import json.tool", frozenset())
        met.meet(b"import json.tool", frozenset())
        with pytest.raises(BadNeed, match="met before"):
            met.meet(b"import json.tool", frozenset(met.met))

    def test_what_is_guessed_from_names_is_there(self) -> None:
        met = Needs()
        met.load_what_is_likely(f"model{ending}" for endings, _ in needs._LIKELY for ending in endings)
        met.load_what_is_likely(["model.PKL", "nothing"])
