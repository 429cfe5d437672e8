"""Where a program ends by its own tables: what stands behind is read by no loader of programs.

Formats: System V ABI, "Object Files"; Microsoft "PE Format".
"""

from __future__ import annotations

import struct

from scanners.source import ByteSource

MOST_ENTRIES = 4096
NO_BITS = 8


def end_of_elf(source: ByteSource) -> int | None:
    head = source.read(0, 64)
    if len(head) < 64 or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    order = "<" if head[5] == 1 else ">"
    if head[4] == 2:
        segments_at, sections_at = struct.unpack_from(order + "QQ", head, 32)
        tail = struct.unpack_from(order + "6H", head, 52)
    else:
        segments_at, sections_at = struct.unpack_from(order + "LL", head, 28)
        tail = struct.unpack_from(order + "6H", head, 40)
    head_size, segment_size, segment_count, section_size, section_count, _ = tail
    if max(segment_count, section_count) > MOST_ENTRIES or not segment_count + section_count:
        return None
    end = max(head_size, segments_at + segment_size * segment_count, sections_at + section_size * section_count)
    for at in range(segment_count):
        entry = source.read(segments_at + at * segment_size, segment_size)
        form, place = ("QQQQ", 8) if head[4] == 2 else ("LLLL", 4)
        if len(entry) < (56 if head[4] == 2 else 32):
            return None
        offset, _, _, size = struct.unpack_from(order + form, entry, place)
        end = max(end, offset + size)
    for at in range(section_count):
        entry = source.read(sections_at + at * section_size, section_size)
        if len(entry) < (64 if head[4] == 2 else 40):
            return None
        (kind,) = struct.unpack_from(order + "L", entry, 4)
        offset, size = (
            struct.unpack_from(order + "QQ", entry, 24) if head[4] == 2 else struct.unpack_from(order + "LL", entry, 16)
        )
        if kind != NO_BITS:
            end = max(end, offset + size)
    return int(end)


def end_of_pe(source: ByteSource) -> int | None:
    at = int.from_bytes(source.read(60, 4), "little")
    head = source.read(at, 24)
    if head[:4] != b"PE\0\0" or len(head) < 24:
        return None
    count, optional_size = struct.unpack_from("<H12xH", head, 6)
    optional = source.read(at + 24, optional_size)
    end = at + 24 + optional_size + 40 * count
    for index in range(count):
        section = source.read(at + 24 + optional_size + 40 * index, 40)
        if len(section) < 40:
            return None
        size, offset = struct.unpack_from("<LL", section, 16)
        end = max(end, offset + size if size else 0)
    # Symbols for debuggers, and behind them their names, which begin with how long they are.
    symbols_at, symbols = struct.unpack_from("<LL", head, 12)
    if symbols_at:
        names_at = symbols_at + 18 * symbols
        end = max(end, names_at + int.from_bytes(source.read(names_at, 4), "little"))
    # The signature is the one table that is addressed by its place in the file.
    place = {0x10B: 96, 0x20B: 112}.get(int.from_bytes(optional[:2], "little"), -1) + 4 * 8
    if place >= 32 and len(optional) >= place + 8:
        offset, size = struct.unpack_from("<LL", optional, place)
        end = max(end, offset + size if size else 0)
    return int(end)
