"""Universal Binary JSON, in which XGBoost keeps its models: walked by the specification of draft 12.

It is data; only its words are read, and what follows its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import judge_hidden
from scanners.formats.shared.payload_text import WORTH_READING, judge_text
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

DEEPEST = 200
LONGEST_TEXT = 64 * 1024
WIDTHS = {"Z": 0, "N": 0, "T": 0, "F": 0, "i": 1, "U": 1, "I": 2, "l": 4, "L": 8, "d": 4, "D": 8, "C": 1}
INTEGERS = "iUIlL"


class _Malformed(Exception):
    """The message is the end of a sentence that begins with "The UBJSON"."""


def judge(source: ByteSource, case: Case) -> None:
    reader = _Reader(Window(source), case)
    try:
        reader.value(chr(reader.window.byte()), 0)
    except (_Malformed, OutOfBytes) as reason:
        sentence = f"The UBJSON cannot be read: {reason}."
        case.add("format-malformed", Severity.MEDIUM, sentence, evidence={"format": "ubjson", "reason": str(reason)})
        judge_strings(source, case, "the UBJSON")
        raise Unscannable(sentence) from reason
    if reader.window.remaining:
        judge_hidden(source, reader.window.position, reader.window.remaining, case, "behind the end of the UBJSON")


@dataclass(slots=True)
class _Reader:
    window: Window
    case: Case
    values: int = field(default=0)

    def value(self, mark: str, depth: int) -> None:
        if depth > DEEPEST:
            raise _Malformed(f"it is nested deeper than {DEEPEST} levels")
        self.values += 1
        if self.values % 1000 == 0:
            self.case.meter.check_clock()
        if mark in WIDTHS:
            self.window.skip(WIDTHS[mark])
        elif mark in "SH":
            self._text(self._length(chr(self.window.byte())))
        elif mark in "{[":
            self._container(mark, depth)
        else:
            raise _Malformed(f"byte {self.window.position:,} begins nothing")

    def _length(self, mark: str) -> int:
        if mark not in INTEGERS:
            raise _Malformed(f"there is no length at byte {self.window.position:,}")
        length = int.from_bytes(self.window.take(WIDTHS[mark]), "big", signed=mark != "U")
        if not 0 <= length <= self.window.remaining:
            raise _Malformed(f"a length at byte {self.window.position:,} is larger than the file")
        return length

    def _text(self, length: int) -> None:
        text = self.window.take(min(length, LONGEST_TEXT)).decode("utf-8", "replace")
        self.window.skip(max(0, length - LONGEST_TEXT))
        if WORTH_READING.search(text):
            judge_text(text, self.case, place="a text of the model")

    def _container(self, opening: str, depth: int) -> None:
        kind, count = None, None
        mark = chr(self.window.byte())
        if mark == "$":
            kind = chr(self.window.byte())
            mark = chr(self.window.byte())
            if mark != "#":
                raise _Malformed("a typed list has no count")
        if mark == "#":
            count = self._count(chr(self.window.byte()))
            mark = ""
        if kind is not None and kind in WIDTHS and opening == "[" and count is not None:
            self.window.skip(count * WIDTHS[kind])
            return
        if count is not None:
            for _ in range(count):
                self._entry(opening, kind, None, depth)
            return
        closing = "}" if opening == "{" else "]"
        while mark != closing:
            if mark != "N" or opening == "{":
                self._entry(opening, None, mark, depth)
            mark = chr(self.window.byte())

    def _count(self, mark: str) -> int:
        if mark not in INTEGERS:
            raise _Malformed(f"there is no count at byte {self.window.position:,}")
        count = int.from_bytes(self.window.take(WIDTHS[mark]), "big", signed=mark != "U")
        if not 0 <= count <= self.window.remaining:
            raise _Malformed("a list is longer than the file")
        return count

    def _entry(self, opening: str, kind: str | None, mark: str | None, depth: int) -> None:
        """One value, after its key in an object; `mark` is a byte that is read already."""
        if opening == "{":
            self._text(self._length(mark if mark is not None else chr(self.window.byte())))
            mark = None
        self.value(kind or mark or chr(self.window.byte()), depth + 1)
