"""Legal holds: what they are about is not deleted while they stand, however old it is."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.audit.tables import AuditHoldRow, AuditRow
from curator.database.engine import Database, new_id, now
from curator.errors import BadInput, NotServed
from curator.types import check_no_secret

_LONGEST = 500
MOST = 200
"""Standing at once; each row that is past its time is compared with all of them."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold."""

    id: str
    repo: str
    actor: str
    team: str
    since: dt.datetime | None
    until: dt.datetime | None
    reason: str
    placed_by: str
    placed_at: dt.datetime
    ended_by: str | None
    ended_at: dt.datetime | None
    end_reason: str | None

    @property
    def stands(self) -> bool:
        return self.ended_at is None

    @property
    def about(self) -> str:
        """What it is about, in words."""
        parts = [f"{name} {value}" for name in ("repo", "actor", "team") if (value := getattr(self, name))]
        for name in ("since", "until"):
            at: dt.datetime | None = getattr(self, name)
            parts += [f"{name} {at.astimezone(dt.UTC):%Y-%m-%d %H:%M}"] if at is not None else []
        return ", ".join(parts) or "the whole record"

    def holds(self, repo: str, actor: str, team: str, at: dt.datetime) -> bool:
        """Whether a row is not to be deleted. Letter case does not matter: rather one row too many is kept."""
        return (
            (not self.repo or fnmatch.fnmatchcase(repo.lower(), self.repo.lower()))
            and (not self.actor or actor.lower() == self.actor.lower())
            and (not self.team or team.lower() == self.team.lower())
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )

    def as_json(self) -> dict[str, Any]:
        document = asdict(self) | {"about": self.about, "stands": self.stands}
        return {
            name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in document.items()
        }


def place(
    database: Database,
    *,
    reason: str,
    by: str,
    repo: str = "",
    actor: str = "",
    team: str = "",
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Hold:
    """Put a legal hold on part of the record, or on all of it. Raises `BadInput`."""
    checked = _reason(reason)
    if since is not None and until is not None and since >= until:
        raise BadInput("A legal hold is since an earlier moment than it is until")
    for name, value in (("repo", repo), ("actor", actor), ("team", team)):
        if len(value) > 200 or not value.isprintable():
            raise BadInput(f"A legal hold's {name} is a name of at most 200 printable characters")
    row = AuditHoldRow(
        id=new_id(),
        repo=repo,
        actor=actor,
        team=team,
        since=since,
        until=until,
        reason=checked,
        placed_by=by,
        placed_at=now(),
    )
    hold = _of(row)
    with database.write() as session:
        if len(standing(session)) >= MOST:
            raise BadInput(f"There are {MOST} legal holds already: end some, or place one that is about more")
        session.add(row)
        append(session, _event(hold, by, "placed", f"{_placed(hold)}, because: {checked}"))
    return hold


def end(database: Database, hold_id: str, *, reason: str, by: str) -> Hold:
    """End a legal hold. Raises `BadInput`, and `NotServed` if there is none of this id."""
    checked = _reason(reason)
    with database.write() as session:
        row = session.get(AuditHoldRow, hold_id)
        if row is None:
            raise NotServed(f"There is no legal hold {hold_id[:64]!a}: `curator audit holds` shows those there are")
        if row.ended_at is not None:
            raise BadInput(f"This legal hold was ended on {row.ended_at:%Y-%m-%d} by {row.ended_by}")
        row.ended_at, row.ended_by, row.end_reason = now(), by, checked
        session.add(row)
        hold = _of(row)
        append(session, _event(hold, by, "ended", f"the legal hold on {hold.about} was ended, because: {checked}"))
    return hold


def standing(session: Session) -> list[Hold]:
    """Those that are not ended."""
    return [_of(row) for row in session.exec(select(AuditHoldRow).where(col(AuditHoldRow.ended_at).is_(None)))]


def listed(session: Session, after: str | None = None, limit: int = 50) -> list[Hold]:
    """All, the newest first; `after` is the id of the last one that is known."""
    wanted = select(AuditHoldRow).order_by(col(AuditHoldRow.id).desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(col(AuditHoldRow.id) < after)
    return [_of(row) for row in session.exec(wanted)]


def held(holds: Sequence[Hold], repo: str, actor: str, team: str, at: dt.datetime) -> bool:
    """Whether any of them is about a row."""
    return any(hold.holds(repo, actor, team, at) for hold in holds)


def not_as_recorded(session: Session) -> list[str]:
    """What the holds differ in from what the record says of them, as sentences: whoever ends one behind the record's
    back has what it was about deleted in good order. Rows of the record about holds are never deleted."""
    kept = {row.id: _of(row) for row in session.exec(select(AuditHoldRow))}
    told = session.exec(
        select(AuditRow.subject, AuditRow.outcome, AuditRow.sentence)
        .where(AuditRow.action == Action.LEGAL_HOLD.value)
        .order_by(col(AuditRow.seq))
    ).all()
    placed = {subject: sentence or "" for subject, outcome, sentence in told if subject and outcome == "placed"}
    ended = {subject for subject, outcome, _ in told if outcome == "ended"}
    wrong = [f"The legal hold {key} is gone, and the record does not say so" for key in placed if key not in kept]
    for key, hold in kept.items():
        if not hold.stands and key not in ended:
            wrong.append(f"The legal hold {key} is ended, and the record does not say so")
        if key in placed and not placed[key].startswith(_placed(hold)):
            wrong.append(f"The legal hold {key} is about something else than the record says: {hold.about[:200]}")
    return wrong


def _placed(hold: Hold) -> str:
    return f"a legal hold on {hold.about} was placed"


def _of(row: AuditHoldRow) -> Hold:
    return Hold(**row.model_dump())


def _reason(reason: str) -> str:
    checked = reason.strip()
    if not checked or len(checked) > _LONGEST:
        raise BadInput(f"Say why, in 1 to {_LONGEST} characters, for whoever reads this in a year")
    return check_no_secret("reason", checked)


def _event(hold: Hold, by: str, outcome: str, sentence: str) -> AuditEvent:
    return AuditEvent(
        action=Action.LEGAL_HOLD,
        actor=by,
        kind=None,
        repo=hold.repo,
        outcome=outcome,
        subject=hold.id,
        sentence=sentence,
    )
