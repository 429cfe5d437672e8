"""The form of an evidence pack: a tar archive that is written as it is made, and of which every byte is proved.

Each header is the one that the name, the size and the moment of the pack make (ustar, mode 644, nobody's), so that a
reader can hold it against the one it would write itself. The last file signs the SHA-256 of all bytes before it.
"""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from curator.errors import BadInput

BLOCK = 512
END = bytes(2 * BLOCK)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_IN_MEMORY = 1 << 20
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive."""

    name: str
    size: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "size": self.size, "sha256": self.sha256}


@dataclass(slots=True)
class Writer:
    """Writes one; what was written so far is known by its digest."""

    moment: int
    """Seconds since 1970, which every file has."""
    members: list[Member] = field(default_factory=list)
    size: int = 0
    """Bytes so far."""
    _digest: Any = field(default_factory=sha256)

    @property
    def digest(self) -> str:
        return str(self._digest.hexdigest())

    def add(self, name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """A file, which lies on the disk until its size is known; the archive's bytes as they come."""
        digest, size = sha256(), 0
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            self.members.append(Member(name, size, digest.hexdigest()))
            yield self._written(header(name, size, self.moment))
            file.seek(0)
            while chunk := file.read(_CHUNK):
                yield self._written(chunk)
        yield self._written(bytes(-size % BLOCK))

    def _written(self, chunk: bytes) -> bytes:
        self._digest.update(chunk)
        self.size += len(chunk)
        return chunk


def header(name: str, size: int, moment: int) -> bytes:
    """The block before a file."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, moment
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def read_header(block: bytes) -> tuple[str, int, int]:
    """Name, size and moment of a header that is as `header` makes it. Raises `BadInput`."""
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        right = NAME.fullmatch(info.name) is not None and header(info.name, info.size, int(info.mtime)) == block
    except (tarfile.HeaderError, UnicodeError, ValueError, OverflowError):
        right = False
    if not right:
        raise BadInput("what should be the beginning of a file is not what was written there")
    return info.name, info.size, int(info.mtime)
