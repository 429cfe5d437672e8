"""Which commits matter: those that somebody asked for of late, and those that a branch or a pin stands for."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, exists, func, or_, select

from curator.admission.tables import DecisionRow, PinRow, ReferenceRow, SnapshotRow
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from rules.circumstances import Audience

_ASKED = (Action.DOWNLOAD.value, Action.REFUSE.value, Action.SUBSTITUTE.value)


def wanted(session: Session, since: dt.datetime) -> list[tuple[int, list[Audience]]]:
    """The snapshots that were decided about and asked for since then, each with those who did; the most asked for
    first, and of these the newest. A commit that a branch or pin stands for is asked for by everybody."""
    audiences: dict[int, set[Audience]] = {}
    asked: dict[int, tuple[int, dt.datetime]] = {}
    rows = session.execute(
        sa.select(col(SnapshotRow.id), col(AuditRow.team), col(AuditRow.project), func.count(), func.max(AuditRow.at))
        .join(AuditRow, _of_commit())
        .where(col(AuditRow.at) >= since, col(AuditRow.action).in_(_ASKED), _decided())
        .group_by(col(SnapshotRow.id), col(AuditRow.team), col(AuditRow.project))
    )
    for snapshot_id, team, project, count, last in rows:
        audiences.setdefault(snapshot_id, set()).add(Audience(team, project))
        before = asked.get(snapshot_id, (0, since))
        asked[snapshot_id] = (before[0] + count, max(before[1], last))
    for snapshot_id in session.exec(select(SnapshotRow.id).where(_stood_for(since), _decided())):
        assert snapshot_id is not None
        audiences.setdefault(snapshot_id, set()).add(Audience())
        asked.setdefault(snapshot_id, (0, since))
    order = sorted(audiences, key=lambda snapshot_id: (*asked[snapshot_id], snapshot_id), reverse=True)
    return [(snapshot_id, sorted(audiences[snapshot_id])) for snapshot_id in order]


def is_wanted(session: Session, snapshot_id: int, since: dt.datetime) -> bool:
    """Whether this one is."""
    asked_for = exists().where(_of_commit(), col(AuditRow.at) >= since, col(AuditRow.action).in_(_ASKED))
    found = select(SnapshotRow.id).where(SnapshotRow.id == snapshot_id, or_(asked_for, _stood_for(since)))
    return session.exec(found).first() is not None


def _of_commit() -> ColumnElement[bool]:
    return and_(
        col(AuditRow.repo) == SnapshotRow.repo,
        col(AuditRow.commit) == SnapshotRow.sha,
        col(AuditRow.kind) == SnapshotRow.kind,
    )


def _decided() -> ColumnElement[bool]:
    return exists().where(col(DecisionRow.snapshot_id) == SnapshotRow.id)


def _stood_for(since: dt.datetime) -> ColumnElement[bool]:
    return or_(
        exists().where(
            col(ReferenceRow.kind) == SnapshotRow.kind,
            col(ReferenceRow.repo) == SnapshotRow.repo,
            col(ReferenceRow.sha) == SnapshotRow.sha,
            col(ReferenceRow.checked_at) >= since,
        ),
        exists().where(
            col(PinRow.kind) == SnapshotRow.kind,
            col(PinRow.repo) == func.lower(SnapshotRow.repo),
            col(PinRow.sha) == SnapshotRow.sha,
        ),
    )
