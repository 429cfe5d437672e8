"""Ways to read a ByteSource: counted, a part of it, and forward through a window of bounded size."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from scanners.budget import Meter
from scanners.source import ByteSource, SourceUnavailable

FIRST_WINDOW_BYTES = 64 * 1024
LARGEST_WINDOW_BYTES = 1024 * 1024
PAGE_BYTES = 64 * 1024
PAGES_KEPT = 64
LONGEST_PAGED_READ = 4 * PAGE_BYTES


@dataclass(slots=True)
class CountingSource:
    """Charges what it fetches to the meter, and keeps the last few pages: judges look at the same heads and tails.

    Short reads are rounded up to pages of 64 KiB, so that the headers of one archive cost few ranges.
    """

    inner: ByteSource
    meter: Meter
    _pages: OrderedDict[int, bytes] = field(default_factory=OrderedDict)

    @property
    def size(self) -> int:
        return self.inner.size

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.inner.size - offset)
        if offset < 0 or length <= 0:
            return b""
        if length > LONGEST_PAGED_READ:
            return self._fetch(offset, length)
        first, last = offset // PAGE_BYTES, (offset + length - 1) // PAGE_BYTES
        data = b"".join(self._page(number) for number in range(first, last + 1))
        skip = offset - first * PAGE_BYTES
        return data[skip : skip + length]

    def _page(self, number: int) -> bytes:
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = self._fetch(number * PAGE_BYTES, PAGE_BYTES)
            if len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(number)
        return page

    def _fetch(self, offset: int, length: int) -> bytes:
        data = self.inner.read(offset, length)
        self.meter.spend_read(len(data))
        if len(data) < min(length, self.inner.size - offset):
            raise SourceUnavailable(f"The file ends early: {len(data):,} of {length:,} bytes at {offset:,}.")
        return data


@dataclass(frozen=True, slots=True)
class SliceSource:
    """The bytes `[start, start + size)` of another source, as a source of its own."""

    inner: ByteSource
    start: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or offset >= self.size or length <= 0:
            return b""
        return self.inner.read(self.start + offset, min(length, self.size - offset))


@dataclass(frozen=True, slots=True)
class JoinedSource:
    """Parts of a source after one another, as a source of its own."""

    parts: tuple[SliceSource, ...]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def read(self, offset: int, length: int) -> bytes:
        found: list[bytes] = []
        for part in self.parts:
            if length <= 0:
                break
            if offset < part.size:
                data = part.read(offset, length)
                found.append(data)
                length -= len(data)
                offset = 0
            else:
                offset -= part.size
        return b"".join(found)


class OutOfBytes(Exception):
    """The content ends before what was promised."""


class Window:
    """Reads forward through a source; holds one window of it, so that memory does not grow with the file.

    The window doubles from 64 KiB to 1 MiB: a small header costs one small range, a long stream few ranges.
    """

    __slots__ = ("_buffer", "_buffer_start", "_next_window", "_position", "source")

    def __init__(self, source: ByteSource, position: int = 0) -> None:
        self.source = source
        self._buffer = b""
        self._buffer_start = position
        self._position = 0
        self._next_window = FIRST_WINDOW_BYTES

    @property
    def position(self) -> int:
        """Offset in the source of the next byte."""
        return self._buffer_start + self._position

    @property
    def remaining(self) -> int:
        return max(0, self.source.size - self.position)

    def byte(self) -> int:
        """The next byte as a number."""
        position = self._position
        if position >= len(self._buffer):
            self._fill(1)
            position = 0
        self._position = position + 1
        return self._buffer[position]

    def take(self, length: int) -> bytes:
        """Exactly the next `length` bytes."""
        position = self._position
        end = position + length
        if end > len(self._buffer):
            self._fill(length)
            position, end = 0, length
        self._position = end
        return self._buffer[position:end]

    def line(self, longest: int) -> bytes:
        """Up to and without the next line feed, which must come within `longest` bytes."""
        looked = 0
        while True:
            found = self._buffer.find(b"\n", self._position + looked)
            if found >= 0:
                line = self._buffer[self._position : found]
                self._position = found + 1
                if len(line) > longest:
                    raise OutOfBytes(f"a line at byte {self.position} is longer than {longest:,} bytes")
                return line
            looked = len(self._buffer) - self._position
            if looked > longest:
                raise OutOfBytes(f"a line at byte {self.position} is longer than {longest:,} bytes")
            self._fill(looked + 1)

    def skim_line(self, kept: int) -> tuple[bytes, bool]:
        """The first `kept` bytes of a line of any length, passed over to its end; and whether it had a line feed."""
        head = b""
        while True:
            found = self._buffer.find(b"\n", self._position)
            end = found if found >= 0 else len(self._buffer)
            if len(head) < kept:
                head += self._buffer[self._position : min(end, self._position + kept - len(head))]
            if found >= 0:
                self._position = found + 1
                return head, True
            self._position = end
            if not self.remaining:
                return head, False
            self._fill(1)

    def ahead(self) -> tuple[bytes, int]:
        """What is in the window, and where in it the next byte is; who reads there tells `moved`."""
        return self._buffer, self._position

    def moved(self, position: int) -> None:
        """The next byte is at this place of what `ahead` gave."""
        self._position = position

    def skip(self, length: int) -> None:
        """Past the next `length` bytes, unread where they are not in the window."""
        if length > self.remaining:
            raise OutOfBytes(f"{length:,} bytes were promised at byte {self.position}, {self.remaining:,} are left")
        if self._position + length <= len(self._buffer):
            self._position += length
        else:
            self.seek(self.position + length)

    def seek(self, position: int) -> None:
        self._buffer_start = position
        self._buffer = b""
        self._position = 0

    def _fill(self, needed: int) -> None:
        """Makes at least `needed` bytes follow the current position, at the start of the buffer."""
        if needed > self.remaining:
            raise OutOfBytes(f"it ends at byte {self.source.size}")
        start = self.position
        kept = self._buffer[self._position :]
        wanted = max(needed, self._next_window) - len(kept)
        self._next_window = min(LARGEST_WINDOW_BYTES, self._next_window * 2)
        data = kept + self.source.read(start + len(kept), wanted)
        if len(data) < needed:
            raise OutOfBytes(f"it ends at byte {start + len(data)}")
        self._buffer = data
        self._buffer_start = start
        self._position = 0
