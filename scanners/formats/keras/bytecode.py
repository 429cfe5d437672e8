"""Python functions in marshal form, as Keras keeps a Lambda: read for the names they use, never loaded.

Format: CPython's Python/marshal.c. The fields of a code object differ between versions, so each layout is tried.
`marshal.loads` itself is no option: it is not safe with hostile bytes, and it only reads its own version's code.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from dataclasses import dataclass, field
from typing import Any

DEEPEST_OBJECT = 60
LARGEST_CODE = 4 * 1024 * 1024


class BrokenCode(Exception):
    """These are not the bytes of a function in any version of Python known here."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A code object of some versions of Python: numbers, then objects, the first line, then more objects."""

    numbers: int
    objects_after_the_line: int


LAYOUTS = (Layout(5, 2), Layout(6, 1), Layout(5, 1), Layout(4, 1))
"""Of Python 3.11 and later, 3.8 to 3.10, 3.0 to 3.7, and 2."""
OBJECTS_BEFORE_THE_LINE = 8
"""Code, constants, names and five more; the names are what the code looks up by name."""
_CONSTANTS, _NAMES = 1, 2
_FIXED = {"i": 4, "I": 8, "g": 8, "y": 16}
_NOTHING = frozenset("0NFTS.")


@dataclass(slots=True)
class Code:
    """What a function names, with all functions inside it."""

    names: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    """String constants."""


def decode(text: str) -> bytes:
    """The bytes Keras keeps as text: base64, or in the first versions one character a byte."""
    try:
        return base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError):
        return text.encode("latin-1", "replace")


def read_code(data: bytes) -> Code:
    """What the function in `data` uses. Raises BrokenCode."""
    if len(data) > LARGEST_CODE:
        raise BrokenCode(f"it has {len(data):,} bytes")
    for layout in LAYOUTS:
        reader = _Reader(data, layout)
        try:
            reader.object(0)
        except (BrokenCode, struct.error, IndexError, UnicodeDecodeError, ValueError):
            continue
        if reader.codes and reader.at == len(data):
            return reader.found
    raise BrokenCode("it is not a function of any version of Python known here")


class _Reader:
    """Reads one marshal stream; its values are strings, lists of values, or None for all else."""

    def __init__(self, data: bytes, layout: Layout) -> None:
        self.data, self.layout = data, layout
        self.at = 0
        self.codes = 0
        self.found = Code()
        self._references: list[Any] = []
        self._texts_of_python_2: list[str] = []

    def _take(self, length: int) -> bytes:
        if length < 0 or self.at + length > len(self.data):
            raise BrokenCode("it ends early")
        self.at += length
        return self.data[self.at - length : self.at]

    def _number(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def object(self, depth: int) -> Any:
        if depth > DEEPEST_OBJECT:
            raise BrokenCode("it is nested too deep")
        byte = self._take(1)[0]
        kind = chr(byte & 0x7F)
        place = None
        if byte & 0x80:
            place = len(self._references)
            self._references.append(None)
        value = self._value(kind, depth)
        if place is not None:
            self._references[place] = value
        return value

    def _value(self, kind: str, depth: int) -> Any:
        if kind in _NOTHING:
            return None
        if kind in _FIXED:
            self._take(_FIXED[kind])
            return None
        if kind == "f":
            self._take(self._take(1)[0])
            return None
        if kind == "x":
            self._take(self._take(1)[0])
            self._take(self._take(1)[0])
            return None
        if kind == "l":
            self._take(2 * abs(self._number()))
            return None
        if kind == "r":
            return self._references[self._number()]
        if kind == "R":
            return self._texts_of_python_2[self._number()]
        if kind in "stuaAzZ":
            return self._text(kind)
        if kind in "()[<>":
            count = self._take(1)[0] if kind == ")" else self._number()
            if not 0 <= count <= len(self.data):
                raise BrokenCode("it says it has more items than bytes")
            return [self.object(depth + 1) for _ in range(count)]
        if kind == "{":
            return self._pairs(depth)
        if kind == ":":
            return [self.object(depth + 1) for _ in range(3)]
        if kind == "c":
            return self._code(depth)
        raise BrokenCode(f"it has an object of kind {kind!r}")

    def _text(self, kind: str) -> str:
        length = self._take(1)[0] if kind in "zZ" else self._number()
        text = self._take(length).decode("utf-8" if kind == "u" else "latin-1", "replace")
        if kind == "t":
            self._texts_of_python_2.append(text)
        return text

    def _pairs(self, depth: int) -> list[Any]:
        values = []
        while self.data[self.at] & 0x7F != ord("0"):
            values += [self.object(depth + 1), self.object(depth + 1)]
        self.at += 1
        return values

    def _code(self, depth: int) -> None:
        self._take(4 * self.layout.numbers)
        parts = [self.object(depth + 1) for _ in range(OBJECTS_BEFORE_THE_LINE)]
        self._take(4)
        for _ in range(self.layout.objects_after_the_line):
            self.object(depth + 1)
        names = parts[_NAMES]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BrokenCode("its names are no names")
        self.codes += 1
        self.found.names.update(names)
        self.found.texts.update(_texts_in(parts[_CONSTANTS]))


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for part in value for text in _texts_in(part)] if isinstance(value, list) else []
