"""Rules are tried one draft at a time on a machine: it takes all of two processors."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curator.errors import CuratorError

_LOCK = "replay.lock"


class ReplayRunning(CuratorError):
    """Somebody else tries rules at the moment."""

    status = 429
    exit_code = 3


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold the lock that all server processes of a data folder share; the kernel lets it go with its holder.

    Raises `ReplayRunning`.
    """
    fd = take(data)
    try:
        yield
    finally:
        os.close(fd)


def take(data: Path) -> int:
    """The same for as long as the descriptor is open."""
    data.mkdir(parents=True, exist_ok=True)
    fd = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise ReplayRunning("Rules are being tried here already: ask again when that has ended") from None
    return fd
