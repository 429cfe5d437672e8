"""What comes out of a compressed stream, as a source of its own whose size does not count against memory.

A small content is kept. Of a large one only the head, the tail and a window are: whoever reads back behind the window
has it unpacked again from the start, which costs time and is bounded by the scan's clock.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from scanners.formats.archives.unpackers import BROKEN, STEP, Unpacker
from scanners.source import ByteSource, MemorySource

MOST_STREAMS = 100_000
"""Genome files are gzip streams of 64 KiB after one another."""
KEPT_WHOLE = 16 * 1024 * 1024
HEAD_BYTES = 1024 * 1024
TAIL_BYTES = 256 * 1024
WINDOW_BYTES = 8 * 1024 * 1024

Begin = Callable[[], Unpacker]
Spend = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One content that came out of a stream, or of several after one another."""

    content: ByteSource
    end: int
    """Where the stream ended in its source."""
    broken: str | None
    """Why it broke off before that."""
    crc: int
    """CRC-32 of the content."""


@dataclass(slots=True)
class _Ending:
    end: int = 0
    broken: str | None = None


def unpack(source: ByteSource, begin: Begin, spend: Spend, *, most_streams: int = MOST_STREAMS) -> Unpacked:
    """Unpacks once, paid by `spend` as it comes, to know how large it is and what its checksum is."""
    ending = _Ending()
    kept = bytearray()
    head = b""
    size = crc = 0
    for piece in _pieces(source, begin, spend, ending, most_streams):
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        kept += piece
        if size > KEPT_WHOLE:
            head = head or bytes(kept[:HEAD_BYTES])
            del kept[:-TAIL_BYTES]
    content: ByteSource = MemorySource(bytes(kept))
    if size > KEPT_WHOLE:
        content = UnpackedSource(source, begin, spend, most_streams, size, head, bytes(kept))
    return Unpacked(content, ending.end, ending.broken, crc)


@dataclass(slots=True)
class UnpackedSource:
    """A large content, unpacked again where it is read."""

    source: ByteSource
    begin: Begin
    spend: Spend
    most_streams: int
    size: int
    head: bytes
    tail: bytes
    _running: Iterator[bytes] | None = field(init=False, default=None)
    _window: bytearray = field(init=False, default_factory=bytearray)
    _window_start: int = field(init=False, default=0)

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        if offset + length <= len(self.head):
            return self.head[offset : offset + length]
        tail_start = self.size - len(self.tail)
        if offset >= tail_start:
            return self.tail[offset - tail_start : offset - tail_start + length]
        return self._read(offset, length)

    def _read(self, offset: int, length: int) -> bytes:
        if self._running is None or offset < self._window_start:
            # Paid for when it came out the first time; what it costs again is time.
            self._running = _pieces(self.source, self.begin, lambda _: self.spend(0), _Ending(), self.most_streams)
            self._window.clear()
            self._window_start = 0
        while self._window_start + len(self._window) < offset + length:
            piece = next(self._running, None)
            if piece is None:
                break
            self._window += piece
            surplus = min(len(self._window) - WINDOW_BYTES, offset - self._window_start)
            if surplus > 0:
                del self._window[:surplus]
                self._window_start += surplus
        start = offset - self._window_start
        return bytes(self._window[start : start + length])


def _pieces(source: ByteSource, begin: Begin, spend: Spend, ending: _Ending, most_streams: int) -> Iterator[bytes]:
    """What comes out, in steps; `ending` says afterwards how it ended. Streams may follow one another."""
    for number in range(most_streams):
        unpacker = begin()
        start, gave = ending.end, False
        try:
            while not unpacker.eof:
                data = b""
                if unpacker.needs_input:
                    data = source.read(ending.end, STEP)
                    if not data:
                        raise EOFError("it ends early")
                    ending.end += len(data)
                part = unpacker.decompress(data, STEP)
                spend(len(part))
                if part:
                    gave = True
                    yield part
        except BROKEN as error:
            if number == 0 or gave:
                ending.broken = f"What is compressed in it cannot be unpacked: {error}."
            else:
                # Not another stream, but something else.
                ending.end = start
            return
        ending.end -= len(unpacker.unused_data or b"")
        if ending.end >= source.size:
            return
    if most_streams > 1:
        ending.broken = f"It is more than {most_streams:,} compressed streams after one another."
