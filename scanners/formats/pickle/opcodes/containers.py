"""Lists, sets, tuples and dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanners.formats.pickle.opcodes.table import opcode
from scanners.formats.pickle.values import Items, Pairs, Value

if TYPE_CHECKING:
    from scanners.formats.pickle.machine import Machine


@opcode(b"]", b"\x8f")
def _empty_list_or_set(m: Machine) -> None:
    m.stack.append(Items())


@opcode(b"}")
def _empty_dict(m: Machine) -> None:
    m.stack.append(Pairs())


@opcode(b"t")
def _tuple(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(tuple(items))


@opcode(b"\x85")
def _tuple1(m: Machine) -> None:
    m.stack.append((m.pop(),))


@opcode(b"\x86")
def _tuple2(m: Machine) -> None:
    second, first = m.pop(), m.pop()
    m.stack.append((first, second))


@opcode(b"\x87")
def _tuple3(m: Machine) -> None:
    third, second, first = m.pop(), m.pop(), m.pop()
    m.stack.append((first, second, third))


@opcode(b"l", b"\x91")
def _list_or_frozenset(m: Machine) -> None:
    values = Items()
    values.extend(m.pop_mark())
    m.stack.append(values)


@opcode(b"d")
def _dict(m: Machine) -> None:
    pairs = Pairs()
    items = m.pop_mark()
    for key, value in zip(items[::2], items[1::2], strict=False):
        pairs.put(key, value)
    m.stack.append(pairs)


@opcode(b"a")
def _append(m: Machine) -> None:
    value = m.pop()
    _fill(m, [value])


@opcode(b"e", b"\x90")
def _appends_or_additems(m: Machine) -> None:
    values = m.pop_mark()
    _fill(m, values)


def _fill(m: Machine, values: list[Value]) -> None:
    target = m.top()
    if isinstance(target, Items):
        target.extend(values)
    else:
        m.listener.filled(target, m.at)


@opcode(b"s")
def _setitem(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    _put_pairs(m, [key, value])


@opcode(b"u")
def _setitems(m: Machine) -> None:
    items = m.pop_mark()
    _put_pairs(m, items)


def _put_pairs(m: Machine, items: list[Value]) -> None:
    target = m.top()
    if isinstance(target, Pairs):
        for key, value in zip(items[::2], items[1::2], strict=False):
            target.put(key, value)
    else:
        m.listener.filled(target, m.at)
