"""RAR archives: headers are walked, stored members judged; what is compressed cannot be unpacked here, and is said so.

Formats: technote.txt of RAR 4 and "RAR 5.0 archive format" (rarlab.com).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives import opaque as opaque_archive
from scanners.formats.archives.bombs import weigh
from scanners.formats.archives.member_names import link_leads_outside, note_way_out, shown, unpacks_outside
from scanners.formats.shared.hidden import look_behind
from scanners.kinds import Format
from scanners.reading import OutOfBytes, SliceSource, Window
from scanners.source import ByteSource

SIGN4, SIGN5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"
LARGEST_HEADER = 2 * 1024 * 1024
_LINKS = {1: "symlink", 2: "symlink", 3: "junction", 4: "hard link", 5: "copy"}


@dataclass(slots=True)
class Entry:
    """A file, or a stream that belongs to one."""

    name: str
    offset: int
    packed_size: int
    size: int
    is_stored: bool
    is_encrypted: bool = False
    link: str | None = None
    link_kind: str = "symlink"
    is_service: bool = False


class _HeadersEncrypted(Exception):
    """Not even the names can be read."""


@dataclass(slots=True)
class _State:
    end: int = 0


def judge(source: ByteSource, case: Case) -> None:
    state = _State()
    packed = unpacked = members = 0
    opaque_members = 0
    walk = _walk5 if source.read(0, 8) == SIGN5 else _walk4
    try:
        for entry in walk(source, state):
            case.meter.spend_member()
            members += not entry.is_service
            packed += entry.packed_size
            unpacked += entry.size
            opaque_members += _judge_entry(source, entry, case)
    except _HeadersEncrypted:
        sentence = "The RAR archive is encrypted with all its names: nobody can look into it without the password."
        case.add("archive-encrypted", Severity.MEDIUM, sentence)
        raise Unscannable(sentence) from None
    except (OutOfBytes, struct.error, IndexError) as error:
        case.add("archive-malformed", Severity.MEDIUM, "The RAR archive is cut off or damaged.", offset=state.end)
        raise opaque_archive.held_back(Format.RAR, case, "it is cut off or damaged") from error
    case.fact("members", members)
    weigh(packed, unpacked, case)
    if state.end < source.size:
        look_behind(source, state.end, case, "behind the end of the archive")
    if opaque_members:
        raise opaque_archive.held_back(Format.RAR, case)


def _judge_entry(source: ByteSource, entry: Entry, case: Case) -> bool:
    """Whether its content was not seen."""
    note_way_out(entry.name, case)
    if entry.link is not None:
        outside = (
            link_leads_outside(entry.name, entry.link)
            if entry.link_kind != "hard link"
            else unpacks_outside(entry.link)
        )
        if outside:
            case.add(
                "archive-special-member",
                Severity.HIGH,
                f"The member {shown(entry.name)} points outside the folder the archive is unpacked to: "
                f"{shown(entry.link)}.",
                evidence={"kind": entry.link_kind, "target": entry.link[:200]},
            )
        return False
    if entry.is_encrypted:
        case.add(
            "archive-encrypted", Severity.MEDIUM, f"The member {shown(entry.name)} of the RAR archive is encrypted."
        )
        return True
    if not entry.is_stored:
        return entry.packed_size > 0
    if not entry.is_service and entry.packed_size:
        case.examine(SliceSource(source, entry.offset, entry.packed_size), entry.name)
    return False


def _walk4(source: ByteSource, state: _State) -> Iterator[Entry]:
    at = len(SIGN4)
    while at + 7 <= source.size:
        state.end = at
        kind, flags, size = struct.unpack("<xxBHH", source.read(at, 7))
        if size < 7 or not 0x72 <= kind <= 0x7B or (at == len(SIGN4)) is not (kind == 0x73):
            raise OutOfBytes
        header = source.read(at, size)
        if len(header) < size:
            raise OutOfBytes
        data = struct.unpack_from("<L", header, 7)[0] if flags & 0x8000 else 0
        if kind == 0x73 and flags & 0x80:
            raise _HeadersEncrypted
        if kind in (0x74, 0x7A):
            packed, unpacked, method, name_length, attributes = struct.unpack_from("<LL10xBHL", header, 7)
            place = 32
            if flags & 0x100:
                high_packed, high_unpacked = struct.unpack_from("<LL", header, place)
                packed, unpacked, place = packed | high_packed << 32, unpacked | high_unpacked << 32, place + 8
            data = packed
            name = header[place : place + name_length].split(b"\0", 1)[0].decode("utf-8", "replace")
            entry = Entry(name, at + size, packed, unpacked, method == 0x30, bool(flags & 4), is_service=kind == 0x7A)
            is_unix_link = header[15] == 3 and attributes >> 12 & 0xF == 0xA
            if is_unix_link and entry.is_stored and packed < 4096:
                entry.link = source.read(at + size, packed).decode("utf-8", "replace")
            if packed > source.size - at - size:
                raise OutOfBytes
            yield entry
        at += size + data
        if kind == 0x7B:
            break
    if at == len(SIGN4):
        raise OutOfBytes
    state.end = min(at, source.size)


def _walk5(source: ByteSource, state: _State) -> Iterator[Entry]:
    window = Window(source, len(SIGN5))
    while window.remaining >= 7:
        state.end = window.position
        window.take(4)
        size = _vint(window)
        if not 2 <= size <= LARGEST_HEADER:
            raise OutOfBytes
        header = _Bytes(window.take(size))
        kind, flags = header.vint(), header.vint()
        extra_size = header.vint() if flags & 1 else 0
        data = header.vint() if flags & 2 else 0
        if kind == 4:
            raise _HeadersEncrypted
        if not 1 <= kind <= 5 or (state.end == len(SIGN5)) is not (kind == 1):
            # The main header is the first and only the first; of headers nobody knows, nobody knows what they hide.
            raise OutOfBytes
        if kind in (2, 3):
            yield _entry5(header, extra_size, window.position, data, is_service=kind == 3)
        window.skip(data)
        if kind == 5:
            state.end = window.position
            return
    # An archive says where it ends.
    raise OutOfBytes


def _entry5(header: _Bytes, extra_size: int, offset: int, data: int, *, is_service: bool) -> Entry:
    flags, size, _ = header.vint(), header.vint(), header.vint()
    header.take(4 * bool(flags & 2) + 4 * bool(flags & 4))
    method = header.vint() >> 7 & 7
    header.vint()
    name = header.take(header.vint()).decode("utf-8", "replace")
    entry = Entry(name, offset, data, 0 if flags & 8 else size, method == 0, is_service=is_service)
    extra = _Bytes(header.data[len(header.data) - extra_size :] if extra_size else b"")
    while extra.at < len(extra.data):
        record = _Bytes(extra.take(extra.vint()))
        kind = record.vint()
        if kind == 1:
            entry.is_encrypted = True
        elif kind == 5:
            entry.link_kind = _LINKS.get(record.vint(), "link")
            record.vint()
            entry.link = record.take(record.vint()).decode("utf-8", "replace")
        elif kind == 7 and is_service:
            # An alternate data stream's name is a path, too (CVE-2025-8088).
            entry.name = record.take(len(record.data) - record.at).decode("utf-8", "replace").lstrip(":")
    return entry


class _Bytes:
    """Reads forward; IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.data):
            raise IndexError
        self.at += length
        return self.data[self.at - length : self.at]

    def vint(self) -> int:
        value = 0
        for index in range(10):
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return value
        raise IndexError


def _vint(window: Window) -> int:
    value = 0
    for index in range(10):
        byte = window.byte()
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value
    raise OutOfBytes
