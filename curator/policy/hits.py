"""How often each rule has refused something: sums of the record by day, made row by row (`audit.follow`)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from curator.audit.follow import follow
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database
from curator.policy.tables import RuleHitsRow
from curator.upkeep import keep_doing

FOLLOWER = "rule hits"
_EVERY_S = 5.0
_AT_ONCE = 1_000


def hits_since(session: Session, day: dt.date) -> dict[str, int]:
    """By rule, the requests that it refused from that day on (UTC)."""
    statement = (
        select(RuleHitsRow.rule, func.sum(RuleHitsRow.refused))
        .where(col(RuleHitsRow.day) >= day)
        .group_by(col(RuleHitsRow.rule))
    )
    return {rule: int(refused) for rule, refused in session.exec(statement)}


def take(session: Session, rows: Sequence[AuditRow]) -> None:
    """Add what these rows of the record say."""
    counts: Counter[tuple[dt.date, str]] = Counter()
    for row in rows:
        if row.action == Action.REFUSE and row.rules:
            for rule in row.rules.split(","):
                counts[row.at.astimezone(dt.UTC).date(), rule] += 1
    for (day, rule), count in sorted(counts.items()):
        kept = session.get(RuleHitsRow, (day, rule)) or RuleHitsRow(day=day, rule=rule, refused=0)
        kept.refused += count
        session.add(kept)


async def count_hits(database: Database) -> None:
    """Follow the record, until cancelled."""
    # While somebody downloads there is always something new, and each look at it is a transaction.
    await keep_doing(
        lambda: 0.0 if count_some(database) == _AT_ONCE else _EVERY_S, "what rules have refused cannot be counted"
    )


def count_some(database: Database) -> int:
    """Take what is new of the record, up to a thousand rows; returns how many these were."""
    return follow(database, FOLLOWER, take, _AT_ONCE, (Action.REFUSE.value,))
