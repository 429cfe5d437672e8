"""What is served is looked at again now and then: repositories are taken down, re-licensed, closed, flagged.

Only what somebody asked for lately, a few at a time. Where something material is another than it was, the commit is
judged again; if it is then decided otherwise, that is an event with before and after.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass

from sqlmodel import Session, and_, col, exists, or_, select

from curator.admission import looks, progress, scans, snapshots
from curator.admission.looking import Looker
from curator.admission.tables import DecisionRow, LookRow, ReferenceRow, SnapshotRow
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.policy import rule_sets
from curator.queue.celery import Sender
from curator.queue.work import Work, ask_for, finish
from curator.upkeep import keep_doing
from rules.evaluate import Outcome
from scanners.finding import SCANNER_VERSION

log = logging.getLogger(__name__)

LATELY = dt.timedelta(days=30)
_TICK_S = 15.0
_AT_A_TIME = 8
_PUT_OFF_S = 600.0
"""Where the upstream could not be asked, it is tried again after so long."""


@dataclass(frozen=True, slots=True)
class Refresher:
    """The worker's part."""

    database: Database
    looker: Looker
    refresh_s: float

    def refresh(self, work: Work) -> list[Work]:
        """Look at a commit again; returns what follows if something material is another."""
        snapshot_id = int(work.key)
        with self.database.read() as session:
            snapshot = snapshots.get(session, snapshot_id)
            files = snapshots.files(session, snapshot_id)
            reports = scans.reports_of(session, snapshot_id)
            before = looks.find(session, snapshot_id)
        if before is None:
            with self.database.write() as session:
                finish(session, work)
            return []
        look, info = self.looker.portal.call(self.looker.see_again, snapshot, files, reports, before)
        with self.database.write() as session:
            differs = looks.keep(session, snapshot_id, look.filled_from(before))
            if look.gaps:
                looks.put_off(session, snapshot_id, dt.timedelta(seconds=self.refresh_s - _PUT_OFF_S))
            if info is not None:
                snapshots.renew(session, snapshot_id, info)
            finish(session, work)
            rule_set = rule_sets.in_force(session) if differs else None
            if rule_set is None:
                return []
            log.info(
                "%s: something the decision rests on is another at the upstream; judging it again", snapshot.commit
            )
            return progress.judge_again(session, snapshot_id, rule_set)


async def keep_fresh(database: Database, sender: Sender, refresh_s: float) -> None:
    """Ask for what is due, until cancelled. Many servers may do so at once: each piece of work is done once."""
    tick = min(_TICK_S, refresh_s)

    def step() -> float:
        works = _ask(database, refresh_s)
        if works:
            sender.send(works)
        return tick

    await keep_doing(step, "what is to be looked at again cannot be found out", first_after_s=tick)


def _ask(database: Database, refresh_s: float) -> list[Work]:
    with database.read() as session:
        ids = due(session, refresh_s)
    if not ids:
        return []
    with database.write() as session:
        return [ask_for(session, progress.REFRESH, str(one)) for one in ids]


def due(session: Session, refresh_s: float, limit: int = _AT_A_TIME) -> list[int]:
    """Snapshots that are allowed, were asked for lately, and were not looked at for so long; the longest first."""
    moment = now()
    allowed = exists().where(
        col(DecisionRow.snapshot_id) == SnapshotRow.id,
        col(DecisionRow.outcome) == Outcome.ALLOW.value,
        col(DecisionRow.scanner) == SCANNER_VERSION,
        or_(col(DecisionRow.expires_at).is_(None), col(DecisionRow.expires_at) > moment),
    )
    asked = exists().where(
        col(ReferenceRow.kind) == SnapshotRow.kind,
        col(ReferenceRow.asked) == SnapshotRow.repo,
        col(ReferenceRow.sha) == SnapshotRow.sha,
        col(ReferenceRow.checked_at) > moment - LATELY,
    )
    pulled = exists().where(
        and_(
            col(AuditRow.repo) == SnapshotRow.repo,
            col(AuditRow.commit) == SnapshotRow.sha,
            col(AuditRow.action) == Action.DOWNLOAD.value,
            col(AuditRow.at) > moment - LATELY,
        )
    )
    rows = session.exec(
        select(LookRow.snapshot_id)
        .join(SnapshotRow, col(SnapshotRow.id) == LookRow.snapshot_id)
        .where(col(LookRow.checked_at) < moment - dt.timedelta(seconds=refresh_s), allowed, or_(asked, pulled))
        .order_by(col(LookRow.checked_at))
        .limit(limit)
    )
    return list(rows)
