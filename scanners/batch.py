"""Judges many local files in a few confined children, at the cost of one start.

The caller must be a process of one thread, such as a command: its children are plain forks. Each is given a share of
the files, already open, and judges them one after another; it can open nothing itself. Where its judges need a module
that is not loaded yet, it says so and ends; the module is loaded here, and a new child goes on. A file that crashes
its child, hangs or takes too much is one that was not judged, and the files after it go to a new child.

Unlike in `Jail`, files of one share are judged by the same process.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from scanners import batch_child, jail_protocol
from scanners.budget import Budget
from scanners.confinement import Limits, how_it_ended
from scanners.finding import Report
from scanners.needs import BadNeed, Needs

LARGEST_SHARE = 250
FILES_WORTH_A_CHILD = 16
"""A second child costs as much as judging about so many small files."""
MOST_JOBS = 64
_FILES_LEFT_ALONE = 56
_READ = 256 * 1024
_HASHED_AT_ONCE = 1024 * 1024


@dataclass(slots=True)
class Judged:
    """What became of one file."""

    number: int
    """Its place in the list, from 0."""
    size: int
    report: Report
    sha256: str | None = None
    """Hex; None where it was not wanted or could not be read."""


@dataclass(slots=True)
class _Open:
    number: int
    name: str
    fd: int
    size: int


@dataclass(slots=True)
class _Child:
    """One process with its share of the files; `files[0]` is the one it judges now."""

    pid: int
    pipe: int
    files: deque[_Open]
    deadline: float
    born_with: frozenset[str]
    """The needs that were met before it was forked."""
    heard: bytearray = field(default_factory=bytearray)
    early: Report | None = None
    """Of the file it judges now, before other scanners were asked."""


class Batch:
    """One run over a list of paths; iterate it once."""

    def __init__(
        self,
        paths: Sequence[str],
        limits: Limits = Limits(),  # noqa: B008
        *,
        engines: bool = True,
        budget: Budget = Budget(),  # noqa: B008
        jobs: int | None = None,
        wants_hash: Callable[[int, Report], bool] | None = None,
    ) -> None:
        """`jobs` is how many files are judged at once, by default one a processor; `wants_hash` is asked with a
        file's size and report."""
        self.paths = paths
        self.limits = limits
        self.engines = engines
        self.budget = replace(budget, wall_s=min(budget.wall_s, limits.wall_s * 0.9))
        most = jobs if jobs is not None else _processors()
        self.jobs = max(1, min(most, MOST_JOBS, -(-len(paths) // FILES_WORTH_A_CHILD) if jobs is None else most))
        self._wants_hash = wants_hash
        self._needs = Needs()
        self._waiting: deque[list[int]] = deque()
        self._running: dict[int, _Child] = {}
        self._poll = select.poll()

    def __iter__(self) -> Iterator[Judged]:
        """Each file once, in the order in which they are done."""
        share = self._share()
        numbers = range(len(self.paths))
        self._waiting.extend(list(numbers[start : start + share]) for start in range(0, len(numbers), share))
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self.jobs:
                    yield from self._begin(self._waiting.popleft())
                if self._running:
                    yield from self._listen()
        finally:
            for child in list(self._running.values()):
                self._end(child)

    def _share(self) -> int:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = 256 if soft == resource.RLIM_INFINITY else soft
        even = -(-len(self.paths) // (2 * self.jobs)) if self.jobs > 1 else len(self.paths)
        return max(1, min(even, LARGEST_SHARE, (most - _FILES_LEFT_ALONE) // self.jobs))

    # --- children ---------------------------------------------------------------------------------------------

    def _begin(self, numbers: list[int]) -> Iterator[Judged]:
        files: deque[_Open] = deque()
        for number in numbers:
            opened = _open(number, self.paths[number])
            if isinstance(opened, _Open):
                files.append(opened)
            else:
                yield Judged(number, 0, _unscannable(opened))
        if files:
            self._fork(files)

    def _fork(self, files: deque[_Open]) -> None:
        self._needs.load_what_is_likely(file.name for file in files)
        # The child shares these pages until one of the two writes to them.
        gc.freeze()
        born_with = frozenset(self._needs.met)
        mine, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            # A forked child must never return into its parent's work, whatever happens.
            try:
                shown = [(one.fd, one.size, one.name) for one in files]
                batch_child.main(theirs, shown, self.limits, self.budget, self._needs, engines=self.engines)
            finally:
                os._exit(1)
        os.close(theirs)
        self._running[mine] = _Child(pid, mine, files, time.monotonic() + self.limits.wall_s, born_with)
        self._poll.register(mine, select.POLLIN)

    def _end(self, child: _Child) -> int:
        """Kills it if it still runs; returns how it ended."""
        del self._running[child.pipe]
        self._poll.unregister(child.pipe)
        os.close(child.pipe)
        for file in child.files:
            os.close(file.fd)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        _, status = os.waitpid(child.pid, 0)
        return os.waitstatus_to_exitcode(status)

    # --- what they say ----------------------------------------------------------------------------------------

    def _listen(self) -> Iterator[Judged]:
        wait = min(child.deadline for child in self._running.values()) - time.monotonic()
        for pipe, _ in self._poll.poll(max(0.0, wait) * 1000 + 1):
            child = self._running[pipe]
            said = os.read(pipe, _READ)
            if said:
                child.heard += said
                yield from self._understand(child)
            else:
                yield from self._give_up(child, None)
        now = time.monotonic()
        for child in [one for one in self._running.values() if one.deadline <= now]:
            yield from self._give_up(child, f"Judging it takes longer than {self.limits.wall_s:g} seconds.")

    def _understand(self, child: _Child) -> Iterator[Judged]:
        try:
            for kind, payload in jail_protocol.frames(child.heard, jail_protocol.LARGEST_REPORT):
                if kind == jail_protocol.NEEDS:
                    self._needs.meet(payload, child.born_with)
                    self._pass_on(child)
                    return
                if kind == jail_protocol.EARLY:
                    child.early = jail_protocol.report_from(payload)
                    continue
                yield self._done(child, _report_of(kind, payload))
                if not child.files:
                    self._end(child)
                    return
        except (jail_protocol.BadFrame, BadNeed) as error:
            yield from self._give_up(child, f"The process that judged it answered with {error}.")

    def _done(self, child: _Child, report: Report) -> Judged:
        file = child.files.popleft()
        began = time.monotonic()
        digest = None
        if self._wants_hash is not None and self._wants_hash(file.size, report):
            digest = _sha256(file)
            for other in self._running.values():
                # They were not listened to meanwhile.
                other.deadline += time.monotonic() - began
        os.close(file.fd)
        child.early = None
        child.deadline = time.monotonic() + self.limits.wall_s
        return Judged(file.number, file.size, report, digest)

    def _give_up(self, child: _Child, why: str | None) -> Iterator[Judged]:
        """The file it was at is not judged, or by us alone; another child goes on with the rest."""
        file = child.files[0]
        status = self._pass_on(child, without_first=True)
        why = why or how_it_ended(status, self.limits)
        # Where another scanner broke on the file, what we know of it stands.
        report = child.early.without_opinions(why) if child.early is not None else _unscannable(why)
        yield Judged(file.number, file.size, report)

    def _pass_on(self, child: _Child, *, without_first: bool = False) -> int:
        left = [file.number for file in child.files][1 if without_first else 0 :]
        status = self._end(child)
        if left:
            self._waiting.appendleft(left)
        return status


def _report_of(kind: bytes, payload: bytes) -> Report:
    """Raises BadFrame."""
    if kind == jail_protocol.UNAVAILABLE:
        return _unscannable("It cannot be read to its end.")
    if kind != jail_protocol.DONE:
        raise jail_protocol.BadFrame("something else than a report")
    return jail_protocol.report_from(payload)


def _open(number: int, path: str) -> _Open | str:
    """The file, or why it cannot be read. One that would make its reader wait is not opened at all."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return "It is a device, a pipe or a socket, not a regular file."
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        return "It is a device, a pipe or a socket, not a regular file."
    return _Open(number, os.path.basename(path), fd, found.st_size)


def _sha256(file: _Open) -> str | None:
    import hashlib

    digest = hashlib.sha256()
    at = 0
    try:
        while part := os.pread(file.fd, _HASHED_AT_ONCE, at):
            digest.update(part)
            at += len(part)
    except OSError:
        return None
    return digest.hexdigest()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _unscannable(sentence: str) -> Report:
    return Report(format="unknown", unscannable=sentence)
