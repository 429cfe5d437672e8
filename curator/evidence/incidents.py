"""Something that was served turned bad: one action ends it everywhere, says who has it, and follows the cleaning up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlmodel import Session, col, select

from curator.admission.reopening import Reopened
from curator.audit import uses
from curator.audit.follow import follow_in
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, new_id, now
from curator.errors import BadInput, CuratorError
from curator.evidence.blast import NOBODY, Hit, hit
from curator.evidence.incident import Incident, Step, TeamState
from curator.evidence.subjects import About, Subject
from curator.evidence.tables import IncidentRow, IncidentStepRow, IncidentTeamRow
from curator.people.caller import Caller
from curator.people.roles import Permission
from curator.policy import lists
from curator.policy.lists import Wanted
from curator.policy.word import checked_reason
from curator.review import listing
from curator.types import RepoKind, check_no_secret
from rules.circumstances import ListEffect, Scope

Said = Literal["acknowledge", "clean"]
_LONGEST_NOTE = 500
_ROWS = 1_000
_MOST_BATCHES = 50


class NoSuchIncident(CuratorError):
    """An incident was asked for that is not there, or that does not concern whoever asks."""

    status = 404


class NotNow(CuratorError):
    """The incident is lifted already, or another one is open about the same."""

    status = 409


@dataclass(frozen=True, slots=True)
class Changed:
    """An incident that was opened or lifted, and the decisions that are made anew."""

    incident: Incident
    reopened: Reopened


def open_incident(database: Database, subject: Subject, reason: str, by: str, rule_set: str) -> Changed:
    """From this transaction on it is served to nobody. Raises `BadWord`, and `NotNow` if one is open about the same."""
    why = checked_reason(reason)
    with database.write() as session:
        already = _open_about(session, subject)
        if already is not None:
            raise NotNow(f"{subject.said} is blocked retroactively already, by the incident {already}")
        _count_all(session)
        incident_id = new_id()
        kept = lists.add(
            session,
            Wanted(
                effect=ListEffect.BLOCK,
                repositories=subject.globs,
                kinds=subject.kinds,
                commits=frozenset({subject.commit} if subject.commit else ()),
                contents=frozenset({subject.content} if subject.content else ()),
                incident=incident_id,
                scope=Scope(),
                reason=why,
                by=by,
            ),
        )
        struck = hit(session, subject)
        row = IncidentRow(
            id=incident_id,
            about=subject.about.value,
            kind=subject.kind.value if subject.kind is not None else "",
            repo=subject.repo,
            commit=subject.commit,
            content=subject.content,
            reason=why,
            state="open",
            entry_id=kept.entry.id,
            hit=json.dumps(struck.as_json()),
            opened_by=by,
            opened_at=now(),
        )
        session.add(row)
        session.flush()
        session.add_all(IncidentTeamRow(incident_id=incident_id, team=one.team) for one in struck.teams)
        _step(session, incident_id, "open", by, why)
        incident = _incident(row)
        said = f"{subject.said} is not served any more, to nobody: {why}"
        _record(session, incident, "block", by, said)
        return Changed(incident, listing.reopen(session, [kept], rule_set))


def lift(database: Database, incident_id: str, reason: str, by: str, rule_set: str) -> Changed:
    """Let the rules and lists decide again, as before. Raises `NoSuchIncident`, `NotNow`, `BadWord`."""
    why = checked_reason(reason)
    with database.write() as session:
        row = _row(session, incident_id)
        if row.state != "open":
            raise NotNow(f"The incident {incident_id} was lifted already, by {row.lifted_by}")
        kept = lists.end(session, row.entry_id, by)
        row.state, row.lifted_by, row.lifted_at, row.lift_reason = "lifted", by, now(), why
        session.add(row)
        _step(session, incident_id, "lift", by, why)
        incident = _incident(row)
        _record(session, incident, "lift", by, f"{incident.subject.said} is decided about as before again: {why}")
        return Changed(incident, listing.reopen(session, [kept], rule_set))


def answer(database: Database, incident_id: str, team: str, said: Said, note: str, by: str) -> TeamState:
    """That a team knows of it, or has deleted what it had. Raises `NoSuchIncident`, `BadInput`."""
    text = check_no_secret("note", " ".join(note.split())[:_LONGEST_NOTE])
    with database.write() as session:
        incident = _incident(_row(session, incident_id))
        row = session.get(IncidentTeamRow, (incident_id, team))
        if row is None:
            raise BadInput(f"{f'The team {team}' if team else 'Nobody without a team'} was not given any of it")
        moment = now()
        if said == "clean":
            row.cleaned_by, row.cleaned_at = by, moment
        if row.acknowledged_at is None:
            row.acknowledged_by, row.acknowledged_at = by, moment
        row.note = text or row.note
        session.add(row)
        whose = f"The team {team}" if team else "Those without a team"
        done = "has deleted what it had" if said == "clean" else "knows of it"
        told = f"{whose} {done}{f': {text}' if text else ''}"
        _step(session, incident_id, said, by, told)
        _record(session, incident, said, by, told)
        return _team(row)


def find(session: Session, incident_id: str) -> Incident:
    """Raises `NoSuchIncident`."""
    return _incident(_row(session, incident_id))


def shown_to(session: Session, incident_id: str, caller: Caller) -> Incident:
    """The incident, for whoever sees all and for members of a team that was given it. Raises `NoSuchIncident`."""
    found = find(session, incident_id)
    if not caller.may(Permission.SEE_ALL) and session.get(IncidentTeamRow, (incident_id, caller.team)) is None:
        raise _none(incident_id)
    return found


def listed(
    session: Session, *, state: str = "all", team: str | None = None, after: str | None = None, limit: int = 50
) -> list[Incident]:
    """The newest first; `team`: those alone that concern it. `state` is `open`, `lifted` or `all`."""
    wanted = select(IncidentRow)
    if state != "all":
        wanted = wanted.where(IncidentRow.state == state)
    if team is not None:
        own = select(IncidentTeamRow.incident_id).where(IncidentTeamRow.team == team)
        wanted = wanted.where(col(IncidentRow.id).in_(own))
    if after is not None:
        wanted = wanted.where(col(IncidentRow.id) < after)
    return [_incident(row) for row in session.exec(wanted.order_by(col(IncidentRow.id).desc()).limit(limit))]


def without_others(incident: Incident, own: Hit | None) -> Incident:
    """The same for somebody who may know his own team's part alone."""
    return replace(incident, hit_then=(own or NOBODY).as_json(), opened_by="", lifted_by="")


def steps(session: Session, incident_id: str) -> list[Step]:
    """Its history, the oldest first."""
    rows = select(IncidentStepRow).where(IncidentStepRow.incident_id == incident_id).order_by(col(IncidentStepRow.id))
    return [Step(row.step, row.by, row.said, row.at) for row in session.exec(rows.limit(1_000))]


def checklist(session: Session, incident_id: str) -> list[TeamState]:
    """Each team that was given it, and how far it is."""
    rows = select(IncidentTeamRow).where(IncidentTeamRow.incident_id == incident_id)
    return [_team(row) for row in session.exec(rows.order_by(col(IncidentTeamRow.team)))]


def states_of(session: Session, incident_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """For each, how many teams have cleaned up, of how many."""
    found: dict[str, tuple[int, int]] = {}
    rows = session.exec(select(IncidentTeamRow).where(col(IncidentTeamRow.incident_id).in_(list(incident_ids))))
    for row in rows:
        done, of = found.get(row.incident_id, (0, 0))
        found[row.incident_id] = (done + (row.cleaned_at is not None), of + 1)
    return found


def note_evidence(session: Session, incident_id: str, by: str) -> None:
    """That somebody took an evidence pack of it, as a step of its history."""
    _step(session, incident_id, "evidence", by, "took an evidence pack")


def subject_of(row: IncidentRow) -> Subject:
    """What it is about."""
    return Subject(About(row.about), RepoKind(row.kind) if row.kind else None, row.repo, row.commit, row.content)


def _open_about(session: Session, subject: Subject) -> str | None:
    same = select(IncidentRow.id).where(
        IncidentRow.state == "open",
        IncidentRow.about == subject.about.value,
        IncidentRow.kind == (subject.kind.value if subject.kind is not None else ""),
        IncidentRow.repo == subject.repo,
        IncidentRow.commit == subject.commit,
        IncidentRow.content == subject.content,
    )
    return session.exec(same).first()


def _count_all(session: Session) -> None:
    """What the record says up to this moment; of a record that is being counted anew, some of it."""
    for _ in range(_MOST_BATCHES):
        if follow_in(session, uses.FOLLOWER, uses.take, _ROWS) < _ROWS:
            return


def _row(session: Session, incident_id: str) -> IncidentRow:
    row = session.get(IncidentRow, incident_id)
    if row is None:
        raise _none(incident_id)
    return row


def _none(incident_id: str) -> NoSuchIncident:
    return NoSuchIncident(f"There is no incident {incident_id[:64]!a}: `curator incident list` shows those there are")


def _incident(row: IncidentRow) -> Incident:
    return Incident(
        row.id,
        subject_of(row),
        row.reason,
        row.state,
        row.entry_id,
        row.opened_by,
        row.opened_at,
        row.lifted_by,
        row.lifted_at,
        row.lift_reason,
        json.loads(row.hit),
    )


def _team(row: IncidentTeamRow) -> TeamState:
    return TeamState(row.team, row.acknowledged_by, row.acknowledged_at, row.cleaned_by, row.cleaned_at, row.note)


def _step(session: Session, incident_id: str, step: str, by: str, said: str) -> None:
    session.add(IncidentStepRow(id=new_id(), incident_id=incident_id, step=step, by=by, said=said, at=now()))


def _record(session: Session, incident: Incident, outcome: str, by: str, sentence: str) -> None:
    subject = incident.subject
    repo = "" if subject.about is About.CONTENT else subject.globs[0]
    append(
        session,
        AuditEvent(
            action=Action.INCIDENT,
            actor=by,
            kind=subject.kind,
            repo=repo,
            commit=subject.commit or None,
            blob=subject.content or None,
            outcome=outcome,
            subject=incident.id,
            sentence=sentence,
        ),
    )
