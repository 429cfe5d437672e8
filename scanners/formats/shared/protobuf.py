"""Protobuf messages, field by field and without a schema, from any place of a file.

Format: protobuf.dev, "Encoding". Only one window of the file is in memory; what nobody takes is stepped over unread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LARGEST_STEP = 64 * 1024
"""Over what is longer, the window starts anew and small: behind one tensor mostly stands the next."""


class BrokenMessage(Unscannable):
    """The bytes are no message, or one that is cut off."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Its {name} {reason}.")
        self.reason = reason
        """Says where; the end of a sentence."""


@dataclass(slots=True)
class Field:
    """One field. Of a BYTES field the content is still to be read, from `start` to `end`."""

    number: int
    wire_type: int
    value: int
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(slots=True)
class ProtobufReader:
    """Reads forward through the messages of one source."""

    source: ByteSource
    name: str = "protobuf"
    """How a sentence calls what is read."""
    window: Window = field(init=False)

    def __post_init__(self) -> None:
        self.window = Window(self.source)

    def fields(self, end: int) -> Iterator[Field]:
        """Of the message from here to `end`; whatever of a field was not read is stepped over before the next."""
        position = self.window.position
        while position < end:
            found = self._field(end)
            yield found
            position = self.window.position
            if position > found.end:
                raise self.broken()
            if position < found.end:
                self._step(found.end - position)
                position = found.end
        if position != end:
            raise self.broken()

    def take(self, found: Field, longest: int) -> bytes:
        """The content of a BYTES field, cut off after `longest` bytes."""
        try:
            return self.window.take(min(found.length, longest))
        except OutOfBytes as reason:
            raise self.broken(f"is cut off: {reason}") from reason

    def text(self, found: Field, longest: int) -> str:
        return self.take(found, longest).decode("utf-8", "replace")

    def broken(self, reason: str = "") -> BrokenMessage:
        """To be raised; without a reason it is the place alone."""
        return BrokenMessage(self.name, reason or f"is broken at byte {self.window.position:,}")

    def _field(self, end: int) -> Field:
        tag = self.varint()
        if tag >> 32 or not tag >> 3:
            raise self.broken(f"has an impossible field at byte {self.window.position:,}")
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value = self.varint()
            end = self.window.position
            return Field(number, wire_type, value, end, end)
        if wire_type == BYTES:
            length = self.varint()
        elif wire_type in (FIXED64, FIXED32):
            length = 8 if wire_type == FIXED64 else 4
        else:
            raise self.broken(f"has something at byte {self.window.position:,} that is no field")
        start = self.window.position
        if length > end - start:
            raise self.broken()
        return Field(number, wire_type, 0, start, start + length)

    def varint(self) -> int:
        next_byte = self.window.byte
        try:
            value = next_byte()
            if value < 0x80:
                # Most are so short.
                return value
            value &= 0x7F
            for shift in range(7, 70, 7):
                byte = next_byte()
                value |= (byte & 0x7F) << shift
                if byte < 0x80:
                    return value
        except OutOfBytes as reason:
            raise self.broken(f"is cut off: {reason}") from reason
        raise self.broken(f"has a number at byte {self.window.position:,} that does not end")

    def _step(self, length: int) -> None:
        if length > LARGEST_STEP:
            self.window = Window(self.source, self.window.position + length)
        elif length:
            try:
                self.window.skip(length)
            except OutOfBytes as reason:
                raise self.broken(f"is cut off: {reason}") from reason
