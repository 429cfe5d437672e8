"""The symbolic pickle machine: the stack, the marks and the memo of `pickle.Unpickler`, on descriptions of values.

Follows CPython's `Lib/pickle.py` and `Modules/_pickle.c` (protocols 0 to 5) opcode by opcode; where the two differ it
takes the reading that lets more happen. What cannot go on in any of them is a `BrokenPickle`, and what stood before
it has run. Numbers and texts that no judgement needs are not decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, Protocol

from scanners.budget import Meter
from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.frequent import read_frequent
from scanners.formats.pickle.opcodes import OPERATIONS
from scanners.formats.pickle.opcodes.stack import HIGHEST_PROTOCOL, stop
from scanners.formats.pickle.values import (
    DISGUISES,
    HOLDERS,
    LONGEST_CARRIED,
    Blob,
    How,
    Imported,
    Made,
    Unknown,
    Value,
)
from scanners.reading import OutOfBytes, Window

LONGEST_NAME = 64 * 1024
"""Bytes of a module's, a function's or a memo entry's name in text."""
OPCODES_PER_CHECK = 4096
MOST_MEMO = 1 << 24
"""Entries; the unpickler in C makes room for as many as the highest index says, twice over."""


class Listener(Protocol):
    """What happens while the pickle is read; each may give the value that stands for the result."""

    def imported(self, what: Imported) -> None:
        """Told each time the name comes onto the stack, be it again from the memo."""

    def unresolved_import(self, module: Value, name: Value, offset: int) -> None: ...
    def extension(self, code: int, offset: int) -> None: ...
    def made(self, made: Made) -> Value: ...
    def built(self, target: Value, state: Value, offset: int) -> None: ...
    def filled(self, target: Value, offset: int) -> None: ...
    def persistent(self, identifier: Value, offset: int) -> Value: ...
    def after_build(self, target: Value, window: Window) -> Value | None: ...
    def carries(self, content: bytes | Blob, offset: int) -> None:
        """Told of bytes that begin and end as a pickle does."""

    def swells(self, what: str, offset: int) -> None:
        """Told of little that becomes much; the text is the end of a sentence that begins with "the file"."""

    def carries_text(self, text: str, offset: int) -> None:
        """Told of texts that begin as a pickle does in base64 or in hexadecimal."""

    def straddled(self, offset: int) -> None:
        """Told when an opcode reaches over the end of its frame."""


_MISSING: Final = object()


class Machine:
    """Reads one pickle, from the window's position to its STOP. `opcodes` counts what was read."""

    __slots__ = (
        "at",
        "earlier",
        "frame_end",
        "listener",
        "marks",
        "memo",
        "meter",
        "opcodes",
        "shares",
        "short_frame",
        "stack",
        "start",
        "window",
    )

    def __init__(
        self,
        window: Window,
        listener: Listener,
        meter: Meter,
        stack: list[Value] | None = None,
        earlier: Mapping[int, Value] | None = None,
    ) -> None:
        self.window = window
        self.listener = listener
        self.meter = meter
        self.stack: list[Value] = [] if stack is None else stack
        self.marks: list[list[Value]] = []
        self.memo: dict[int, Value] = {}
        self.earlier = earlier if earlier is not None else {}
        """The memo of the pickle before: an unpickler that is used again still has it."""
        self.opcodes = 0
        self.short_frame: str | None = None
        """Why only the unpickler written in Python reads on; the one in C has stopped."""
        self.frame_end: int | None = None
        self.shares = False
        """Whether something that holds others was taken from the memo, or doubled."""
        self.start = window.position
        self.at = self.start
        """Offset of the opcode being read."""

    def run(self) -> Value:
        """The value the pickle describes. Raises BrokenPickle, BudgetSpent and what the source raises."""
        window, table, spent = self.window, OPERATIONS, 0
        try:
            while True:
                read_frequent(self)
                self.at = window.position
                if self.frame_end is not None:
                    self.pass_frame(self.at)
                operation = table[window.byte()]
                if operation is None:
                    raise BrokenPickle(f"has an unknown opcode at byte {self.at}")
                self.opcodes += 1
                if self.opcodes - spent >= OPCODES_PER_CHECK:
                    self.meter.spend_opcodes(self.opcodes - spent)
                    spent = self.opcodes
                if operation is stop:
                    value = self.pop()
                    if self.short_frame is not None:
                        raise BrokenPickle(self.short_frame)
                    return value
                operation(self)
        except OutOfBytes as end:
            raise BrokenPickle(f"breaks off: {end}") from end
        finally:
            self.meter.opcodes += self.opcodes - spent

    def begin_frame(self, length: int) -> None:
        """A frame of this length begins here. Its end is the end of an opcode in all that pickle writes."""
        end = self.window.position + length
        if self.frame_end is not None and self.at < self.frame_end:
            # In another one: the unpickler in C has it in its hands as long as it does not reach further.
            if end > self.frame_end:
                self.listener.straddled(self.at)
            end = max(end, self.frame_end)
        self.frame_end = end

    def pass_frame(self, position: int) -> None:
        """An opcode ends here. What reaches over a frame's end is read in two ways: the unpickler in C forgets what
        the frame has left."""
        if self.frame_end is not None and position >= self.frame_end:
            if position > self.frame_end:
                self.listener.straddled(self.frame_end)
            self.frame_end = None

    def pop(self) -> Value:
        if not self.stack:
            raise BrokenPickle(f"takes from an empty stack at byte {self.at}")
        return self.stack.pop()

    def top(self) -> Value:
        if not self.stack:
            raise BrokenPickle(f"takes from an empty stack at byte {self.at}")
        return self.stack[-1]

    def pop_mark(self) -> list[Value]:
        if not self.marks:
            raise BrokenPickle(f"needs a mark that is not there at byte {self.at}")
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def remember(self, index: int) -> None:
        if index > MOST_MEMO and index > self.opcodes:
            self.listener.swells(f"asks for a memo of {index:,} entries", self.at)
        self.memo[index] = self.top()

    def recall(self, index: int) -> None:
        value = self.memo.get(index, self.earlier.get(index, _MISSING))
        if value is _MISSING:
            raise BrokenPickle(f"asks for memo entry {index} that is not there at byte {self.at}")
        self.push_again(value)

    def push_again(self, value: Value) -> None:
        """What is there already comes onto the stack once more."""
        self.stack.append(value)
        if type(value) is Imported:
            self.listener.imported(value)
        elif type(value) in HOLDERS:
            self.shares = True

    def import_name(self, module: Value, name: Value) -> None:
        if isinstance(module, str) and isinstance(name, str):
            what = Imported(module, name, self.at)
            self.listener.imported(what)
            self.stack.append(what)
        else:
            self.listener.unresolved_import(module, name, self.at)
            self.stack.append(Unknown.ANYTHING)

    def make(self, maker: Value, args: Value, how: How, keywords: Value = None) -> None:
        made = Made(maker, args, how, self.at, keywords)
        self.stack.append(self.listener.made(made))

    def bytes_of(self, length: int) -> Value:
        """The argument of a counted opcode: the bytes, or their place when they are many."""
        if length <= LONGEST_CARRIED:
            content = self.window.take(length)
            # One comparison for the many that are not.
            if content[:1] == b"\x80" and content.endswith(b".") and length > 4 and content[1] <= HIGHEST_PROTOCOL:
                self.listener.carries(content, self.at)
            return content
        offset = self.window.position
        self.window.skip(length)
        blob = Blob(self.window.source, offset, length)
        if self.window.source.read(offset, 1) == b"\x80" and self.window.source.read(offset + length - 1, 1) == b".":
            self.listener.carries(blob, self.at)
        return blob

    def text_of(self, length: int) -> Value:
        if length > LONGEST_CARRIED:
            self.window.skip(length)
            return Unknown.LONG_TEXT
        try:
            text = self.window.take(length).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise BrokenPickle(f"has a text that is not UTF-8 at byte {self.at}") from error
        if text[:2] in DISGUISES:
            self.listener.carries_text(text, self.at)
        return text

    def line(self) -> bytes:
        """A name up to the line feed."""
        line = self.text_line()
        if len(line) > LONGEST_NAME:
            raise BrokenPickle(f"has a name of more than {LONGEST_NAME:,} bytes at byte {self.at}")
        return line

    def text_line(self) -> bytes:
        """Up to the line feed; of a line that is longer than what is carried, one byte more than that."""
        line, ended = self.window.skim_line(LONGEST_CARRIED + 1)
        if ended:
            return line
        if not line:
            raise OutOfBytes(f"it ends at byte {self.window.position}")
        # A last line without an end: Python's unpickler takes its last byte for the line feed, and goes on.
        return line[:-1]

    def number(self, form: str, length: int) -> int:
        value: int = struct.unpack(form, self.window.take(length))[0]
        return value
