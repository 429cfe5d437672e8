"""Members of a zip whose table of contents is missing or lies, found by their own headers as a repairer does."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from scanners.budget import Meter, Unscannable
from scanners.formats.archives.zip_ends import LOCAL
from scanners.formats.archives.zip_member import HAS_DESCRIPTOR, STORED, UTF8, Member, widen
from scanners.source import ByteSource

LARGEST_SEARCH = 64 * 1024 * 1024
STEP = 1024 * 1024
MOST_MEMBERS = 1000


def members_by_their_headers(source: ByteSource, meter: Meter) -> Iterator[Member]:
    at, found = 0, 0
    while at < min(source.size, LARGEST_SEARCH) and found < MOST_MEMBERS:
        meter.check_clock()
        data = source.read(at, STEP)
        hit = data.find(LOCAL)
        if hit < 0:
            at += max(1, len(data) - 3)
            continue
        at += hit
        member = _member(source, at)
        at += 4
        if member is not None:
            found += 1
            yield member
            at += member.packed_size


def _member(source: ByteSource, at: int) -> Member | None:
    header = source.read(at, 30)
    if len(header) < 30:
        return None
    flags, method, crc, packed, size, name_length, extra_length = struct.unpack_from("<2H4x3L2H", header, 6)
    rest = source.read(at + 30, name_length + extra_length)
    start = at + 30 + name_length + extra_length
    if len(rest) < name_length + extra_length or start >= source.size:
        return None
    try:
        size, packed, _ = widen(rest[name_length:], size, packed, 0)
    except Unscannable:
        return None
    name = rest[:name_length]
    if flags & HAS_DESCRIPTOR and not packed:
        # Its length is not known: up to the next header, or to the end.
        packed = _distance(source, start)
        size = packed if method == STORED else size
    packed = min(packed, source.size - start)
    return Member(
        name.decode("utf-8" if flags & UTF8 else "cp437", "replace"), flags, method, crc, packed, size, at, name
    )


def _distance(source: ByteSource, start: int) -> int:
    data = source.read(start, STEP)
    hits = [hit for sign in (LOCAL, b"PK\x07\x08", b"PK\x01\x02") if (hit := data.find(sign)) >= 0]
    return min(hits, default=source.size - start)
