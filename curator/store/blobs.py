"""Blobs on a local disk: content-addressed, whole or not there at all.

<folder>/sha256/ab/cdef...      the bytes, read-only
<folder>/git-sha1/12/3456...    a relative symbolic link to the same bytes, for files that git itself names
<folder>/parts/                 what is being fetched (`part.py`); never served
<folder>/set-aside/             what came and was not what had been announced or judged, to be looked at; never served
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
import uuid
from pathlib import Path

from curator.errors import StoreFull
from curator.types import BlobId, HashKind


class BlobStore:
    """What was fetched and found to have the hash it is named by."""

    def __init__(self, folder: Path, reserve_bytes: int) -> None:
        self.folder = folder
        self.parts = folder / "parts"
        self.aside = folder / "set-aside"
        self._reserve_bytes = reserve_bytes

    def prepare(self) -> None:
        """Make the folders."""
        for kind in HashKind:
            (self.folder / kind.value).mkdir(parents=True, exist_ok=True)
        self.parts.mkdir(exist_ok=True)
        self.aside.mkdir(exist_ok=True)

    def drop_stale_parts(self, older_than_s: float) -> None:
        """Drop what was left half fetched, or was set aside, and nobody has touched for so long."""
        for file in (*self.parts.iterdir(), *self.aside.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - file.lstat().st_mtime <= older_than_s:
                    continue
                if file.parent == self.parts and file.suffix in {".part", ".ledger"}:
                    self._drop_part(file.with_suffix(".part"), since=file)
                else:
                    file.unlink()

    def find(self, blob: BlobId) -> Path | None:
        """Where the blob's bytes are; None if they are not here."""
        path = self._path(blob)
        return path if path.exists() else None

    def require_room(self, size: int) -> None:
        """Raise `StoreFull` unless so many bytes can be taken in and the reserve is left."""
        free = shutil.disk_usage(self.parts).free
        if free < size + self._reserve_bytes:
            raise StoreFull(
                f"The mirror's disk has {free} bytes free, too few for another {size} bytes "
                f"and a reserve of {self._reserve_bytes}: its administrator must make room"
            )

    def publish(self, part: Path, blob: BlobId, sha256: str) -> Path:
        """Put verified bytes, which are on the disk, in their place, in one step that a crash cannot halve."""
        target = self._path(BlobId(HashKind.SHA256, sha256))
        _make_folder(target.parent)
        part.chmod(0o444)
        part.replace(target)
        _sync_folder(target.parent)
        if blob.kind is HashKind.GIT_SHA1:
            link = self._path(blob)
            _make_folder(link.parent)
            fresh = self.parts / f"{blob.hex}-{uuid.uuid4().hex}.link"
            fresh.symlink_to(os.path.relpath(target, link.parent))
            fresh.replace(link)
            _sync_folder(link.parent)
        return target

    def is_held(self, part: Path) -> bool:
        """Whether a process is at work on a part (see `part.py`)."""
        try:
            fd = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def _drop_part(self, part: Path, since: Path) -> None:
        """Drop a part with its ledger, under the lock that whoever begins with it takes first.

        `since` is which of the two is old: a ledger counts only where it was left alone.
        """
        if since != part and part.exists():
            return
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.with_suffix(".ledger").unlink(missing_ok=True)
            part.unlink(missing_ok=True)
        except BlockingIOError:
            return
        finally:
            os.close(fd)

    def set_aside(self, part: Path) -> None:
        """Keep bytes that must not be served, the last such for each blob."""
        part.chmod(0o400)
        part.replace(self.aside / part.name)

    def _path(self, blob: BlobId) -> Path:
        return self.folder / blob.kind.value / blob.hex[:2] / blob.hex[2:]


def _make_folder(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
