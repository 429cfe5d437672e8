"""What a page and the API both say of an incident: to whoever sees all everything, to others their own team's part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from curator.admission import descent
from curator.audit.uses import Use
from curator.database.engine import Database
from curator.errors import NotAllowed
from curator.evidence import blast, incidents
from curator.evidence.blast import Again, Hit, Relative
from curator.evidence.incident import Incident, Step, TeamState
from curator.evidence.subjects import Subject, read
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.types import RepoKind

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Preview:
    """What a retroactive block would hit."""

    subject: Subject
    hit: Hit
    users: tuple[Use, ...]
    """The first of them."""
    descendants: tuple[Relative, ...]
    complete: bool
    """Whether all that was known before descents were kept is taken."""

    def as_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject.as_json(),
            "known": self.subject.known,
            "hit": self.hit.as_json(),
            "users": [one.as_json() for one in self.users],
            "descendants": [one.as_json() for one in self.descendants],
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True)
class Whole:
    """An incident with all that is known of it by now."""

    incident: Incident
    hit: Hit
    teams: tuple[TeamState, ...]
    again: Again
    history: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "incident": self.incident.as_json(),
            "hit": self.hit.as_json(),
            "teams": [one.as_json() for one in self.teams],
            "again": self.again.as_json(),
            "history": [one.as_json() for one in self.history],
        }


def own_team(caller: Caller) -> str | None:
    """Whose part of an incident he sees; None: he sees all."""
    return None if caller.may(Permission.SEE_ALL) else caller.team


def team_named(caller: Caller, team: str | None) -> str:
    """Whose cleaning up somebody speaks of: his own team's, or whichever he names if he may respond.

    Raises `NotAllowed`.
    """
    if team is not None and team != caller.team and not caller.may(Permission.RESPOND):
        raise NotAllowed(f"{caller.name} speaks for their own team alone: leave the team out")
    return caller.team if team is None else team


def preview(database: Database, text: str, kind: RepoKind | None) -> Preview:
    """Of whatever somebody pasted. Raises `BadInput`."""
    complete = descent.filled(database)
    with database.read() as session:
        subject = read(session, text, kind)
        return Preview(
            subject,
            blast.hit(session, subject),
            tuple(blast.users(session, subject, limit=_SHOWN)),
            tuple(blast.relatives(session, subject, limit=_SHOWN)),
            complete,
        )


def whole(session: Session, incident_id: str, caller: Caller) -> Whole:
    """All of it that this caller may see. Raises `NoSuchIncident`."""
    incident, team = incidents.shown_to(session, incident_id, caller), own_team(caller)
    hit = blast.hit(session, incident.subject)
    again = blast.again(session, incident.subject, incident.opened_at, limit=20, team=team)
    teams = tuple(incidents.checklist(session, incident_id))
    history = tuple(incidents.steps(session, incident_id))
    if team is not None:
        hit, teams = hit.only(team), tuple(one for one in teams if one.team == team)
        history = tuple(replace(one, by="") for one in history if one.step in {"open", "lift"})
        incident = incidents.without_others(incident, hit)
    return Whole(incident, hit, teams, again, history)


def listed(session: Session, caller: Caller, state: str, after: str | None, limit: int) -> list[Incident]:
    """Those that concern him, the newest first."""
    team = own_team(caller)
    found = incidents.listed(session, state=state, team=team, after=after, limit=limit)
    return found if team is None else [incidents.without_others(one, None) for one in found]
