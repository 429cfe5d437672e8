"""7z archives: header first, then each member unpacked in memory and judged by its content."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives import opaque as opaque_archive
from scanners.formats.archives.bombs import guarded, weigh
from scanners.formats.archives.member_names import link_leads_outside, note_way_out, plain, shown
from scanners.formats.archives.seven_zip_header import FIXED_BYTES, Bad7z, Contents, Folder, Item, read_contents
from scanners.formats.archives.seven_zip_unpack import Encrypted, Opaque, unpacked
from scanners.formats.shared.hidden import look_at, look_behind
from scanners.kinds import Format
from scanners.source import ByteSource, MemorySource

REPARSE_POINT = 0x400
LONGEST_LINK = 4096


def judge(source: ByteSource, case: Case) -> None:
    def unpack(folder: Folder) -> bytes:
        return b"".join(unpacked(source, folder, case.meter.spend_unpacked))

    try:
        contents = read_contents(source, unpack)
    except Encrypted as reason:
        raise _encrypted(case, "table of contents") from reason
    except Opaque as reason:
        raise opaque_archive.held_back(
            Format.SEVEN_ZIP, case, f"its table of contents is packed by {reason}"
        ) from reason
    except BudgetSpent:
        raise
    except Unscannable as reason:
        case.add("archive-malformed", Severity.MEDIUM, str(reason))
        look_behind(source, FIXED_BYTES, case, "in the damaged 7z archive")
        raise
    for sentence in contents.oddities:
        case.add("archive-malformed", Severity.MEDIUM, f"The 7z archive is damaged or made by hand: {sentence}")
    case.fact("members", len(contents.items))
    weigh(sum(folder.packed_size for folder in contents.folders), sum(folder.size for folder in contents.folders), case)
    _check_items(contents.items, case)
    _check_gaps(source, contents, case)
    files = iter([item for item in contents.items if item.has_bytes])
    for folder in contents.folders:
        items = [item for _, item in zip(folder.parts, files, strict=False)]
        _judge_folder(source, folder, items, case)
    if next(files, None) is not None:
        case.add("archive-malformed", Severity.MEDIUM, "The 7z archive names files that it does not hold.")


def _encrypted(case: Case, what: str) -> Unscannable:
    sentence = f"The {what} of the 7z archive is encrypted: nobody can look into it without the password."
    case.add("archive-encrypted", Severity.MEDIUM, sentence)
    return Unscannable(sentence)


def _check_items(items: list[Item], case: Case) -> None:
    seen: set[str] = set()
    for item in items:
        case.meter.spend_member()
        note_way_out(item.name, case)
        if item.is_anti:
            case.add(
                "archive-special-member",
                Severity.HIGH,
                f"Unpacking the archive deletes {shown(item.name)}.",
                evidence={"kind": "anti-item"},
            )
        if stat.S_IFMT(item.mode) in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK):
            case.add(
                "archive-special-member",
                Severity.HIGH,
                f"The member {shown(item.name)} is a device or a pipe, which no model has a use for.",
                evidence={"kind": "device"},
            )
        name = plain(item.name)
        if name in seen and not item.is_folder:
            case.add(
                "archive-duplicate-member",
                Severity.HIGH,
                f"Two members are called {shown(item.name)}; readers take one or the other.",
                evidence={"member": name[:200].encode("utf-8", "replace").decode()},
            )
        seen.add(name)


def _check_gaps(source: ByteSource, contents: Contents, case: Case) -> None:
    at = FIXED_BYTES
    for folder in sorted(contents.folders, key=lambda folder: folder.packed_at):
        if at < folder.packed_at <= source.size:
            look_at(source, at, folder.packed_at - at, case, "between the members of the archive")
        at = max(at, folder.packed_at + folder.packed_size)
    # A packed header has its bytes between the last member and the header that describes it.
    if contents.end < source.size:
        look_behind(source, contents.end, case, "behind the end of the archive")


def _judge_folder(source: ByteSource, folder: Folder, items: list[Item], case: Case) -> None:
    pieces = unpacked(source, folder, guarded(folder.packed_size, case))
    rest = b""
    before = case.meter.unpacked_bytes
    try:
        for item, size, crc in zip(items, folder.parts, folder.part_crcs, strict=False):
            content, rest, broken = _next(pieces, rest, size)
            if content or broken is None:
                _judge_member(content, item, crc if broken is None else None, case)
            if broken is not None:
                raise broken
    except Encrypted:
        case.leave_open(str(_encrypted(case, "content")))
    except Opaque as reason:
        case.leave_open(str(opaque_archive.held_back(Format.SEVEN_ZIP, case, f"it is packed by {reason}")))
    except BudgetSpent:
        weigh(folder.packed_size, case.meter.unpacked_bytes - before, case)
        raise
    except Unscannable as reason:
        case.add("archive-malformed", Severity.MEDIUM, str(reason))
        case.leave_open(str(reason))


def _next(pieces: Iterator[bytes], rest: bytes, size: int) -> tuple[bytes, bytes, Unscannable | None]:
    """The next `size` bytes, what is left of the last piece, and why there are fewer."""
    parts, have = [rest], len(rest)
    try:
        while have < size:
            piece = next(pieces, None)
            if piece is None:
                return b"".join(parts), b"", Bad7z("What is packed in the 7z archive ends early.")
            parts.append(piece)
            have += len(piece)
    except (BudgetSpent, Encrypted, Opaque):
        raise
    except Unscannable as reason:
        return b"".join(parts), b"", reason
    data = b"".join(parts)
    return data[:size], data[size:], None


def _judge_member(content: bytes, item: Item, crc: int | None, case: Case) -> None:
    name = item.name.encode("utf-8", "replace").decode()
    if crc is not None and zlib.crc32(content) != crc:
        case.add("archive-malformed", Severity.MEDIUM, f"The checksum of {shown(name)} is wrong.")
    if stat.S_ISLNK(item.mode) or item.attributes & REPARSE_POINT:
        target = content[:LONGEST_LINK].decode("utf-8", "replace")
        if link_leads_outside(name, target):
            case.add(
                "archive-special-member",
                Severity.HIGH,
                f"The member {shown(name)} points outside the folder the archive is unpacked to: {target[:100]!r}.",
                evidence={"kind": "symlink", "target": target[:200]},
            )
        if len(content) <= LONGEST_LINK:
            return
    case.examine(MemorySource(content), name)
