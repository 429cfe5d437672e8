"""Imports, calls, state and ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.opcodes.table import opcode
from scanners.formats.pickle.values import How, Made, Unknown

if TYPE_CHECKING:
    from scanners.formats.pickle.machine import Machine


def _name_of(m: Machine) -> str:
    try:
        return m.line().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenPickle(f"imports a name that is not UTF-8 at byte {m.at}") from error


def _import(m: Machine) -> None:
    module = _name_of(m)
    if not m.window.remaining:
        # Python's own unpickler takes the name for empty: it imports the module before it fails.
        m.import_name(module, "")
    m.import_name(module, _name_of(m))


@opcode(b"c")
def _global(m: Machine) -> None:
    _import(m)


@opcode(b"\x93")
def _stack_global(m: Machine) -> None:
    name, module = m.pop(), m.pop()
    m.import_name(module, name)


@opcode(b"i")
def _inst(m: Machine) -> None:
    _import(m)
    cls = m.pop()
    m.make(cls, tuple(m.pop_mark()), How.CALL)


@opcode(b"o")
def _obj(m: Machine) -> None:
    args = m.pop_mark()
    if not args:
        raise BrokenPickle(f"makes an object of nothing at byte {m.at}")
    m.make(args[0], tuple(args[1:]), How.CALL)


@opcode(b"R")
def _reduce(m: Machine) -> None:
    args, function = m.pop(), m.pop()
    m.make(function, args, How.CALL)


@opcode(b"\x81")
def _newobj(m: Machine) -> None:
    args, cls = m.pop(), m.pop()
    m.make(cls, args, How.NEW)


@opcode(b"\x92")
def _newobj_ex(m: Machine) -> None:
    keywords, args, cls = m.pop(), m.pop(), m.pop()
    m.make(cls, args, How.NEW, keywords)


@opcode(b"b")
def _build(m: Machine) -> None:
    state = m.pop()
    target = m.top()
    m.listener.built(target, state, m.at)
    if isinstance(target, Made):
        target.built = True
        target.state = state
        # What the listener passes over stands outside of frames.
        m.pass_frame(m.window.position)
        instead = m.listener.after_build(target, m.window)
        if instead is not None:
            m.stack[-1] = instead


@opcode(b"\x82")
def _ext1(m: Machine) -> None:
    _extension(m, m.window.byte())


@opcode(b"\x83")
def _ext2(m: Machine) -> None:
    _extension(m, m.number("<H", 2))


@opcode(b"\x84")
def _ext4(m: Machine) -> None:
    _extension(m, m.number("<i", 4))


def _extension(m: Machine, code: int) -> None:
    m.listener.extension(code, m.at)
    m.stack.append(Unknown.ANYTHING)


@opcode(b"P")
def _persid(m: Machine) -> None:
    identifier = m.text_line().decode("latin-1")
    m.stack.append(m.listener.persistent(identifier, m.at))


@opcode(b"Q")
def _binpersid(m: Machine) -> None:
    identifier = m.pop()
    m.stack.append(m.listener.persistent(identifier, m.at))
