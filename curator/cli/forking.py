"""Commands run by a copy of this process, which has loaded most of what they need and has it in memory once for all.

A copy is only sound of a process that does one thing: other threads would be gone in it, with what they held locked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

_ARGUMENTS_BEGIN, _ARGUMENTS_END = 45, 46
"""Where `/proc/self/stat` says, after the name, which memory holds the command line (fields 48 and 49 in proc(5))."""
_LOOK_EVERY_S = 0.02


class Copy:
    """A copy that runs, as `subprocess.Popen` is a program that runs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        # Whoever learns that it has ended is the last to know its id, which may be another process's then.
        self._asking = threading.Lock()

    def poll(self) -> int | None:
        """How it has ended, or None while it runs."""
        with self._asking:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended. Raises `subprocess.TimeoutExpired`."""
        deadline = time.monotonic() + timeout if timeout is not None else float("inf")
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("curator", timeout or 0)
            time.sleep(_LOOK_EVERY_S)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, sign: signal.Signals) -> None:
        with self._asking:
            if self.returncode is None:
                os.kill(self.pid, sign)


def can_fork() -> bool:
    """Whether this process can be copied now. Elsewhere than on Linux, libraries of the system cannot bear it."""
    try:
        # Threads of libraries count, which Python does not know of.
        return sys.platform == "linux" and len([*Path("/proc/self/task").iterdir()]) == 1
    except OSError:
        return False


def fork(arguments: Sequence[str], environment: Mapping[str, str], keep_open: Iterable[int] = ()) -> Copy:
    """Run this command of ours in a copy of this process: with these variables, without input, and with no file open
    but standard output, error and those named. Raises OSError where the system has no room for it.
    """

    def begin() -> None:
        from curator.cli import main

        # Objects of the original for what is closed here stay in frames that are never left: no number is closed twice.
        close_all_but({1, 2, *keep_open})
        os.open(os.devnull, os.O_RDONLY)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        sys.argv = ["curator", *arguments]
        show_as("curator.cli", *arguments)
        main()

    sys.stdout.flush()
    sys.stderr.flush()
    closed, closes = os.pipe()
    pid = os.fork()
    if not pid:
        end_with(begin)
    os.close(closes)
    # Who is killed from here on leaves nobody behind who holds what he held, such as the lock of the data folder.
    os.read(closed, 1)
    os.close(closed)
    return Copy(pid)


def end_with(verb: Callable[[], object]) -> NoReturn:
    """Do it, and end as a program that has done it: what called this is not gone on with, whatever happens."""
    code = 1
    try:
        try:
            verb()
            code = 0
        except SystemExit as ended:
            if ended.code is None or isinstance(ended.code, int):
                code = ended.code or 0
            else:
                print(ended.code, file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        # At once: what the original does at its end is not the copy's to do.
        os._exit(code)


def close_all_but(kept: set[int]) -> None:
    """Close every file of this process, but these."""
    for number in {int(file.name) for file in Path("/proc/self/fd").iterdir()} - kept:
        # One of them is the listing itself, which is closed by now.
        with contextlib.suppress(OSError):
            os.close(number)


def show_as(*command: str) -> None:
    """What `ps` shows of this process from now on, as far as there is room for it."""
    fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    begin, end = int(fields[_ARGUMENTS_BEGIN]), int(fields[_ARGUMENTS_END])
    room = end - begin
    # There is none where the kernel does not say where it is.
    if room > 1:
        ctypes.memmove(begin, "\0".join(command).encode()[: room - 1].ljust(room, b"\0"), room)
