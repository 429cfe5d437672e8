"""Zip archives: every member is judged by its content. NumPy's .npz is one; wheels, jars and .mar are others."""

from __future__ import annotations

import stat
import zlib

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives.bombs import guarded, weigh
from scanners.formats.archives.member_names import link_leads_outside
from scanners.formats.archives.zip_directory import STORED, Member, Oddity, open_member, read_directory
from scanners.formats.archives.zip_ends import END_BYTES, BadZip
from scanners.formats.archives.zip_salvage import members_by_their_headers
from scanners.formats.shared.hidden import look_at
from scanners.reading import SliceSource
from scanners.source import ByteSource

LARGEST_CHECKSUM = 16 * 1024 * 1024
"""Stored members up to this size are read whole to check their checksum."""
LONGEST_LINK = 4096

SEVERITY = {
    "zip-duplicate-member": Severity.HIGH,
    "zip-header-mismatch": Severity.HIGH,
    "archive-path-traversal": Severity.HIGH,
    "zip-irregular": Severity.MEDIUM,
    "zip-crc-mismatch": Severity.MEDIUM,
    "archive-encrypted": Severity.MEDIUM,
    "archive-opaque": Severity.MEDIUM,
    "archive-malformed": Severity.MEDIUM,
}


def judge(source: ByteSource, case: Case) -> None:
    try:
        directory = read_directory(source)
    except BadZip as bad:
        case.add(bad.rule, bad.severity, str(bad))
        _salvage(source, case)
        raise
    note(directory.oddities, case)
    compressed = [member for member in directory.members if member.method != STORED]
    weigh(sum(member.packed_size for member in compressed), sum(member.size for member in compressed), case)
    # PyTorch's archives come here without being packages.
    from scanners.formats.archives import packages

    packages.judge(source, directory.members, case)
    for member in directory.members:
        judge_member(source, member, case)
    for at in directory.other_ends:
        comment = int.from_bytes(source.read(at + 20, 2), "little")
        end = min(source.size, at + END_BYTES + comment)
        if end < source.size:
            case.examine(SliceSource(source, 0, end), f"the archive that ends at {end}", name=case.name)


def _salvage(source: ByteSource, case: Case) -> None:
    """An archive without a table of contents that can be trusted: its members are found by their own headers."""
    for member in members_by_their_headers(source, case.meter):
        judge_member(source, member, case)


def note(oddities: tuple[Oddity, ...] | list[Oddity], case: Case) -> None:
    for oddity in oddities:
        if oddity.hidden is not None:
            look_at(oddity.hidden, 0, oddity.hidden.size, case, oddity.sentence)
            continue
        case.add(
            oddity.rule,
            oddity.severity or SEVERITY[oddity.rule],
            oddity.sentence,
            evidence={"member": oddity.member[:200]} if oddity.member is not None else {},
        )


def judge_member(source: ByteSource, member: Member, case: Case) -> None:
    """By its content; what cannot be unpacked is left open, and the next member is judged."""
    if member.is_folder:
        return
    oddities: list[Oddity] = []
    before = case.meter.unpacked_bytes
    try:
        content = open_member(source, member, oddities, guarded(member.packed_size, case))
        if member.method == STORED:
            check_stored(content, member, oddities)
    except BudgetSpent:
        weigh(member.packed_size, case.meter.unpacked_bytes - before, case)
        raise
    except BadZip as bad:
        note(oddities, case)
        case.add(bad.rule, bad.severity, str(bad))
        case.leave_open(str(bad))
        return
    except Unscannable as reason:
        note(oddities, case)
        case.leave_open(str(reason))
        return
    note(oddities, case)
    weigh(member.packed_size, case.meter.unpacked_bytes - before, case)
    # What `zip` reads from a pipe it calls a pipe, and it is a file all the same.
    if stat.S_IFMT(member.mode) in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK):
        case.add(
            "archive-special-member",
            Severity.HIGH,
            f"The member {member.name[:100]!r} is a device or a socket, which no model has a use for.",
            evidence={"kind": "device"},
        )
    if member.is_link:
        _judge_link(content, member, case)
        return
    case.examine(content, member.name)


def _judge_link(content: ByteSource, member: Member, case: Case) -> None:
    target = content.read(0, LONGEST_LINK).decode("utf-8", "replace")
    if link_leads_outside(member.name, target):
        case.add(
            "archive-special-member",
            Severity.HIGH,
            f"The member {member.name[:100]!r} points outside the folder the archive is unpacked to: {target[:100]!r}.",
            evidence={"kind": "symlink", "target": target[:200]},
        )
    if content.size > LONGEST_LINK or "\n" in target:
        case.examine(content, member.name)


def check_stored(content: ByteSource, member: Member, oddities: list[Oddity]) -> None:
    if content.size <= LARGEST_CHECKSUM and zlib.crc32(content.read(0, content.size)) != member.crc:
        oddities.append(Oddity("zip-crc-mismatch", f"The checksum of {member.name[:100]!r} is wrong.", member.name))
