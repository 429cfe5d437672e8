"""What can be in conflict between the licence of an ancestor and the model's own: `scanners/data/conflicts.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal

from scanners.repository.license_expressions import name_of, read
from scanners.repository.license_list import MISSING, UNKNOWN, Clause, Entry, by_expression, data

Kept = Literal["license", "term", "never"]


class Level(StrEnum):
    """How much is wrong."""

    CONFLICT = "conflict"
    """The own licence grants what the ancestor's does not."""
    WARNING = "warning"
    """It may be wrong: lawyers differ, or it depends on how the thing was used."""
    DUTY = "duty"
    """The licence fits, and something that it asks for is missing: a notice, a name."""
    GAP = "gap"
    """A licence on the way is not known."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of conflict, as the data file has it."""

    id: str
    level: Level
    about: str
    told: str
    cure: str
    asks: frozenset[str]
    asks_all: bool
    kept: Kept
    kept_by: frozenset[str]
    """Terms of the own licence that keep it, too."""
    family: Literal["same", "other", ""]
    softer: Mapping[str, Level]
    not_for: frozenset[str]
    unless: frozenset[str]

    def asked(self, entry: Entry) -> tuple[Clause, ...]:
        """The clauses of a licence that this is about."""
        found = tuple(clause for clause in entry.clauses if clause.term in self.asks)
        return () if self.asks_all and len({clause.term for clause in found}) < len(self.asks) else found


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The whole data file."""

    rules: Mapping[str, Rule]
    families: tuple[frozenset[str], ...]
    compatible: Mapping[str, frozenset[str]]
    beside_others: frozenset[str]
    restrictions: frozenset[str]
    names: Mapping[str, str]
    sentences: Mapping[str, tuple[str, ...]]
    notice_files: frozenset[str]
    notes: Mapping[str, str]

    def keeps(self, own: Entry, asked: Entry) -> bool:
        """Whether what is under the one licence may be made from what is under the other, which wants the same."""
        return (
            own.id == asked.id
            or own.id in self.compatible.get(asked.id, ())
            or _is_member(asked, own)
            or _is_member(own, asked)
        )

    def is_version_of(self, own: Entry, asked: Entry) -> bool:
        return any(own.id in family and asked.id in family for family in self.families)

    def note(self, *repositories: str) -> str:
        return next(
            (
                text
                for pattern, text in self.notes.items()
                for repository in repositories
                if fnmatchcase(repository.casefold(), pattern.casefold())
            ),
            "",
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """A licence as far as it is known: its parts, and whether there are parts that nobody knows."""

    entries: tuple[Entry, ...]
    unknown: bool
    missing: bool
    name: str
    """For people."""

    @property
    def terms(self) -> frozenset[str]:
        return frozenset(term for entry in self.entries for term in entry.terms)


@lru_cache(maxsize=1024)
def terms_of(expression: str) -> Terms:
    """What a licence consists of. Where one may choose, the mildest is what is granted."""
    found = read(expression)
    if found.category == MISSING:
        return Terms((), unknown=False, missing=True, name="no licence")
    entries = [by_expression(symbol) for symbol in found.binding]
    known = tuple(entry for entry in entries if entry is not None and entry.category != UNKNOWN)
    return Terms(known, unknown=len(known) < len(entries), missing=False, name=_named(expression))


def _named(expression: str) -> str:
    """What people call it, with the article that some names want."""
    name = name_of(expression)
    return f"the {name}" if re.search(r"licen[cs]e|terms|agreement", name, re.IGNORECASE) else name


def _is_member(entry: Entry, family: Entry) -> bool:
    return any(fnmatchcase(entry.spdx, member) for member in family.members)


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """Read once."""
    known = data("conflicts.yaml")
    return Knowledge(
        rules={name: _rule(name, value) for name, value in known["conflicts"].items()},
        families=tuple(frozenset(family) for family in known["families"]),
        compatible={name: frozenset(others) for name, others in known["compatible"].items()},
        beside_others=frozenset(known["beside_others"]),
        restrictions=frozenset(known["restrictions"]),
        names=known["names"],
        sentences={name: tuple(sentences) for name, sentences in known["sentences"].items()},
        notice_files=frozenset(known["notice_files"]),
        notes=known["notes"],
    )


def _rule(name: str, value: Mapping[str, Any]) -> Rule:
    kept = value.get("kept", "never")
    by_terms = isinstance(kept, list)
    return Rule(
        id=name,
        level=Level(value["level"]),
        about=value["about"],
        told=value["told"],
        cure=value["cure"],
        asks=frozenset(value.get("asks") or value.get("asks_all", ())),
        asks_all="asks_all" in value,
        kept="never" if by_terms else kept,
        kept_by=frozenset(kept if by_terms else ()),
        family=value.get("family", ""),
        softer={relation: Level(level) for relation, level in value.get("softer", {}).items()},
        not_for=frozenset(value.get("not_for", ())),
        unless=frozenset(value.get("unless", ())),
    )
