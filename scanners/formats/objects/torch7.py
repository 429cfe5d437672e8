"""Torch7's files (`.t7`, `.net`): Lua values after one another, by `File.lua`; and compiled Lua by itself.

Functions are stored as Lua bytecode, which Lua does not check before it runs it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.payload_text import judge_text
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, FUNCTION, OLD_RECURSIVE, RECURSIVE = range(9)
FUNCTIONS = (FUNCTION, OLD_RECURSIVE, RECURSIVE)
DEEPEST = 200
LONGEST_NAME = 1024
LONGEST_TEXT = 64 * 1024
LARGEST_SEARCH = 64 * 1024 * 1024
STORAGE = re.compile(r"torch\.(?:Cuda)?(Byte|Char|Short|Int|Long|Float|Double|Half)?Storage")
TENSOR = re.compile(r"torch\.(?:Cuda)?(?:Byte|Char|Short|Int|Long|Float|Double|Half)?Tensor")
WIDTHS = {"Byte": 1, "Char": 1, "Short": 2, "Half": 2, "Int": 4, "Float": 4, "Long": 8, "Double": 8, None: 4}
KNOWN = re.compile(r"(?:nn|nngraph|cudnn|cunn|torch|graph|tds|tnt|rnn|dpnn|optim|image|inn|fbnn|stn)\.\w+")


def judge_bytecode(_: ByteSource, case: Case) -> None:
    _note_code(case, "The file is compiled Lua", 0)


def judge(source: ByteSource, case: Case) -> None:
    if source.read(0, 1) == b"4":
        _judge_words_form(source, case)
        return
    reader = _Reader(Window(source), case)
    try:
        while reader.window.remaining:
            reader.value(0)
    except OutOfBytes as reason:
        raise Unscannable(f"Its Torch7 data is cut off: {reason}.") from reason
    finally:
        reader.tell()


def _judge_words_form(source: ByteSource, case: Case) -> None:
    """The form in text: only looked through for code."""
    position = 0
    while position < min(source.size, LARGEST_SEARCH):
        data = source.read(position, 1 << 20)
        found = re.search(rb"\x1b(?:Lua|LJ)", data)
        if found is not None:
            _note_code(case, "The file carries a compiled Lua function", position + found.start())
            return
        position += 1 << 20
    raise Unscannable("It is Torch7 data in the form of text, which is not judged here.")


def _note_code(case: Case, begins: str, offset: int) -> None:
    case.add(
        "lua-code",
        Severity.HIGH,
        f"{begins}: whoever loads it can run it, and Lua does not check what bytecode does.",
        offset=offset,
    )


@dataclass(slots=True)
class _Reader:
    window: Window
    case: Case
    seen: set[int] = field(default_factory=set)
    classes: Counter[str] = field(default_factory=Counter)
    values: int = 0

    def value(self, depth: int) -> None:
        if depth > DEEPEST:
            raise Unscannable(f"Its Torch7 data is nested deeper than {DEEPEST} levels.")
        self.values += 1
        if self.values % 1000 == 0:
            self.case.meter.check_clock()
        kind = self._int()
        if kind == NIL:
            return
        if kind == NUMBER:
            self.window.skip(8)
        elif kind == STRING:
            self._text()
        elif kind == BOOLEAN:
            self.window.skip(4)
        elif kind == TABLE:
            if self._is_new():
                for _ in range(self._count()):
                    self.value(depth + 1)
                    self.value(depth + 1)
        elif kind == TORCH:
            if self._is_new():
                self._object(depth)
        elif kind in FUNCTIONS:
            if self._is_new():
                _note_code(self.case, "The file carries a Lua function", self.window.position)
                self.window.skip(self._count())
                self.value(depth + 1)
        else:
            raise Unscannable(f"Its Torch7 data has a value of type {kind} at byte {self.window.position:,}.")

    def _int(self) -> int:
        return int.from_bytes(self.window.take(4), "little", signed=True)

    def _long(self) -> int:
        return int.from_bytes(self.window.take(8), "little", signed=True)

    def _count(self) -> int:
        count = self._int()
        if not 0 <= count <= self.window.remaining:
            raise Unscannable(f"Its Torch7 data has a length at byte {self.window.position:,} that is not one.")
        return count

    def _is_new(self) -> bool:
        index = self._int()
        if index in self.seen:
            return False
        self.seen.add(index)
        return True

    def _text(self) -> None:
        length = self._count()
        text = self.window.take(min(length, LONGEST_TEXT)).decode("utf-8", "replace")
        self.window.skip(max(0, length - LONGEST_TEXT))
        if text.startswith(("\x1bLua", "\x1bLJ")):
            _note_code(self.case, "The file carries a compiled Lua function in a text", self.window.position)
        else:
            judge_text(text, self.case, place="a text of the file", template=False)

    def _name(self) -> str:
        length = self._count()
        if length > LONGEST_NAME:
            raise Unscannable(f"Its Torch7 data has a class name of {length:,} bytes.")
        return self.window.take(length).decode("utf-8", "replace")

    def _object(self, depth: int) -> None:
        name = self._name()
        if re.fullmatch(r"V \d+", name):
            name = self._name()
        self.classes[name] += 1
        storage = STORAGE.fullmatch(name)
        if storage is not None:
            size = self._long() * WIDTHS[storage.group(1)]
            if size < 0:
                raise Unscannable("Its Torch7 data has a storage of a negative size.")
            self.window.skip(size)
        elif TENSOR.fullmatch(name) is not None:
            dimensions = self._count()
            self.window.skip(16 * dimensions + 8)
            self.value(depth + 1)
        else:
            self.value(depth + 1)

    def tell(self) -> None:
        unknown = sorted(name for name in self.classes if KNOWN.fullmatch(name) is None)
        if unknown:
            self.case.add(
                "graph-custom-layer",
                Severity.MEDIUM,
                f"The file has objects of the class {unknown[0][:80]!r}, which is not Torch's own.",
                evidence={"classes": [name[:200] for name in unknown[:20]]},
            )
