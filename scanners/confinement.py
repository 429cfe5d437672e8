"""The walls around a process that judges: what it may use, and what it can no longer reach.

Limits of memory, computing and files hold on every system; Linux adds that the process ends with its keeper, and that
it reaches no path at all (Landlock, kernel 5.13 and later). Who has no free file number opens no file and no socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass

from scanners.budget import MIB

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
"""The same numbers on every processor."""
LANDLOCK_VERSION_ASKED = 1
_PATH_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Version of Landlock to the number of its rights over paths; later versions have as many as the last."""


@dataclass(frozen=True)
class Limits:
    """What one jailed scan may take."""

    memory_bytes: int = 2048 * MIB
    """Address space of the child."""
    cpu_s: int = 120
    wall_s: float = 180.0
    """On the clock, waiting for the source included; one read of the source is not interrupted."""


def confine(memory_bytes: int, cpu_s: int) -> None:
    """Sets the limits of this process; they hold for good. What is open stays open, and nothing more can be."""
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _leave_all_paths(libc)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
        # Below the lowest number: neither a file nor a socket can be opened, even where another one was closed.
        (resource.RLIMIT_NOFILE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def how_it_ended(status: int, limits: Limits) -> str:
    """A sentence for a child that ended without a report; the status is as `os.waitstatus_to_exitcode` says it."""
    if status == -signal.SIGXCPU:
        return f"Judging it takes more than {limits.cpu_s} seconds of computing."
    if status < 0:
        return f"The process that judged it was ended by {signal.Signals(-status).name}."
    return "The process that judged it ended without a report."


def _leave_all_paths(libc: ctypes.CDLL) -> None:
    """Gives up every right over every path, where the kernel knows how: to run, remove, rename or make anything."""
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION_ASKED)
    if version < 1:
        return
    rights = (1 << _PATH_RIGHTS.get(version, _PATH_RIGHTS[5])) - 1
    attributes = struct.pack("<Q", rights)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset >= 0:
        libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)
