"""Numbers, bytes and texts."""

from __future__ import annotations

import codecs
import struct
from typing import TYPE_CHECKING

from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.opcodes.table import OPERATIONS, Operation, opcode
from scanners.formats.pickle.values import LONGEST_CARRIED, Unknown, Value

if TYPE_CHECKING:
    from scanners.formats.pickle.machine import Machine

LONGEST_NUMBER = 64
"""Digits of a number in text that is carried as a value."""


def _constant(value: Value) -> Operation:
    return lambda m: m.stack.append(value)


for _code, _value in ((b"N", None), (b"\x88", True), (b"\x89", False), (b")", ())):
    OPERATIONS[_code[0]] = _constant(_value)


@opcode(b"I")
def _int(m: Machine) -> None:
    line = m.text_line()
    if line in (b"00", b"01"):
        m.stack.append(line == b"01")
    else:
        _push_decimal(m, line)


@opcode(b"L")
def _long(m: Machine) -> None:
    _push_decimal(m, m.text_line().removesuffix(b"L"))


def _push_decimal(m: Machine, digits: bytes) -> None:
    if len(digits) > LONGEST_NUMBER:
        m.stack.append(Unknown.NUMBER)
        return
    try:
        m.stack.append(int(digits, 0))
    except ValueError as error:
        raise BrokenPickle(f"has no number where one is needed at byte {m.at}") from error


@opcode(b"F")
def _float(m: Machine) -> None:
    line = m.text_line()
    if len(line) > LONGEST_NUMBER:
        m.stack.append(Unknown.NUMBER)
        return
    try:
        m.stack.append(float(line))
    except ValueError as error:
        raise BrokenPickle(f"has no number where one is needed at byte {m.at}") from error


@opcode(b"G")
def _binfloat(m: Machine) -> None:
    m.stack.append(struct.unpack(">d", m.window.take(8))[0])


@opcode(b"J")
def _binint(m: Machine) -> None:
    m.stack.append(m.number("<i", 4))


@opcode(b"K")
def _binint1(m: Machine) -> None:
    m.stack.append(m.window.byte())


@opcode(b"M")
def _binint2(m: Machine) -> None:
    m.stack.append(m.number("<H", 2))


@opcode(b"\x8a")
def _long1(m: Machine) -> None:
    m.stack.append(int.from_bytes(m.window.take(m.window.byte()), "little", signed=True))


@opcode(b"\x8b")
def _long4(m: Machine) -> None:
    length = m.number("<i", 4)
    if length < 0:
        raise BrokenPickle(f"has a number of negative length at byte {m.at}")
    if length > 256:
        m.window.skip(length)
        m.stack.append(Unknown.NUMBER)
    else:
        m.stack.append(int.from_bytes(m.window.take(length), "little", signed=True))


@opcode(b"S")
def _string(m: Machine) -> None:
    line = m.text_line()
    if len(line) > LONGEST_CARRIED:
        m.stack.append(Unknown.LONG_TEXT)
        return
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise BrokenPickle(f"has a text without its quotes at byte {m.at}")
    try:
        decoded, _ = codecs.escape_decode(line[1:-1])
    except ValueError as error:
        raise BrokenPickle(f"has a text with a bad escape at byte {m.at}") from error
    # Latin-1 reads every byte; readers differ in the encoding they ask for, and ASCII is the same in all of them.
    m.stack.append(decoded.decode("latin-1"))


@opcode(b"T")
def _binstring(m: Machine) -> None:
    length = m.number("<i", 4)
    if length < 0:
        raise BrokenPickle(f"has a text of negative length at byte {m.at}")
    value = m.bytes_of(length)
    m.stack.append(value.decode("latin-1") if isinstance(value, bytes) else value)


@opcode(b"U")
def _short_binstring(m: Machine) -> None:
    m.stack.append(m.window.take(m.window.byte()).decode("latin-1"))


@opcode(b"V")
def _unicode(m: Machine) -> None:
    line = m.text_line()
    try:
        m.stack.append(line.decode("raw-unicode-escape") if len(line) <= LONGEST_CARRIED else Unknown.LONG_TEXT)
    except UnicodeDecodeError as error:
        raise BrokenPickle(f"has a text with a bad escape at byte {m.at}") from error


@opcode(b"X")
def _binunicode(m: Machine) -> None:
    m.stack.append(m.text_of(m.number("<I", 4)))


@opcode(b"\x8c")
def _short_binunicode(m: Machine) -> None:
    m.stack.append(m.text_of(m.window.byte()))


@opcode(b"\x8d")
def _binunicode8(m: Machine) -> None:
    m.stack.append(m.text_of(m.number("<Q", 8)))


@opcode(b"B")
def _binbytes(m: Machine) -> None:
    m.stack.append(m.bytes_of(m.number("<I", 4)))


@opcode(b"C")
def _short_binbytes(m: Machine) -> None:
    m.stack.append(m.bytes_of(m.window.byte()))


@opcode(b"\x8e", b"\x96")
def _binbytes8_and_bytearray8(m: Machine) -> None:
    m.stack.append(m.bytes_of(m.number("<Q", 8)))


@opcode(b"\x97")
def _next_buffer(m: Machine) -> None:
    raise BrokenPickle(f"wants a buffer from outside the file at byte {m.at}")


@opcode(b"\x98")
def _readonly_buffer(m: Machine) -> None:
    m.top()
