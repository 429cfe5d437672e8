"""Whatever a file does to its judge, the caller gets a report and the next scan works."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanners import jail_child
from scanners.budget import MIB
from scanners.confinement import confine
from scanners.finding import Verdict
from scanners.jail import Jail, Limits
from scanners.source import FileSource, MemorySource, SourceUnavailable
from tests.scanning import POISONED_TORCH_ZIP, SAFETENSORS, SHELL, judged, proto, rules

LIMITS = Limits(memory_bytes=1024 * MIB, cpu_s=20, wall_s=30.0)


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    with Jail(LIMITS, engines=False) as jail:
        yield jail


def test_a_jailed_scan_says_what_a_free_one_says(jail: Jail) -> None:
    for path in (SAFETENSORS, POISONED_TORCH_ZIP):
        inside, outside = jail.scan(FileSource(path), path.name), judged(path.read_bytes(), path.name)
        assert inside.findings == outside.findings
        assert (inside.format, inside.verdict, inside.metadata) == (outside.format, outside.verdict, outside.metadata)


ONLY_WHAT_IS_LOADED = """
import resource
from fixtures.corpus import formats, graphs, markup, msgpack, r_data, skops
from scanners.jail_child import warm_up
from scanners.scan import scan
from scanners.source import MemorySource
families = [list(family.samples()) for family in (formats, graphs, markup, msgpack, r_data, skops)]
warm_up()
resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
for sample in (sample for family in families for sample in family):
    for name, content in sample.files.items():
        said = scan(MemorySource(content), name, engines=False).unscannable or ""
        assert "open files" not in said, (sample.id, said)
"""


def test_after_warming_up_no_judge_has_to_open_a_file() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", ONLY_WHAT_IS_LOADED], env=environment, check=True, timeout=120)


@dataclass
class Stubborn:
    """A source that does something when it is read."""

    act: Callable[[], bytes]
    size: int = 1000

    def read(self, offset: int, length: int) -> bytes:
        del offset, length
        return self.act()


def test_a_source_that_cannot_be_read_is_the_callers_to_know(jail: Jail) -> None:
    def fail() -> bytes:
        raise SourceUnavailable("The upstream went away.")

    with pytest.raises(SourceUnavailable, match="went away"):
        jail.scan(Stubborn(fail), "model.pkl")
    assert jail.scan(MemorySource(proto(b"N")), "model.pkl").verdict is Verdict.SAFE


def test_a_scan_that_takes_too_long_is_ended_and_not_judged() -> None:
    def wait() -> bytes:
        time.sleep(2.5)
        return bytes(1000)

    with Jail(Limits(memory_bytes=1024 * MIB, cpu_s=20, wall_s=2.0), engines=False) as jail:
        report = jail.scan(Stubborn(wait), "model.pkl")
        assert report.verdict is Verdict.UNSCANNABLE
        assert "longer than" in str(report.unscannable)
        assert jail.scan(MemorySource(proto(SHELL)), "model.pkl").verdict is Verdict.UNSAFE


def test_a_child_that_dies_is_told_and_the_next_scan_works(jail: Jail) -> None:
    def kill() -> bytes:
        assert jail._process is not None
        for child in _children_of(jail._process.pid):
            os.kill(child, 9)
        return b"x" * 1000

    report = jail.scan(Stubborn(kill), "model.pkl")
    assert report.verdict is Verdict.UNSCANNABLE
    assert jail.scan(MemorySource(proto(SHELL)), "model.pkl").verdict is Verdict.UNSAFE


def test_the_process_that_starts_children_is_replaced_when_it_dies(jail: Jail) -> None:
    jail.scan(MemorySource(b"{}"), "a.json")
    assert jail._process is not None
    jail._process.kill()
    jail._process.wait()
    assert "pickle-executes-code" in rules(jail.scan(MemorySource(proto(SHELL)), "model.pkl"))


def test_a_file_that_eats_memory_is_not_judged() -> None:
    hungry = b"\x80\x04" + b"(" * 12_000_000 + b"."
    with Jail(Limits(memory_bytes=320 * MIB, cpu_s=20, wall_s=30.0), engines=False) as jail:
        report = jail.scan(MemorySource(hungry), "model.pkl")
        assert "takes more memory" in str(report.unscannable)
        assert jail.scan(MemorySource(proto(b"N")), "model.pkl").verdict is Verdict.SAFE


def test_no_process_stays_when_it_is_closed() -> None:
    jail = Jail(LIMITS, engines=False)
    jail.scan(MemorySource(b"{}"), "a.json")
    process = jail._process
    assert process is not None
    jail.close()
    assert process.poll() is not None


@pytest.mark.parametrize("what", ["open a file", "write a file", "open a socket", "start a process"])
def test_code_that_breaks_out_of_a_judge_can_do_nothing(what: str, tmp_path: Path) -> None:
    target = tmp_path / "written"
    target.touch()
    already_open = os.open(target, os.O_WRONLY)
    acts: dict[str, Callable[[], object]] = {
        "open a file": lambda: os.open("/etc/hostname", os.O_RDONLY),
        "write a file": lambda: os.write(already_open, b"x"),
        "open a socket": socket.socket,
        "start a process": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    }
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            if what != "write a file":
                os.dup2(already_open, jail_child.DATA_FD)
                os.closerange(jail_child.DATA_FD + 1, 4096)
            if os.geteuid() == 0:
                # Root knows no limit of processes.
                os.setuid(65_534)
            confine(2048 * MIB, 10)
            acts[what]()
        except OSError:
            code = 7
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    os.close(already_open)
    # Writing ends the process by a signal where the system sends one.
    assert os.waitstatus_to_exitcode(status) in (7, -25)
    assert target.read_bytes() == b""


def _children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
