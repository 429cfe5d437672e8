"""What is to be judged anew, and what came of it: begun when rules, scanners or data change, and ended once."""

from __future__ import annotations

import logging

from sqlalchemy import delete
from sqlmodel import Session, col, select

from curator.admission.tables import DecisionRow, RejudgementItemRow, RejudgementRow
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, new_id, now
from curator.policy import rule_sets
from curator.policy.rule_sets import REJUDGE
from curator.queue.work import ask_for
from scanners.finding import SCANNER_VERSION
from scanners.repository.data_version import data_version

log = logging.getLogger(__name__)

RULES, SCANNERS = "rules", "scanners"
"""Why it was begun."""


def begin_if_new(database: Database) -> None:
    """At the start of a server: if its scanners or data were never seen here, have judged anew what was asked for.

    Workers of this version do so, when nobody else has anything for them to do.
    """
    with database.write() as session:
        seen = select(RejudgementRow.id).where(
            RejudgementRow.scanner == SCANNER_VERSION, RejudgementRow.data == data_version()
        )
        if session.exec(seen).first() is not None:
            return
        row = new_row(new_id(), SCANNERS, rule_sets.in_force(session) or "")
        if session.exec(select(DecisionRow.id).limit(1)).first() is None:
            row.ended_at = now()
        session.add(row)
        session.flush()
        if row.ended_at is None:
            ask_for(session, REJUDGE, row.id)


def newest(session: Session) -> RejudgementRow | None:
    """The last one that was begun."""
    return session.exec(select(RejudgementRow).order_by(col(RejudgementRow.id).desc()).limit(1)).first()


def is_over(session: Session, row: RejudgementRow) -> bool:
    """Whether another one has taken its place, or nothing is left of it."""
    left = select(RejudgementItemRow.position).where(RejudgementItemRow.rejudgement_id == row.id)
    if session.exec(left).first() is None:
        return True
    if row.why == RULES:
        return not rule_sets.is_last_change(session, row.id)
    newer = select(RejudgementRow.id).where(
        RejudgementRow.id > row.id,
        RejudgementRow.why == SCANNERS,
        RejudgementRow.ended_at == None,  # noqa: E711
    )
    return session.exec(newer).first() is not None


def end(session: Session, row: RejudgementRow) -> None:
    """Nothing is left to be done; what came of it is on the record."""
    if row.ended_at is not None:
        return
    row.ended_at = now()
    session.add(row)
    session.execute(delete(RejudgementItemRow).where(col(RejudgementItemRow.rejudgement_id) == row.id))
    if row.total == 0:
        return
    append(
        session,
        AuditEvent(
            action=Action.RULES,
            actor="curator",
            kind=None,
            repo="",
            outcome="judged-anew",
            rules=row.rule_set or None,
            sentence=summary(row),
        ),
    )
    log.info("%s", summary(row))


def summary(row: RejudgementRow) -> str:
    """What came of it, in a sentence."""
    if row.why == SCANNERS:
        newer = f"Newer scanners ({row.scanner}) or data"
        return f"{newer}: {row.done} of {row.total} commits that were asked for are judged anew"
    said = (
        f"Judged anew under the rules {row.rule_set[:12]}: {row.done} of {_commits(row.total)}, of which {row.blocked} "
        f"newly blocked or held, {row.released} released, {row.otherwise} otherwise changed"
    )
    return said + (f"; {row.left} still to be scanned" if row.left else "")


def _commits(count: int) -> str:
    return "1 commit" if count == 1 else f"{count} commits"


def new_row(rejudgement_id: str, why: str, rule_set: str) -> RejudgementRow:
    return RejudgementRow(
        id=rejudgement_id, why=why, rule_set=rule_set, scanner=SCANNER_VERSION, data=data_version(), began_at=now()
    )
