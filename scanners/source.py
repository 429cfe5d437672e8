"""Bytes at a place: what every judge reads through, so that 100 GB are judged from a few ranges."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from pathlib import Path


class ByteSource(Protocol):
    """A file of known size that can be read anywhere.

    `read` returns exactly `length` bytes from `offset`, fewer only at the end of the file; it raises
    `SourceUnavailable` when the bytes cannot be had, and never returns wrong or padded bytes.
    """

    @property
    def size(self) -> int:
        """Size in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """The bytes `[offset, offset + length)`, cut off at the end of the file."""
        ...


class SourceUnavailable(Exception):
    """The bytes could not be read (a broken disk, an upstream that is down): nothing is known of the file."""


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Bytes that are already here: a member of an archive, a test."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@dataclass(slots=True)
class FileSource:
    """A local file, read with `pread` so that readers share no position."""

    path: Path
    _fd: int = field(init=False, default=-1)
    size: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            self.size = os.fstat(self._fd).st_size
        except OSError as error:
            raise SourceUnavailable(f"{self.path} cannot be read: {error.strerror}") from error

    def read(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        while length > 0:
            try:
                part = os.pread(self._fd, length, offset)
            except OSError as error:
                raise SourceUnavailable(f"{self.path} cannot be read: {error.strerror}") from error
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
