"""What has run out by the mere passing of time, such as a waiver's end, is judged anew before anybody asks.

It holds no more from that moment on, whatever happens here: this is for the record, and for those who ask next.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, select

from curator.admission import progress
from curator.admission.progress import Sought
from curator.admission.tables import DecisionRow
from curator.admission.wanted import is_wanted
from curator.database.engine import Database, now
from curator.policy import rule_sets
from curator.queue.celery import Sender
from curator.queue.work import Work
from curator.upkeep import keep_doing
from rules.circumstances import Audience
from rules.evaluate import Decision
from scanners.finding import SCANNER_VERSION

_LOOK_EVERY_S = 3.0
_MOST = 200
_OVERLAP = dt.timedelta(minutes=1)


@dataclass(slots=True)
class Expiring:
    """Looks for it; one process of a server does."""

    database: Database
    days: int
    _since: dt.datetime | None = field(default=None, init=False)

    async def follow(self, sender: Sender) -> None:
        """Until cancelled."""

        def step() -> float:
            sender.send(self.look())
            return _LOOK_EVERY_S

        await keep_doing(step, "what has run out cannot be looked for", first_after_s=_LOOK_EVERY_S)

    def look(self) -> list[Work]:
        """Ask for new decisions; returns what the broker is to be told."""
        moment = now()
        oldest = moment - dt.timedelta(days=self.days)
        since = self._since or oldest
        with self.database.read() as session:
            rows = _run_out(session, since, moment)
            sought = [_sought(row) for row in rows if _by_time(row) and is_wanted(session, row.snapshot_id, oldest)]
        if len(rows) < _MOST:
            self._since = moment - _OVERLAP
        elif rows[-1].expires_at is not None:
            self._since = rows[-1].expires_at
        if not sought:
            return []
        works: dict[int, Work] = {}
        with self.database.write() as session:
            for one in sought:
                works |= {work.id: work for work in progress.open_admission(session, one)}
        return list(works.values())


def _run_out(session: Session, since: dt.datetime, moment: dt.datetime) -> list[DecisionRow]:
    """Decisions under the rules in force whose time is over, and in whose place there is none yet, the first first."""
    rule_set = rule_sets.in_force(session)
    later = aliased(DecisionRow)
    replaced = exists().where(
        col(later.snapshot_id) == col(DecisionRow.snapshot_id),
        col(later.rule_set) == col(DecisionRow.rule_set),
        col(later.scanner) == col(DecisionRow.scanner),
        col(later.audience) == col(DecisionRow.audience),
        col(later.id) > col(DecisionRow.id),
    )
    rows = session.exec(
        select(DecisionRow)
        .where(
            col(DecisionRow.expires_at) > since,
            col(DecisionRow.expires_at) <= moment,
            DecisionRow.rule_set == rule_set,
            DecisionRow.scanner == SCANNER_VERSION,
            ~replaced,
        )
        .order_by(col(DecisionRow.expires_at))
        .limit(_MOST)
    )
    return list(rows)


def _by_time(row: DecisionRow) -> bool:
    """Whether it ran out because of what it says, and not because something could not be fetched or was wrong: such a
    commit is tried again when somebody asks for it."""
    until = Decision.from_json(json.loads(row.decision)).until
    return until is not None and row.expires_at == until


def _sought(row: DecisionRow) -> Sought:
    return Sought(row.snapshot_id, row.rule_set, Audience.parse(row.audience), row.scanner)
