"""One member of a zip archive: what the table of contents says of it, what its own header says, and its bytes.

Format: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.4 (fields), 4.5 (extra fields).
"""

from __future__ import annotations

import binascii
import lzma
import stat
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from scanners.budget import Unscannable
from scanners.finding import Severity
from scanners.formats.archives.unpackers import UNPACKERS, Inflater, Unpacker, lzma1
from scanners.formats.archives.unpacking import unpack
from scanners.formats.archives.zip_ends import LOCAL, MAX32, BadZip
from scanners.kinds import ACTIVE, Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

STORED, AES = 0, 99
METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 10: "PKWARE DCL", 18: "Terse", 19: "LZ77", 97: "WavPack"} | {
    94: "MP3", 96: "JPEG", 98: "PPMd"
}  # fmt: skip
CHECK_STEP = 1024 * 1024
ENCRYPTED, HAS_DESCRIPTOR, STRONGLY_ENCRYPTED, UTF8 = 1, 8, 64, 0x800
UNIX, MACOS = 3, 19


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
    mode: int = 0
    """Of Unix, where the archive was made there."""
    other_name: str | None = None
    """From the Unicode extra field, where it differs."""

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/") and self.size == 0 and self.packed_size == 0

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in the layout that readers understand differently. `rule` is the finding's."""

    rule: str
    sentence: str
    member: str | None = None
    severity: Severity | None = None
    """Where it is not the rule's ordinary one."""
    hidden: SliceSource | None = None
    """Bytes that belong to no member, to be looked at; then `sentence` says where they stand."""


@dataclass(frozen=True, slots=True)
class Local:
    """What the member's own header says, as far as it is needed."""

    data_offset: int
    extra_offset: int
    extra: bytes
    flags: int


def widen(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The 64-bit values of extra field 0x0001, for those that stand at their maximum."""
    body = extra_field(extra, 1)
    if body is None:
        return size, packed, offset
    wide = list(struct.unpack_from(f"<{len(body) // 8}Q", body))
    try:
        if size == MAX32:
            size = wide.pop(0)
        if packed == MAX32:
            packed = wide.pop(0)
        if offset == MAX32:
            offset = wide.pop(0)
    except IndexError:
        raise BadZip("A member's 64-bit sizes are missing.") from None
    return size, packed, offset


def extra_field(extra: bytes, wanted: int) -> bytes | None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return None


def unicode_name(extra: bytes, name: bytes) -> str | None:
    """The name in Info-ZIP's extra field 0x7075, if it was made for this one."""
    body = extra_field(extra, 0x7075)
    if body is None or len(body) < 5 or int.from_bytes(body[1:5], "little") != binascii.crc32(name):
        return None
    return body[5:].decode("utf-8", "replace")


def read_local(source: ByteSource, member: Member, oddities: list[Oddity]) -> Local:
    """The member's own header, after checking that it says what the table of contents says."""
    header = source.read(member.header_offset, 30)
    if len(header) < 30 or header[:4] != LOCAL:
        raise BadZip(
            f"The member {member.name[:100]!r} has no header where the table of contents says.", severity=Severity.HIGH
        )
    flags, method, crc, packed, size, name_length, extra_length = struct.unpack_from("<2H4x3L2H", header, 6)
    rest = source.read(member.header_offset + 30, name_length + extra_length)
    name, extra = rest[:name_length], rest[name_length:]

    def differs(sentence: str) -> None:
        oddities.append(Oddity("zip-header-mismatch", sentence, member.name))

    if name != member.name_bytes:
        differs(f"The member {member.name[:100]!r} calls itself {name.decode('utf-8', 'replace')[:100]!r}.")
    other = unicode_name(extra, name)
    if other is not None and other not in (member.name, member.other_name, name.decode("utf-8", "replace")):
        differs(f"The member {member.name[:100]!r} is {other[:100]!r} to those who read its Unicode name.")
    size, packed, _ = widen(extra, size, packed, 0)
    stated, own = (member.packed_size, member.size, member.crc), (packed, size, crc)
    late = bool(flags & HAS_DESCRIPTOR)
    if any(mine != theirs and not (late and mine in (0, MAX32)) for mine, theirs in zip(own, stated, strict=True)):
        differs(f"The sizes or the checksum of {member.name[:100]!r} are stated twice and differ.")
    if method != member.method:
        differs(f"The compression of {member.name[:100]!r} is stated twice and differs.")
    if (flags ^ member.flags) & (ENCRYPTED | STRONGLY_ENCRYPTED):
        differs(f"The member {member.name[:100]!r} is encrypted in one place and not in the other.")
    extra_offset = member.header_offset + 30 + name_length
    return Local(extra_offset + extra_length, extra_offset, extra, flags)


def open_member(source: ByteSource, member: Member, oddities: list[Oddity], spend: Callable[[int], None]) -> ByteSource:
    """The member's content. A stored one is read in place, another is unpacked into memory, paid as it grows."""
    local = read_local(source, member, oddities)
    packed = SliceSource(source, local.data_offset, member.packed_size)
    marked = bool((local.flags | member.flags) & (ENCRYPTED | STRONGLY_ENCRYPTED)) or member.method == AES
    try:
        content = _content(packed, member, oddities, spend)
    except Unpackable as reason:
        if _is_plain(packed):
            oddities.append(
                Oddity(
                    "zip-irregular",
                    f"The member {member.name[:100]!r} is said to be encrypted or packed and is not: some "
                    "scanners pass over it.",
                    member.name,
                    Severity.HIGH,
                )
            )
            return packed
        if marked:
            raise _encrypted(member, oddities) from reason
        oddities.append(Oddity("archive-opaque", str(reason), member.name))
        raise
    if marked:
        if _checksum(content, spend) != member.crc and not _is_plain(content):
            raise _encrypted(member, oddities)
        oddities.append(
            Oddity(
                "zip-irregular",
                f"The member {member.name[:100]!r} is marked as encrypted and is not: some scanners pass over it.",
                member.name,
                Severity.HIGH,
            )
        )
    return content


def _is_plain(packed: ByteSource) -> bool:
    """Whether the bytes are the content itself, whatever is said of them."""
    # Not before: what detects all formats knows zip archives, too.
    from scanners.detect import detect

    return detect(packed, "").format in ACTIVE


class Unpackable(Unscannable):
    """Its bytes cannot be unpacked here."""


def _encrypted(member: Member, oddities: list[Oddity]) -> Unscannable:
    sentence = f"The member {member.name[:100]!r} is encrypted."
    oddities.append(Oddity("archive-encrypted", sentence, member.name))
    return Unpackable(sentence)


def _content(packed: SliceSource, member: Member, oddities: list[Oddity], spend: Callable[[int], None]) -> ByteSource:
    if member.method == STORED:
        if member.size != member.packed_size:
            oddities.append(
                Oddity("zip-header-mismatch", f"The stored member {member.name[:100]!r} has two sizes.", member.name)
            )
        return packed
    begin, skipped = _unpacker(packed, member)
    body = SliceSource(packed.inner, packed.start + skipped, max(0, packed.size - skipped))
    unpacked = unpack(body, begin, spend, most_streams=1)
    content, broken = unpacked.content, unpacked.broken
    if broken is not None and not content.size and member.size:
        raise Unpackable(f"The member {member.name[:100]!r} cannot be unpacked: {broken}.")
    if broken is not None:
        # What came out before the break is judged: a reader may well use it.
        oddities.append(
            Oddity("archive-malformed", f"The member {member.name[:100]!r} breaks off: {broken}.", member.name)
        )
    elif unpacked.end < body.size:
        hidden = SliceSource(body.inner, body.start + unpacked.end, body.size - unpacked.end)
        oddities.append(Oddity("zip-irregular", f"behind the compressed bytes of {member.name[:100]!r}", hidden=hidden))
    if content.size != member.size:
        oddities.append(
            Oddity(
                "zip-header-mismatch",
                f"The member {member.name[:100]!r} unpacks to {content.size:,} bytes, not to {member.size:,}.",
                member.name,
            )
        )
    if unpacked.crc != member.crc:
        oddities.append(Oddity("zip-crc-mismatch", f"The checksum of {member.name[:100]!r} is wrong.", member.name))
    return content


def _unpacker(packed: ByteSource, member: Member) -> tuple[Callable[[], Unpacker], int]:
    """Its unpacker, and how many bytes to pass over first."""
    match member.method:
        case 8:
            return lambda: Inflater(-15), 0
        case 12:
            return UNPACKERS[Format.BZIP2], 0
        case 93:
            return UNPACKERS[Format.ZSTD], 0
        case 95:
            return UNPACKERS[Format.XZ], 0
        case 14:
            head = packed.read(0, 9)
            chosen = lzma1(head[4:9]) if head[2:4] == b"\x05\x00" else None
            if chosen is not None:
                return lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen]), 9
    name = METHODS.get(member.method, "an unknown method")
    raise Unpackable(f"The member {member.name[:100]!r} is compressed by {name} ({member.method}), not unpacked here.")


def _checksum(content: ByteSource, spend: Callable[[int], None]) -> int:
    crc = 0
    for offset in range(0, content.size, CHECK_STEP):
        spend(0)
        crc = zlib.crc32(content.read(offset, CHECK_STEP), crc)
    return crc
