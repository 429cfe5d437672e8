"""What a repository's licence is, by all that says something of it: card, licence files and the weights' own metadata.

What several places say is all taken to bind, and the most restrictive counts: whoever uses the model has no way to know
which of them was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scanners.repository.license_expressions import NOTHING, Expression, all_of, name_of, read, terms_of
from scanners.repository.license_list import CATEGORIES, MISSING, UNKNOWN, Entry, by_expression, reference
from scanners.repository.license_statements import SOURCES, Statement, statements_of

_POINTERS = frozenset({reference("other"), reference(UNKNOWN)})


@dataclass(frozen=True, slots=True)
class License:
    """What is declared, and what follows from all statements.

    With nothing declared anywhere, the expression is SPDX's NOASSERTION and the category 'missing'.
    """

    declared: tuple[str, ...] = ()
    """Ids as the card has them, or else the tags."""
    expression: str = NOTHING
    category: str = MISSING
    statements: tuple[Statement, ...] = ()
    """The most restrictive first."""
    terms: tuple[str, ...] = ()
    """What it asks for, by the ids of the list of terms."""
    disagrees: bool = False
    """Whether card, files and weights name different licences."""
    why: str = ""
    """Who says what, in words, where they disagree."""


def license_of(card: object, tags: Sequence[str] = ()) -> License:
    """The licence by the card or, where the card says nothing of it, by the tags; garbage is 'unknown'."""
    return conclude(statements_of(card, tags))


def conclude(statements: Iterable[Statement]) -> License:
    """What the licence is by all statements; their order makes no difference."""
    ordered = tuple(sorted(set(statements), key=_rank))
    of_model = [statement for statement in ordered if not statement.of_code]
    whole = all_of(read(statement.expression) for statement in _resolved(of_model))
    differing = _differing(of_model)
    return License(
        declared=next((one.declares for one in sorted(ordered, key=_place) if one.declares), ()),
        expression=whole.text,
        category=whole.category,
        statements=ordered,
        terms=terms_of(whole.text),
        disagrees=bool(differing),
        why=differing,
    )


def flip(before: License, after: License) -> str | None:
    """How the licence changed in substance from one commit to a later one, as a sentence; None if it did not.

    A first declaration is no change: nothing that was granted is taken back.
    """
    old, new = read(before.expression), read(after.expression)
    if not old.symbols or _same(old, new):
        return None
    if not new.symbols:
        return f"It was under {_the(name_of(old.text))} before, and is under no licence now."
    stricter = CATEGORIES.index(new.category) - CATEGORIES.index(old.category)
    compared = " more restrictive" if stricter > 0 else " less restrictive" if stricter < 0 else ""
    tail = f", which is{compared}" if compared else ""
    return (
        f"It was under {_the(name_of(old.text))} ({old.category}) before, and is under {_the(name_of(new.text))}"
        f" ({new.category}) now{tail}."
    )


def agree(one: str, other: str) -> bool:
    """Whether two expressions name the same licences; a family and a version of it do, and -only and -or-later."""
    return _same(read(one), read(other))


def _resolved(statements: Sequence[Statement]) -> list[Statement]:
    """Without those that only point elsewhere, where a statement that is firm answers them."""
    firm = [statement for statement in statements if not statement.elsewhere]
    return [
        statement
        for statement in statements
        if not statement.elsewhere or not any(_answers(other, statement) for other in firm)
    ]


def _answers(firm: Statement, pointer: Statement) -> bool:
    """Whether what a statement points to is what another one says."""
    if firm.source == "readme":
        return False
    if any(symbol in _POINTERS or by_expression(symbol) is None for symbol in read(pointer.expression).symbols):
        return firm.source == "file" or (firm.source == "card" and pointer.source in ("gguf", "safetensors"))
    return _same(read(pointer.expression), read(firm.expression))


def _differing(statements: Sequence[Statement]) -> str:
    """Who says what, if it is not the same; empty if nobody contradicts anybody."""
    voices = _resolved(statements)
    if not any(_contradict(one, other) for place, one in enumerate(voices) for other in voices[place + 1 :]):
        return ""
    said: dict[str, list[str]] = {}
    for statement in sorted(voices, key=_place):
        who = _who(statement)
        what = _what(statement)
        if what not in said.setdefault(who, []):
            said[who].append(what)
    parts = [f"{who} {' and '.join(what)}" for who, what in said.items()]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _contradict(one: Statement, other: Statement) -> bool:
    """Whether two statements cannot be about the same licence.

    One may say more than the other, as a file that has the licences of the code's authors, too, or a card with two
    licences of which only one is there as a file; but what a file says beyond the card must not be more restrictive.
    """
    first, second = read(one.expression), read(other.expression)
    if _same(first, second):
        return False
    for less, more, speaker in ((first, second, other), (second, first, one)):
        if all(any(_alike(symbol, known) for known in more.symbols) for symbol in less.symbols):
            stricter = CATEGORIES.index(more.category) > CATEGORIES.index(less.category)
            return stricter and speaker.source not in ("card", "tags")
    return True


def _same(one: Expression, other: Expression) -> bool:
    return all(any(_alike(symbol, known) for known in other.symbols) for symbol in one.symbols) and all(
        any(_alike(symbol, known) for known in one.symbols) for symbol in other.symbols
    )


def _alike(one: str, other: str) -> bool:
    if _plain(one) == _plain(other):
        return True
    first, second = by_expression(one), by_expression(other)
    return _member(other, first) or _member(one, second)


def _plain(symbol: str) -> str:
    # A licence's text is the same, whether later versions are meant, too.
    return symbol.lower().removesuffix("-only").removesuffix("-or-later")


def _member(symbol: str, family: Entry | None) -> bool:
    return family is not None and any(
        symbol == member or (member.endswith("*") and symbol.startswith(member[:-1])) for member in family.members
    )


def _who(statement: Statement) -> str:
    if statement.source == "card":
        return "the card says"
    if statement.source == "tags":
        return "the tags say"
    if statement.source == "readme":
        return "the card's text names"
    return f"{statement.path} is" if statement.source == "file" else f"{statement.path} says"


def _what(statement: Statement) -> str:
    if statement.said:
        return statement.said
    if read(statement.expression).symbols == (reference(UNKNOWN),):
        return "a text that is not known here"
    return _the(name_of(statement.expression)) if statement.source == "file" else name_of(statement.expression)


def _the(name: str) -> str:
    return f"the {name}" if re.search(r"licen[cs]e|terms|agreement", name, re.IGNORECASE) else name


def _rank(statement: Statement) -> tuple[object, ...]:
    return (-CATEGORIES.index(statement.category), *_place(statement))


def _place(statement: Statement) -> tuple[object, ...]:
    return (
        SOURCES.index(statement.source),
        statement.path,
        # Ids before names and links.
        statement.said.count(" "),
        statement.said,
        statement.expression,
        -statement.confidence,
        statement.of_code,
        statement.elsewhere,
    )
