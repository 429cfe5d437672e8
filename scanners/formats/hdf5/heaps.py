"""Where HDF5 keeps what does not fit: local, global and fractal heaps, and version 2 B-trees.

Format: HDF5 File Format Specification, sections III.A.2, III.D, III.E and III.G.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanners.formats.hdf5.file import BrokenFile, Bytes, Hdf5File

LARGEST_COLLECTION = 64 * 1024 * 1024
MANAGED, HUGE, TINY = 0, 1, 2
DEEPEST_TREE = 24


def local_heap(file: Hdf5File, address: int) -> bytes:
    """The names of an old-style group."""
    head = file.at(address, 8 + 2 * file.length_bytes + file.address_bytes, b"HEAP")
    head.skip(4)
    size = head.length()
    head.length()
    data = head.address()
    if data is None:
        raise BrokenFile(f"Its HDF5 has a heap at {address:,} without data.")
    return file.read(data, size)


def collection(file: Hdf5File, address: int) -> dict[int, tuple[int, int]]:
    """Objects of a global heap collection, the values of variable-length elements: index to address and length."""
    width = 8 + file.length_bytes
    head = file.at(address, width, b"GCOL")
    head.skip(4)
    size = head.length()
    if size > LARGEST_COLLECTION:
        raise BrokenFile(f"Its HDF5 has a collection of {size:,} bytes at {address:,}.")
    data = Bytes(file, file.read(address, size), -(-width // 8) * 8)
    found: dict[int, tuple[int, int]] = {}
    while data.remaining >= width:
        file.visit()
        number = data.number(2)
        data.skip(6)
        length = data.length()
        if number == 0:
            break
        if length > data.remaining:
            raise BrokenFile(
                f"Its HDF5 has an object at {address + data.position:,} that is longer than its collection."
            )
        found[number] = (address + data.position, length)
        data.position = min(len(data.data), data.position + -(-length // 8) * 8)
    return found


@dataclass(frozen=True, slots=True)
class FractalHeap:
    """The header of a fractal heap (III.G)."""

    file: Hdf5File
    id_bytes: int
    flags: int
    largest_managed: int
    huge_tree: int | None
    table_width: int
    first_block: int
    largest_direct: int
    offset_bytes: int
    root: int | None
    rows: int

    @classmethod
    def open(cls, file: Hdf5File, address: int) -> FractalHeap:
        lengths, addresses = file.length_bytes, file.address_bytes
        head = file.at(address, 4 + 1 + 2 + 2 + 1 + 4 + 12 * lengths + 3 * addresses + 8, b"FRHP")
        head.skip(1)
        id_bytes, filters, flags, largest = head.number(2), head.number(2), head.number(1), head.number(4)
        if filters:
            raise BrokenFile("Its HDF5 keeps names in compressed heaps, which are not read here.")
        head.length()
        huge = head.address()
        head.length()
        head.address()
        head.skip(8 * lengths)
        width, first, direct, bits = head.number(2), head.length(), head.length(), head.number(2)
        head.skip(2)
        root, rows = head.address(), head.number(2)
        if not first or not width or first & (first - 1) or direct < first or bits > 64:
            raise BrokenFile(f"Its HDF5 has an impossible heap at {address:,}.")
        return cls(file, id_bytes, flags, largest, huge, width, first, direct, (bits + 7) // 8, root, rows)

    def get(self, identifier: bytes) -> bytes:
        kind = identifier[0] >> 4 & 3
        if kind == TINY:
            return identifier[1 : 2 + (identifier[0] & 0x0F)]
        if kind == HUGE:
            return self._huge(identifier[1:])
        if kind != MANAGED:
            raise BrokenFile("Its HDF5 has an object in a heap that cannot be found.")
        reader = Bytes(self.file, identifier, 1)
        offset = reader.number(self.offset_bytes)
        width = min(_width(self.largest_direct), _width(self.largest_managed))
        return self._managed(offset, reader.number(width))

    def _managed(self, offset: int, length: int) -> bytes:
        if self.root is None:
            raise BrokenFile("Its HDF5 has a heap without blocks.")
        address, rows, start = self.root, self.rows, 0
        for _ in range(DEEPEST_TREE):
            if rows == 0:
                return self.file.read(address + offset - start, length)
            address, rows, start = self._child(address, rows, start, offset)
        raise BrokenFile("Its HDF5 has a heap that is nested too deep.")

    def _child(self, address: int, rows: int, start: int, offset: int) -> tuple[int, int, int]:
        """The block under an indirect one that holds `offset`: its address, rows (0 of a direct one) and start."""
        file = self.file
        row_start, at = start, address + 5 + file.address_bytes + self.offset_bytes
        for row in range(rows):
            file.visit()
            size = self.first_block << max(0, row - 1)
            if offset < row_start + size * self.table_width:
                column = (offset - row_start) // size
                found = file.at(at + column * file.address_bytes, file.address_bytes).address()
                if found is None:
                    break
                inner = (
                    0 if size <= self.largest_direct else _log2(size) - _log2(self.first_block * self.table_width) + 1
                )
                return found, inner, row_start + column * size
            row_start += size * self.table_width
            at += file.address_bytes * self.table_width
        raise BrokenFile("Its HDF5 has an object in a heap that is in none of its blocks.")

    def _huge(self, identifier: bytes) -> bytes:
        file = self.file
        if len(identifier) >= file.address_bytes + file.length_bytes:
            reader = Bytes(file, identifier)
            return file.read(reader.address() or 0, reader.length())
        wanted = int.from_bytes(identifier[: file.length_bytes], "little")
        if self.huge_tree is not None:
            for record in tree_records(file, self.huge_tree):
                reader = Bytes(file, record)
                address, length = reader.address(), reader.length()
                if reader.remaining >= file.length_bytes and reader.length() == wanted and address is not None:
                    return file.read(address, length)
        raise BrokenFile("Its HDF5 has a large object that is nowhere.")


def tree_records(file: Hdf5File, address: int) -> Iterator[bytes]:
    """All records of a version 2 B-tree, in no order that matters."""
    head = file.at(address, 16 + file.address_bytes + 2 + file.length_bytes, b"BTHD")
    head.skip(2)
    node_bytes, record_bytes, depth = head.number(4), head.number(2), head.number(2)
    head.skip(2)
    root, count = head.address(), head.number(2)
    if root is None or count == 0:
        return
    if record_bytes == 0 or depth > DEEPEST_TREE or node_bytes < 10 + record_bytes:
        raise BrokenFile(f"Its HDF5 has an impossible B-tree at {address:,}.")
    most = (node_bytes - 10) // record_bytes
    count_bytes = _width(most)
    below = [0]
    """Bytes of the number of all records under a node of each level."""
    total = most
    for level in range(1, depth + 1):
        pointer = file.address_bytes + count_bytes + below[level - 1]
        here = (node_bytes - 10 - pointer) // (record_bytes + pointer)
        total = (here + 1) * total + here
        below.append(_width(total) if total > 0 else 1)
    stack = [(root, count, depth)]
    while stack:
        file.visit()
        node, records, level = stack.pop()
        reader = file.at(node, node_bytes, b"BTIN" if level else b"BTLF")
        reader.skip(2)
        for _ in range(records):
            file.visit()
            yield reader.take(record_bytes)
        for _ in range(records + 1 if level else 0):
            child, inside = reader.address(), reader.number(count_bytes)
            reader.skip(below[level - 1] if level > 1 else 0)
            if child is None:
                raise BrokenFile(f"Its HDF5 has a B-tree node at {node:,} without a child.")
            stack.append((child, inside, level - 1))


def _width(value: int) -> int:
    """Bytes that hold numbers up to `value`."""
    return _log2(max(1, value)) // 8 + 1


def _log2(value: int) -> int:
    return value.bit_length() - 1
