"""What can be in conflict between the licence of an ancestor and the model's own: `scanners/data/conflicts.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from scanners.repository.license import License
from scanners.repository.license_list import CATEGORIES, MISSING, UNKNOWN, Clause, Entry, by_expression

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
    notes: Mapping[str, str]

    def keeps(self, own: Entry, asked: Entry) -> bool:
        """Whether what is under the one licence may be made from what is under the other, which wants the same."""
        return (
            own.id == asked.id
            or own.id in self.compatible.get(asked.id, ())
            or (own.family and asked.spdx in own.members)
            or (asked.family and own.spdx in asked.members)
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
    expression: str

    @property
    def name(self) -> str:
        """For people."""
        return " and ".join(dict.fromkeys(entry.name for entry in self.entries)) or self.expression

    @property
    def terms(self) -> frozenset[str]:
        return frozenset(term for entry in self.entries for term in entry.terms)


def terms_of(license_: License) -> Terms:
    """What a licence consists of. Where one may choose, the least restrictive is what is granted."""
    if license_.category == MISSING:
        return Terms((), unknown=False, missing=True, expression=license_.expression)
    choices = [_joined(one, license_.expression) for one in re.split(r"\bOR\b", license_.expression)]
    return min(choices, key=lambda one: (one.unknown, max((_rank(entry) for entry in one.entries), default=0)))


def _joined(text: str, expression: str) -> Terms:
    symbols = re.findall(r"[A-Za-z0-9][\w.+-]*", re.sub(r"\bWITH\s+[\w.-]+", "", text))
    found = [by_expression(symbol) for symbol in symbols if symbol not in ("AND", "OR")]
    known = tuple(entry for entry in found if entry is not None and entry.category != UNKNOWN)
    return Terms(known, unknown=len(known) < len(found) or not found, missing=False, expression=expression)


def _rank(entry: Entry) -> int:
    return CATEGORIES.index(entry.category) if entry.category in CATEGORIES else len(CATEGORIES)


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """Read once."""
    import yaml

    data = yaml.safe_load(files("scanners").joinpath("data", "conflicts.yaml").read_text(encoding="utf-8"))
    return Knowledge(
        rules={name: _rule(name, value) for name, value in data["conflicts"].items()},
        families=tuple(frozenset(family) for family in data["families"]),
        compatible={name: frozenset(others) for name, others in data["compatible"].items()},
        beside_others=frozenset(data["beside_others"]),
        restrictions=frozenset(data["restrictions"]),
        names=data["names"],
        sentences={name: tuple(sentences) for name, sentences in data["sentences"].items()},
        notes=data["notes"],
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
