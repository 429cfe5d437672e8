"""The header of a 7z archive: which bytes are packed how, and which files they become.

Format: 7zFormat.txt, LZMA SDK 23.01. Counts are believed only as far as bytes for them are there.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.source import ByteSource

FIXED_BYTES = 32
LARGEST_HEADER = 16 * 1024 * 1024
MOST_ENCODINGS = 4
MOST_CODERS = 8
MOST_THINGS = 200_000

_END, _HEADER, _PROPERTIES, _MORE_STREAMS, _STREAMS, _FILES = range(6)
_PACKED, _UNPACKED, _PARTS, _SIZE, _CRC, _FOLDER, _UNPACKED_SIZE, _PART_COUNT = range(6, 14)
_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES = range(14, 18)
_ATTRIBUTES, _ENCODED = 0x15, 0x17


class Bad7z(Unscannable):
    """The header breaks the format's rules."""


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of packing."""

    method: bytes
    properties: bytes
    inputs: int = 1
    outputs: int = 1


@dataclass(slots=True)
class Folder:
    """Packed bytes that are unpacked together."""

    coders: list[Coder]
    order: list[int] | None
    """The coders from the packed bytes to the files, where each takes one stream and gives one; else None."""
    packed_streams: int
    sizes: list[int] = field(default_factory=list)
    """What each coder gives, in the order of `coders`."""
    packed_at: int = 0
    packed_size: int = 0
    parts: list[int] = field(default_factory=list)
    """Sizes of the files in it, after one another."""
    part_crcs: list[int | None] = field(default_factory=list)
    crc: int | None = None

    @property
    def size(self) -> int:
        if self.order:
            return self.sizes[self.order[-1]]
        return max(self.sizes, default=0)


@dataclass(slots=True)
class Item:
    """One file, folder or link."""

    name: str
    has_bytes: bool
    is_folder: bool = False
    is_anti: bool = False
    """To be deleted by whoever unpacks."""
    attributes: int = 0

    @property
    def mode(self) -> int:
        """Of Unix; 0 where it was not packed there."""
        return self.attributes >> 16 if self.attributes & 0x8000 else 0


@dataclass(slots=True)
class Contents:
    """What the header says."""

    folders: list[Folder] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    header_at: int = 0
    end: int = FIXED_BYTES
    oddities: list[str] = field(default_factory=list)


Unpack = Callable[[Folder], bytes]


def read_contents(source: ByteSource, unpack: Unpack) -> Contents:
    """`unpack` gives the bytes of a folder, for headers that are packed themselves."""
    start = source.read(0, FIXED_BYTES)
    if len(start) < FIXED_BYTES:
        raise Bad7z("The 7z archive ends within its first 32 bytes.")
    stated_crc, offset, size, header_crc = struct.unpack("<LQQL", start[8:])
    found = Contents(header_at=FIXED_BYTES + offset, end=FIXED_BYTES + offset + size)
    if zlib.crc32(start[12:]) != stated_crc:
        found.oddities.append("The checksum of its beginning is wrong.")
    if size == 0:
        return found
    if found.end > source.size:
        raise Bad7z("The table of contents of the 7z archive is said to lie behind its end: it is cut off or damaged.")
    if size > LARGEST_HEADER:
        raise Bad7z(f"The table of contents of the 7z archive has {size:,} bytes.")
    data = source.read(found.header_at, size)
    if zlib.crc32(data) != header_crc:
        found.oddities.append("The checksum of its table of contents is wrong.")
    try:
        for _ in range(MOST_ENCODINGS):
            reader = _Reader(data)
            kind = reader.byte()
            if kind == _HEADER:
                _read_header(reader, found)
                return found
            if kind != _ENCODED:
                raise Bad7z("The table of contents of the 7z archive is of no known kind.")
            folders = _read_streams(reader)
            if len(folders) != 1 or folders[0].size > LARGEST_HEADER:
                raise Bad7z("The table of contents of the 7z archive is packed in a way that is not understood.")
            data = unpack(folders[0])
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Bad7z("The table of contents of the 7z archive ends early.") from error
    raise Bad7z("The table of contents of the 7z archive is packed again and again.")


class _Reader:
    """Reads forward; IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        value = self.data[self.at]
        self.at += 1
        return value

    def take(self, length: int) -> bytes:
        if length < 0 or self.at + length > len(self.data):
            raise IndexError
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self) -> int:
        """As many high bits of the first byte are set, so many bytes follow."""
        first = self.byte()
        value, mask = 0, 0x80
        for index in range(8):
            if not first & mask:
                return value + ((first & (mask - 1)) << (8 * index))
            value |= self.byte() << (8 * index)
            mask >>= 1
        return value

    def count(self) -> int:
        """A number of things of which each takes at least a bit of the header, so that memory does not run out."""
        value = self.number()
        if value > min(8 * len(self.data), MOST_THINGS):
            raise Bad7z(f"The 7z archive is said to have {value:,} of something in {len(self.data):,} bytes of header.")
        return value

    def bits(self, count: int) -> list[bool]:
        data = self.take((count + 7) // 8)
        return [bool(data[index // 8] >> (7 - index % 8) & 1) for index in range(count)]

    def optional_bits(self, count: int) -> list[bool]:
        return [True] * count if self.byte() else self.bits(count)

    def crcs(self, count: int) -> list[int | None]:
        return [int.from_bytes(self.take(4), "little") if defined else None for defined in self.optional_bits(count)]


def _read_header(reader: _Reader, found: Contents) -> None:
    kind = reader.byte()
    if kind == _PROPERTIES:
        while reader.byte() != _END:
            reader.take(reader.number())
        kind = reader.byte()
    if kind == _MORE_STREAMS:
        _read_streams(reader)
        found.oddities.append("It has additional streams, which no known writer makes.")
        kind = reader.byte()
    if kind == _STREAMS:
        found.folders = _read_streams(reader)
        kind = reader.byte()
    if kind == _FILES:
        found.items = _read_files(reader)
        kind = reader.byte()
    if kind != _END:
        raise Bad7z("The table of contents of the 7z archive goes on where it should end.")


def _read_streams(reader: _Reader) -> list[Folder]:
    position = 0
    packed: list[int] = []
    folders: list[Folder] = []
    kind = reader.byte()
    if kind == _PACKED:
        position = reader.number()
        count = reader.count()
        while (kind := reader.byte()) != _END:
            if kind == _SIZE:
                packed = [reader.number() for _ in range(count)]
            elif kind == _CRC:
                reader.crcs(count)
            else:
                raise Bad7z("The packed streams of the 7z archive are not described as they must be.")
        kind = reader.byte()
    if kind == _UNPACKED:
        folders = _read_folders(reader)
        kind = reader.byte()
    for folder in folders:
        folder.parts, folder.part_crcs = [folder.size], [folder.crc]
    if kind == _PARTS:
        _read_parts(reader, folders)
        kind = reader.byte()
    if kind != _END:
        raise Bad7z("The streams of the 7z archive are not described as they must be.")
    position += FIXED_BYTES
    left = iter(packed)
    for folder in folders:
        sizes = [size for _, size in zip(range(folder.packed_streams), left, strict=False)]
        if len(sizes) < folder.packed_streams:
            raise Bad7z("The 7z archive describes more streams than it has.")
        folder.packed_at, folder.packed_size = position, sum(sizes)
        position += folder.packed_size
    return folders


def _read_folders(reader: _Reader) -> list[Folder]:
    if reader.byte() != _FOLDER:
        raise Bad7z("The folders of the 7z archive are not described as they must be.")
    count = reader.count()
    if reader.byte():
        raise Bad7z("The folders of the 7z archive are described in another stream.")
    folders = [_read_folder(reader) for _ in range(count)]
    if reader.byte() != _UNPACKED_SIZE:
        raise Bad7z("The 7z archive does not say how large what it holds is.")
    for folder in folders:
        folder.sizes = [reader.number() for _ in range(sum(coder.outputs for coder in folder.coders))]
    while (kind := reader.byte()) != _END:
        if kind != _CRC:
            raise Bad7z("The folders of the 7z archive are not described as they must be.")
        for folder, crc in zip(folders, reader.crcs(count), strict=True):
            folder.crc = crc
    return folders


def _read_folder(reader: _Reader) -> Folder:
    count = reader.number()
    if not 1 <= count <= MOST_CODERS:
        raise Bad7z(f"The 7z archive packs in {count:,} steps.")
    coders: list[Coder] = []
    for _ in range(count):
        flags = reader.byte()
        method = reader.take(flags & 0x0F)
        inputs, outputs = (reader.number(), reader.number()) if flags & 0x10 else (1, 1)
        if not (1 <= inputs <= MOST_CODERS and 1 <= outputs <= MOST_CODERS) or flags & 0x80:
            raise Bad7z("A step of packing of the 7z archive is not described as it must be.")
        coders.append(Coder(method, reader.take(reader.number()) if flags & 0x20 else b"", inputs, outputs))
    inputs, outputs = sum(coder.inputs for coder in coders), sum(coder.outputs for coder in coders)
    pairs = [(reader.number(), reader.number()) for _ in range(outputs - 1)]
    packed = inputs - len(pairs)
    if packed < 1:
        raise Bad7z("A folder of the 7z archive takes no packed bytes.")
    if packed > 1:
        _ = [reader.number() for _ in range(packed)]
    return Folder(coders, _order(coders, pairs) if inputs == outputs == count else None, packed)


def _order(coders: list[Coder], pairs: list[tuple[int, int]]) -> list[int] | None:
    """`pairs` say of a coder's input whose output it is; the first coder is the one that has none."""
    feeds = {given: taken for taken, given in pairs}
    starts = set(range(len(coders))) - {taken for taken, _ in pairs}
    if len(starts) != 1 or len(feeds) != len(pairs):
        return None
    order = [starts.pop()]
    while order[-1] in feeds:
        following = feeds[order[-1]]
        if following in order or following >= len(coders):
            return None
        order.append(following)
    return order if len(order) == len(coders) else None


def _read_parts(reader: _Reader, folders: list[Folder]) -> None:
    counts = [1] * len(folders)
    kind = reader.byte()
    if kind == _PART_COUNT:
        counts = [reader.count() for _ in folders]
        if sum(counts) > MOST_THINGS:
            raise Bad7z(f"The 7z archive is said to have {sum(counts):,} files.")
        kind = reader.byte()
    for folder, count in zip(folders, counts, strict=True):
        sizes = [reader.number() for _ in range(count - 1)] if kind == _SIZE and count else []
        last = folder.size - sum(sizes)
        if last < 0 or (count > 1 and kind != _SIZE):
            raise Bad7z("The files in a folder of the 7z archive are larger than the folder.")
        folder.parts = [*sizes, last] if count else []
        folder.part_crcs = [folder.crc] if count == 1 else [None] * count
    kind = reader.byte() if kind == _SIZE else kind
    while kind != _END:
        if kind != _CRC:
            raise Bad7z("The files in the folders of the 7z archive are not described as they must be.")
        unknown = [(folder, at) for folder in folders for at, crc in enumerate(folder.part_crcs) if crc is None]
        for (folder, at), crc in zip(unknown, reader.crcs(len(unknown)), strict=True):
            folder.part_crcs[at] = crc
        kind = reader.byte()


def _read_files(reader: _Reader) -> list[Item]:
    count = reader.count()
    items = [Item("", has_bytes=True) for _ in range(count)]
    empty: list[Item] = []
    while (kind := reader.number()) != _END:
        body = _Reader(reader.take(reader.number()))
        if kind == _EMPTY_STREAM:
            for item, is_empty in zip(items, body.bits(count), strict=True):
                item.has_bytes = not is_empty
                item.is_folder = is_empty
            empty = [item for item in items if not item.has_bytes]
        elif kind == _EMPTY_FILE:
            for item, is_file in zip(empty, body.bits(len(empty)), strict=True):
                item.is_folder = not is_file
        elif kind == _ANTI:
            for item, is_anti in zip(empty, body.bits(len(empty)), strict=True):
                item.is_anti = is_anti
        elif kind == _NAMES:
            if body.byte():
                raise Bad7z("The names in the 7z archive are in another stream.")
            names = body.data[1:].decode("utf-16-le", "replace").split("\0")
            if len(names) < count:
                raise Bad7z("The 7z archive has fewer names than files.")
            for item, name in zip(items, names, strict=False):
                item.name = name
        elif kind == _ATTRIBUTES:
            defined = body.optional_bits(count)
            if body.byte():
                raise Bad7z("The attributes in the 7z archive are in another stream.")
            for item, is_defined in zip(items, defined, strict=True):
                if is_defined:
                    item.attributes = int.from_bytes(body.take(4), "little")
    return items
