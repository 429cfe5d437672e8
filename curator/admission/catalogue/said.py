"""What one looks for in the catalogue, and what one is shown: values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from curator.errors import BadInput

LONGEST_SEARCH = 96
"""As the Hub's names are."""
AGAIN = "again"
"""The verdict where no decision holds for whoever asks: it is made when somebody asks for it."""


class Sort(StrEnum):
    NAME = "name"
    NEWEST = "newest"
    """The newest decision first."""
    USED = "used"
    """What most files were sent of first."""


class BadCursor(BadInput):
    """A place to go on from that this mirror has not given."""

    def __init__(self) -> None:
        super().__init__("`after` names no place in this list: take it from `next` of the page before")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; None: whatever it is."""

    search: str = ""
    """Part of the name, in any letter case."""
    kind: str | None = None
    verdict: str | None = None
    """`allow`, `hold`, `block`, or `again`."""
    task: str | None = None
    licence: str | None = None
    """A class of licences."""
    publisher: str | None = None
    size: str | None = None
    format: str | None = None
    team: str | None = None
    """An audience as decisions are kept, for those who may see all."""
    sort: Sort = Sort.NAME

    def filters(self) -> dict[str, str]:
        """What is set, by name."""
        named = {name: getattr(self, name) for name in ("kind", "verdict", *FACETS)}
        return {name: value for name, value in named.items() if value is not None}


FACETS = ("task", "licence", "publisher", "size", "format", "team")


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """For whom the catalogue is shown, and what holds for them."""

    rule_set: str
    scanner: str
    moment: dt.datetime
    audience: str | None
    """Whose decisions: as they are kept. None: all, for those who may see them."""
    mark: str = ""
    """What these are told apart from everybody by (`apart.mark_of`)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the catalogue."""

    kind: str
    repo: str
    audience: str
    """For whom the decision that is named was made."""
    verdict: str
    """`allow`, `hold`, `block`, or `again`: what holds for whoever asks."""
    sha: str
    decision: str
    decided_at: dt.datetime
    rule: str
    allowed_sha: str | None
    """The commit that was last allowed, where it is not this one."""
    task: str
    library: str
    licence: str
    licence_class: str
    size: int
    parameters: int
    formats: tuple[str, ...]
    family: str
    downloads: int
    likes: int
    left_out: int
    risk: str
    used: int
    asked_at: dt.datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "repository": self.repo,
            "audience": self.audience,
            "verdict": self.verdict,
            "commit": self.sha,
            "decision": self.decision,
            "decided_at": self.decided_at.isoformat(timespec="seconds"),
            "rule": self.rule or None,
            "allowed_commit": self.allowed_sha,
            "task": self.task or None,
            "library": self.library or None,
            "licence": self.licence or None,
            "licence_class": self.licence_class,
            "size": self.size,
            "parameters": self.parameters,
            "formats": list(self.formats),
            "family": self.family or None,
            "downloads": self.downloads,
            "likes": self.likes,
            "left_out": self.left_out,
            "risk": self.risk,
            "used": self.used,
            "asked_at": self.asked_at.isoformat(timespec="seconds") if self.asked_at else None,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and where the next ones begin."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many repositories there are of each kind, among those that are looked for."""

    total: int
    counts: Mapping[str, Mapping[str, int]]
    """By facet and value, the most first."""
    counted_at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "counted_at": self.counted_at.isoformat(timespec="seconds"),
            "counts": {name: dict(values) for name, values in self.counts.items()},
        }
