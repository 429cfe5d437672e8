"""The symbolic pickle machine: the stack, the marks and the memo of `pickle.Unpickler`, on descriptions of values.

Follows CPython's `Lib/pickle.py` and `Modules/_pickle.c` (protocols 0 to 5) opcode by opcode; where the two differ it
takes the reading that lets more happen. What cannot go on in any of them is a `BrokenPickle`, and what stood before
it has run. Numbers and texts that no judgement needs are not decoded.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import Final, Protocol

from scanners.budget import Meter
from scanners.formats.pickle.values import Blob, How, Imported, Items, Made, Pairs, Unknown, Value
from scanners.reading import OutOfBytes, Window

HIGHEST_PROTOCOL = 5
LONGEST_CARRIED = 64 * 1024
"""Texts and bytes up to this length are carried as values; longer ones as a place."""
LONGEST_LINE = 1024 * 1024
OPCODES_PER_CHECK = 4096


class BrokenPickle(Exception):
    """No unpickler gets past here; the message is the end of a sentence that begins with "the pickle"."""


class Listener(Protocol):
    """What happens while the pickle is read; each may give the value that stands for the result."""

    def imported(self, what: Imported) -> None:
        """Told each time the name comes onto the stack, be it again from the memo."""

    def unresolved_import(self, module: Value, name: Value, offset: int) -> None: ...
    def extension(self, code: int, offset: int) -> None: ...
    def made(self, made: Made) -> Value: ...
    def built(self, target: Value, state: Value, offset: int) -> None: ...
    def filled(self, target: Value, offset: int) -> None: ...
    def persistent(self, identifier: Value, offset: int) -> Value: ...
    def after_build(self, target: Value, window: Window) -> Value | None: ...


_MISSING: Final = object()


class Machine:
    """Reads one pickle, from the window's position to its STOP. `opcodes` counts what was read."""

    def __init__(self, window: Window, listener: Listener, meter: Meter) -> None:
        self.window = window
        self.listener = listener
        self.meter = meter
        self.stack: list[Value] = []
        self.marks: list[list[Value]] = []
        self.memo: dict[int, Value] = {}
        self.opcodes = 0
        self.short_frame: str | None = None
        """Why only the unpickler written in Python reads on; the one in C has stopped."""
        self.start = window.position
        self.at = self.start
        """Offset of the opcode being read."""

    def run(self) -> Value:
        """The value the pickle describes. Raises BrokenPickle, BudgetSpent and what the source raises."""
        window, table = self.window, _OPERATIONS
        pending = 0
        try:
            while True:
                self.at = window.position
                operation = table[window.byte()]
                if operation is None:
                    raise BrokenPickle(f"has an unknown opcode at byte {self.at}")
                self.opcodes += 1
                pending += 1
                if pending >= OPCODES_PER_CHECK:
                    self.meter.spend_opcodes(pending)
                    pending = 0
                if operation is _stop:
                    value = self.pop()
                    if self.short_frame is not None:
                        raise BrokenPickle(self.short_frame)
                    return value
                operation(self)
        except OutOfBytes as end:
            raise BrokenPickle(f"breaks off: {end}") from end
        finally:
            self.meter.opcodes += pending

    def pop(self) -> Value:
        if not self.stack:
            raise BrokenPickle(f"takes from an empty stack at byte {self.at}")
        return self.stack.pop()

    def top(self) -> Value:
        if not self.stack:
            raise BrokenPickle(f"takes from an empty stack at byte {self.at}")
        return self.stack[-1]

    def pop_mark(self) -> list[Value]:
        if not self.marks:
            raise BrokenPickle(f"needs a mark that is not there at byte {self.at}")
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def remember(self, index: int) -> None:
        self.memo[index] = self.top()

    def recall(self, index: int) -> None:
        value = self.memo.get(index, _MISSING)
        if value is _MISSING:
            raise BrokenPickle(f"asks for memo entry {index} that is not there at byte {self.at}")
        self.stack.append(value)
        if type(value) is Imported:
            self.listener.imported(value)

    def import_name(self, module: Value, name: Value) -> None:
        if isinstance(module, str) and isinstance(name, str):
            what = Imported(module, name, self.at)
            self.listener.imported(what)
            self.stack.append(what)
        else:
            self.listener.unresolved_import(module, name, self.at)
            self.stack.append(Unknown.ANYTHING)

    def make(self, maker: Value, args: Value, how: How, keywords: Value = None) -> None:
        made = Made(maker, args, how, self.at, keywords)
        self.stack.append(self.listener.made(made))

    def bytes_of(self, length: int) -> Value:
        """The argument of a counted opcode: the bytes, or their place when they are many."""
        if length <= LONGEST_CARRIED:
            return self.window.take(length)
        offset = self.window.position
        self.window.skip(length)
        return Blob(self.window.source, offset, length)

    def text_of(self, length: int) -> Value:
        if length > LONGEST_CARRIED:
            self.window.skip(length)
            return Unknown.LONG_TEXT
        try:
            return self.window.take(length).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise BrokenPickle(f"has a text that is not UTF-8 at byte {self.at}") from error

    def line(self) -> bytes:
        left = self.window.remaining
        try:
            return self.window.line(LONGEST_LINE)
        except OutOfBytes:
            if left > LONGEST_LINE:
                raise
            # A last line without an end: Python's unpickler takes its last byte for the line feed, and goes on.
            return self.window.take(left)[:-1]

    def number(self, form: str, length: int) -> int:
        value: int = struct.unpack(form, self.window.take(length))[0]
        return value


Operation = Callable[[Machine], None]
_OPERATIONS: list[Operation | None] = [None] * 256


def _opcode(*codes: bytes) -> Callable[[Operation], Operation]:
    def register(operation: Operation) -> Operation:
        for code in codes:
            _OPERATIONS[code[0]] = operation
        return operation

    return register


def _constant(value: Value) -> Operation:
    return lambda m: m.stack.append(value)


for _code, _value in ((b"N", None), (b"\x88", True), (b"\x89", False), (b")", ())):
    _OPERATIONS[_code[0]] = _constant(_value)


# --- begin and end ---------------------------------------------------------------------------------------------


@_opcode(b".")
def _stop(m: Machine) -> None:
    """Handled by `Machine.run`."""


@_opcode(b"\x80")
def _proto(m: Machine) -> None:
    protocol = m.window.byte()
    if protocol > HIGHEST_PROTOCOL:
        raise BrokenPickle(f"says it is of protocol {protocol} at byte {m.at}")


@_opcode(b"\x95")
def _frame(m: Machine) -> None:
    # A frame only says how much may be read ahead; both unpicklers read the same bytes without it. The C one wants
    # all of it to be there; the one in Python runs what is.
    length = m.number("<Q", 8)
    if length > m.window.remaining and m.short_frame is None:
        m.short_frame = f"breaks off: a frame of {length:,} bytes at byte {m.at} is longer than the rest"


# --- stack, marks and memo -------------------------------------------------------------------------------------


@_opcode(b"(")
def _mark(m: Machine) -> None:
    m.marks.append(m.stack)
    m.stack = []


@_opcode(b"0")
def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.pop_mark()


@_opcode(b"1")
def _pop_mark(m: Machine) -> None:
    m.pop_mark()


@_opcode(b"2")
def _dup(m: Machine) -> None:
    value = m.top()
    m.stack.append(value)
    if type(value) is Imported:
        m.listener.imported(value)


@_opcode(b"p")
def _put(m: Machine) -> None:
    m.remember(_decimal(m, m.line()))


@_opcode(b"q")
def _binput(m: Machine) -> None:
    m.remember(m.window.byte())


@_opcode(b"r")
def _long_binput(m: Machine) -> None:
    m.remember(m.number("<I", 4))


@_opcode(b"\x94")
def _memoize(m: Machine) -> None:
    m.remember(len(m.memo))


@_opcode(b"g")
def _get(m: Machine) -> None:
    m.recall(_decimal(m, m.line()))


@_opcode(b"h")
def _binget(m: Machine) -> None:
    m.recall(m.window.byte())


@_opcode(b"j")
def _long_binget(m: Machine) -> None:
    m.recall(m.number("<I", 4))


# --- numbers, bytes and texts ----------------------------------------------------------------------------------


def _decimal(m: Machine, line: bytes) -> int:
    """A memo index in text; Python reads it with `int()`, so blanks and underscores pass."""
    try:
        return int(line)
    except ValueError as error:
        raise BrokenPickle(f"has no number where one is needed at byte {m.at}") from error


@_opcode(b"I")
def _int(m: Machine) -> None:
    line = m.line()
    if line in (b"00", b"01"):
        m.stack.append(line == b"01")
    else:
        _push_decimal(m, line)


@_opcode(b"L")
def _long(m: Machine) -> None:
    _push_decimal(m, m.line().removesuffix(b"L"))


def _push_decimal(m: Machine, digits: bytes) -> None:
    if len(digits) > 64:
        m.stack.append(Unknown.NUMBER)
        return
    try:
        m.stack.append(int(digits, 0))
    except ValueError as error:
        raise BrokenPickle(f"has no number where one is needed at byte {m.at}") from error


@_opcode(b"F")
def _float(m: Machine) -> None:
    try:
        m.stack.append(float(m.line()[:400]))
    except ValueError as error:
        raise BrokenPickle(f"has no number where one is needed at byte {m.at}") from error


@_opcode(b"G")
def _binfloat(m: Machine) -> None:
    m.stack.append(struct.unpack(">d", m.window.take(8))[0])


@_opcode(b"J")
def _binint(m: Machine) -> None:
    m.stack.append(m.number("<i", 4))


@_opcode(b"K")
def _binint1(m: Machine) -> None:
    m.stack.append(m.window.byte())


@_opcode(b"M")
def _binint2(m: Machine) -> None:
    m.stack.append(m.number("<H", 2))


@_opcode(b"\x8a")
def _long1(m: Machine) -> None:
    m.stack.append(int.from_bytes(m.window.take(m.window.byte()), "little", signed=True))


@_opcode(b"\x8b")
def _long4(m: Machine) -> None:
    length = m.number("<i", 4)
    if length < 0:
        raise BrokenPickle(f"has a number of negative length at byte {m.at}")
    if length > 256:
        m.window.skip(length)
        m.stack.append(Unknown.NUMBER)
    else:
        m.stack.append(int.from_bytes(m.window.take(length), "little", signed=True))


@_opcode(b"S")
def _string(m: Machine) -> None:
    line = m.line().strip(b" \t\r\n\x0b\x0c")
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise BrokenPickle(f"has a text without its quotes at byte {m.at}")
    try:
        decoded, _ = codecs.escape_decode(line[1:-1])
    except ValueError as error:
        raise BrokenPickle(f"has a text with a bad escape at byte {m.at}") from error
    # Latin-1 reads every byte; readers differ in the encoding they ask for, and ASCII is the same in all of them.
    m.stack.append(decoded.decode("latin-1"))


@_opcode(b"T")
def _binstring(m: Machine) -> None:
    length = m.number("<i", 4)
    if length < 0:
        raise BrokenPickle(f"has a text of negative length at byte {m.at}")
    value = m.bytes_of(length)
    m.stack.append(value.decode("latin-1") if isinstance(value, bytes) else value)


@_opcode(b"U")
def _short_binstring(m: Machine) -> None:
    m.stack.append(m.window.take(m.window.byte()).decode("latin-1"))


@_opcode(b"V")
def _unicode(m: Machine) -> None:
    line = m.line()
    try:
        m.stack.append(line.decode("raw-unicode-escape") if len(line) <= LONGEST_CARRIED else Unknown.LONG_TEXT)
    except UnicodeDecodeError as error:
        raise BrokenPickle(f"has a text with a bad escape at byte {m.at}") from error


@_opcode(b"X")
def _binunicode(m: Machine) -> None:
    m.stack.append(m.text_of(m.number("<I", 4)))


@_opcode(b"\x8c")
def _short_binunicode(m: Machine) -> None:
    m.stack.append(m.text_of(m.window.byte()))


@_opcode(b"\x8d")
def _binunicode8(m: Machine) -> None:
    m.stack.append(m.text_of(m.number("<Q", 8)))


@_opcode(b"B")
def _binbytes(m: Machine) -> None:
    m.stack.append(m.bytes_of(m.number("<I", 4)))


@_opcode(b"C")
def _short_binbytes(m: Machine) -> None:
    m.stack.append(m.window.take(m.window.byte()))


@_opcode(b"\x8e", b"\x96")
def _binbytes8_and_bytearray8(m: Machine) -> None:
    m.stack.append(m.bytes_of(m.number("<Q", 8)))


@_opcode(b"\x97")
def _next_buffer(m: Machine) -> None:
    raise BrokenPickle(f"wants a buffer from outside the file at byte {m.at}")


@_opcode(b"\x98")
def _readonly_buffer(m: Machine) -> None:
    m.top()


# --- containers ------------------------------------------------------------------------------------------------


@_opcode(b"]", b"\x8f")
def _empty_list_or_set(m: Machine) -> None:
    m.stack.append(Items())


@_opcode(b"}")
def _empty_dict(m: Machine) -> None:
    m.stack.append(Pairs())


@_opcode(b"t")
def _tuple(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(tuple(items))


@_opcode(b"\x85")
def _tuple1(m: Machine) -> None:
    m.stack.append((m.pop(),))


@_opcode(b"\x86")
def _tuple2(m: Machine) -> None:
    second, first = m.pop(), m.pop()
    m.stack.append((first, second))


@_opcode(b"\x87")
def _tuple3(m: Machine) -> None:
    third, second, first = m.pop(), m.pop(), m.pop()
    m.stack.append((first, second, third))


@_opcode(b"l", b"\x91")
def _list_or_frozenset(m: Machine) -> None:
    values = Items()
    values.extend(m.pop_mark())
    m.stack.append(values)


@_opcode(b"d")
def _dict(m: Machine) -> None:
    pairs = Pairs()
    items = m.pop_mark()
    for key, value in zip(items[::2], items[1::2], strict=False):
        pairs.put(key, value)
    m.stack.append(pairs)


@_opcode(b"a")
def _append(m: Machine) -> None:
    value = m.pop()
    _fill(m, [value])


@_opcode(b"e", b"\x90")
def _appends_or_additems(m: Machine) -> None:
    values = m.pop_mark()
    _fill(m, values)


def _fill(m: Machine, values: list[Value]) -> None:
    target = m.top()
    if isinstance(target, Items):
        target.extend(values)
    else:
        m.listener.filled(target, m.at)


@_opcode(b"s")
def _setitem(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    _put_pairs(m, [key, value])


@_opcode(b"u")
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


# --- imports, calls and state ----------------------------------------------------------------------------------


def _name_of(m: Machine) -> str:
    try:
        return m.line().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenPickle(f"imports a name that is not UTF-8 at byte {m.at}") from error


@_opcode(b"c")
def _global(m: Machine) -> None:
    module, name = _name_of(m), _name_of(m)
    m.import_name(module, name)


@_opcode(b"\x93")
def _stack_global(m: Machine) -> None:
    name, module = m.pop(), m.pop()
    m.import_name(module, name)


@_opcode(b"i")
def _inst(m: Machine) -> None:
    module, name = _name_of(m), _name_of(m)
    m.import_name(module, name)
    cls = m.pop()
    m.make(cls, tuple(m.pop_mark()), How.CALL)


@_opcode(b"o")
def _obj(m: Machine) -> None:
    args = m.pop_mark()
    if not args:
        raise BrokenPickle(f"makes an object of nothing at byte {m.at}")
    m.make(args[0], tuple(args[1:]), How.CALL)


@_opcode(b"R")
def _reduce(m: Machine) -> None:
    args, function = m.pop(), m.pop()
    m.make(function, args, How.CALL)


@_opcode(b"\x81")
def _newobj(m: Machine) -> None:
    args, cls = m.pop(), m.pop()
    m.make(cls, args, How.NEW)


@_opcode(b"\x92")
def _newobj_ex(m: Machine) -> None:
    keywords, args, cls = m.pop(), m.pop(), m.pop()
    m.make(cls, args, How.NEW, keywords)


@_opcode(b"b")
def _build(m: Machine) -> None:
    state = m.pop()
    target = m.top()
    m.listener.built(target, state, m.at)
    if isinstance(target, Made):
        target.built = True
        target.state = state
        instead = m.listener.after_build(target, m.window)
        if instead is not None:
            m.stack[-1] = instead


@_opcode(b"\x82")
def _ext1(m: Machine) -> None:
    _extension(m, m.window.byte())


@_opcode(b"\x83")
def _ext2(m: Machine) -> None:
    _extension(m, m.number("<H", 2))


@_opcode(b"\x84")
def _ext4(m: Machine) -> None:
    _extension(m, m.number("<i", 4))


def _extension(m: Machine, code: int) -> None:
    m.listener.extension(code, m.at)
    m.stack.append(Unknown.ANYTHING)


@_opcode(b"P")
def _persid(m: Machine) -> None:
    identifier = m.line().decode("latin-1")
    m.stack.append(m.listener.persistent(identifier, m.at))


@_opcode(b"Q")
def _binpersid(m: Machine) -> None:
    identifier = m.pop()
    m.stack.append(m.listener.persistent(identifier, m.at))
