"""The end of a zip archive, where its readers begin: the record that says where the table of contents is.

Format: PKWARE APPNOTE 6.3.10, sections 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from scanners.budget import Unscannable
from scanners.finding import Severity
from scanners.source import ByteSource

END = b"PK\x05\x06"
END64 = b"PK\x06\x06"
LOCATOR64 = b"PK\x06\x07"
CENTRAL = b"PK\x01\x02"
LOCAL = b"PK\x03\x04"
END_BYTES = 22
LONGEST_TAIL = END_BYTES + 65535
MAX32 = 0xFFFFFFFF


class BadZip(Unscannable):
    """The archive cannot be read as one archive; the finding that says so has this rule and severity."""

    def __init__(self, sentence: str, rule: str = "archive-malformed", severity: Severity = Severity.MEDIUM) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.severity = severity


@dataclass(frozen=True, slots=True)
class End:
    """What the record, or its 64-bit form, says."""

    at: int
    """Of the record itself."""
    count: int
    size: int
    """Bytes of the table of contents."""
    offset: int
    """Where the table begins, as stated."""
    table_end: int
    """Where it ends: at this record, or at the 64-bit one before it."""
    comment: bytes

    @property
    def after(self) -> int:
        return self.at + END_BYTES + len(self.comment)


def find_end(source: ByteSource) -> int | None:
    """Offset of the end record that reaches to the end of the file, or of the last one there is."""
    tail_start = max(0, source.size - LONGEST_TAIL)
    tail = source.read(tail_start, LONGEST_TAIL)
    at = tail.rfind(END)
    last = at
    while at >= 0:
        if len(tail) - at >= END_BYTES and at + END_BYTES + _comment_length(tail, at) == len(tail):
            return tail_start + at
        at = tail.rfind(END, 0, at)
    return tail_start + last if last >= 0 and len(tail) - last >= END_BYTES else None


def other_ends(source: ByteSource, chosen: int) -> list[int]:
    """Further places in the last 64 KiB where a reader could see an end record, in their order."""
    tail_start = max(0, source.size - LONGEST_TAIL)
    tail = source.read(tail_start, LONGEST_TAIL)
    found = []
    at = tail.find(END)
    while at >= 0:
        if tail_start + at != chosen and len(tail) - at >= END_BYTES:
            found.append(tail_start + at)
        at = tail.find(END, at + 1)
    return found


def has_table(source: ByteSource, end_at: int) -> bool:
    """Whether a table of contents stands where this end record says, or right before it."""
    size, offset = struct.unpack("<LL", source.read(end_at + 12, 8))
    return bool(size >= 46) and CENTRAL in (
        source.read(offset, 4),
        source.read(end_at - size, 4) if size <= end_at else b"",
    )


def read_end(source: ByteSource, at: int) -> End:
    record = source.read(at, END_BYTES)
    disk, start_disk, here, count, size, offset, comment_length = struct.unpack_from("<4H2LH", record, 4)
    comment = source.read(at + END_BYTES, comment_length)
    locator = source.read(at - 20, 20) if at >= 20 else b""
    if locator[:4] == LOCATOR64:
        _, at64, disks = struct.unpack_from("<LQL", locator, 4)
        # The record stands right before its locator; its stated offset may be off by what precedes the archive.
        real = at - 20 - 56
        record64 = source.read(real, 56) if real >= 0 else b""
        if record64[:4] != END64 or disks > 1 or at64 > real:
            raise BadZip(
                "The archive's 64-bit table of contents is not where it should be.",
                severity=Severity.HIGH if source.read(at64, 4) == END64 else Severity.MEDIUM,
            )
        here64, count64, size64, offset64 = struct.unpack_from("<4Q", record64, 24)
        for short, wide, most in ((count, count64, 0xFFFF), (size, size64, MAX32), (offset, offset64, MAX32)):
            if short not in (most, wide):
                raise BadZip("The archive's two tables of contents contradict each other.", severity=Severity.HIGH)
        if here64 != count64:
            raise BadZip("The archive is one part of several.")
        return End(at, count64, size64, offset64, real, comment)
    if disk or start_disk or here != count:
        raise BadZip("The archive is one part of several.")
    return End(at, count, size, offset, at, comment)


def _comment_length(tail: bytes, at: int) -> int:
    length: int = struct.unpack_from("<H", tail, at + 20)[0]
    return length
