"""Reads the names and texts out of marshalled Python code, in bounds; nothing of it is ever built or run.

Sources: CPython's Python/marshal.c (types and the reference flag) and Objects/codeobject.c (order of the fields: 3.11
changed it; 3.8 added the count of positional-only arguments; 2.x has four counts).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

DEEPEST = 60
MOST_OBJECTS = 500_000
LONGEST_KEPT = 8_000
MOST_KEPT = 20_000
_REFERENCE_FLAG = 0x80


class NotMarshal(Exception):
    """The bytes are no marshalled code."""


@dataclass(slots=True)
class Found:
    """What the code names and says; `names` are those its instructions use."""

    names: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    codes: int = 0
    longest_bytes: int = 0


def read_code(source: ByteSource, start: int, *, counts: int, is_new: bool) -> Found:
    """`counts`: how many numbers a code object begins with; `is_new`: fields as of 3.11."""
    reader = _Reader(Window(source, start), counts, is_new)
    try:
        reader.read(0)
    except OutOfBytes as error:
        raise NotMarshal(str(error)) from error
    if not reader.found.codes:
        raise NotMarshal("it holds no code")
    return reader.found


class _Reader:
    def __init__(self, window: Window, counts: int, is_new: bool) -> None:
        self.window = window
        self.counts = counts
        self.is_new = is_new
        self.found = Found()
        self.texts: list[str | list[str]] = []
        """What later references may mean: a text, or the texts of a tuple."""
        self.objects = 0

    def read(self, depth: int) -> str | list[str]:
        """One object; a text as it is, the texts of a sequence as a list, all else as an empty one."""
        self.objects += 1
        if depth > DEEPEST or self.objects > MOST_OBJECTS:
            raise NotMarshal("it is nested too deep or too large")
        code = self.window.byte()
        kind, flagged = chr(code & ~_REFERENCE_FLAG), bool(code & _REFERENCE_FLAG)
        place = -1
        if flagged or kind == "t":
            place = len(self.texts)
            self.texts.append([])
        value = self._object(kind, depth)
        if place >= 0:
            self.texts[place] = value
        return value

    def _object(self, kind: str, depth: int) -> str | list[str]:
        window = self.window
        if kind in "0NFTS.":
            return []
        if kind in "iIgy":
            window.skip({"i": 4, "I": 8, "g": 8, "y": 16}[kind])
            return []
        if kind in "fx":
            for _ in range(2 if kind == "x" else 1):
                window.skip(window.byte())
            return []
        if kind == "l":
            window.skip(abs(self._number(signed=True)) * 2)
            return []
        if kind in "stuaA":
            return self._text(self._number(), keep=kind != "s")
        if kind in "zZ":
            return self._text(window.byte(), keep=True)
        if kind in "rR":
            number = self._number()
            if number >= len(self.texts):
                raise NotMarshal("it refers to what is not there")
            return self.texts[number]
        if kind in "([<>)":
            return self._sequence(window.byte() if kind == ")" else self._number(), depth)
        if kind == "{":
            found: list[str] = []
            while window.source.read(window.position, 1)[:1] not in (b"0", b""):
                found += self._sequence(2, depth)
            window.skip(1)
            return found
        if kind == ":":
            return self._sequence(3, depth)
        if kind == "c":
            return self._code(depth)
        raise NotMarshal(f"it has an object of the unknown type {kind!r}")

    def _sequence(self, length: int, depth: int) -> list[str]:
        if length > MOST_OBJECTS:
            raise NotMarshal("it has a sequence that is too long")
        texts: list[str] = []
        for _ in range(length):
            value = self.read(depth + 1)
            if isinstance(value, str):
                texts.append(value)
            elif len(texts) + len(value) < MOST_KEPT:
                texts.extend(value)
        return texts

    def _text(self, length: int, *, keep: bool) -> str | list[str]:
        if length > self.window.remaining:
            raise NotMarshal("a text is longer than the file")
        self.found.longest_bytes = max(self.found.longest_bytes, length if not keep else 0)
        kept = self.window.take(min(length, LONGEST_KEPT))
        self.window.skip(length - len(kept))
        text = kept.decode("utf-8", "replace")
        if len(self.found.texts) < MOST_KEPT and (keep or text.isprintable()):
            self.found.texts.append(text)
        return text if keep or text.isprintable() else []

    def _number(self, *, signed: bool = False) -> int:
        value = int.from_bytes(self.window.take(4), "little", signed=True)
        if value < 0 and not signed:
            raise NotMarshal("a length is negative")
        return value

    def _code(self, depth: int) -> list[str]:
        self.found.codes += 1
        self.window.skip(4 * self.counts)
        self.read(depth + 1)  # instructions
        self.read(depth + 1)  # constants
        names = self.read(depth + 1)
        self.found.names.update(names if isinstance(names, list) else [names])
        # variables, (kinds | free, cell), file, name, (qualified name)
        for _ in range(5):
            self.read(depth + 1)
        self.window.skip(4)
        for _ in range(2 if self.is_new else 1):
            self.read(depth + 1)
        return []
