"""MessagePack, as Flax and others keep weights in it: walked by the specification, arrays stepped over unread.

Flax has three extensions: arrays (1), complex numbers (2) and scalars of NumPy (3). msgpack-numpy marks arrays by keys,
and unpickles those that say they hold objects. What else stands in such a file is for another reader.
Format: github.com/msgpack/msgpack, "spec.md".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import judge_hidden
from scanners.formats.shared.payload_text import WORTH_READING, judge_text, note
from scanners.kinds import ACTIVE
from scanners.reading import OutOfBytes, SliceSource, Window
from scanners.source import ByteSource

DEEPEST = 100
LONGEST_TEXT = 64 * 1024
LONGEST_KEY = 4096
MOST_TEXTS = 50_000
FLAX_ARRAY, FLAX_COMPLEX, FLAX_SCALAR, TIMESTAMP = 1, 2, 3, 0xFF
SIZES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2,
         0xDF: 4}  # fmt: skip
"""First byte to the bytes of the length that follows it."""
FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4,
         0xD3: 8}  # fmt: skip
DTYPE = re.compile(
    r"[<>|=]?(?:[biufcSUMm?]\d{0,3}|b1)|bool_?|u?int(?:2|4|8|16|32|64)|float(?:8_\w+|4_\w+|6_\w+|16|32|64|128)|bfloat16"
    r"|complex(?:64|128)|key<\w+>|str\d*|bytes\d*|datetime64\S*"
)


class _Malformed(Exception):
    """The message is the end of a sentence that begins with "The msgpack"."""


def judge(source: ByteSource, case: Case) -> None:
    reader = _Reader(source, case)
    try:
        reader.value(0, "")
    except (_Malformed, OutOfBytes) as reason:
        sentence = f"The msgpack {reason}." if isinstance(reason, _Malformed) else f"The msgpack is cut off: {reason}."
        case.add(
            "format-malformed",
            Severity.MEDIUM,
            sentence,
            offset=reader.window.position,
            evidence={"format": "msgpack", "reason": str(reason)[:200]},
        )
        judge_strings(source, case, "the msgpack")
        raise Unscannable(sentence) from reason
    rest = reader.window.remaining
    if rest:
        case.add(
            "msgpack-irregular",
            Severity.MEDIUM,
            f"{rest:,} bytes follow the end of the msgpack.",
            offset=reader.window.position,
            evidence={"what": "trailing bytes"},
        )
        judge_hidden(source, reader.window.position, rest, case, "behind the end of the msgpack")
    case.fact("tensors", reader.arrays)


@dataclass(slots=True)
class _Reader:
    source: ByteSource
    case: Case
    window: Window = field(init=False)
    arrays: int = 0
    values: int = 0
    texts: int = 0
    noted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.window = Window(self.source)

    def value(self, depth: int, place: str) -> str | None:
        """Walks one value; gives it back if it is a short text."""
        if depth > DEEPEST:
            raise _Malformed(f"is nested deeper than {DEEPEST} levels")
        self.values += 1
        if self.values % 1000 == 0:
            self.case.meter.check_clock()
        head = self.window.byte()
        if head < 0x80 or head >= 0xE0:
            return None
        if head <= 0x8F:
            self._map(head & 15, depth, place)
        elif head <= 0x9F:
            self._array(head & 15, depth, place)
        elif head <= 0xBF:
            return self._text(head & 31, place)
        elif head in FIXED:
            self.window.skip(FIXED[head])
        elif 0xD4 <= head <= 0xD8:
            self._extension(1 << head - 0xD4, place)
        elif head in SIZES:
            length = int.from_bytes(self.window.take(SIZES[head]), "big")
            return self._long(head, length, depth, place)
        else:
            raise _Malformed("has a byte that begins nothing (0xc1)")
        return None

    def _long(self, head: int, length: int, depth: int, place: str) -> str | None:
        if head >= 0xDE:
            self._map(length, depth, place)
        elif head >= 0xDC:
            self._array(length, depth, place)
        elif head >= 0xD9:
            return self._text(length, place)
        elif head >= 0xC7:
            self._extension(length, place)
        else:
            self._octets(length, place)
        return None

    def _room_for(self, count: int) -> None:
        if count > self.window.remaining:
            raise _Malformed("promises more than the file has")

    def _map(self, count: int, depth: int, place: str) -> None:
        self._room_for(2 * count)
        seen: set[str] = set()
        for _ in range(count):
            key = self.value(depth + 1, f"{place} (a key)")
            inner = f"{place}/{key[:40]}" if key is not None else place
            if key is not None:
                if key in seen:
                    self._irregular(
                        "a key twice", f"has the key {key[:60]!r} twice, and readers differ in which counts"
                    )
                if len(seen) < 10_000:
                    seen.add(key)
            value = self.value(depth + 1, inner[-200:])
            if key in ("py/object", "py/reduce", "py/type", "py/function", "__reduce__", "__reduce_ex__"):
                self._note(f"an object for jsonpickle or a reducer ({(value or '')[:40]})", Severity.HIGH, inner)
            elif key in ("kind", "type", "dtype") and value is not None and value.strip("|<>=") in ("O", "object"):
                self._note("an array of Python objects, which msgpack-numpy unpickles", Severity.HIGH, inner)

    def _array(self, count: int, depth: int, place: str) -> None:
        self._room_for(count)
        for _ in range(count):
            self.value(depth + 1, place)

    def _text(self, length: int, place: str) -> str | None:
        self._room_for(length)
        text = self.window.take(min(length, LONGEST_TEXT)).decode("utf-8", "replace")
        self.window.skip(max(0, length - LONGEST_TEXT))
        if WORTH_READING.search(text):
            self.texts += 1
            if self.texts > MOST_TEXTS:
                raise Unscannable(f"Its msgpack has more than {MOST_TEXTS:,} texts that could be code.")
            judge_text(text, self.case, place=f"the value at {place[-120:] or 'the top'}")
        return text if length <= LONGEST_KEY else None

    def _octets(self, length: int, place: str) -> None:
        begin = self.window.position
        self._room_for(length)
        if length >= 4:
            self._judge_octets(begin, length, place)
        self.window.seek(begin + length) if length > 1 << 16 else self.window.skip(length)

    def _judge_octets(self, begin: int, length: int, place: str) -> None:
        content = SliceSource(self.source, begin, length)
        kind = detect(content, "").format
        if kind in ACTIVE:
            self._note(f"a packed {kind.value}", Severity.HIGH, place)
            self.case.examine(content, f"bytes at {place[-100:] or 'the top'}", name="bytes")
        elif length <= LONGEST_TEXT:
            data = content.read(0, length)
            if data.isascii() and WORTH_READING.search(data.decode("ascii")):
                judge_text(data.decode("ascii"), self.case, place=f"the bytes at {place[-120:] or 'the top'}")

    def _extension(self, length: int, place: str) -> None:
        code = self.window.byte()
        begin = self.window.position
        self._room_for(length)
        if code in (FLAX_ARRAY, FLAX_SCALAR):
            self._flax_array(begin, length, place)
        elif code not in (FLAX_COMPLEX, TIMESTAMP):
            self._irregular(
                f"extension {code}",
                f"has an extension of type {code} at {place[-80:] or 'the top'!r}, which no writer of weights has",
            )
            self._judge_octets(begin, length, place)
        self.window.seek(begin + length)

    def _flax_array(self, begin: int, length: int, place: str) -> None:
        """Shape, element type, bytes: an array of three."""
        self.arrays += 1
        head = self.source.read(begin, min(length, 512))
        found = re.match(rb"\x93(?:[\x90-\x9f]|\xdc..)", head, re.DOTALL)
        if found is None:
            self._irregular("array", "has an array that Flax did not write")
            self._judge_octets(begin, length, place)
            return
        inner = Window(SliceSource(self.source, begin, length), 1)
        count_byte = inner.byte()
        count = count_byte & 15 if count_byte < 0xA0 else int.from_bytes(inner.take(2), "big")
        for _ in range(min(count, 64)):
            size = inner.byte()
            if size >= 0x80:
                inner.skip(FIXED.get(size, 0))
        mark = inner.byte()
        size = mark & 31 if 0xA0 <= mark <= 0xBF else inner.byte() if mark == 0xD9 else -1
        if size < 0:
            self._irregular("array", "has an array without an element type")
            return
        dtype = inner.take(size).decode("utf-8", "replace")
        if DTYPE.fullmatch(dtype) is None:
            severity = Severity.HIGH if dtype.strip("|<>=") in ("O", "object") else Severity.MEDIUM
            self._irregular(f"type {dtype}", f"has an array of the element type {dtype[:40]!r}", severity)
        mark = inner.byte()
        if mark in (0xC4, 0xC5, 0xC6):
            size = int.from_bytes(inner.take(SIZES[mark]), "big")
            if size != inner.remaining:
                self._irregular("array", "has an array whose size and bytes disagree")
        else:
            self._irregular("array", "has an array whose numbers are not bytes")

    def _note(self, what: str, severity: Severity, place: str) -> None:
        if what not in self.noted:
            self.noted.add(what)
            note(self.case, what, severity, f"the value at {place[-120:] or 'the top'}", "")

    def _irregular(self, what: str, sentence: str, severity: Severity = Severity.MEDIUM) -> None:
        if what in self.noted:
            return
        self.noted.add(what)
        self.case.add(
            "msgpack-irregular",
            severity,
            f"The msgpack {sentence}.",
            offset=self.window.position,
            evidence={"what": what[:100]},
        )
