"""Where the chunks of an HDF5 dataset are, by each of its indexes.

Format: HDF5 File Format Specification, sections III.A.1 and III.A.2 (B-trees), and VII (fixed and extensible arrays,
with the layouts of version 4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from scanners.budget import Unscannable
from scanners.formats.hdf5.file import BrokenFile, Bytes, Hdf5File
from scanners.formats.hdf5.heaps import tree_records
from scanners.formats.hdf5.messages import Layout
from scanners.formats.hdf5.objects import Leaf, Object, tree_leaves

OLD_TREE, SINGLE_CHUNK, IMPLICIT, FIXED_ARRAY, EXTENSIBLE_ARRAY, NEW_TREE = range(6)
MOST_CHUNKS = 100_000
CHECKSUM_BYTES = 4


@dataclass(frozen=True, slots=True)
class Chunk:
    """Stored bytes of a part of a dataset."""

    address: int
    size: int
    unfiltered: int = 0
    """Bit n is set where filter n was left out."""


def chunks_of(file: Hdf5File, found: Object) -> Iterator[Chunk]:
    """In the order of their places, as far as the index has one."""
    layout = found.layout
    if layout is None or layout.address is None:
        return
    if layout.index == OLD_TREE:
        yield from _old_tree(file, layout.address, layout.dimensions)
    elif layout.index == SINGLE_CHUNK:
        yield Chunk(layout.address, layout.size, layout.unfiltered)
    elif layout.index == IMPLICIT:
        whole = found.elements * (found.datatype.size if found.datatype is not None else 1)
        yield Chunk(layout.address, min(layout.chunk_bytes, whole))
    elif layout.index == FIXED_ARRAY:
        yield from _fixed_array(file, layout.address, layout.chunk_bytes)
    elif layout.index == EXTENSIBLE_ARRAY:
        yield from _extensible_array(file, layout.address, layout.chunk_bytes)
    elif layout.index == NEW_TREE:
        yield from _new_tree(file, layout, is_filtered=bool(found.filters))
    else:
        raise Unscannable("It has an HDF5 dataset whose chunks are kept in an index that is not known here.")


def _old_tree(file: Hdf5File, address: int, dimensions: int) -> Iterator[Chunk]:
    leaves: list[Leaf] = []
    for leaf in tree_leaves(file, address, 1, 8 + 8 * dimensions):
        if len(leaves) >= MOST_CHUNKS:
            raise BrokenFile("Its HDF5 has a dataset of too many chunks.")
        leaves.append(leaf)
    places = struct.Struct(f"<{dimensions}Q")
    for leaf in sorted(leaves, key=lambda leaf: places.unpack_from(leaf.key, 8)):
        size, mask = struct.unpack_from("<2L", leaf.key)
        yield Chunk(leaf.child, size, mask)


def _new_tree(file: Hdf5File, layout: Layout, *, is_filtered: bool) -> Iterator[Chunk]:
    places = 8 * (layout.dimensions - 1)
    records = sorted(tree_records(file, layout.address or 0), key=lambda record: record[len(record) - places :])
    for record in records:
        yield from _entry(Bytes(file, record[: len(record) - places]), layout.chunk_bytes, is_filtered=is_filtered)


def _entry(entry: Bytes, chunk_bytes: int, *, is_filtered: bool) -> Iterator[Chunk]:
    """An address, and of a filtered chunk its size and the filters left out; nothing of a chunk that is not there."""
    address = entry.address()
    if address is None:
        return
    if not is_filtered:
        yield Chunk(address, chunk_bytes)
    elif entry.remaining > CHECKSUM_BYTES:
        size = entry.number(entry.remaining - 4)
        yield Chunk(address, size, entry.number(4))


def _fixed_array(file: Hdf5File, address: int, chunk_bytes: int) -> Iterator[Chunk]:
    head = file.at(address, 8 + file.length_bytes + file.address_bytes, b"FAHD")
    head.skip(1)
    filtered, entry_bytes, page_bits = head.number(1), head.number(1), head.number(1)
    count, block = head.length(), head.address()
    if block is None:
        return
    if count > MOST_CHUNKS:
        raise BrokenFile("Its HDF5 has a dataset of too many chunks.")
    prefix = 6 + file.address_bytes
    file.at(block, prefix, b"FADB")
    page = 1 << min(page_bits, 32)
    at = block + prefix
    if count > page:
        at += ceil(ceil(count / page) / 8) + CHECKSUM_BYTES
    for start in range(0, count, page):
        entries = min(page, count - start)
        yield from _entries(file, at, entries, entry_bytes, chunk_bytes, is_filtered=bool(filtered))
        at += entries * entry_bytes + CHECKSUM_BYTES


def _entries(
    file: Hdf5File, at: int, count: int, entry_bytes: int, chunk_bytes: int, *, is_filtered: bool
) -> Iterator[Chunk]:
    data = file.at(at, count * entry_bytes)
    for _ in range(count):
        file.visit()
        yield from _entry(Bytes(file, data.take(entry_bytes)), chunk_bytes, is_filtered=is_filtered)


def _extensible_array(file: Hdf5File, address: int, chunk_bytes: int) -> Iterator[Chunk]:
    head = file.at(address, 12 + 6 * file.length_bytes + file.address_bytes, b"EAHD")
    head.skip(1)
    filtered, entry_bytes, bits, direct, least, pointers, page_bits = (head.number(1) for _ in range(7))
    head.skip(6 * file.length_bytes)
    index = head.address()
    if index is None:
        return
    if not least or not pointers or not entry_bytes or bits > 64:
        raise BrokenFile(f"Its HDF5 has an impossible array at {address:,}.")
    # Data blocks of the first super blocks stand in the index itself; super block n has 2^(n/2) of them.
    blocks = [(1 << number // 2, least << (number + 1) // 2) for number in range(1 + bits - (least.bit_length() - 1))]
    here = 2 * (pointers.bit_length() - 1)
    prefix = 6 + file.address_bytes
    file.at(index, prefix, b"EAIB")
    is_filtered = bool(filtered)
    yield from _entries(file, index + prefix, direct, entry_bytes, chunk_bytes, is_filtered=is_filtered)
    inner = file.at(
        index + prefix + direct * entry_bytes,
        file.address_bytes * (sum(count for count, _ in blocks[:here]) + len(blocks[here:])),
    )
    offset_bytes = ceil(bits / 8)
    for number, (count, entries) in enumerate(blocks):
        addresses = inner
        if number >= here:
            super_block = inner.address()
            if super_block is None:
                continue
            if entries > 1 << page_bits:
                raise Unscannable("It has an HDF5 dataset whose chunks are kept in pages, which are not read here.")
            if count > MOST_CHUNKS:
                raise BrokenFile("Its HDF5 has a dataset of too many chunks.")
            addresses = file.at(super_block, prefix + offset_bytes + count * file.address_bytes, b"EASB")
            addresses.skip(prefix - 4 + offset_bytes)
        for _ in range(count):
            block = addresses.address()
            if block is not None:
                file.at(block, 4, b"EADB")
                at = block + prefix + offset_bytes
                yield from _entries(file, at, entries, entry_bytes, chunk_bytes, is_filtered=is_filtered)
