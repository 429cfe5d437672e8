"""Incidents: what was withdrawn, who has it, and what became of it; and what an evidence pack is taken of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from curator.api.documents.record import Ask, Use
from curator.api.documents.words import Reopened
from curator.evidence.subjects import About
from curator.types import RepoKind
from curator.web.documents import Answer, Moment, Next


class Subject(Answer):
    """What it is about."""

    about: About
    kind: Annotated[RepoKind | None, Field(description="null: of every kind.")]
    repository: str | None
    publisher: str | None
    commit: str | None
    content: str | None
    said: str
    written: Annotated[str, Field(description="As a request may name it.")]


class Numbers(Answer):
    """How much was given out, to how many."""

    uses: int
    people: int
    hosts: int
    files: int
    bytes: int
    first_at: Moment | None
    last_at: Moment | None
    descendants: int
    allowed_descendants: int


class TeamHit(Answer):
    """What one team was given; an empty name: those who have none."""

    team: str
    projects: list[str]
    people: int
    files: int
    bytes: int
    first_at: Moment
    last_at: Moment


class Hit(Numbers):
    """The same, and team by team."""

    teams: list[TeamHit]


class Users(Answer):
    """A page of those who were given it."""

    users: list[Use]
    next: Next


class Descendant(Answer):
    """A model that was made from it."""

    repository: str
    commit: str
    ancestor: str
    relation: str | None
    depth: int
    through: str
    allowed: bool
    people: Annotated[int, Field(description="How many were given files of it.")]


class Descendants(Answer):
    """A page of them, by name."""

    descendants: list[Descendant]
    next: Next


class Preview(Answer):
    """What a retroactive block would hit; nothing was done."""

    subject: Subject
    known: Annotated[bool, Field(description="Whether the mirror has ever seen it.")]
    hit: Hit
    users: list[Use]
    descendants: list[Descendant]
    complete: Annotated[bool, Field(description="False while descendants of before an update are still being taken.")]


class Incident(Answer):
    """Something that was served and is not any more."""

    id: str
    subject: Subject
    reason: str
    state: Literal["open", "lifted"]
    entry: str
    opened_by: str
    opened_at: Moment
    lifted_by: str | None
    lifted_at: Moment | None
    lift_reason: str | None
    hit_then: Numbers


class Incidents(Answer):
    """A page of incidents, the newest first."""

    incidents: list[Incident]
    next: Next


class Step(Answer):
    """One step of its history."""

    step: Literal["open", "lift", "acknowledge", "clean", "evidence"]
    by: str
    said: str
    at: Moment


class TeamState(Answer):
    """How far a team is with its cleaning up."""

    team: str
    state: Literal["open", "acknowledged", "cleaned"]
    acknowledged_by: str | None
    acknowledged_at: Moment | None
    cleaned_by: str | None
    cleaned_at: Moment | None
    note: str


class Again(Answer):
    """Who has asked for it since, and was refused."""

    people: int
    hosts: int
    newest: list[Ask]


class WholeIncident(Answer):
    """An incident with all that is known of it by now; for a developer, their own team's part."""

    incident: Incident
    hit: Hit
    teams: list[TeamState]
    again: Again
    history: list[Step]


class IncidentChanged(Answer):
    """An incident that was opened or lifted."""

    incident: Incident
    reopened: Reopened


class TeamAnswered(Answer):
    """What a team has said."""

    team: TeamState


class Notice(Answer):
    """A notice about it, and how far it has come."""

    id: str
    type: str
    audience: str
    title: str
    at: Moment
    people: int
    read: int
    sent: int
    waiting: int
    dead: int


class Notices(Answer):
    """A page of notices, the oldest first."""

    notices: list[Notice]
    next: Next


class Found(Answer):
    """Something that somebody has and that was withdrawn: a commit, or a content."""

    incident: str
    reason: str
    said: str
    kind: RepoKind | None
    repository: str | None
    commit: str | None
    content: str | None


class Affected(Answer):
    """What was withdrawn of what was asked about."""

    affected: list[Found]
