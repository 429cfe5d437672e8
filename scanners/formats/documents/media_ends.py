"""Where a picture, a sound, a film or a document ends by its own structure, and the parts of it that are not its image.

Formats: PNG (W3C), JPEG (ITU T.81, B.1), GIF89a, RIFF, BMP and ICO (Microsoft), Ogg (RFC 3533), ISO 14496-12, PDF 1.7.
Each function walks by lengths, so that a large file costs few reads. `None` stands for "its structure is broken there".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

STEP = 1024 * 1024
MOST_PARTS = 100_000
SMALLEST_PART = 20
PDF_TAIL = 1024 * 1024
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_PNG_IMAGE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"fdAT", b"acTL", b"fcTL"})
_RIFF_CONTENT = frozenset({b"data", b"fmt ", b"VP8 ", b"VP8L", b"VP8X", b"ANMF", b"ALPH", b"ANIM"})


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes in the file that are not its picture or sound: a comment, a field nobody knows."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the content reaches, and what else is inside of it."""

    end: int | None
    parts: tuple[Part, ...] = ()


def png(source: ByteSource) -> Extent:
    at = 8
    parts: list[Part] = []
    for _ in range(MOST_PARTS):
        head = source.read(at, 8)
        if len(head) < 8:
            return Extent(None, tuple(parts))
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if not name.isalpha() or at + 12 + length > source.size:
            return Extent(None, tuple(parts))
        if name not in _PNG_IMAGE and length >= SMALLEST_PART:
            # Texts begin with a keyword.
            body = source.read(at + 8, 90)
            skip = body.find(b"\0") + 1 if name == b"tEXt" else 0
            parts.append(Part(f"the field {name.decode()}", at + 8 + skip, length - skip))
        at += 12 + length
        if name == b"IEND":
            return Extent(at, tuple(parts))
    return Extent(None, tuple(parts))


def jpeg(source: ByteSource) -> Extent:
    at = 2
    parts: list[Part] = []
    for _ in range(MOST_PARTS):
        head = source.read(at, 4)
        if len(head) < 2 or head[0] != 0xFF:
            return Extent(None, tuple(parts))
        marker = head[1]
        if marker == 0xFF:
            at += 1
        elif marker == 0xD9:
            return Extent(at + 2, tuple(parts))
        elif 0xD0 <= marker <= 0xD8 or marker == 1:
            at += 2
        elif len(head) < 4:
            return Extent(None, tuple(parts))
        else:
            length = int.from_bytes(head[2:], "big")
            if marker == 0xFE or 0xE1 <= marker <= 0xEF:
                parts.append(Part("a comment or field of the picture", at + 4, max(0, length - 2)))
            at += 2 + length
            if marker == 0xDA:
                following = _after_scan(source, at)
                if following is None:
                    return Extent(None, tuple(parts))
                at = following
    return Extent(None, tuple(parts))


def _after_scan(source: ByteSource, at: int) -> int | None:
    """The next marker behind the compressed picture."""
    while at < source.size:
        data = source.read(at, STEP)
        found = _JPEG_MARKER.search(data)
        if found is not None:
            return at + found.start()
        at += max(1, len(data) - 1)
    return None


def gif(source: ByteSource) -> Extent:
    head = source.read(0, 13)
    if len(head) < 13:
        return Extent(None)
    at = 13 + (3 << ((head[10] & 7) + 1) if head[10] & 0x80 else 0)
    parts: list[Part] = []
    for _ in range(MOST_PARTS):
        kind = source.read(at, 10)
        if kind[:1] == b"\x3b":
            return Extent(at + 1, tuple(parts))
        if kind[:1] == b"\x2c" and len(kind) == 10:
            at += 10 + (3 << ((kind[9] & 7) + 1) if kind[9] & 0x80 else 0) + 1
        elif kind[:1] == b"\x21" and len(kind) >= 3:
            at += 2
            if kind[1] == 0xFE:
                parts.append(Part("a comment of the picture", at + 1, kind[2]))
        else:
            return Extent(None, tuple(parts))
        following = _after_blocks(source, at)
        if following is None:
            return Extent(None, tuple(parts))
        at = following
    return Extent(None, tuple(parts))


def _after_blocks(source: ByteSource, at: int) -> int | None:
    window = Window(source, at)
    try:
        while size := window.byte():
            window.skip(size)
    except OutOfBytes:
        return None
    return window.position


def riff(source: ByteSource) -> Extent:
    stated = int.from_bytes(source.read(4, 4), "little")
    end = 8 + stated + stated % 2
    if stated in (0, 0xFFFFFFFF):
        # Written to a pipe: its length was never known.
        return Extent(None)
    parts: list[Part] = []
    at = 12
    while at + 8 <= min(end, source.size) and len(parts) < MOST_PARTS:
        head = source.read(at, 8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] not in _RIFF_CONTENT and length >= SMALLEST_PART:
            name = head[:4].decode("latin-1").strip()
            parts.append(Part(f"the field {name!r}", at + 8, min(length, max(0, source.size - at - 8))))
        at += 8 + length + length % 2
    return Extent(end if end <= source.size else source.size if end - 1 == source.size else None, tuple(parts))


def bmp(source: ByteSource) -> Extent:
    return Extent(int.from_bytes(source.read(2, 4), "little"))


def ico(source: ByteSource) -> Extent:
    count = int.from_bytes(source.read(4, 2), "little")
    table = source.read(6, 16 * count)
    ends = [sum(struct.unpack_from("<LL", table, 16 * index + 8)) for index in range(len(table) // 16)]
    end = max(ends, default=0)
    return Extent(end if 0 < end <= source.size else None)


def ogg(source: ByteSource) -> Extent:
    at = 0
    while at < source.size:
        head = source.read(at, 27)
        if len(head) < 27 or head[:4] != b"OggS":
            break
        sizes = source.read(at + 27, head[26])
        at += 27 + len(sizes) + sum(sizes)
    return Extent(at if 0 < at <= source.size else None)


def mp4(source: ByteSource) -> Extent:
    at = 0
    parts: list[Part] = []
    for _ in range(MOST_PARTS):
        if at == source.size:
            return Extent(at, tuple(parts))
        head = source.read(at, 16)
        if len(head) < 8 or not re.fullmatch(rb"[A-Za-z0-9 \xa9_-]{4}", head[4:8]):
            return Extent(at, tuple(parts))
        length, begins = int.from_bytes(head[:4], "big"), 8
        if length == 1 and len(head) == 16:
            length, begins = int.from_bytes(head[8:], "big"), 16
        if length == 0:
            parts.append(Part("the last box", at + begins, source.size - at - begins))
            return Extent(source.size, tuple(parts))
        if length < begins or at + length > source.size:
            return Extent(at or None, tuple(parts))
        if head[4:8] in (b"free", b"skip", b"uuid", b"wide"):
            parts.append(Part(f"the box {head[4:8].decode()}", at + begins, length - begins))
        at += length
    return Extent(None, tuple(parts))


def pdf(source: ByteSource) -> Extent:
    """The last end mark; what stands behind each earlier one must be an update, which begins with an object."""
    start = max(0, source.size - PDF_TAIL)
    tail = source.read(start, PDF_TAIL)
    marks = [match.end() for match in re.finditer(rb"%%EOF[\r\n]*", tail)]
    if not marks:
        return Extent(None)
    parts = tuple(
        Part("the document, behind an end mark,", start + mark, following - mark)
        for mark, following in pairwise(marks)
        if not re.match(rb"\s*(?:\d+\s+\d+\s+obj|xref|%)", tail[mark : mark + 64])
    )
    return Extent(start + marks[-1], parts)


def pieces(source: ByteSource, most: int) -> Iterator[bytes]:
    for at in range(0, min(source.size, most), STEP):
        yield source.read(at, STEP + 64)
