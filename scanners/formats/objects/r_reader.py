"""R's serialization, versions 2 and 3, in its spellings of bytes (XDR, little-endian), walked without building it.

Source: R Internals, "Serialization Formats", and R's `serialize.c`. Vectors are stepped over unread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.reading import Window

SYMBOL, PAIRS, CLOSURE, ENVIRONMENT, PROMISE, CALL = 1, 2, 3, 4, 5, 6
SPECIAL, BUILTIN, CHARACTERS, LOGICAL, INTEGER, REAL, COMPLEX, STRINGS, DOTS = 7, 8, 9, 10, 13, 14, 15, 16, 17
LIST, EXPRESSION, BYTE_CODE, POINTER, WEAK, RAW, S4 = 19, 20, 21, 22, 23, 24, 25
ALTERNATIVE, ATTRIBUTED_PAIRS, ATTRIBUTED_CALL, CODE_REFERENCE, CODE_DEFINITION = 238, 239, 240, 243, 244
PERSISTENT, PACKAGE, NAMESPACE, UNBOUND, REFERENCE = 247, 248, 249, 252, 255
SINGLE = frozenset({241, 242, 250, 251, UNBOUND, 253, 254})
"""Values that are nothing but their number: the empty value, the base and the global environment."""
WIDTHS = {LOGICAL: 4, INTEGER: 4, REAL: 8, COMPLEX: 16, RAW: 1}
HAS_ATTRIBUTES, HAS_TAG = 0x200, 0x400
ACTIVE_BINDING = 1 << 15
DEEPEST = 200
LONGEST_TEXT = 64 * 1024
MOST_TEXTS = 200
_WORTH_READING = re.compile(rb"[({<$;|\\`]|\.\./|://|import |\S{24}")


class Broken(Exception):
    """It is not what R writes; the message is the end of a sentence."""


@dataclass(slots=True)
class Told:
    """What stands in the file, counted."""

    functions: int = 0
    byte_code: int = 0
    promises: int = 0
    waiting_promises: int = 0
    """Promises without a value: what they are of is still to be run."""
    bare_promises: int = 0
    """Those of them that are not a variable of an environment, where R's own functions leave them."""
    promise_calls: set[str] = field(default_factory=set)
    """Names inside of promises."""
    active_bindings: int = 0
    native_pointers: int = 0
    expressions: int = 0
    expression_vectors: int = 0
    calls: set[str] = field(default_factory=set)
    """Names of functions that calls in the file call."""
    symbols: set[str] = field(default_factory=set)
    """Other names, and texts, inside of calls and functions."""
    tags: set[str] = field(default_factory=set)
    """Names of variables and list elements."""
    strange_texts: list[str] = field(default_factory=list)


class Reader:
    """The two spellings in bytes."""

    def __init__(self, window: Window, case: Case, told: Told, order: str = "big") -> None:
        self.window = window
        self.case = case
        self.told = told
        self.order = order
        self.version = 0
        self.names: list[str] = []
        """What REFERENCE counts: symbols by their name, environments and pointers as an empty one."""
        self.values = 0
        self.in_code = 0
        self.in_promise = 0
        self.in_environment = 0

    @property
    def remaining(self) -> int:
        return self.window.remaining

    @property
    def position(self) -> int:
        return self.window.position

    def read(self) -> None:
        self.version = self.integer()
        self.integer()
        self.integer()
        if self.version == 3:
            self.octets(self._length(self.integer()))
        elif self.version != 2:
            raise Broken(f"it is of version {self.version}, which R does not write")
        self.item(0)

    # What the spellings differ in

    def integer(self) -> int:
        # R knows no other words than these two.
        data = self.window.take(4)
        return int.from_bytes(data, "big" if self.order == "big" else "little", signed=True)

    def octets(self, length: int) -> bytes:
        """A text; of a long one its beginning."""
        data = self.window.take(min(length, LONGEST_TEXT))
        self.window.skip(length - len(data))
        return data

    def numbers(self, kind: int, count: int) -> None:
        self.window.skip(count * WIDTHS[kind])

    # What they share

    def _length(self, length: int) -> int:
        if length == -1:
            length = (self.integer() << 32) + (self.integer() & 0xFFFFFFFF)
        if not 0 <= length <= self.window.remaining:
            raise Broken(f"a length at byte {self.window.position:,} is larger than the file")
        return length

    def item(self, depth: int) -> str:
        """Walks one value. Gives back a symbol's name or a text, otherwise an empty one."""
        self.values += 1
        if self.values % 1000 == 0:
            self.case.meter.check_clock()
        if depth > DEEPEST:
            raise Unscannable(f"Its R data is nested deeper than {DEEPEST} levels.")
        flags = self.integer()
        kind = flags & 0xFF
        if kind in (PAIRS, CALL, CLOSURE, PROMISE, DOTS, ATTRIBUTED_PAIRS, ATTRIBUTED_CALL):
            return self._pairs(flags, depth)
        if kind in SINGLE:
            return "<unbound>" if kind == UNBOUND else ""
        if kind == REFERENCE:
            index = flags >> 8 or self.integer()
            return self.names[index - 1] if 0 < index <= len(self.names) else ""
        if kind == SYMBOL:
            name = self.item(depth + 1)
            self.names.append(name)
            return name
        if kind in (PERSISTENT, PACKAGE, NAMESPACE):
            self.integer()
            for _ in range(self._length(self.integer())):
                self.item(depth + 1)
            self.names.append("")
            return ""
        if kind == ENVIRONMENT:
            self._environment(depth)
            return ""
        return self._vector(kind, flags, depth)

    def _pairs(self, flags: int, depth: int) -> str:
        """Links of a list, one after the other; functions, promises and calls have the same shape."""
        while True:
            kind = flags & 0xFF
            if kind not in (PAIRS, CALL, CLOSURE, PROMISE, DOTS, ATTRIBUTED_PAIRS, ATTRIBUTED_CALL):
                self._rest(flags, depth)
                return ""
            is_code = kind in (CALL, ATTRIBUTED_CALL)
            if flags & HAS_ATTRIBUTES or kind in (ATTRIBUTED_PAIRS, ATTRIBUTED_CALL):
                self.item(depth + 1)
            tag = self.item(depth + 1) if flags & HAS_TAG else ""
            if tag:
                self.told.tags.add(tag)
            if kind == PAIRS and flags >> 12 & ACTIVE_BINDING:
                self.told.active_bindings += 1
            self.in_code += is_code
            head = self.item(depth + 1)
            if head and (is_code or self.in_code):
                (self.told.calls if is_code else self.told.symbols).add(head)
                if self.in_promise:
                    self.told.promise_calls.add(head)
            self._count(kind, head)
            if kind in (CLOSURE, PROMISE):
                # What follows is the body: a call, a symbol or byte code.
                self.in_code += 1
                self.in_promise += kind == PROMISE
                self.item(depth + 1)
                self.in_promise -= kind == PROMISE
                self.in_code -= 1
                return ""
            flags = self.integer()
            if is_code:
                # The arguments: they may be calls of their own, or names that something is done with.
                self._rest(flags, depth + 1)
                self.in_code -= 1
                return ""

    def _count(self, kind: int, head: str) -> None:
        if kind == CLOSURE:
            self.told.functions += 1
        elif kind == PROMISE:
            self.told.promises += 1
            if head == "<unbound>":
                self.told.waiting_promises += 1
                self.told.bare_promises += not self.in_environment
        elif kind in (CALL, ATTRIBUTED_CALL):
            self.told.expressions += 1

    def _rest(self, flags: int, depth: int) -> None:
        """A value whose first word is read already."""
        kind = flags & 0xFF
        if kind in (PAIRS, CALL, CLOSURE, PROMISE, DOTS, ATTRIBUTED_PAIRS, ATTRIBUTED_CALL):
            if depth > DEEPEST:
                raise Unscannable(f"Its R data is nested deeper than {DEEPEST} levels.")
            self._pairs(flags, depth)
        elif kind in SINGLE:
            return
        elif kind == REFERENCE:
            index = flags >> 8 or self.integer()
            if self.in_code and 0 < index <= len(self.names) and self.names[index - 1]:
                self.told.symbols.add(self.names[index - 1])
        elif kind == SYMBOL:
            name = self.item(depth + 1)
            self.names.append(name)
        elif kind == ENVIRONMENT:
            self._environment(depth)
        elif kind in (PERSISTENT, PACKAGE, NAMESPACE):
            raise Broken(f"a list at byte {self.position:,} ends in a package")
        else:
            self._vector(kind, flags, depth)

    def _environment(self, depth: int) -> None:
        self.names.append("")
        self.integer()
        self.in_environment += 1
        for _ in range(4):
            # What encloses it, its variables, its table of variables, its attributes.
            self.item(depth + 1)
        self.in_environment -= 1

    def _vector(self, kind: int, flags: int, depth: int) -> str:
        text = ""
        if kind == CHARACTERS:
            length = self.integer()
            text = self._characters(length) if length >= 0 else ""
        elif kind in WIDTHS:
            self.numbers(kind, self._length(self.integer()))
        elif kind in (STRINGS, LIST, EXPRESSION):
            self.told.expression_vectors += kind == EXPRESSION
            for _ in range(self._length(self.integer())):
                self.item(depth + 1)
        elif kind in (SPECIAL, BUILTIN):
            self.told.calls.add(self.octets(self._length(self.integer())).decode("utf-8", "replace"))
        elif kind == POINTER:
            self.told.native_pointers += 1
            self.names.append("")
            self.item(depth + 1)
            self.item(depth + 1)
        elif kind == WEAK:
            self.names.append("")
        elif kind == BYTE_CODE:
            self.told.byte_code += 1
            self.integer()
            self._byte_code(depth)
        elif kind == ALTERNATIVE:
            for _ in range(3):
                self.item(depth + 1)
            return ""
        elif kind != S4:
            raise Broken(f"a value at byte {self.position:,} is of type {kind}, which R does not have")
        if flags & HAS_ATTRIBUTES:
            self.item(depth + 1)
        return text

    def _characters(self, length: int) -> str:
        if length > self.window.remaining:
            raise Broken(f"a text at byte {self.position:,} is longer than the file")
        data = self.octets(length)
        # Of a table of texts the first will do: they are its rows.
        if len(self.told.strange_texts) < MOST_TEXTS and _WORTH_READING.search(data):
            self.told.strange_texts.append(data.decode("utf-8", "replace"))
        text = data[:200].decode("utf-8", "replace")
        if self.in_code and len(text) < 100:
            self.told.symbols.add(text)
        return text

    # Byte code

    def _byte_code(self, depth: int) -> None:
        """Instructions, then constants: among them the calls that were compiled."""
        if depth > DEEPEST:
            raise Unscannable(f"Its R data is nested deeper than {DEEPEST} levels.")
        self.item(depth + 1)
        for _ in range(self._length(self.integer())):
            kind = self.integer()
            if kind == BYTE_CODE:
                self._byte_code(depth + 1)
            elif kind in (CALL, PAIRS, CODE_DEFINITION, CODE_REFERENCE, ATTRIBUTED_CALL, ATTRIBUTED_PAIRS):
                self._code_constant(kind, depth + 1)
            else:
                name = self.item(depth + 1)
                if name:
                    self.told.symbols.add(name)

    def _code_constant(self, kind: int, depth: int) -> None:
        if depth > DEEPEST:
            raise Unscannable(f"Its R data is nested deeper than {DEEPEST} levels.")
        while True:
            if kind == CODE_REFERENCE:
                self.integer()
                return
            if kind == CODE_DEFINITION:
                self.integer()
                kind = self.integer()
            if kind in (ATTRIBUTED_CALL, ATTRIBUTED_PAIRS):
                self.item(depth + 1)
            elif kind not in (CALL, PAIRS):
                name = self.item(depth + 1)
                if name:
                    self.told.symbols.add(name)
                return
            self.item(depth + 1)
            self._code_constant(self.integer(), depth + 1)
            kind = self.integer()
