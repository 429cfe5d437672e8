"""The kinds of question that ready-made conditions ask of a fact: one of these, like these, at least so much.

A question gets the wanted value once, when rules load, and gives a test for the fact's value, which is asked for every
commit. What two questions about the same fact have to do with each other is in `rules/logic.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import Any

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Question:
    """How a fact is asked."""

    def test(self, wanted: Any) -> Test:
        raise NotImplementedError

    def stays(self, wanted: Any) -> bool:
        """Whether a yes stays a yes, whatever else of the same group is still to be learnt."""
        del wanted
        return False


class OneOf(Question):
    """The fact is one of the wanted words."""

    def test(self, wanted: tuple[str, ...]) -> Test:
        return frozenset(wanted).__contains__


class AnyOf(Question):
    """Of the facts, one is among the wanted words; upper and lower case are alike."""

    def test(self, wanted: tuple[str, ...]) -> Test:
        words = frozenset(word.lower() for word in wanted)
        return lambda values: any(value.lower() in words for value in values)

    def stays(self, wanted: Any) -> bool:
        del wanted
        return True


class Like(Question):
    """The fact matches one of the wanted globs."""

    def test(self, wanted: tuple[str, ...]) -> Test:
        return globs(wanted)


class Unlike(Question):
    """The fact matches none of the wanted globs."""

    def test(self, wanted: tuple[str, ...]) -> Test:
        matches = globs(wanted)
        return lambda value: not matches(value)


class AnyLike(Question):
    """Of the facts, one matches one of the wanted globs."""

    def test(self, wanted: tuple[str, ...]) -> Test:
        matches = globs(wanted)
        return lambda values: any(map(matches, values))

    def stays(self, wanted: Any) -> bool:
        del wanted
        return True


class NotAllLike(Question):
    """There is no such fact, or one that matches none of the wanted globs."""

    def test(self, wanted: tuple[str, ...]) -> Test:
        matches = globs(wanted)
        return lambda values: not values or not all(map(matches, values))


class Is(Question):
    """The fact is so, or is not."""

    def test(self, wanted: bool) -> Test:
        return (lambda value: value) if wanted else (lambda value: not value)

    def stays(self, wanted: bool) -> bool:
        return wanted


class Present(Question):
    """There is such a fact, or there is none."""

    def test(self, wanted: bool) -> Test:
        return bool if wanted else (lambda value: not value)

    def stays(self, wanted: bool) -> bool:
        return wanted


class AtLeast(Question):
    def test(self, wanted: float) -> Test:
        return lambda value: bool(value >= wanted)

    def stays(self, wanted: Any) -> bool:
        del wanted
        return True


class MoreThan(Question):
    def test(self, wanted: float) -> Test:
        return lambda value: bool(value > wanted)


class LessThan(Question):
    def test(self, wanted: float) -> Test:
        return lambda value: bool(value < wanted)


@dataclass(frozen=True, slots=True)
class Ranked(Question):
    """The fact is at least as far along an order of words as the wanted one."""

    order: tuple[str, ...]

    def test(self, wanted: str) -> Test:
        return frozenset(self.order[self.order.index(wanted) :]).__contains__


class Younger(Question):
    """It was fewer days ago; the fact is how long ago it was."""

    def test(self, wanted: float) -> Test:
        limit = dt.timedelta(days=wanted)
        return lambda age: bool(age < limit)


class Older(Question):
    """It was as many days ago, or more."""

    def test(self, wanted: float) -> Test:
        limit = dt.timedelta(days=wanted)
        return lambda age: bool(age >= limit)


@lru_cache(maxsize=4096)
def globs(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a text matches one of these globs, whatever its upper and lower case."""
    lowered = tuple(dict.fromkeys(pattern.lower() for pattern in patterns))
    if "*" in lowered:
        return lambda _: True
    if not lowered:
        return lambda _: False
    plain = frozenset(pattern for pattern in lowered if not set(pattern) & set("*?["))
    patterned = [translate(pattern) for pattern in lowered if pattern not in plain]
    if not patterned:
        return lambda text: text.lower() in plain
    match = re.compile("|".join(patterned)).match
    return lambda text: (lower := text.lower()) in plain or match(lower) is not None
