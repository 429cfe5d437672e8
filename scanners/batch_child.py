"""The inside of a child of `batch`: it judges the files it was born with, in their order, and says each report."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
from collections.abc import Sequence
from itertools import pairwise

from scanners import jail_protocol as protocol
from scanners.budget import Budget
from scanners.confinement import Limits, confine
from scanners.finding import Report
from scanners.needs import Need, Needs, watch
from scanners.scan import scan
from scanners.source import SourceUnavailable

HIGHEST_FD = 1 << 16


class OpenFile:
    """A file that is already open."""

    __slots__ = ("_fd", "size")

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        try:
            data = os.pread(self._fd, max(0, min(length, self.size - offset)), offset)
            while len(data) < length and (more := os.pread(self._fd, length - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise SourceUnavailable(f"The file cannot be read: {error.strerror}") from error
        return data


def main(
    pipe: int,
    files: Sequence[tuple[int, int, str]],
    limits: Limits,
    budget: Budget,
    needs: Needs,
    *,
    engines: bool,
) -> None:
    """Judges the files (number of the open file, size, base name), says the reports, and does not return."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keep_open({pipe, *(fd for fd, _, _ in files)})
    watch(needs)
    confine(limits.memory_bytes, _used_s() + limits.cpu_s * len(files) + 1)

    def say_early(report: Report) -> None:
        _say(pipe, protocol.EARLY, json.dumps(report.as_json()).encode())

    for fd, size, name in files:
        _limit_computing(limits.cpu_s)
        try:
            report = scan(
                OpenFile(fd, size), name, engines=engines, budget=budget, before_engines=say_early if engines else None
            )
        except SourceUnavailable:
            _say(pipe, protocol.UNAVAILABLE)
        except Need as need:
            _say(pipe, protocol.NEEDS, str(need).encode())
            break
        else:
            _say(pipe, protocol.DONE, json.dumps(report.as_json()).encode())
    os._exit(0)


def _say(pipe: int, kind: bytes, payload: bytes = b"") -> None:
    data = protocol.pack(kind, payload)
    while data:
        data = data[os.write(pipe, data) :]


def _keep_open(wanted: set[int]) -> None:
    """Closes all other files; 0 to 2 lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    edges = [2, *sorted(wanted), HIGHEST_FD]
    for low, high in pairwise(edges):
        os.closerange(low + 1, high)


def _limit_computing(seconds: int) -> None:
    """So much from now on; the hard limit is that of all files together."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (min(hard, _used_s() + seconds), hard))


def _used_s() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int(usage.ru_utime + usage.ru_stime) + 1
