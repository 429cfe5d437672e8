"""Scans in a child process with limits of memory, time, files and network: whatever a file does to its judge, the
caller gets a report.

    with Jail() as jail:
        report = jail.scan(FileSource(path), path.name)

Several threads may scan at once; in async code, `await asyncio.to_thread(jail.scan, source, name)`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from scanners import jail_protocol as protocol
from scanners.budget import Budget
from scanners.confinement import Limits, how_it_ended
from scanners.finding import Report
from scanners.source import ByteSource, SourceUnavailable

START_TIMEOUT_S = 60.0
_ENTRY = """import sys
# The code that started this process, after the standard library and before what else is installed.
place = next((at for at, path in enumerate(sys.path) if path.endswith("-packages")), len(sys.path))
sys.path.insert(place, sys.argv[1])
from scanners.jail_child import main
main()"""


class JailBroken(Exception):
    """The process that starts the children cannot be had."""


class Jail:
    """Keeps one warm process that forks a confined child for each scan. Starts with the first scan."""

    def __init__(self, limits: Limits = Limits(), *, engines: bool = True, budget: Budget = Budget()) -> None:  # noqa: B008
        self.limits = limits
        self.engines = engines
        self.budget = dataclasses.replace(budget, wall_s=min(budget.wall_s, limits.wall_s * 0.9))
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0

    def scan(self, source: ByteSource, name: str) -> Report:
        """As `scanners.scan`. Raises SourceUnavailable; all else that goes wrong is in the report."""
        deadline = time.monotonic() + self.limits.wall_s
        mine, theirs = socket.socketpair()
        try:
            try:
                pid = self._start(theirs, source.size, name)
            except JailBroken as error:
                return _unscannable(f"The process that scans could not be started ({error}).")
            finally:
                theirs.close()
            return self._keep(mine, source, pid, deadline)
        finally:
            mine.close()

    def start(self) -> None:
        """Begins the process now, so that the first scan need not wait until it has loaded all judges."""
        with self._lock, suppress(OSError, JailBroken):
            self._running()

    def close(self) -> None:
        """Ends the process and every scan in it."""
        with self._lock:
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one scan ---------------------------------------------------------------------------------------------

    def _keep(self, connection: socket.socket, source: ByteSource, pid: int, deadline: float) -> Report:
        """Hands the child the bytes it asks for, until its report, its end, or the deadline."""
        served = 0
        outcome: Report | str = ""
        early: Report | None = None
        try:
            while True:
                kind, payload = protocol.receive(connection, protocol.LARGEST_REPORT, deadline)
                if kind == protocol.DONE:
                    outcome = protocol.report_from(payload)
                    break
                if kind == protocol.EARLY:
                    early = protocol.report_from(payload)
                    continue
                data = _read(source, *protocol.unpack_ask(kind, payload, source.size))
                served += len(data)
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                protocol.send(connection, protocol.BYTES, data)
        except TimeoutError:
            outcome = f"Judging it takes longer than {self.limits.wall_s:g} seconds."
        except protocol.BadFrame as error:
            outcome = f"The process that judged it answered with {error}."
        except (protocol.Gone, OSError):
            outcome = ""
        finally:
            status = self._end(pid)
        if isinstance(outcome, Report):
            return dataclasses.replace(outcome, bytes_read=served)
        why = outcome or how_it_ended(status, self.limits)
        # It was another scanner that broke on the file: what we know of it stands.
        report = early.without_opinions(why) if early is not None else _unscannable(why)
        return dataclasses.replace(report, bytes_read=served)

    # --- the process that starts children ---------------------------------------------------------------------

    def _start(self, connection: socket.socket, size: int, name: str) -> int:
        request = {
            "scan": {
                "size": size,
                "name": name.replace("\\", "/").rsplit("/", 1)[-1][:1024],
                "engines": self.engines,
                "budget": dataclasses.asdict(self.budget),
                "limits": {"cpu_s": self.limits.cpu_s, "memory_bytes": self.limits.memory_bytes},
            }
        }
        for attempt in (1, 2):
            with self._lock:
                try:
                    return int(self._ask(request, connection)["pid"])
                except (OSError, ValueError, KeyError, JailBroken) as error:
                    self._stop()
                    if attempt == 2:
                        raise JailBroken(str(error)) from error
        raise AssertionError

    def _end(self, pid: int) -> int:
        with self._lock:
            try:
                return int(self._ask({"end": pid}, None)["status"])
            except (OSError, ValueError, KeyError, JailBroken):
                self._stop()
                return 0

    def _ask(self, request: Mapping[str, object], connection: socket.socket | None) -> dict[str, int]:
        """One question and its answer; the lock is held."""
        control = self._running()
        message = json.dumps(request).encode()
        socket.send_fds(control, [message], [connection.fileno()] if connection is not None else [])
        answer = b""
        while not answer.endswith(b"\n"):
            part = control.recv(4096)
            if not part:
                raise JailBroken("it went away")
            answer += part
        document: dict[str, int] = json.loads(answer)
        return document

    def _running(self) -> socket.socket:
        """The control socket of a live process. One inherited over a fork belongs to somebody else: leave it alone."""
        if self._owner != os.getpid():
            self._process = self._control = None
            self._owner = os.getpid()
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._stop()
        mine, theirs = socket.socketpair()
        root = str(Path(__file__).resolve().parent.parent)
        self._process = subprocess.Popen(  # noqa: S603  (our own interpreter, our own module)
            [sys.executable, "-I", "-c", _ENTRY, root, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "HOME": "/nowhere"},
            start_new_session=True,
        )
        theirs.close()
        mine.settimeout(START_TIMEOUT_S)
        self._control = mine
        if mine.recv(1) != b"+":
            raise JailBroken("it ended while it started")
        return mine

    def _stop(self) -> None:
        if self._owner == os.getpid():
            if self._control is not None:
                self._control.close()
            if self._process is not None:
                try:
                    self._process.wait(timeout=2)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
        self._control = self._process = None


def _read(source: ByteSource, offset: int, length: int) -> bytes:
    """The bytes, all of them; a source that breaks its promise is one that cannot be read."""
    try:
        data = source.read(offset, length)
    except OSError as error:
        raise SourceUnavailable(f"The file cannot be read: {error}") from error
    if len(data) != length:
        raise SourceUnavailable(f"The file ends early: {len(data):,} of {length:,} bytes at {offset:,}.")
    return data


def _unscannable(sentence: str) -> Report:
    return Report(format="unknown", unscannable=sentence)


__all__ = ["Jail", "Limits", "SourceUnavailable"]
