"""What a decision rests on besides the facts: who asks, when, and what people have decided before. Pure values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self


@dataclass(frozen=True, slots=True, order=True)
class Audience:
    """For whom a decision is: a team and a project, each empty where nobody said."""

    team: str = ""
    project: str = ""

    def __str__(self) -> str:
        """As it is kept: `team/project`; empty for everybody. Neither may have a slash in it."""
        return f"{self.team}/{self.project}" if self.team or self.project else ""

    @classmethod
    def parse(cls, text: str) -> Self:
        team, _, project = text.partition("/")
        return cls(team, project)


EVERYBODY = Audience()


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom something is meant: globs of teams and projects; whoever has no team is meant by `*` alone."""

    teams: tuple[str, ...] = ("*",)
    projects: tuple[str, ...] = ("*",)

    def covers(self, audience: Audience) -> bool:
        return _covers(self.teams, audience.team) and _covers(self.projects, audience.project)

    def as_json(self) -> dict[str, Any]:
        return {"teams": list(self.teams), "projects": list(self.projects)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(tuple(document["teams"]), tuple(document["projects"]))


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody's word that certain findings may be passed over, until a day.

    It names fingerprints (rule, content and evidence), so that it follows an unchanged file to the next commit and ends
    where the file changes.
    """

    id: str
    fingerprints: frozenset[str]
    reason: str
    by: str
    expires_at: dt.datetime | None = None
    scope: Scope = Scope()
    seconded_by: tuple[str, ...] = ()
    """Who agreed to it beside him: some rules want several people (`approvers`)."""

    @property
    def people(self) -> int:
        """How many stand by it."""
        return 1 + len(self.seconded_by)


class ListEffect(StrEnum):
    APPROVE = "approve"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """Somebody's word about repositories as such: approved, or blocked."""

    id: str
    effect: ListEffect
    repositories: tuple[str, ...]
    """Globs of `namespace/name`: one repository, a publisher's all (`Qwen/*`), a collection's."""
    reason: str
    by: str
    kinds: tuple[str, ...] = ("model", "dataset", "space")
    commits: frozenset[str] = frozenset()
    """Only these commits (of one, or of a range as it was when the entry was made); empty: all."""
    collection: str = ""
    """The name of the collection that `repositories` were taken from, if they were."""
    expires_at: dt.datetime | None = None
    scope: Scope = Scope()
    seconded_by: tuple[str, ...] = ()
    """Who agreed to it beside him."""
    contents: frozenset[str] = frozenset()
    """Only commits that have a file with one of these contents (`sha256:...`, `git-sha1:...`); empty: all."""
    incident: str = ""
    """Id of the incident that it belongs to: what is blocked was served before."""

    @property
    def people(self) -> int:
        """How many stand by it."""
        return 1 + len(self.seconded_by)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who asks, and what people have decided; waivers and entries that have ended, or are for others, do no harm."""

    audience: Audience = EVERYBODY
    waivers: tuple[Waiver, ...] = ()
    entries: tuple[ListEntry, ...] = ()


NOTHING_DECIDED = Circumstances()
"""Everybody asks, and nobody has said anything before."""


def _covers(globs: tuple[str, ...], name: str) -> bool:
    # Most words are for all, and thousands of them may be asked about one commit.
    return "*" in globs or any(fnmatchcase(name.lower(), glob.lower()) for glob in globs)
