"""FlatBuffers by hand: tables, vectors and texts at checked places of a file.

Format: flatbuffers.dev, "FlatBuffer Internals". Every offset is compared with the file before it is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanners.budget import Unscannable
from scanners.source import ByteSource

LONGEST_TEXT = 64 * 1024
MOST_ITEMS = 10_000_000


class BrokenBuffer(Unscannable):
    """An offset leads out of the file, or a size cannot be; the message says where."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Items after one another: where the first is, and how many there are."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class FlatBuffer:
    """A file of this format."""

    source: ByteSource

    def number(self, at: int, width: int) -> int:
        data = self.source.read(at, width) if at >= 0 else b""
        if len(data) < width:
            raise BrokenBuffer(f"Its FlatBuffer points outside the file, to {at:,}.")
        return int.from_bytes(data, "little")

    def root(self) -> Table:
        return self.table(self.number(0, 4))

    def table(self, at: int) -> Table:
        back = self.number(at, 4)
        signed = back - (1 << 32) if back >= 1 << 31 else back
        places = at - signed
        size = self.number(places, 2)
        if size < 4 or size % 2:
            raise BrokenBuffer(f"Its FlatBuffer has an impossible table at {at:,}.")
        data = self.source.read(places, size)
        if len(data) < size:
            raise BrokenBuffer(f"Its FlatBuffer has a table at {at:,} that is cut off.")
        return Table(self, at, tuple(int.from_bytes(data[i : i + 2], "little") for i in range(4, size, 2)))

    def vector(self, at: int, item_bytes: int) -> Vector:
        count = self.number(at, 4)
        if count > MOST_ITEMS and item_bytes > 1:
            raise BrokenBuffer(f"Its FlatBuffer has a list of {count:,} items at {at:,}.")
        if at + 4 + count * item_bytes > self.source.size:
            raise BrokenBuffer(f"Its FlatBuffer has a list at {at:,} that is longer than the file.")
        return Vector(at + 4, count)

    def text(self, at: int) -> str:
        found = self.vector(at, 1)
        return self.source.read(found.start, min(found.count, LONGEST_TEXT)).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the place of each field, by the field's number in the schema."""

    buffer: FlatBuffer
    at: int
    places: tuple[int, ...]

    def place(self, field: int) -> int | None:
        """Of the field's value; None if it has its default."""
        offset = self.places[field] if field < len(self.places) else 0
        return self.at + offset if offset else None

    def number(self, field: int, width: int, default: int = 0) -> int:
        place = self.place(field)
        return default if place is None else self.buffer.number(place, width)

    def _follow(self, field: int) -> int | None:
        place = self.place(field)
        return None if place is None else place + self.buffer.number(place, 4)

    def text(self, field: int) -> str:
        at = self._follow(field)
        return "" if at is None else self.buffer.text(at)

    def vector(self, field: int, item_bytes: int = 1) -> Vector:
        at = self._follow(field)
        return Vector(0, 0) if at is None else self.buffer.vector(at, item_bytes)

    def tables(self, field: int) -> Iterator[Table]:
        found = self.vector(field, 4)
        for number in range(found.count):
            place = found.start + 4 * number
            yield self.buffer.table(place + self.buffer.number(place, 4))
