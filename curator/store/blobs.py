"""Blobs on a local disk: content-addressed, whole or not there at all.

<folder>/sha256/ab/cdef...      the bytes, read-only
<folder>/git-sha1/12/3456...    a relative symbolic link to the same bytes, for files that git itself names
<folder>/parts/                 what is being fetched; never served, emptied at start
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from pathlib import Path

from curator.errors import StoreFull, WrongBytes
from curator.types import BlobId, HashKind


class BlobStore:
    """What was fetched and found to have the hash it is named by."""

    def __init__(self, folder: Path, reserve_bytes: int) -> None:
        self.folder = folder
        self._reserve_bytes = reserve_bytes
        self._parts = folder / "parts"

    def prepare(self) -> None:
        """Make the folders."""
        for kind in HashKind:
            (self.folder / kind.value).mkdir(parents=True, exist_ok=True)
        self._parts.mkdir(exist_ok=True)

    def clear_parts(self) -> None:
        """Drop what an earlier process left half fetched."""
        for part in self._parts.glob("*.part"):
            part.unlink(missing_ok=True)

    def find(self, blob: BlobId) -> Path | None:
        """Where the blob's bytes are; None if they are not here."""
        path = self._path(blob)
        return path if path.exists() else None

    def begin(self, blob: BlobId, size: int) -> Part:
        """Start to take in a blob of this size."""
        free = shutil.disk_usage(self._parts).free
        if free < size + self._reserve_bytes:
            raise StoreFull(
                f"The mirror's disk has {free} bytes free, too few for a file of {size} bytes "
                f"and a reserve of {self._reserve_bytes}: its administrator must make room"
            )
        return Part(self, blob, size, self._parts / f"{blob.hex}-{uuid.uuid4().hex}.part")

    def _publish(self, part: Path, blob: BlobId, sha256: str) -> Path:
        """Put verified bytes in their place, in one step that a crash cannot halve."""
        target = self._path(BlobId(HashKind.SHA256, sha256))
        target.parent.mkdir(exist_ok=True)
        part.chmod(0o444)
        part.replace(target)
        _sync_folder(target.parent)
        if blob.kind is HashKind.GIT_SHA1:
            link = self._path(blob)
            link.parent.mkdir(exist_ok=True)
            fresh = self._parts / f"{blob.hex}-{uuid.uuid4().hex}.link"
            fresh.symlink_to(os.path.relpath(target, link.parent))
            fresh.replace(link)
            _sync_folder(link.parent)
        return target

    def _path(self, blob: BlobId) -> Path:
        return self.folder / blob.kind.value / blob.hex[:2] / blob.hex[2:]


class Part:
    """A blob on its way in: written in order, hashed as it comes, published only if it is what was announced."""

    def __init__(self, store: BlobStore, blob: BlobId, size: int, path: Path) -> None:
        self._store = store
        self._blob = blob
        self.size = size
        self.path = path
        self.written = 0
        self._sha256 = hashlib.sha256()
        # SHA-1 only because git names its blobs so; the bytes are kept under their SHA-256.
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def write(self, data: bytes) -> None:
        """Append bytes. Raises `StoreFull` when the disk is full, `WrongBytes` when there are more than announced."""
        if self.written + len(data) > self.size:
            raise WrongBytes(f"The upstream sent more than the {self.size} bytes that {self._blob} has")
        try:
            view = memoryview(data)
            while view:
                count = os.write(self._fd, view)
                view = view[count:]
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise StoreFull("The mirror's disk is full: its administrator must make room") from error
            raise
        self._sha256.update(data)
        if self._blob.kind is HashKind.GIT_SHA1:
            self._git.update(data)
        self.written += len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes that were written before."""
        return os.pread(self._fd, length, offset)

    def verify(self) -> None:
        """Raise `WrongBytes` unless the bytes are those that the blob's name stands for."""
        if self.written != self.size:
            raise WrongBytes(f"The upstream sent {self.written} of the {self.size} bytes that {self._blob} has")
        digest = self._git if self._blob.kind is HashKind.GIT_SHA1 else self._sha256
        if digest.hexdigest() != self._blob.hex:
            raise WrongBytes(f"The upstream sent bytes with the hash {digest.hexdigest()} for {self._blob}")

    def publish(self) -> Path:
        """Make the verified bytes findable; they are on the disk before their name is."""
        self.verify()
        os.fsync(self._fd)
        return self._store._publish(self.path, self._blob, self._sha256.hexdigest())  # noqa: SLF001 - one module

    def close(self) -> None:
        """Let go; what was not published is gone. Safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
