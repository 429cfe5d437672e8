"""One compressed stream around something: gzip, zlib, bzip2, xz and lzma; joblib writes them around pickles.

What comes out is paid for as it comes, and judged as a file of its own.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.kinds import Format
from scanners.reading import SliceSource
from scanners.source import ByteSource, MemorySource

STEP = 1024 * 1024
DICTIONARY_BYTES = 256 * 1024 * 1024
"""What an lzma stream may ask to keep in memory while it is unpacked."""
MOST_STREAMS = 1000
SUFFIXES = (".gz", ".z", ".bz2", ".xz", ".lzma")
BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


class Unpacker(Protocol):
    """As bz2 and lzma have it; zlib's is made to look like it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Inflater:
    """zlib's unpacker, which wants what it has not looked at given back to it."""

    def __init__(self, window_bits: int) -> None:
        self._inner = zlib.decompressobj(window_bits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        part = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(part) == max_length
        return part


UNPACKERS: dict[Format, Callable[[], Unpacker]] = {
    Format.GZIP: lambda: Inflater(31),
    Format.ZLIB: lambda: Inflater(15),
    Format.BZIP2: bz2.BZ2Decompressor,
    Format.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DICTIONARY_BYTES),
    Format.LZMA: lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=DICTIONARY_BYTES),
}


def judge(source: ByteSource, case: Case) -> None:
    content, end, broken = unpack(source, UNPACKERS[detect(source, case.name).format], case.meter.spend_unpacked)
    name = next((case.name[: -len(suffix)] for suffix in SUFFIXES if case.name.lower().endswith(suffix)), case.name)
    if content or broken is None:
        case.examine(MemorySource(content), "unpacked", name=name)
    if broken is not None:
        raise Unscannable(broken)
    if end < source.size:
        case.examine(SliceSource(source, end, source.size - end), "bytes after the compressed stream")


def unpack(
    source: ByteSource, begin: Callable[[], Unpacker], spend: Callable[[int], None]
) -> tuple[bytes, int, str | None]:
    """What came out, where the stream ended, and why it broke off before that. Streams may follow one another."""
    parts: list[bytes] = []
    offset = 0
    for _ in range(MOST_STREAMS):
        unpacker = begin()
        first, start = len(parts), offset
        try:
            offset = _unpack_one(source, offset, unpacker, parts, spend)
        except BROKEN as error:
            if first == 0 or len(parts) > first:
                return b"".join(parts), offset, f"What is compressed in it cannot be unpacked: {error}."
            # Not another stream, but something else.
            return b"".join(parts), start, None
        if offset >= source.size:
            return b"".join(parts), offset, None
    return b"".join(parts), offset, f"It is more than {MOST_STREAMS:,} compressed streams after one another."


def _unpack_one(
    source: ByteSource, offset: int, unpacker: Unpacker, parts: list[bytes], spend: Callable[[int], None]
) -> int:
    """Adds to `parts`; gives the offset after the stream."""
    while not unpacker.eof:
        data = b""
        if unpacker.needs_input:
            data = source.read(offset, STEP)
            if not data:
                raise EOFError("it ends early")
            offset += len(data)
        part = unpacker.decompress(data, STEP)
        spend(len(part))
        if part:
            parts.append(part)
    return offset - len(unpacker.unused_data)
