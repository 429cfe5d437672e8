"""What the organisation has decided: its rules, as they were at each time, waivers, and lists."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from curator.database.engine import Utc


class RuleSetRow(SQLModel, table=True):
    """A set of rules: never changed, so that a decision can be explained years later."""

    __tablename__ = "rule_sets"

    digest: str = Field(primary_key=True)
    name: str
    source: str
    first_used_at: dt.datetime = Field(sa_type=Utc)


class RuleSetChangeRow(SQLModel, table=True):
    """That a set of rules came into force; the newest row says which one is."""

    __tablename__ = "rule_set_changes"

    id: str = Field(primary_key=True)
    """Sorts by time."""
    digest: str = Field(foreign_key="rule_sets.digest")
    before: str | None = None
    """The digest that was in force until then; None for the first."""
    author: str
    reason: str
    origin: str
    """Where the rules came from: `starter`, a file, a commit of a git folder, `command`, `rollback`."""
    at: dt.datetime = Field(sa_type=Utc)


class RuleSourceRow(SQLModel, table=True):
    """The file or git folder that a server takes its rules from, as it was last seen."""

    __tablename__ = "rule_sources"

    id: str = Field(primary_key=True)
    """Whose file it is and where: `HOST:PATH`, or the path alone where the database is a file of the same machine."""
    digest: str
    """SHA-256 of its text when it was last dealt with; empty if it could not be read."""
    problem: str | None = None
    """Why it is not in force, in words; None if there is nothing wrong with it."""
    at: dt.datetime = Field(sa_type=Utc)


class WaiverRow(SQLModel, table=True):
    """Somebody's word that certain findings may be passed over; ended, and never deleted."""

    __tablename__ = "waivers"
    __table_args__ = (Index("ix_waivers_ended_at", "ended_at", "id"),)

    id: str = Field(primary_key=True)
    """Sorts by time."""
    fingerprints: str
    """JSON list."""
    kind: str
    repo: str
    """Where it was first wanted; it holds wherever the same content is found."""
    rules: str
    """Ids of the rules that it answers, comma-separated, as they were then."""
    decision: str | None = None
    """Id of the decision that it answers."""
    scope: str
    """JSON of `rules.Scope`."""
    reason: str
    by: str
    seconded_by: str = "[]"
    """JSON list of those who agreed to it beside him."""
    created_at: dt.datetime = Field(sa_type=Utc)
    expires_at: dt.datetime | None = Field(default=None, sa_type=Utc, index=True)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    """When somebody took it back."""
    ended_by: str | None = None


class ListEntryRow(SQLModel, table=True):
    """Somebody's word about repositories as such: approved, or blocked; ended, and never deleted."""

    __tablename__ = "list_entries"
    __table_args__ = (Index("ix_list_entries_ended_at", "ended_at", "id"),)

    id: str = Field(primary_key=True)
    """Sorts by time."""
    effect: str
    """`approve` or `block`."""
    repositories: str
    """JSON list of globs."""
    kinds: str
    """JSON list."""
    commits: str
    """JSON list; empty for all."""
    contents: str = "[]"
    """JSON list of contents that a commit must have a file with one of; empty for all."""
    incident: str = ""
    """Id of the incident that it belongs to; empty for none."""
    collection: str = ""
    scope: str
    """JSON of `rules.Scope`."""
    reason: str
    by: str
    seconded_by: str = "[]"
    """JSON list of those who agreed to it beside him."""
    created_at: dt.datetime = Field(sa_type=Utc)
    expires_at: dt.datetime | None = Field(default=None, sa_type=Utc, index=True)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Utc)
    ended_by: str | None = None


class RuleDraftRow(SQLModel, table=True):
    """Rules that somebody is writing: one draft a person, so that nothing typed is lost."""

    __tablename__ = "rule_drafts"

    who: str = Field(primary_key=True)
    """Id of the person, or of the token."""
    source: str
    edited_from: str
    """The digest of the rules that were in force when it was begun; empty for none."""
    at: dt.datetime = Field(sa_type=Utc)


class RuleHitsRow(SQLModel, table=True):
    """How many requests a rule has refused on a day (UTC)."""

    __tablename__ = "rule_hits"

    day: dt.date = Field(primary_key=True)
    rule: str = Field(primary_key=True)
    refused: int
