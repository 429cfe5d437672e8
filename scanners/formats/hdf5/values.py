"""The bytes of datasets and attributes that can be a file: text, opaque and variable-length values, single bytes.

Tensors are not read. What is compressed by a filter that is not known here is left open.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.formats.hdf5.chunks import Chunk, chunks_of
from scanners.formats.hdf5.file import BrokenFile, Bytes, Hdf5File
from scanners.formats.hdf5.heaps import collection
from scanners.formats.hdf5.messages import ARRAY, CHUNKED, COMPACT, CONTIGUOUS, STRING, VARIABLE, Attribute, Datatype
from scanners.formats.hdf5.objects import Object
from scanners.reading import SliceSource
from scanners.source import ByteSource, MemorySource

DEFLATE, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
LARGEST_VALUE = 64 * 1024 * 1024
LARGEST_CHUNK = 16 * 1024 * 1024
COLLECTIONS_KEPT = 16


@dataclass(slots=True)
class Values:
    """Reads values of one file."""

    file: Hdf5File
    _collections: OrderedDict[int, dict[int, tuple[int, int]]] = field(default_factory=OrderedDict)

    def of_attribute(self, attribute: Attribute) -> Iterator[ByteSource]:
        yield from self._elements(attribute.datatype, attribute.data, attribute.count)

    def of_dataset(self, found: Object) -> Iterator[ByteSource]:
        """One value for each element of variable length, opaque or text type; else the whole dataset as one."""
        datatype, layout = found.datatype, found.layout
        if datatype is None or layout is None:
            return
        is_whole = datatype.kind not in (VARIABLE, STRING) and found.elements > 1
        if layout.kind == COMPACT:
            yield from self._elements(datatype, layout.data, 0 if is_whole else found.elements)
        elif layout.kind == CONTIGUOUS and layout.address is not None:
            size = layout.size or found.elements * datatype.size
            if is_whole or size > LARGEST_VALUE:
                yield SliceSource(self.file.source, self.file.base + layout.address, size)
            else:
                yield from self._elements(datatype, self.file.read(layout.address, size), found.elements)
        elif layout.kind == CHUNKED and layout.address is not None:
            yield from self._chunked(found, datatype, is_whole=is_whole)

    def _chunked(self, found: Object, datatype: Datatype, *, is_whole: bool) -> Iterator[ByteSource]:
        parts: list[bytes] = []
        size = 0
        for chunk in chunks_of(self.file, found):
            if chunk.size > LARGEST_CHUNK:
                raise BrokenFile(f"Its HDF5 has a chunk of {chunk.size:,} bytes at {chunk.address:,}.")
            data = self._unfiltered(found, datatype, chunk)
            if not is_whole:
                yield from self._elements(datatype, data, len(data) // max(1, datatype.size))
                continue
            parts.append(data)
            size += len(data)
            if size > LARGEST_CHUNK:
                break
        if is_whole and parts:
            yield MemorySource(b"".join(parts))

    def _unfiltered(self, found: Object, datatype: Datatype, chunk: Chunk) -> bytes:
        data = self.file.read(chunk.address, chunk.size)
        for place in reversed(range(len(found.filters))):
            number, name = found.filters[place]
            if chunk.unfiltered >> place & 1:
                continue
            if number == DEFLATE:
                data = self._inflate(data)
            elif number == SHUFFLE:
                data = _unshuffle(data, datatype.size)
            elif number == FLETCHER32:
                data = data[:-4]
            elif number == LZF:
                data = self._unpack_lzf(data)
            else:
                raise Unscannable(f"It has an HDF5 dataset compressed by {name or number!r}, which is not read here.")
        return data

    def _inflate(self, data: bytes) -> bytes:
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(data, LARGEST_CHUNK)
        except zlib.error as error:
            raise BrokenFile("It has an HDF5 chunk that cannot be unpacked.") from error
        self.file.case.meter.spend_unpacked(len(unpacked))
        if unpacker.unconsumed_tail:
            raise BrokenFile(f"It has an HDF5 chunk that unpacks to more than {LARGEST_CHUNK:,} bytes.")
        return unpacked

    def _unpack_lzf(self, data: bytes) -> bytes:
        """LibLZF: a byte below 32 is followed by literals, one above says how far back to copy from, and how much."""
        out = bytearray()
        at = 0
        try:
            while at < len(data):
                control = data[at]
                at += 1
                if control < 32:
                    out += data[at : at + control + 1]
                    at += control + 1
                    continue
                length = control >> 5
                if length == 7:
                    length += data[at]
                    at += 1
                start = len(out) - ((control & 0x1F) << 8 | data[at]) - 1
                at += 1
                if start < 0 or len(out) > LARGEST_CHUNK:
                    raise BrokenFile("It has an HDF5 chunk that cannot be unpacked.")
                for place in range(start, start + length + 2):
                    out.append(out[place])
        except IndexError as error:
            raise BrokenFile("It has an HDF5 chunk that cannot be unpacked.") from error
        self.file.case.meter.spend_unpacked(len(out))
        return bytes(out)

    def _elements(self, datatype: Datatype, data: bytes, count: int) -> Iterator[ByteSource]:
        """`count` of 0: the bytes are one value."""
        if datatype.kind == ARRAY and datatype.base is not None and datatype.base.size:
            yield from self._elements(datatype.base, data, len(data) // datatype.base.size)
        elif datatype.kind == VARIABLE:
            yield from self._variable(data, count)
        elif datatype.kind == STRING and datatype.size and count:
            for at in range(0, min(len(data), count * datatype.size), datatype.size):
                self.file.visit()
                yield MemorySource(data[at : at + datatype.size].rstrip(b"\0 "))
        elif data:
            yield MemorySource(data)

    def _variable(self, data: bytes, count: int) -> Iterator[ByteSource]:
        width = 8 + self.file.address_bytes
        references = Bytes(self.file, data)
        for _ in range(count):
            if references.remaining < width:
                return
            self.file.visit()
            references.skip(4)
            address, index = references.address(), references.number(4)
            if not address:
                continue
            objects = self._collections.get(address)
            if objects is None:
                objects = self._collections[address] = collection(self.file, address)
                if len(self._collections) > COLLECTIONS_KEPT:
                    self._collections.popitem(last=False)
            place = objects.get(index)
            if place is not None:
                yield SliceSource(self.file.source, self.file.base + place[0], place[1])


def _unshuffle(data: bytes, width: int) -> bytes:
    """Bytes of the same rank stand together: put them back beside one another."""
    if width <= 1:
        return data
    count = len(data) // width
    whole = bytearray(data)
    for rank in range(width):
        whole[rank : count * width : width] = data[rank * count : (rank + 1) * count]
    return bytes(whole)
