"""Licence expressions, such as `Apache-2.0 OR MIT`: read as people write them, told in SPDX, and sorted into kinds.

Of alternatives one may choose, so `OR` is as strict as the mildest of them; `AND` is as strict as the strictest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scanners.repository.license_list import (
    CATEGORIES,
    CHANGED,
    MISSING,
    REFERENCE,
    UNKNOWN,
    Clause,
    by_expression,
    by_name,
    known_terms,
    reference,
)

NOTHING = "NOASSERTION"
"""SPDX's way to say that nothing is said."""

_LONGEST = 300
"""Characters; what is longer is no expression."""
_DEEPEST = 10
_OPERATOR = r"(?<![^\s()])(?:OR(?!\s+LATER)|AND|WITH)(?![^\s()])"
_TOKEN = re.compile(rf"[()]|{_OPERATOR}|(?:(?!{_OPERATOR})[^()])+", re.IGNORECASE)
_OPERATORS = frozenset({"(", ")", "OR", "AND", "WITH"})
_EXCEPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,60}")
_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]{1,100}")
_LATER = re.compile(r"(?:\+|[ -]or[ -]later)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expression:
    """A licence or several."""

    text: str
    """In SPDX."""
    category: str
    symbols: tuple[str, ...]
    """The SPDX ids and LicenseRefs in it, in their order."""
    binding: tuple[str, ...]
    """Those whose terms are to be kept: of alternatives the mildest only."""


class Unreadable(Exception):
    """It is no expression."""


@lru_cache(maxsize=4096)
def read(text: str) -> Expression:
    """What somebody wrote: ids of the Hub or of SPDX, names of licences, and expressions of these. Never raises."""
    if text == NOTHING:
        return all_of(())
    try:
        return _Reader(text).read()
    except Unreadable:
        return one_license(text)


def one_license(text: str) -> Expression:
    """One licence by id or name; a reference of unknown kind if nobody knows it."""
    known = by_expression(text.strip()) or by_name(text)
    if known is None and (later := _LATER.search(text.strip())):
        plain = by_name(text.strip()[: later.start()])
        if plain is not None:
            known = by_expression(plain.spdx.removesuffix("-only") + "-or-later") or plain
    if known is not None:
        return Expression(known.spdx, known.category, (known.spdx,), (known.spdx,))
    name = text.strip() if _REFERENCE.fullmatch(text.strip()) else reference(text)
    return Expression(name, UNKNOWN, (name,), (name,))


def all_of(expressions: Iterable[Expression]) -> Expression:
    """All of them bind, the most restrictive is named first; nothing at all is NOASSERTION."""
    found = {expression.text: expression for expression in expressions}
    if not found:
        return Expression(NOTHING, MISSING, (), ())
    ordered = sorted(found.values(), key=lambda one: (-CATEGORIES.index(one.category), one.text.lower()))
    return _joined("AND", ordered, ordered[0].category, _united(one.binding for one in ordered))


def clauses_of(expression: str) -> tuple[Clause, ...]:
    """What the licences of an expression ask for, each with where it stands; the strictest licence's first."""
    return tuple(
        clause
        for symbol in read(expression).binding
        if (entry := by_expression(symbol)) is not None
        for clause in entry.clauses
    )


def terms_of(expression: str) -> tuple[str, ...]:
    """The ids of what the licences of an expression ask for, in the order of the list of terms."""
    asked = {clause.term for clause in clauses_of(expression)}
    return tuple(term for term in known_terms() if term in asked)


def name_of(expression: str) -> str:
    """What people call the licences of an expression."""
    found = read(expression)
    joint = " or " if found.text == " OR ".join(found.symbols) else " and "
    return joint.join(dict.fromkeys(map(_name, found.symbols))) or "no licence"


def _name(symbol: str) -> str:
    if symbol.startswith(CHANGED):
        return f"{_name(symbol.removeprefix(CHANGED))} with changes"
    entry = by_expression(symbol) or by_expression(REFERENCE + symbol)
    return entry.name if entry else symbol.removeprefix(REFERENCE)


def _joined(operator: str, parts: Sequence[Expression], category: str, binding: tuple[str, ...]) -> Expression:
    if len(parts) == 1:
        return parts[0]
    texts = [f"({part.text})" if operator == "AND" and " OR " in part.text else part.text for part in parts]
    return Expression(f" {operator} ".join(texts), category, _united(part.symbols for part in parts), binding)


def _united(groups: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(symbol for group in groups for symbol in group))


class _Reader:
    """By SPDX's precedence: WITH, then AND, then OR."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise Unreadable
        self.tokens = [word.strip() for word in _TOKEN.findall(text) if word.strip()]
        self.depth = 0

    def read(self) -> Expression:
        found = self._alternatives()
        if self.tokens:
            raise Unreadable
        return found

    def _alternatives(self) -> Expression:
        parts = [self._together()]
        while self._next() == "OR":
            self.tokens.pop(0)
            parts.append(self._together())
        parts = list({part.text: part for part in parts}.values())
        mildest = min(parts, key=lambda part: (CATEGORIES.index(part.category), part.text.lower()))
        return _joined("OR", parts, mildest.category, mildest.binding)

    def _together(self) -> Expression:
        parts = [self._one()]
        while self._next() == "AND":
            self.tokens.pop(0)
            parts.append(self._one())
        return all_of(parts)

    def _one(self) -> Expression:
        word = self.tokens.pop(0) if self.tokens else ")"
        if word == "(":
            self.depth += 1
            if self.depth > _DEEPEST:
                raise Unreadable
            found = self._alternatives()
            if self._next() != ")":
                raise Unreadable
            self.tokens.pop(0)
            return found
        if word.upper() in _OPERATORS:
            raise Unreadable
        found = one_license(word)
        if self._next() == "WITH":
            self.tokens.pop(0)
            exception = self.tokens.pop(0) if self.tokens else ""
            if _EXCEPTION.fullmatch(exception) is None or exception.upper() in _OPERATORS:
                raise Unreadable
            # An exception takes something back that the licence asks for; which one, we do not weigh.
            return Expression(f"{found.text} WITH {exception}", found.category, found.symbols, found.binding)
        return found

    def _next(self) -> str:
        return self.tokens[0].upper() if self.tokens else ""
