"""What the messages of an HDF5 object say: links, types, shapes, where data lies and what it is filtered by.

Format: HDF5 File Format Specification, section IV.A.2. Only what a judge needs is understood.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanners.formats.hdf5.file import BrokenFile, Bytes, Hdf5File
from scanners.formats.hdf5.heaps import local_heap

HARD, SOFT, EXTERNAL = 0, 1, 64
STRING, OPAQUE, COMPOUND, REFERENCE, VARIABLE, ARRAY = 3, 5, 6, 7, 9, 10
COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Link:
    """A name in a group, and what it leads to."""

    name: str
    address: int | None = None
    """Of a hard link."""
    target: str = ""
    """Path of a soft or external link."""
    other_file: str | None = None


@dataclass(frozen=True, slots=True)
class Datatype:
    """Class number and size of one element; what it is made of, for variable lengths and arrays."""

    kind: int
    size: int
    base: Datatype | None = None
    is_text: bool = False

    @property
    def holds_objects(self) -> bool:
        """Whether libraries keep pickles in it: PyTables in variable-length bytes, others in opaque values."""
        return self.kind in (OPAQUE, VARIABLE)

    @property
    def is_bytes(self) -> bool:
        """Whether its elements can be a file, or one byte of one."""
        return self.kind in (STRING, OPAQUE, VARIABLE, COMPOUND) or (self.kind == 0 and self.size == 1)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A small value that an object carries with it."""

    name: str
    datatype: Datatype
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the data of a dataset lies."""

    kind: int
    address: int | None = None
    size: int = 0
    data: bytes = b""
    dimensions: int = 0
    """Of a chunk, with the element's bytes as the last one."""
    index: int = 0
    """0: a version 1 B-tree; else as in layout version 4."""
    chunk_bytes: int = 0
    unfiltered: int = 0
    """Of a single chunk: bit n is set where filter n was left out."""


def read_link(body: Bytes) -> Link:
    body.skip(1)
    flags = body.number(1)
    kind = body.number(1) if flags & 8 else HARD
    body.skip((8 if flags & 4 else 0) + (1 if flags & 0x10 else 0))
    name = body.take(body.number(1 << (flags & 3))).decode("utf-8", "replace")
    if kind == HARD:
        return Link(name, address=body.address())
    value = Bytes(body.file, body.take(body.number(2)))
    if kind == SOFT:
        return Link(name, target=value.data.decode("utf-8", "replace"))
    if kind == EXTERNAL:
        value.skip(1)
        return Link(name, other_file=value.text(), target=value.text())
    return Link(name, other_file=f"a link of kind {kind}")


def read_datatype(body: Bytes, depth: int = 0) -> Datatype:
    first, bits, size = body.number(1), body.number(3), body.number(4)
    kind = first & 0x0F
    if depth > 16:
        raise BrokenFile("Its HDF5 has a type that is nested too deep.")
    if kind == VARIABLE:
        return Datatype(kind, size, read_datatype(body, depth + 1), is_text=bits & 0x0F == 1)
    if kind == ARRAY:
        version, dimensions = first >> 4, body.number(1)
        body.skip((3 if version < 3 else 0) + dimensions * (4 if version >= 3 else 8))
        return Datatype(kind, size, read_datatype(body, depth + 1))
    return Datatype(kind, size, is_text=kind == STRING)


def read_shape(body: Bytes) -> tuple[int, ...] | None:
    """Of a dataspace; None of an empty one."""
    version, rank, _ = body.number(1), body.number(1), body.number(1)
    if version == 1:
        body.skip(5)
    elif version == 2:
        if body.number(1) == 2:
            return None
    else:
        raise BrokenFile(f"Its HDF5 has a shape of version {version}, which is not known here.")
    return tuple(body.length() for _ in range(rank))


def read_layout(body: Bytes) -> Layout:
    version = body.number(1)
    if version in (1, 2):
        rank, kind = body.number(1), body.number(1)
        body.skip(5)
        address = body.address() if kind != COMPACT else None
        chunk = 1
        for _ in range(rank):
            chunk *= body.number(4)
        if kind == COMPACT:
            return Layout(kind, data=body.take(body.number(4)))
        return Layout(kind, address, dimensions=rank, chunk_bytes=chunk)
    if version not in (3, 4, 5):
        raise BrokenFile(f"Its HDF5 has a layout of version {version}, which is not known here.")
    kind = body.number(1)
    if kind == COMPACT:
        return Layout(kind, data=body.take(body.number(2)))
    if kind == CONTIGUOUS:
        return Layout(kind, body.address(), body.length())
    if kind == VIRTUAL:
        return Layout(kind, body.address(), index=body.number(4))
    if version == 3:
        rank = body.number(1)
        address = body.address()
        chunk = 1
        for _ in range(rank):
            chunk *= body.number(4)
        return Layout(kind, address, dimensions=rank, chunk_bytes=chunk)
    flags, rank, width = body.number(1), body.number(1), body.number(1)
    chunk = 1
    for _ in range(rank):
        chunk *= body.number(width)
    index = body.number(1)
    size, unfiltered = chunk, 0
    if index == 1 and flags & 2:
        size, unfiltered = body.length(), body.number(4)
    elif index in (3, 4, 5):
        body.skip({3: 1, 4: 5, 5: 6}[index])
    return Layout(kind, body.address(), size, dimensions=rank, index=index, chunk_bytes=chunk, unfiltered=unfiltered)


def read_filters(body: Bytes) -> list[tuple[int, str]]:
    """Number and name of each filter, in the order in which data was put through."""
    version, count = body.number(1), body.number(1)
    body.skip(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        number = body.number(2)
        length = body.number(2) if version == 1 or number >= 256 else 0
        body.skip(2)
        values = body.number(2)
        name = body.take(-(-length // 8) * 8 if version == 1 else length).split(b"\0", 1)[0].decode("utf-8", "replace")
        body.skip(4 * values + (4 if version == 1 and values % 2 else 0))
        found.append((number, name))
    return found


def read_external_files(file: Hdf5File, body: Bytes) -> list[str]:
    body.skip(4)
    body.skip(2)
    used, heap = body.number(2), body.address()
    names = local_heap(file, heap) if heap is not None else b""
    found = []
    for _ in range(used):
        at = body.length()
        body.skip(2 * file.length_bytes)
        found.append(Bytes(file, names, min(at, len(names))).text())
    return found or ["a file without a name"]
