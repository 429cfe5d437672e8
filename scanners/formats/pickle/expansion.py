"""How large a value is to whoever walks through it: one that holds another twice, which holds another twice, and so on,
is a few bytes in the pickle and never ends to a comparison, a print or a hash."""

from __future__ import annotations

from scanners.formats.pickle.values import Items, Pairs, Value

MOST_PARTS = 1_000_000_000
MOST_CONTAINERS = 100_000
"""Looked at; a value of more is large in the file as well."""


def expands(value: Value) -> bool:
    """Whether lists, tuples and dicts alone hold more than a billion parts, each counted as often as it is held."""
    sizes: dict[int, int] = {}
    waiting: list[tuple[Value, bool]] = [(value, False)]
    while waiting:
        current, is_known_below = waiting.pop()
        key = id(current)
        if is_known_below:
            sizes[key] = 1 + sum(sizes.get(id(part), 1) for part in _parts(current))
            if sizes[key] > MOST_PARTS:
                return True
        elif key not in sizes and isinstance(current, tuple | Items | Pairs):
            # What holds itself is not walked through again; where it is met, it counts as one.
            sizes[key] = 1
            if len(sizes) > MOST_CONTAINERS:
                return False
            waiting.append((current, True))
            waiting.extend((part, False) for part in _parts(current))
    return False


def _parts(value: Value) -> list[Value]:
    if isinstance(value, Pairs):
        return [part for pair in value.values for part in pair]
    return list(value.values if isinstance(value, Items) else value)
