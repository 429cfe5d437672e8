"""The table of contents of a zip archive, read strictly: both places that describe a member must agree.

Format: PKWARE APPNOTE 6.3.10, section 4.3.12 (central directory).
Python's zipfile, miniz (which PyTorch uses) and unzip read irregular archives differently; what they would disagree
on is noted as an oddity instead of being resolved in favour of one of them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from scanners.finding import Severity
from scanners.formats.archives.zip_ends import (
    CENTRAL,
    END,
    LOCAL,
    BadZip,
    End,
    find_end,
    has_table,
    other_ends,
    read_end,
)
from scanners.formats.archives.zip_layout import check
from scanners.formats.archives.zip_member import (
    MACOS,
    STORED,
    UNIX,
    UTF8,
    Member,
    Oddity,
    open_member,
    unicode_name,
    widen,
)
from scanners.reading import SliceSource
from scanners.source import ByteSource

__all__ = ["END", "STORED", "Directory", "Member", "Oddity", "find_end", "open_member", "read_directory"]

LARGEST_DIRECTORY = 32 * 1024 * 1024
MOST_MEMBERS = 200_000
LONGEST_COMMENT = 1024
MAX16 = 0xFFFF


@dataclass(frozen=True, slots=True)
class Directory:
    """All members in the order of the central directory, with what is odd about the archive."""

    members: tuple[Member, ...]
    oddities: tuple[Oddity, ...]
    other_ends: tuple[int, ...] = ()
    """Where further archives end in the same file, for readers that look elsewhere."""


def read_directory(source: ByteSource) -> Directory:
    """Raises BadZip where readers could not but see different archives, or none."""
    end_at = find_end(source)
    if end_at is None:
        raise BadZip("It begins as a zip archive but has no table of contents: it is cut off or damaged.")
    oddities: list[Oddity] = []
    end = read_end(source, end_at)
    if end.size > LARGEST_DIRECTORY or end.count > MOST_MEMBERS:
        raise BadZip(f"Its table of contents says it has {end.count:,} members in {end.size:,} bytes.")
    start = end.table_end - end.size
    if start < 0 or end.offset > start:
        raise BadZip("Its table of contents says it begins outside the file.")
    shift = start - end.offset
    members = _read_entries(source.read(start, end.size), end.count, shift, oddities)
    if shift and source.read(end.offset, 4) == CENTRAL:
        raise BadZip(
            "The archive has two tables of contents, and readers choose differently between them.",
            severity=Severity.HIGH,
        )
    if shift:
        oddities.append(
            Oddity(
                "zip-irregular", f"{shift:,} bytes stand before the archive or its table; readers place it differently."
            )
        )
    # What stands before an archive is judged as what the file begins as; that it is an archive is known by its end.
    begins = 0 if source.read(0, 4) in (LOCAL, CENTRAL) or not members else min(m.header_offset for m in members)
    check(source, members, begins, start, oddities)
    others = _look_around(source, end, members, oddities)
    return Directory(tuple(members), tuple(oddities), others)


def _look_around(source: ByteSource, end: End, members: list[Member], oddities: list[Oddity]) -> tuple[int, ...]:
    """Other ends, a comment, and what follows the archive."""
    others = []
    for at in other_ends(source, end.at):
        if any(_holds(source, member, at) for member in members):
            continue
        oddities.append(
            Oddity(
                "zip-irregular",
                "A second end of an archive stands in the file, and readers choose differently between the two.",
                severity=Severity.HIGH,
            )
        )
        if has_table(source, at):
            others.append(at)
    if end.comment and (len(end.comment) > LONGEST_COMMENT or not _is_text(end.comment)):
        hidden = SliceSource(source, end.at + 22, len(end.comment))
        oddities.append(Oddity("zip-irregular", "in the archive's comment", hidden=hidden))
    elif end.comment:
        oddities.append(
            Oddity(
                "zip-irregular",
                f"The archive carries a comment of {len(end.comment):,} bytes.",
                severity=Severity.LOW,
            )
        )
    if end.after < source.size:
        oddities.append(Oddity("zip-irregular", f"{source.size - end.after:,} bytes follow the end of the archive."))
        hidden = SliceSource(source, end.after, source.size - end.after)
        oddities.append(Oddity("zip-irregular", "behind the end of the archive", hidden=hidden))
    elif end.after > source.size:
        oddities.append(Oddity("zip-irregular", "The archive's comment is said to be longer than it is."))
    return tuple(others)


def _holds(source: ByteSource, member: Member, at: int) -> bool:
    """Whether this is a byte of the member: an archive that is kept in another one has an end, too."""
    begin = member.header_offset
    if not begin < at < begin + 30 + 2 * MAX16 + member.packed_size:
        return False
    # Its own header may be longer than the table says: PyTorch fills it up, so that tensors begin at round places.
    lengths = source.read(begin + 26, 4)
    own = int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    return at < begin + 30 + own + member.packed_size


def _is_text(raw: bytes) -> bool:
    try:
        return raw.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _read_entries(table: bytes, count: int, shift: int, oddities: list[Oddity]) -> list[Member]:
    members: list[Member] = []
    at = 0
    while at < len(table):
        if table[at : at + 4] != CENTRAL or at + 46 > len(table):
            raise BadZip("The archive's table of contents is damaged.")
        made_by, flags, method, crc, packed, size, name_length, extra_length, comment_length = struct.unpack_from(
            "<H2x2H4x3L3H", table, at + 4
        )
        attributes, header_offset = struct.unpack_from("<LL", table, at + 38)
        name_bytes = table[at + 46 : at + 46 + name_length]
        extra = table[at + 46 + name_length : at + 46 + name_length + extra_length]
        at += 46 + name_length + extra_length + comment_length
        if at > len(table):
            raise BadZip("The archive's table of contents is damaged.")
        if len(members) >= MOST_MEMBERS:
            raise BadZip(f"The archive has more than {MOST_MEMBERS:,} members.")
        size, packed, header_offset = widen(extra, size, packed, header_offset)
        name = name_bytes.decode("utf-8" if flags & UTF8 else "cp437", "replace")
        other = unicode_name(extra, name_bytes)
        if other is not None and other in (name, name_bytes.decode("utf-8", "replace")):
            other = None
        mode = attributes >> 16 if made_by >> 8 in (UNIX, MACOS) else 0
        members.append(Member(name, flags, method, crc, packed, size, header_offset + shift, name_bytes, mode, other))
    if len(members) != count:
        oddities.append(
            Oddity(
                "zip-irregular",
                f"The archive says it has {count:,} members, its table lists {len(members):,}.",
                severity=Severity.HIGH,
            )
        )
    return members
