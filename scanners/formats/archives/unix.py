"""ar (Debian packages, static libraries) and cpio: plain headers, members stored as they are.

Formats: ar(5); cpio(5), "newc" and "odc"; deb(5).
"""

from __future__ import annotations

import re
import stat

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives import opaque as opaque_archive
from scanners.formats.archives.member_names import link_leads_outside, note_way_out, shown
from scanners.formats.shared.hidden import look_behind
from scanners.kinds import Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

AR_HEADER = 60
LONGEST_NAME = 4096
CPIO_END = "TRAILER!!!"


def judge_ar(source: ByteSource, case: Case) -> None:
    if source.read(0, 8) == b"!<thin>\n":
        case.add("archive-malformed", Severity.MEDIUM, "The archive only names its members; they are other files.")
        return
    at, names = 8, 0
    while at + AR_HEADER <= source.size:
        header = source.read(at, AR_HEADER)
        size = re.fullmatch(rb"(\d{1,10}) *", header[48:58])
        if header[58:60] != b"`\n" or size is None:
            raise _damaged(source, at, case)
        length = int(size[1])
        start = at + AR_HEADER
        name = header[:16].rstrip(b" ").decode("utf-8", "replace")
        if start + length > source.size:
            case.add("archive-malformed", Severity.MEDIUM, f"The archive ends in the middle of {shown(name)}.")
            case.leave_open(f"{name}: the archive ends in the middle of it.")
            length = source.size - start
        skip = 0
        if (wide := re.fullmatch(r"#1/(\d{1,4})", name)) is not None:
            skip = min(int(wide[1]), length)
            name = source.read(start, skip).rstrip(b"\0").decode("utf-8", "replace")
        _check_name(name.rstrip("/"), case)
        if name == "debian-binary":
            case.add(
                "archive-runs-code",
                Severity.MEDIUM,
                "The file is a Debian package: installing it runs its scripts as the administrator.",
            )
        if name not in ("/", "//", "/SYM64/"):
            case.examine(SliceSource(source, start + skip, length - skip), name.rstrip("/"))
        at = start + length + length % 2
        names += 1
    case.fact("members", names)
    if at < source.size:
        look_behind(source, at, case, "behind the end of the archive")


def judge_cpio(source: ByteSource, case: Case) -> None:
    at = 0
    while at + 6 <= source.size:
        case.meter.check_clock()
        magic = source.read(at, 6)
        if magic in (b"070701", b"070702"):
            header = source.read(at, 110)
            fields = _numbers(header[6:], 8, 16, 13)
            if fields is None:
                raise _damaged(source, at, case)
            mode, length, name_length, align, head = fields[1], fields[6], fields[11], 4, 110
        elif magic == b"070707":
            header = source.read(at, 76)
            fields = _numbers(header[6:18] + header[18:24], 6, 8, 3)
            sizes = re.fullmatch(rb"([0-7]{6})([0-7]{11})", header[59:76])
            if fields is None or sizes is None:
                raise _damaged(source, at, case)
            mode, name_length, length, align, head = fields[2], int(sizes[1], 8), int(sizes[2], 8), 1, 76
        else:
            raise opaque_archive.held_back(Format.CPIO, case, "it is of the old binary kind")
        if not 1 <= name_length <= LONGEST_NAME:
            raise _damaged(source, at, case)
        name = source.read(at + head, name_length).rstrip(b"\0").decode("utf-8", "replace")
        start = at + head + name_length
        start += -start % align
        if name == CPIO_END:
            look_behind(source, start, case, "behind the end of the archive")
            return
        if start + length > source.size:
            raise _damaged(source, at, case)
        case.meter.spend_member()
        _judge_cpio_member(SliceSource(source, start, length), name, mode, case)
        at = start + length
        at += -at % align
    raise _damaged(source, at, case)


def _judge_cpio_member(content: SliceSource, name: str, mode: int, case: Case) -> None:
    _check_name(name, case)
    kind = stat.S_IFMT(mode)
    target = content.read(0, LONGEST_NAME).decode("utf-8", "replace") if kind == stat.S_IFLNK else ""
    if kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK) or link_leads_outside(name, target):
        case.add(
            "archive-special-member",
            Severity.HIGH,
            f"The member {shown(name)} points outside the folder the archive is unpacked to: {target[:100]!r}."
            if target
            else f"The member {shown(name)} is a device or a pipe, which no model has a use for.",
            evidence={"kind": "symlink" if target else "device", "target": target[:200]},
        )
    if kind not in (stat.S_IFLNK, stat.S_IFDIR):
        case.examine(content, name)


def _numbers(raw: bytes, width: int, base: int, count: int) -> list[int] | None:
    try:
        return [int(raw[index * width : (index + 1) * width], base) for index in range(count)]
    except ValueError:
        return None


def _check_name(name: str, case: Case) -> None:
    if not re.fullmatch(r"/\d*|//|/SYM64/", name):
        note_way_out(name, case)


def _damaged(source: ByteSource, at: int, case: Case) -> Unscannable:
    sentence = f"The archive has no readable header at byte {at:,}, where one must be."
    case.add("archive-malformed", Severity.MEDIUM, sentence, offset=at)
    look_behind(source, at, case, "behind what can be read of the archive")
    return Unscannable(sentence)
