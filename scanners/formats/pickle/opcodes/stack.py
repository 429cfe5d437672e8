"""Begin and end, stack, marks and memo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.opcodes.table import opcode

HIGHEST_PROTOCOL = 5

if TYPE_CHECKING:
    from scanners.formats.pickle.machine import Machine


@opcode(b".")
def stop(m: Machine) -> None:
    """Handled by `Machine.run`."""


@opcode(b"\x80")
def _proto(m: Machine) -> None:
    protocol = m.window.byte()
    if protocol > HIGHEST_PROTOCOL and m.short_frame is None:
        # No Python of today goes on; one of tomorrow may.
        m.short_frame = f"says it is of protocol {protocol} at byte {m.at}"


@opcode(b"\x95")
def _frame(m: Machine) -> None:
    # A frame only says how much may be read ahead; both unpicklers read the same bytes without it. The C one wants
    # all of it to be there; the one in Python runs what is.
    length = m.number("<Q", 8)
    if length > m.window.remaining and m.short_frame is None:
        m.short_frame = f"breaks off: a frame of {length:,} bytes at byte {m.at} is longer than the rest"
    m.begin_frame(length)


@opcode(b"(")
def _mark(m: Machine) -> None:
    m.marks.append(m.stack)
    m.stack = []


@opcode(b"0")
def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.pop_mark()


@opcode(b"1")
def _pop_mark(m: Machine) -> None:
    m.pop_mark()


@opcode(b"2")
def _dup(m: Machine) -> None:
    m.push_again(m.top())


@opcode(b"p")
def _put(m: Machine) -> None:
    m.remember(_index(m))


@opcode(b"q")
def _binput(m: Machine) -> None:
    m.remember(m.window.byte())


@opcode(b"r")
def _long_binput(m: Machine) -> None:
    m.remember(m.number("<I", 4))


@opcode(b"\x94")
def _memoize(m: Machine) -> None:
    m.remember(len(m.memo))


@opcode(b"g")
def _get(m: Machine) -> None:
    m.recall(_index(m))


def _index(m: Machine) -> int:
    """A memo index in text; Python reads it with `int()`, so blanks and underscores pass."""
    try:
        return int(m.line())
    except ValueError as error:
        raise BrokenPickle(f"has no number where one is needed at byte {m.at}") from error


@opcode(b"h")
def _binget(m: Machine) -> None:
    m.recall(m.window.byte())


@opcode(b"j")
def _long_binget(m: Machine) -> None:
    m.recall(m.number("<I", 4))
