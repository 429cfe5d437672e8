"""Unpacking of compressed streams in steps of bounded size: gzip, zlib, deflate, bzip2, xz, lzma, lz4 and Zstandard."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from scanners.kinds import Format

STEP = 1024 * 1024
DICTIONARY_BYTES = 256 * 1024 * 1024
"""What an lzma stream may ask to keep in memory while it is unpacked."""
LARGEST_ZSTD_WINDOW = 128 * 1024 * 1024
LARGEST_ZSTD_BLOCK = 128 * 1024
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError)
"""RuntimeError is lz4's."""


class Unpacker(Protocol):
    """As bz2 and lzma have it; the others are made to look like it."""

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


class Zstd:
    """One Zstandard frame (RFC 8878, section 3.1), or a skippable one.

    The library has no limit for what one piece of input gives. A block gives 128 KiB at most, so it gets whole blocks.
    """

    def __init__(self) -> None:
        from zstandard import ZstdDecompressor

        self._inner = ZstdDecompressor(max_window_size=LARGEST_ZSTD_WINDOW).decompressobj()
        self._waiting = bytearray()
        self._in_frame = False
        self._checksum = 0
        self._skip = 0
        self._wanted = 8
        self.eof = False

    @property
    def needs_input(self) -> bool:
        return not self.eof and len(self._waiting) < self._wanted

    @property
    def unused_data(self) -> bytes:
        return bytes(self._waiting) if self.eof else b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        self._waiting += data
        out = bytearray()
        while not self.eof and len(self._waiting) >= self._wanted and not 0 <= max_length <= len(out):
            out += self._step()
        return bytes(out)

    def _step(self) -> bytes:
        from zstandard import ZstdError

        if not self._in_frame and self._waiting[:4] != ZSTD_MAGIC:
            return self._pass_over()
        if not self._in_frame:
            length = self._header_length()
            self._wanted = max(length, 8)
            if len(self._waiting) < length:
                return b""
            self._in_frame = True
            piece = length
        else:
            head = int.from_bytes(self._waiting[:3], "little")
            is_last, kind, size = head & 1, head >> 1 & 3, head >> 3
            if kind == 3 or size > LARGEST_ZSTD_BLOCK:
                raise ValueError("a block is of a kind that does not exist")
            piece = 3 + (1 if kind == 1 else size) + (self._checksum if is_last else 0)
            self._wanted = piece
            if len(self._waiting) < piece:
                return b""
            self.eof = bool(is_last)
        chunk = bytes(self._waiting[:piece])
        del self._waiting[:piece]
        self._wanted = 3
        try:
            return self._inner.decompress(chunk)
        except ZstdError as error:
            raise ValueError(str(error)) from error

    def _header_length(self) -> int:
        descriptor = self._waiting[4]
        single = descriptor >> 5 & 1
        self._checksum = 4 if descriptor & 4 else 0
        size_bytes = (single, 2, 4, 8)[descriptor >> 6]
        return 5 + (not single) + (0, 1, 2, 4)[descriptor & 3] + size_bytes

    def _pass_over(self) -> bytes:
        if not self._skip:
            if self._waiting[1:4] != b"\x2a\x4d\x18" or self._waiting[0] & 0xF0 != 0x50:
                raise ValueError("it is no frame of Zstandard")
            self._skip = 8 + int.from_bytes(self._waiting[4:8], "little")
        passed = min(self._skip, len(self._waiting))
        del self._waiting[:passed]
        self._skip -= passed
        self._wanted = 1
        self.eof = self._skip == 0
        return b""


def _lz4() -> Unpacker:
    from lz4.frame import LZ4FrameDecompressor

    unpacker: Unpacker = LZ4FrameDecompressor()
    return unpacker


UNPACKERS: dict[Format, Callable[[], Unpacker]] = {
    Format.GZIP: lambda: Inflater(31),
    Format.ZLIB: lambda: Inflater(15),
    Format.BZIP2: bz2.BZ2Decompressor,
    Format.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=DICTIONARY_BYTES),
    Format.LZMA: lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=DICTIONARY_BYTES),
    Format.LZ4: _lz4,
    Format.ZSTD: Zstd,
}


def lzma1(properties: bytes) -> dict[str, int] | None:
    """The filter of a raw LZMA stream by its five bytes of properties; None if they are not allowed."""
    if len(properties) != 5 or properties[0] >= 225:
        return None
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    size = int.from_bytes(properties[1:5], "little")
    if lc + lp > 4 or size > DICTIONARY_BYTES:
        return None
    return {"id": lzma.FILTER_LZMA1, "dict_size": max(size, 4096), "lc": lc, "lp": lp, "pb": pb}
