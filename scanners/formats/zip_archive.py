"""Zip archives: every member is judged by its content. NumPy's .npz is one."""

from __future__ import annotations

import zlib

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.zip_directory import STORED, Member, Oddity, open_member, read_directory
from scanners.source import ByteSource

LARGEST_CHECKSUM = 16 * 1024 * 1024
"""Stored members up to this size are read whole to check their checksum."""

SEVERITY = {
    "zip-duplicate-member": Severity.HIGH,
    "zip-header-mismatch": Severity.HIGH,
    "archive-path-traversal": Severity.HIGH,
    "zip-irregular": Severity.MEDIUM,
    "zip-crc-mismatch": Severity.MEDIUM,
}


def judge(source: ByteSource, case: Case) -> None:
    directory = read_directory(source)
    note(directory.oddities, case)
    for member in directory.members:
        judge_member(source, member, case)


def note(oddities: tuple[Oddity, ...] | list[Oddity], case: Case) -> None:
    for oddity in oddities:
        case.add(
            oddity.rule,
            SEVERITY[oddity.rule],
            oddity.sentence,
            evidence={"member": oddity.member[:200]} if oddity.member is not None else {},
        )


def judge_member(source: ByteSource, member: Member, case: Case) -> None:
    """By its content; what cannot be unpacked is left open, and the next member is judged."""
    if member.is_folder:
        return
    oddities: list[Oddity] = []
    try:
        content = open_member(source, member, oddities, case.meter.spend_unpacked)
        if member.method == STORED:
            check_stored(content, member, oddities)
    except BudgetSpent:
        raise
    except Unscannable as reason:
        note(oddities, case)
        case.leave_open(str(reason))
        return
    note(oddities, case)
    case.examine(content, member.name)


def check_stored(content: ByteSource, member: Member, oddities: list[Oddity]) -> None:
    if content.size <= LARGEST_CHECKSUM and zlib.crc32(content.read(0, content.size)) != member.crc:
        oddities.append(Oddity("zip-crc-mismatch", f"The checksum of {member.name[:100]!r} is wrong.", member.name))
