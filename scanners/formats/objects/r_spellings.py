"""Which spelling of R's serialization a file has, and the reader of the one in words.

Source: R Internals, "Serialization Formats", and R's `serialize.c`.
"""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.formats.objects.r_reader import COMPLEX, Broken, Reader, Told
from scanners.reading import Window
from scanners.source import ByteSource


def begin_reading(source: ByteSource, case: Case) -> tuple[Reader, Told]:
    """A reader behind the first bytes that say which spelling it is. Raises Broken."""
    head = source.read(0, 7)
    begin = 5 if head[:3] in (b"RDX", b"RDA", b"RDB") else 0
    spelling = source.read(begin, 2)
    if spelling not in (b"X\n", b"A\n", b"B\n"):
        raise Broken("it does not say how it is written")
    told = Told()
    window = Window(source, begin + 2)
    if spelling == b"A\n":
        return TextReader(window, case, told), told
    return Reader(window, case, told, order="big" if spelling == b"X\n" else "little"), told


class TextReader(Reader):
    """The spelling in words: each number on a line of its own, texts with escapes."""

    def _word(self) -> bytes:
        while True:
            word = self.window.line(64 * 1024).strip()
            if word:
                return word

    def integer(self) -> int:
        word = self._word()
        if word == b"NA":
            return -0x80000000
        if re.fullmatch(rb"-?\d{1,11}", word) is None:
            raise Broken(f"there is no number before byte {self.position:,}")
        return int(word)

    def octets(self, length: int) -> bytes:
        out = bytearray()
        for _ in range(length):
            byte = self.window.byte()
            if byte != 0x5C:
                out.append(byte)
                continue
            escape = self.window.byte()
            if 0x30 <= escape <= 0x37:
                value, digits = escape - 0x30, 1
                while digits < 3 and self.window.remaining:
                    following = self.window.source.read(self.window.position, 1)
                    if not b"0" <= following <= b"7":
                        break
                    value = value * 8 + self.window.byte() - 0x30
                    digits += 1
                out.append(value & 0xFF)
            else:
                out.append({0x6E: 10, 0x74: 9, 0x72: 13, 0x76: 11, 0x62: 8, 0x66: 12, 0x61: 7}.get(escape, escape))
        return bytes(out)

    def numbers(self, kind: int, count: int) -> None:
        words = 2 * count if kind == COMPLEX else count
        for number in range(words):
            self._word()
            if number % 10_000 == 0:
                self.case.meter.check_clock()
