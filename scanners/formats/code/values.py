"""What a reader of code knows of an expression, and what it has seen a part of the code do."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from scanners.formats.code.knowledge import Power, power_of


class _Missing:
    pass


MOST_WORDS = 256
MISSING: Final = _Missing()
NO_TAGS: frozenset[Power] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """All fields empty: nothing is known."""

    path: str = ""
    """What it resolves to, such as `os.system` or `requests.get().text`; `?` stands for an unknown beginning."""
    constant: Any = MISSING
    text: str = ""
    """Of a text of which only parts are known, those parts, with `*` between them."""
    tags: frozenset[Power] = NO_TAGS
    """What its bytes came through: a download, a decoder, a secret."""
    unit: Unit | None = None
    """The function or class of this file that it is."""
    items: Mapping[Any, Value] | None = None
    """Of a literal container, by index or key."""
    made_of: Unit | None = None
    """The class of this file that it is an instance of."""

    @property
    def is_constant(self) -> bool:
        return self.constant is not MISSING

    @property
    def words(self) -> str:
        """As text, as far as it is known; a list of words joined, as a command."""
        if isinstance(self.constant, (list, tuple)):
            return " ".join(_word(item) for item in self.constant[:MOST_WORDS])
        if self.items is not None and not self.is_constant:
            parts = itertools.islice(self.items.values(), MOST_WORDS)
            return " ".join(_word(value.constant) if value.is_constant else value.text or "*" for value in parts)
        return _word(self.constant) if isinstance(self.constant, (str, bytes, bytearray)) else self.text


def _word(constant: Any) -> str:
    """One word; a container inside of a container is not looked into, so that the cost stays that of the first."""
    if isinstance(constant, (bytes, bytearray)):
        return bytes(constant).decode("utf-8", "replace")
    return str(constant) if isinstance(constant, (str, int, float)) else "*"


UNKNOWN = Value()
GIVEN = Value(tags=frozenset({Power.INPUT}))
"""A parameter: what the caller chooses."""


def part_of(value: Value, index: int) -> Value:
    """What is at an index of a container."""
    if value.items is not None:
        return value.items.get(index, Value(tags=value.tags))
    if isinstance(value.constant, (list, tuple)) and index < len(value.constant):
        return Value(constant=value.constant[index], tags=value.tags)
    return Value(text=value.text, tags=value.tags)


def is_scalar(value: Any) -> bool:
    """Whether it can be a key of the containers that are followed."""
    return value is not MISSING and isinstance(value, (str, bytes, int, float, bool, type(None)))


def more_telling(one: Value, other: Value) -> Value:
    """Of two values it may have, the one that can do more."""
    if power_of(other.path) is not None and power_of(one.path) is None:
        return other
    if not (one.path or one.is_constant or one.unit or one.text):
        return other if other.path or other.is_constant or other.unit else Value(tags=one.tags | other.tags)
    return one


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing the code does or reaches for, where it stands."""

    power: Power
    path: str
    line: int
    snippet: str
    called: bool
    words: str = ""
    """The first argument as text, as far as it is known: a command, an address, a path."""
    tags: frozenset[Power] = NO_TAGS
    """What its arguments came through."""
    note: str = ""


class Kind(StrEnum):
    MODULE = "module"
    FUNCTION = "function"
    CLASS = "class"
    MAIN = "main"
    """What stands under `if __name__ == "__main__"`."""


@dataclass(slots=True, eq=False)
class Unit:
    """A part of the code that runs as one: the module, a function, a class body."""

    name: str
    kind: Kind
    node: ast.AST
    parent: Unit | None = None
    names: dict[str, Value] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    """Modules of which everything was imported."""
    deeds: list[Deed] = field(default_factory=list)
    reaches: set[Unit] = field(default_factory=set)
    """Functions that run when this one does: called, or handed to somebody who calls them."""
    makes: set[Unit] = field(default_factory=set)
    """Classes of which an instance is made, or a subclass."""
    returns: set[Unit] = field(default_factory=set)
    """Functions of its own that it gives back, as a decorator does."""
    decorators: set[Unit] = field(default_factory=set)
    method_names: set[str] = field(default_factory=set)
    """Methods called on what is not known."""
    methods: dict[str, Unit] = field(default_factory=dict)
    bases: list[Value] = field(default_factory=list)

    def look_up(self, name: str) -> Value | None:
        """As Python finds a name: own, then those around, but not the class a method stands in."""
        unit: Unit | None = self
        while unit is not None:
            if (unit is self or unit.kind is not Kind.CLASS) and name in unit.names:
                return unit.names[name]
            unit = unit.parent
        return None

    def module_stars(self) -> list[str]:
        unit: Unit = self
        found = list(self.stars)
        while unit.parent is not None:
            unit = unit.parent
            found.extend(unit.stars)
        return found
