"""The bytes of an HDF5 file: its superblock, and numbers at addresses.

Format: "HDF5 File Format Specification Version 3.0", section II. All addresses count from the superblock's base; what
points outside of the file is broken, and said to be.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.source import ByteSource

SIGNATURE = b"\x89HDF\r\n\x1a\n"
FIRST_USER_BLOCK = 512
LONGEST_READ = 16 * 1024 * 1024
MOST_VISITS = 10_000_000
"""Messages, entries and nodes looked at: what points in circles ends there."""


class BrokenFile(Unscannable):
    """The structure contradicts itself; the message says what and where."""


def find_superblock(source: ByteSource) -> int | None:
    """At 0, or behind a user block of 512 bytes or a power of two more."""
    at = 0
    while at + 8 <= source.size:
        if source.read(at, 8) == SIGNATURE:
            return at
        at = at * 2 if at else FIRST_USER_BLOCK
    return None


@dataclass(slots=True)
class Hdf5File:
    """An open file: where it begins and how wide its numbers are."""

    source: ByteSource
    case: Case
    superblock: int = 0
    version: int = 0
    base: int = 0
    address_bytes: int = 8
    length_bytes: int = 8
    end: int = 0
    """Where the file says that it ends, from the beginning of the source."""
    root: int = 0
    extension: int | None = None
    driver: int | None = None
    visits: int = 0

    @classmethod
    def open(cls, source: ByteSource, case: Case) -> Hdf5File:
        at = find_superblock(source)
        if at is None:
            raise BrokenFile("It is called HDF5, but it has no superblock.")
        file = cls(source, case, superblock=at)
        file._read_superblock()
        return file

    def _read_superblock(self) -> None:
        head = self.source.read(self.superblock, 128)
        if len(head) < 48:
            raise BrokenFile("Its HDF5 superblock is cut off.")
        self.version = head[8]
        if self.version in (0, 1):
            self.address_bytes, self.length_bytes = head[13], head[14]
            at = 24 if self.version == 0 else 28
        elif self.version in (2, 3):
            self.address_bytes, self.length_bytes = head[9], head[10]
            at = 12
        else:
            raise BrokenFile(f"Its HDF5 superblock is of version {self.version}, which is not known here.")
        if self.address_bytes not in (2, 4, 8) or self.length_bytes not in (2, 4, 8):
            raise BrokenFile("Its HDF5 superblock has numbers of an impossible width.")
        reader = Bytes(self, head, at)
        said = reader.address() or 0
        if self.version < 2:
            reader.address()
            end, self.driver = reader.address(), reader.address()
            reader.take(self.length_bytes)
            root = reader.address()
        else:
            self.extension, end, root = reader.address(), reader.address(), reader.address()
        if root is None or end is None:
            raise BrokenFile("Its HDF5 superblock names no root group.")
        # Of a file that something was put in front of, the library takes the place where it found the superblock.
        self.base = self.superblock
        self.root, self.end = root, end + self.superblock - said
        if self.end > self.source.size:
            raise BrokenFile(f"Its HDF5 is cut off: it says it has {self.end:,} bytes and has {self.source.size:,}.")

    def read(self, address: int, length: int) -> bytes:
        """Exactly these bytes."""
        if length > LONGEST_READ:
            raise BrokenFile(f"Its HDF5 has a structure of {length:,} bytes at {address:,}.")
        data = self.source.read(self.base + address, length)
        if len(data) < length:
            raise BrokenFile(f"Its HDF5 points outside the file, to {address:,}.")
        return data

    def at(self, address: int, length: int, signature: bytes = b"") -> Bytes:
        """A reader of these bytes, past the signature they must begin with."""
        data = self.read(address, length)
        if not data.startswith(signature):
            raise BrokenFile(f"Its HDF5 has no {signature.decode()} at {address:,}, where it must be.")
        return Bytes(self, data, len(signature))

    def visit(self, count: int = 1) -> None:
        self.visits += count
        if self.visits > MOST_VISITS:
            raise BrokenFile("Its HDF5 has more structure than one scan looks at, or it goes in circles.")
        if self.visits % 1000 < count:
            self.case.meter.check_clock()


@dataclass(slots=True)
class Bytes:
    """Reads forward through bytes that are here."""

    file: Hdf5File
    data: bytes
    position: int = 0

    @property
    def remaining(self) -> int:
        return len(self.data) - self.position

    def take(self, length: int) -> bytes:
        end = self.position + length
        if length < 0 or end > len(self.data):
            raise BrokenFile("Its HDF5 has a structure that is shorter than what it holds.")
        part = self.data[self.position : end]
        self.position = end
        return part

    def skip(self, length: int) -> None:
        self.take(length)

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def address(self) -> int | None:
        """None is the undefined address, all ones."""
        width = self.file.address_bytes
        value = self.number(width)
        return None if value == (1 << 8 * width) - 1 else value

    def length(self) -> int:
        return self.number(self.file.length_bytes)

    def align(self, to: int, start: int = 0) -> None:
        self.position = start + -(-(self.position - start) // to) * to

    def text(self) -> str:
        """Up to a zero byte, and past it."""
        end = self.data.find(b"\0", self.position)
        end = len(self.data) if end < 0 else end
        text = self.data[self.position : end].decode("utf-8", "replace")
        self.position = min(end + 1, len(self.data))
        return text
