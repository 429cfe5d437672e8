"""What stands on the symbolic stack: never an object the pickle describes, only a description of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from scanners.source import ByteSource

LONGEST_CARRIED = 64 * 1024
"""Texts and bytes up to this length are carried as values; longer ones as a place."""
DISGUISES = frozenset({"gA", "80"})
"""How a pickle from protocol 2 on begins in base64 and in hexadecimal."""
ITEMS_KEPT = 64
"""Of one list, set or dict; the rest is counted. Who needs them all must check `dropped`."""


class Unknown(Enum):
    """A value that is only known to be of a kind."""

    ANYTHING = "a value that is computed while it loads"
    LONG_TEXT = "a long text"
    NUMBER = "a number"
    ARRAY = "an array"


@dataclass(slots=True, eq=False)
class Imported:
    """`module.name`, brought in by GLOBAL, STACK_GLOBAL or INST."""

    module: str
    name: str
    offset: int
    record: Any = None
    """What the listener knows of this name; it may keep it here to find it faster."""

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class How(Enum):
    """How the pickle gets something made."""

    CALL = "call"
    NEW = "new"
    """`cls.__new__(cls, ...)`: no `__init__`."""


@dataclass(slots=True, eq=False)
class Made:
    """What `maker(*args)` or `maker.__new__(maker, *args)` gives."""

    maker: Value
    args: Value
    how: How
    offset: int
    keywords: Value = None
    state: Value = None
    built: bool = False


@dataclass(slots=True, eq=False)
class Blob:
    """Bytes too long to carry around: where they are."""

    source: ByteSource
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Storage:
    """A torch storage its loader finds: the class of its elements and how many there are."""

    cls: str
    key: str
    count: int


@dataclass(slots=True, eq=False)
class Items:
    """A list or set."""

    values: list[Value] = field(default_factory=list)
    dropped: int = 0

    def extend(self, values: list[Value]) -> None:
        room = ITEMS_KEPT - len(self.values)
        self.values.extend(values[: max(0, room)])
        self.dropped += max(0, len(values) - max(0, room))


@dataclass(slots=True, eq=False)
class Pairs:
    """A dict. `hooks` are keys with a meaning for Python when the dict becomes an object's attributes."""

    values: list[tuple[Value, Value]] = field(default_factory=list)
    dropped: int = 0
    hooks: set[str] = field(default_factory=set)

    def put(self, key: Value, value: Value) -> None:
        if isinstance(key, str) and key.startswith("__") and key.endswith("__"):
            self.hooks.add(key[:64])
        if len(self.values) < ITEMS_KEPT:
            self.values.append((key, value))
        else:
            self.dropped += 1

    def get(self, key: str) -> Value:
        """The value last put under a text key that is still kept, else ANYTHING."""
        for known, value in reversed(self.values):
            if isinstance(known, str) and known == key:
                return value
        return Unknown.ANYTHING


HOLDERS: frozenset[type] = frozenset({tuple, Items, Pairs})
"""Types of values that hold others."""

Value = Any
"""str · bytes · bytearray-like Blob · int · float · bool · None · tuple of values · Items · Pairs · Imported · Made ·
Storage · Unknown. Python cannot say a recursive union without naming it in quotes everywhere; `Any` is honest here."""

LONGEST_SHOWN = 120


def show(value: Value, room: int = LONGEST_SHOWN, depth: int = 3) -> str:
    """As a reader would write it in Python, shortened to `room` characters."""
    text = _show(value, room, depth)
    return text if len(text) <= room else text[: room - 1] + "…"


def _show(value: Value, room: int, depth: int) -> str:
    match value:
        case str() | bytes():
            return repr(value[: room + 1])
        case bool() | None | float():
            return repr(value)
        case int():
            return repr(value) if abs(value) < 1 << 128 else "a long number"
        case Imported():
            return str(value)
        case Blob():
            return f"<{value.length:,} bytes>"
        case Unknown():
            return f"<{value.value}>"
        case Storage():
            return f"<{value.count:,} elements of {value.cls}>"
    if depth == 0:
        return "…"
    parts: list[str] = []
    left = room
    match value:
        case tuple():
            for item in value:
                parts.append(_show(item, left, depth - 1))
                left -= len(parts[-1]) + 2
                if left <= 0:
                    break
            return "(" + ", ".join(parts) + ("," if len(value) == 1 else "") + ")"
        case Items():
            for item in value.values:
                parts.append(_show(item, left, depth - 1))
                left -= len(parts[-1]) + 2
                if left <= 0:
                    break
            return "[" + ", ".join(parts) + "]"
        case Pairs():
            for key, item in value.values:
                parts.append(f"{_show(key, left, depth - 1)}: {_show(item, left, depth - 1)}")
                left -= len(parts[-1]) + 2
                if left <= 0:
                    break
            return "{" + ", ".join(parts) + "}"
        case Made():
            args = _show(value.args, room, depth - 1)
            if isinstance(value.args, tuple):
                args = args.replace(",)", ")") if len(value.args) == 1 else args
                return f"{_show(value.maker, room, depth - 1)}{args}"
            return f"{_show(value.maker, room, depth - 1)}(*{args})"
    return f"<{type(value).__name__}>"
