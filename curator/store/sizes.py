"""How many bytes the store has, counted anew at most every few minutes: it may have a million files."""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from curator.store.blobs import BlobStore
from curator.types import HashKind

_FRESH_S = 300.0
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class StoreSize:
    """The store, and the disk that it lies on; in bytes."""

    files: int
    bytes: int
    """Of the blobs; what lies beside them on the disk is not the store's."""
    new_bytes: int
    """Of those that came within the last 24 hours."""
    free: int
    disk: int
    reserve: int
    """That a download must leave free."""

    @property
    def full(self) -> bool:
        """Whether the next download of some size finds no room."""
        return self.free <= self.reserve

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Sizes:
    """Of one store, for one process."""

    def __init__(self, store: BlobStore, reserve_bytes: int) -> None:
        self._store = store
        self._reserve_bytes = reserve_bytes
        self._counting = threading.Lock()
        self._known = (0, 0, 0)
        self._known_at: float | None = None

    def get(self) -> StoreSize:
        """Blocking, some 5 µs a file where it is counted. Whoever comes meanwhile is told what was known."""
        usage = shutil.disk_usage(self._store.parts)
        if self._counting.acquire(blocking=self._known_at is None):
            try:
                if self._known_at is None or time.monotonic() - self._known_at > _FRESH_S:
                    self._known = _count(self._store)
                    self._known_at = time.monotonic()
            finally:
                self._counting.release()
        return StoreSize(*self._known, usage.free, usage.total, self._reserve_bytes)


def _count(store: BlobStore) -> tuple[int, int, int]:
    """Files, bytes, and bytes that are new. What git names lies here too, and is a link elsewhere."""
    files = size = new = 0
    since = time.time() - _DAY_S
    with os.scandir(store.folder / HashKind.SHA256.value) as folders:
        for folder in folders:
            with os.scandir(folder) as blobs:
                for blob in blobs:
                    files += 1
                    found = blob.stat(follow_symlinks=False)
                    size += found.st_size
                    new += found.st_size if found.st_mtime > since else 0
    return files, size, new
