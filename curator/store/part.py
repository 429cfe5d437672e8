"""A blob on its way in: a file that one process writes, under a lock that dies with it, and that all may follow.

Bytes may come in any order; what is in the file without a hole from the start on is hashed, released to readers, and
taken over by the next process if this one is killed. Published only if it is what was announced.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from curator.errors import CuratorError, StoreFull, WrongBytes
from curator.store.blobs import BlobStore
from curator.store.ledger import Ledger
from curator.types import BlobId, HashKind

_READ_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def part_path(store: BlobStore, blob: BlobId) -> Path:
    return store.parts / f"{blob.kind.value}-{blob.hex}.part"


def ledger_path(store: BlobStore, blob: BlobId) -> Path:
    return store.parts / f"{blob.kind.value}-{blob.hex}.ledger"


class Part:
    """Belongs to the process that claimed it."""

    def __init__(self, store: BlobStore, blob: BlobId, size: int, fd: int, ledger: Ledger, kept: int) -> None:
        self._store = store
        self.blob = blob
        self.size = size
        self.path = part_path(store, blob)
        self.ledger = ledger
        self.resumed = kept
        """Bytes that an earlier process has left; believed only once the hash says so."""
        self._fd = fd
        self._published = False
        self._hashed = 0
        self._hashing = threading.Lock()
        self._sha256 = hashlib.sha256()
        # SHA-1 only because git names its blobs so; the bytes are kept under their SHA-256.
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        self._buffer = memoryview(bytearray(_READ_BYTES))

    @classmethod
    def claim(cls, store: BlobStore, blob: BlobId, size: int) -> Self | None:
        """Become the one who fetches; None while another process does, or if the blob is there already.

        Raises `StoreFull` when there is no room for what is still to come.
        """
        path = part_path(store, blob)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return None
            if not _is_at(fd, path):
                # It was published, or given up, between our opening and our locking it.
                os.close(fd)
                return None
            if store.find(blob) is not None:
                path.unlink()
                os.close(fd)
                return None
            present = min(os.fstat(fd).st_size, size)
            ledger = Ledger.open(ledger_path(store, blob), create=True)
            kept = ledger.begin(size, present)
            try:
                store.require_room(size - kept)
            except CuratorError as error:
                ledger.fail(error)
                ledger.close()
                if not kept:
                    path.unlink()
                    ledger_path(store, blob).unlink()
                raise
            return cls(store, blob, size, fd, ledger, kept)
        except (CuratorError, OSError):
            with contextlib.suppress(OSError):
                os.close(fd)
            raise

    @property
    def written(self) -> int:
        """Bytes from the start without a hole."""
        return self.ledger.written

    def write(self, offset: int, chunks: Sequence[bytes]) -> None:
        """Put bytes in their place. Raises `StoreFull` when there is no room left beside the reserve."""
        # Looked at anew each time: others fill the same disk, and the database may be on it too.
        self._store.require_room(sum(map(len, chunks)))
        self._put(offset, chunks)
        # What comes in order is hashed while it is at hand, which spares reading it again.
        if self._hashing.acquire(blocking=False):
            try:
                if offset == self._hashed:
                    for chunk in chunks:
                        self._take(chunk)
            finally:
                self._hashing.release()

    def _put(self, offset: int, chunks: Sequence[bytes]) -> None:
        try:
            while chunks:
                count = os.pwritev(self._fd, chunks, offset)
                offset += count
                chunks = _rest(chunks, count)
        except OSError as error:
            if error.errno in _FULL:
                raise StoreFull("The mirror's disk is full: its administrator must make room") from error
            raise

    def hash_on(self) -> int:
        """Hash what is there and was not yet; returns how many bytes are hashed. Blocking: some 0.6 s a GiB."""
        end = self.written
        with self._hashing:
            while self._hashed < end:
                count = os.preadv(self._fd, [self._buffer[: min(_READ_BYTES, end - self._hashed)]], self._hashed)
                if count == 0:
                    raise WrongBytes(f"The bytes of {self.blob} that an earlier process left are not all there")
                self._take(self._buffer[:count])
            return self._hashed

    def _take(self, data: bytes | memoryview) -> None:
        self._sha256.update(data)
        if self.blob.kind is HashKind.GIT_SHA1:
            self._git.update(data)
        self._hashed += len(data)

    @property
    def hashed(self) -> int:
        """Bytes from the start that are in the hash."""
        return self._hashed

    def verify(self) -> None:
        """Raise `WrongBytes` unless the bytes are those that the blob's name stands for."""
        if self.hash_on() != self.size:
            raise WrongBytes(f"The upstream sent {self._hashed} of the {self.size} bytes that {self.blob} has")
        digest = self._git if self.blob.kind is HashKind.GIT_SHA1 else self._sha256
        if digest.hexdigest() != self.blob.hex:
            sent = "The upstream sent, or an earlier fetch had left," if self.resumed else "The upstream sent"
            raise WrongBytes(f"{sent} bytes with the hash {digest.hexdigest()} for {self.blob}")

    def publish(self) -> Path:
        """Make the verified bytes findable; they are on the disk before their name is."""
        os.ftruncate(self._fd, self.size)
        os.fsync(self._fd)
        path = self._store.publish(self.path, self.blob, self._sha256.hexdigest())
        self._published = True
        return path

    def set_aside(self) -> None:
        """Put the bytes where they can be looked at, and nobody is given them."""
        self._store.set_aside(self.path)

    def close(self, *, keep: bool) -> None:
        """Let go of it; what was not published is gone, unless it is to be gone on with (`keep`)."""
        if not keep or self._published:
            for path in (self.path, ledger_path(self._store, self.blob)):
                path.unlink(missing_ok=True)
        self.ledger.close()
        os.close(self._fd)


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _rest(chunks: Sequence[bytes], count: int) -> Sequence[bytes]:
    """What is left when the first `count` bytes are gone."""
    for index, chunk in enumerate(chunks):
        if count < len(chunk):
            return [chunk[count:], *chunks[index + 1 :]]
        count -= len(chunk)
    return []
