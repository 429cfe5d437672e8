"""What stands where in a zip archive: members that overlap, and bytes that belong to none of them."""

from __future__ import annotations

from scanners.finding import Severity
from scanners.formats.archives.member_names import way_out
from scanners.formats.archives.zip_ends import BadZip
from scanners.formats.archives.zip_member import HAS_DESCRIPTOR, Local, Member, Oddity, read_local
from scanners.reading import SliceSource
from scanners.source import ByteSource

SMALL = 32 * 1024 * 1024
"""In archives up to this size each header is read; in larger ones those whose place does not explain itself."""
DESCRIPTOR_SIGN = b"PK\x07\x08"
LARGEST_DESCRIPTOR = 24
PYTORCH_ALIGNMENT = 64
PADDING_FIELDS = {0x4246: b"Z", 0xD935: b"\0"}
"""What PyTorch ("FB") and Android's zipalign fill up with."""
LONG_EXTRA = 64


def check(source: ByteSource, members: list[Member], start: int, table_start: int, oddities: list[Oddity]) -> None:
    """The archive's members stand between `start` and `table_start`."""
    _check_names(members, oddities)
    _check_places(source, members, start, table_start, oddities)


def _check_names(members: list[Member], oddities: list[Oddity]) -> None:
    seen: dict[str, str] = {}
    for member in members:
        folded = member.name.casefold()
        earlier = seen.get(folded)
        if earlier is not None:
            same = earlier == member.name
            oddities.append(
                Oddity(
                    "zip-duplicate-member",
                    f"Two members are called {member.name[:100]!r}."
                    if same
                    else f"Two members, {earlier[:100]!r} and {member.name[:100]!r}, differ in their case only.",
                    member.name,
                    None if same or folded.endswith(".pkl") else Severity.MEDIUM,
                )
            )
        seen[folded] = member.name
        oddities.extend(
            Oddity(
                "archive-path-traversal",
                f"The member {name[:100]!r} leads outside the folder it is unpacked to.",
                member.name,
                severity,
            )
            for name in (member.name, member.other_name)
            if name is not None and (severity := way_out(name)) is not None
        )
        if member.other_name is not None:
            oddities.append(
                Oddity(
                    "zip-header-mismatch",
                    f"The member {member.name[:100]!r} is {member.other_name[:100]!r} to those who read Unicode.",
                    member.name,
                )
            )


def _check_places(
    source: ByteSource, members: list[Member], start: int, table_start: int, oddities: list[Oddity]
) -> None:
    in_order = sorted(members, key=lambda member: member.header_offset)
    first = in_order[0].header_offset if in_order else table_start
    if first > start:
        _hidden(source, start, first, "before the first member", oddities)
    followers = [member.header_offset for member in in_order[1:]] + [table_start]
    for member, following in zip(in_order, followers, strict=False):
        least_end = member.header_offset + 30 + len(member.name_bytes) + member.packed_size
        if least_end > following:
            raise BadZip(
                f"The member {member.name[:100]!r} overlaps what follows it, or reaches beyond the archive's end: "
                "the same bytes are unpacked again and again.",
                "archive-bomb",
                Severity.HIGH,
            )
        if source.size > SMALL and _explains_itself(member, following):
            continue
        local = read_local(source, member, oddities)
        end = local.data_offset + member.packed_size
        if end > following:
            raise BadZip(f"The member {member.name[:100]!r} overlaps what follows it.", "archive-bomb", Severity.HIGH)
        _check_extra(source, member, local, oddities)
        end += _descriptor(source, member, local, end, following, oddities)
        if end < following:
            _hidden(source, end, following, f"behind the member {member.name[:100]!r}", oddities)


def _explains_itself(member: Member, following: int) -> bool:
    """Whether the bytes up to the next member are what PyTorch pads its tensors with, or too few to matter."""
    named = member.header_offset + 30 + len(member.name_bytes)
    between = following - named - member.packed_size
    aligned = -(-(named + 4) // PYTORCH_ALIGNMENT) * PYTORCH_ALIGNMENT - named
    return between <= LARGEST_DESCRIPTOR + LONG_EXTRA or between <= aligned + LARGEST_DESCRIPTOR + LONG_EXTRA


def _descriptor(
    source: ByteSource, member: Member, local: Local, end: int, following: int, oddities: list[Oddity]
) -> int:
    """The length of the data descriptor behind the member's bytes, which must say what the table says."""
    if not local.flags & HAS_DESCRIPTOR:
        return 0
    data = source.read(end, min(LARGEST_DESCRIPTOR, following - end))
    sign = 4 if data[:4] == DESCRIPTOR_SIGN else 0
    for width in (4, 8):
        length = sign + 4 + 2 * width
        said = (
            int.from_bytes(data[sign : sign + 4], "little"),
            int.from_bytes(data[sign + 4 : sign + 4 + width], "little"),
            int.from_bytes(data[sign + 4 + width : length], "little"),
        )
        if len(data) >= length and said == (member.crc, member.packed_size, member.size):
            return length
    oddities.append(
        Oddity(
            "zip-header-mismatch",
            f"What stands behind {member.name[:100]!r} says other sizes of it than the table of contents.",
            member.name,
            Severity.MEDIUM if not data else None,
        )
    )
    return min(len(data), sign + 12)


def _check_extra(source: ByteSource, member: Member, local: Local, oddities: list[Oddity]) -> None:
    """A long field that nobody reads can hold a file."""
    if len(local.extra) <= LONG_EXTRA:
        return
    at = 0
    while at + 4 <= len(local.extra):
        kind = int.from_bytes(local.extra[at : at + 2], "little")
        length = int.from_bytes(local.extra[at + 2 : at + 4], "little")
        body = local.extra[at + 4 : at + 4 + length]
        filling = PADDING_FIELDS.get(kind, b"\0")
        if length > LONG_EXTRA and body.strip(filling + b"\0"):
            begin = local.extra_offset + at + 4
            oddities.append(
                Oddity(
                    "zip-irregular",
                    f"in an extra field of {member.name[:100]!r}",
                    hidden=SliceSource(source, begin, len(body)),
                )
            )
        at += 4 + length


def _hidden(source: ByteSource, start: int, end: int, place: str, oddities: list[Oddity]) -> None:
    oddities.append(Oddity("zip-irregular", place, hidden=SliceSource(source, start, end - start)))
