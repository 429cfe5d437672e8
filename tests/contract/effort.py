"""What a mirror's processor does for a request, whatever else the machine has to do meanwhile."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from fixtures.mirror import MirrorProcess


@contextlib.contextmanager
def within(mirror: MirrorProcess, seconds: float) -> Iterator[None]:
    """Of the server's processor time, so much at most."""
    began = _processor_s(mirror)
    yield
    assert _processor_s(mirror) - began < seconds


def _processor_s(mirror: MirrorProcess) -> float:
    """Its own and that of what it has started and seen the end of (proc(5): utime, stime, cutime, cstime)."""
    fields = Path(f"/proc/{mirror.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
