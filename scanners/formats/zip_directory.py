"""The table of contents of a zip archive, read strictly: both places that describe a member must agree.

Format: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (the ends).
Python's zipfile, miniz (which PyTorch uses) and unzip read irregular archives differently; what they would disagree
on is noted as an oddity instead of being resolved in favour of one of them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from scanners.budget import Unscannable
from scanners.reading import SliceSource
from scanners.source import ByteSource, MemorySource

END = b"PK\x05\x06"
END64 = b"PK\x06\x06"
LOCATOR64 = b"PK\x06\x07"
CENTRAL = b"PK\x01\x02"
LOCAL = b"PK\x03\x04"
LONGEST_TAIL = 22 + 65535
LARGEST_DIRECTORY = 64 * 1024 * 1024
STORED, DEFLATED = 0, 8
ENCRYPTED, HAS_DESCRIPTOR = 1, 8
MAX32 = 0xFFFFFFFF
LARGEST_GAP = 4096
"""Between members: the local extra field (PyTorch pads with it to 64 bytes) and a data descriptor."""
UNPACK_STEP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the central directory."""

    name: str
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    header_offset: int
    name_bytes: bytes

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/") and self.size == 0


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in the layout that readers understand differently. `rule` is the finding's."""

    rule: str
    sentence: str
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """All members in the order of the central directory, with what is odd about the archive."""

    members: tuple[Member, ...]
    oddities: tuple[Oddity, ...]


def find_end(source: ByteSource) -> int | None:
    """Offset of the end record that reaches to the end of the file, or of the last one there is."""
    tail_start = max(0, source.size - LONGEST_TAIL)
    tail = source.read(tail_start, LONGEST_TAIL)
    at = tail.rfind(END)
    last = at
    while at >= 0:
        if len(tail) - at >= 22 and at + 22 + struct.unpack_from("<H", tail, at + 20)[0] == len(tail):
            return tail_start + at
        at = tail.rfind(END, 0, at)
    return tail_start + last if last >= 0 and len(tail) - last >= 22 else None


def read_directory(source: ByteSource) -> Directory:
    oddities: list[Oddity] = []
    end_at = find_end(source)
    if end_at is None:
        raise Unscannable("It begins as a zip archive but has no table of contents: it is cut off or damaged.")
    _look_for_other_ends(source, end_at, oddities)
    count, size, offset, directory_end = _read_end(source, end_at)
    if size > LARGEST_DIRECTORY:
        raise Unscannable(f"Its table of contents says it has {size:,} bytes.")
    start = directory_end - size
    if start < 0 or offset > start:
        raise Unscannable("Its table of contents says it begins outside the file.")
    shift = start - offset
    if shift:
        oddities.append(
            Oddity(
                "zip-irregular", f"{shift:,} bytes stand before the archive or its table; readers place it differently."
            )
        )
    members = _read_entries(source.read(start, size), count, shift, oddities)
    if shift and source.read(offset, 4) == CENTRAL:
        raise Unscannable("The archive has two tables of contents, and readers choose differently between them.")
    _check_members(source, members, start, oddities)
    return Directory(tuple(members), tuple(oddities))


def _look_for_other_ends(source: ByteSource, end_at: int, oddities: list[Oddity]) -> None:
    record = source.read(end_at, 22)
    after = end_at + 22
    comment_length = struct.unpack_from("<H", record, 20)[0]
    tail_start = max(0, source.size - LONGEST_TAIL)
    tail = source.read(tail_start, LONGEST_TAIL)
    if tail.find(END, end_at - tail_start + 4) >= 0:
        oddities.append(Oddity("zip-irregular", "A second table of contents hides in the archive's comment."))
    if after + comment_length != source.size:
        oddities.append(
            Oddity("zip-irregular", f"{source.size - after - comment_length:,} bytes follow the end of the archive.")
        )
    elif comment_length:
        oddities.append(Oddity("zip-irregular", f"The archive carries a comment of {comment_length:,} bytes."))


def _read_end(source: ByteSource, end_at: int) -> tuple[int, int, int, int]:
    """Number of entries, size of the directory, its stated offset, and where it ends."""
    record = source.read(end_at, 22)
    disk, start_disk, here, count, size, offset = struct.unpack_from("<4H2L", record, 4)
    locator = source.read(end_at - 20, 20) if end_at >= 20 else b""
    if locator[:4] == LOCATOR64:
        _, at64, disks = struct.unpack_from("<LQL", locator, 4)
        # The record stands right before its locator; its stated offset may be off by what precedes the archive.
        real = end_at - 20 - 56
        record64 = source.read(real, 56) if real >= 0 else b""
        if record64[:4] != END64 or disks > 1 or at64 > real:
            raise Unscannable("The archive's 64-bit table of contents is not where it should be.")
        here64, count64, size64, offset64 = struct.unpack_from("<4Q", record64, 24)
        for short, wide, most in ((count, count64, 0xFFFF), (size, size64, MAX32), (offset, offset64, MAX32)):
            if short not in (most, wide):
                raise Unscannable("The archive's two tables of contents contradict each other.")
        if here64 != count64:
            raise Unscannable("The archive is one part of several.")
        return count64, size64, offset64, real
    if disk or start_disk or here != count:
        raise Unscannable("The archive is one part of several.")
    return count, size, offset, end_at


def _read_entries(table: bytes, count: int, shift: int, oddities: list[Oddity]) -> list[Member]:
    members: list[Member] = []
    at = 0
    while at < len(table):
        if table[at : at + 4] != CENTRAL or at + 46 > len(table):
            raise Unscannable("The archive's table of contents is damaged.")
        flags, method, crc, packed, size, name_length, extra_length, comment_length = struct.unpack_from(
            "<2H4x3L3H", table, at + 8
        )
        header_offset = struct.unpack_from("<L", table, at + 42)[0]
        name_bytes = table[at + 46 : at + 46 + name_length]
        extra = table[at + 46 + name_length : at + 46 + name_length + extra_length]
        at += 46 + name_length + extra_length + comment_length
        if at > len(table):
            raise Unscannable("The archive's table of contents is damaged.")
        size, packed, header_offset = _widen(extra, size, packed, header_offset)
        name = name_bytes.decode("utf-8" if flags & 0x800 else "cp437", "replace")
        members.append(Member(name, flags, method, crc, packed, size, header_offset + shift, name_bytes))
    if len(members) != count:
        oddities.append(
            Oddity("zip-irregular", f"The archive says it has {count:,} members, its table lists {len(members):,}.")
        )
    return members


def _widen(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The 64-bit values of extra field 0x0001, for those that stand at their maximum."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind != 1:
            continue
        wide = list(struct.unpack_from(f"<{len(body) // 8}Q", body))
        try:
            if size == MAX32:
                size = wide.pop(0)
            if packed == MAX32:
                packed = wide.pop(0)
            if offset == MAX32:
                offset = wide.pop(0)
        except IndexError:
            raise Unscannable("A member's 64-bit sizes are missing.") from None
        break
    return size, packed, offset


def _check_members(source: ByteSource, members: list[Member], table_start: int, oddities: list[Oddity]) -> None:
    seen: set[str] = set()
    for member in members:
        folded = member.name.casefold()
        if folded in seen:
            oddities.append(
                Oddity("zip-duplicate-member", f"Two members are called {member.name[:100]!r}.", member.name)
            )
        seen.add(folded)
        if _leads_outside(member.name):
            oddities.append(
                Oddity(
                    "archive-path-traversal",
                    f"The member {member.name[:100]!r} leads outside the folder it is unpacked to.",
                    member.name,
                )
            )
    in_order = sorted(members, key=lambda member: member.header_offset)
    if in_order and in_order[0].header_offset > 0:
        oddities.append(Oddity("zip-irregular", f"{in_order[0].header_offset:,} bytes stand before the first member."))
    for member, following in zip(in_order, [m.header_offset for m in in_order[1:]] + [table_start], strict=True):
        least_end = member.header_offset + 30 + len(member.name_bytes) + member.packed_size
        if least_end > following:
            raise Unscannable("Members of the archive overlap, or reach beyond its end.")
        if following - least_end > LARGEST_GAP:
            end = local_data_offset(source, member, oddities) + member.packed_size
            if following - end > LARGEST_GAP:
                oddities.append(
                    Oddity(
                        "zip-irregular", f"{following - end:,} bytes after {member.name[:100]!r} belong to no member."
                    )
                )


def _leads_outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or "\0" in name or (len(name) > 1 and name[1] == ":")


def local_data_offset(source: ByteSource, member: Member, oddities: list[Oddity]) -> int:
    """Where the member's bytes begin, after checking that its own header says what the directory says."""
    header = source.read(member.header_offset, 30)
    if len(header) < 30 or header[:4] != LOCAL:
        raise Unscannable(f"The member {member.name[:100]!r} has no header where the table of contents says.")
    flags, method, crc, packed, size, name_length, extra_length = struct.unpack_from("<2H4x3L2H", header, 6)
    rest = source.read(member.header_offset + 30, name_length + extra_length)
    name, extra = rest[:name_length], rest[name_length:]
    if name != member.name_bytes:
        oddities.append(
            Oddity(
                "zip-header-mismatch",
                f"The member {member.name[:100]!r} calls itself {name.decode('utf-8', 'replace')[:100]!r}.",
                member.name,
            )
        )
    if not flags & HAS_DESCRIPTOR:
        size, packed, _ = _widen(extra, size, packed, 0)
        if (packed, size, crc) != (member.packed_size, member.size, member.crc):
            oddities.append(
                Oddity(
                    "zip-header-mismatch",
                    f"The sizes of {member.name[:100]!r} are stated twice and differ.",
                    member.name,
                )
            )
    if method != member.method:
        oddities.append(
            Oddity(
                "zip-header-mismatch",
                f"The compression of {member.name[:100]!r} is stated twice and differs.",
                member.name,
            )
        )
    if (flags | member.flags) & ENCRYPTED:
        oddities.append(
            Oddity(
                "zip-irregular",
                f"The member {member.name[:100]!r} is marked as encrypted; some readers ignore it.",
                member.name,
            )
        )
    start: int = member.header_offset + 30 + name_length + extra_length
    return start


def open_member(source: ByteSource, member: Member, oddities: list[Oddity], spend: Callable[[int], None]) -> ByteSource:
    """The member's content. A stored one is read in place, a deflated one is unpacked into memory, paid as it grows."""
    start = local_data_offset(source, member, oddities)
    packed = SliceSource(source, start, member.packed_size)
    if member.method == STORED:
        if member.size != member.packed_size:
            raise Unscannable(f"The stored member {member.name[:100]!r} has two sizes.")
        return packed
    if member.method != DEFLATED:
        raise Unscannable(f"The member {member.name[:100]!r} is compressed by method {member.method}.")
    content = inflate(packed, spend)
    if zlib.crc32(content) != member.crc:
        oddities.append(Oddity("zip-crc-mismatch", f"The checksum of {member.name[:100]!r} is wrong.", member.name))
    return MemorySource(content)


def inflate(packed: ByteSource, spend: Callable[[int], None]) -> bytes:
    unpacker = zlib.decompressobj(-15)
    parts: list[bytes] = []
    try:
        for offset in range(0, packed.size, UNPACK_STEP):
            data = packed.read(offset, UNPACK_STEP)
            while data:
                part = unpacker.decompress(data, UNPACK_STEP)
                spend(len(part))
                parts.append(part)
                data = unpacker.unconsumed_tail
    except zlib.error as error:
        if not parts:
            raise Unscannable("A compressed member cannot be unpacked.") from error
        # What came out before the break is judged: a reader may well use it.
    return b"".join(parts)
