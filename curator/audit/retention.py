"""Rows that are past their time are deleted, unless a legal hold is about them.

Of each run of them is kept what proves the rest: its first and last number, the chain values before it and of its last
row, and when it was deleted, signed with the record's key. Runs that touch are one.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlmodel import Session, select

from curator.audit import holds, made
from curator.audit.gaps import Gap
from curator.audit.record import Action, AuditEvent, append
from curator.audit.seals import Signer, signer
from curator.audit.tables import AuditFollowerRow, AuditGapRow, AuditHeadRow, AuditRow
from curator.database.chain import FIRST
from curator.database.engine import Database, now
from curator.database.sealing import Seal

log = logging.getLogger(__name__)

_BATCH = 2_000
_AUDIT = AuditRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted."""

    rows: int
    first: int | None = None
    last: int | None = None
    held: int = 0
    """Past their time and kept, since a legal hold is about them."""


def sweep(database: Database, seal: Seal, days: int) -> Swept:
    """Delete what is older than so many days, some thousands of rows in a transaction; one row of the record says so.

    What has not yet been taken by all that is made from the record stays until it has.
    """
    with database.read() as session:
        untrue = holds.not_as_recorded(session)
    if untrue:
        log.error("nothing is deleted while legal holds are not as the record says: %s", "; ".join(untrue[:5]))
        return Swept(0)
    before = now() - dt.timedelta(days=days)
    total = Swept(0)
    after = 0
    with_key: Signer | None = None
    while True:
        with database.read() as session:
            if not _due(session, after, before):
                break
        with_key = with_key or signer(database, seal)
        with database.write() as session:
            after, done = _batch(session, with_key, after, before)
        total = Swept(
            total.rows + done.rows,
            total.first if total.first is not None else done.first,
            done.last if done.last is not None else total.last,
            total.held + done.held,
        )
    if total.rows:
        _record(database, total, days)
    return total


def _due(session: Session, after: int, before: dt.datetime) -> bool:
    first = sa.select(_AUDIT.c.at).where(_AUDIT.c.seq > after, _AUDIT.c.seq <= _limit(session)).order_by(_AUDIT.c.seq)
    at = session.connection().execute(first.limit(1)).scalar()
    return at is not None and at < before


def _limit(session: Session) -> int:
    """The last row that may go: not the newest, which the next one is chained to, nor what a follower has still to
    take."""
    head = session.exec(select(AuditHeadRow.seq)).one()
    places = {row.name: row.seq for row in session.exec(select(AuditFollowerRow))}
    return min(head - 1, *places.values(), *(places.get(name, 0) for name in made.FOLLOWERS))


def _batch(session: Session, with_key: Signer, after: int, before: dt.datetime) -> tuple[int, Swept]:
    """Delete from among the rows after one; returns the last that was looked at."""
    columns = [_AUDIT.c[name] for name in ("seq", "at", "action", "repo", "actor", "team", "chain")]
    rows = (
        session.connection()
        .execute(
            sa.select(*columns)
            .where(_AUDIT.c.seq > after, _AUDIT.c.seq <= _limit(session))
            .order_by(_AUDIT.c.seq)
            .limit(_BATCH)
        )
        .all()
    )
    standing = holds.standing(session)
    # Up to the first that is not past its time: after that come newer ones.
    old = list(_while_old(rows, before))
    going = [
        row
        for row in old
        # What is said of holds stays: by it holds are proved.
        if row.action != Action.LEGAL_HOLD and not holds.held(standing, row.repo, row.actor, row.team, row.at)
    ]
    if going:
        _delete(session, with_key, going)
    looked_at = old[-1].seq if old else after
    first, last = (going[0].seq, going[-1].seq) if going else (None, None)
    return looked_at, Swept(len(going), first, last, len(old) - len(going))


def _while_old(rows: Sequence[sa.Row[tuple[object, ...]]], before: dt.datetime) -> Iterator[sa.Row[tuple[object, ...]]]:
    for row in rows:
        if row.at >= before:
            return
        yield row


def _delete(session: Session, with_key: Signer, going: Sequence[sa.Row[tuple[object, ...]]]) -> None:
    """These rows, in their order; in the caller's transaction."""
    runs: list[Gap] = []
    moment = now()
    for row in going:
        if runs and runs[-1].last == row.seq - 1:
            last = runs[-1]
            times = {"oldest": min(last.oldest, row.at), "newest": max(last.newest, row.at)}
            runs[-1] = replace(last, last=row.seq, after=row.chain, **times)
        else:
            before = _chain_before(session, row.seq)
            runs.append(Gap(row.seq, row.seq, before, row.chain, row.at, row.at, moment))
    connection = session.connection()
    connection.execute(sa.update(AuditHeadRow).values(deleting=True))
    for run in runs:
        connection.execute(sa.delete(_AUDIT).where(_AUDIT.c.seq >= run.first, _AUDIT.c.seq <= run.last))
    connection.execute(sa.update(AuditHeadRow).values(deleting=False))
    for run in runs:
        _keep(session, with_key, run)


def _chain_before(session: Session, seq: int) -> bytes:
    if seq == 1:
        return FIRST
    row = session.exec(select(AuditRow.chain).where(AuditRow.seq == seq - 1)).first()
    return (
        bytes(row)
        if row is not None
        else session.exec(select(AuditGapRow.after).where(AuditGapRow.last == seq - 1)).one()
    )


def _keep(session: Session, with_key: Signer, run: Gap) -> None:
    """What proves the rest; with a run that ends where it begins, or begins where it ends, it is one."""
    for touching in (AuditGapRow.last == run.first - 1, AuditGapRow.first == run.last + 1):
        row = session.exec(select(AuditGapRow).where(touching)).first()
        if row is None:
            continue
        other = Gap(**row.model_dump())
        one, two = sorted((other, run), key=lambda gap: gap.first)
        run = Gap(
            one.first,
            two.last,
            one.before,
            two.after,
            min(one.oldest, two.oldest),
            max(one.newest, two.newest),
            max(one.at, two.at),
        )
        session.delete(row)
        session.flush()
    signed = run.sealed(with_key)
    session.add(AuditGapRow(**{name: getattr(signed, name) for name in AuditGapRow.model_fields}))
    session.flush()


def _record(database: Database, swept: Swept, days: int) -> None:
    held = f"; {swept.held:,} that a legal hold is about stay" if swept.held else ""
    with database.write() as session:
        append(
            session,
            AuditEvent(
                action=Action.RETENTION,
                actor="curator",
                kind=None,
                repo="",
                outcome="deleted",
                subject=f"{swept.first}-{swept.last}",
                sentence=f"{swept.rows:,} rows that were older than {days} days were deleted, from row {swept.first} "
                f"to row {swept.last}{held}",
            ),
        )
    log.info("%d rows of the record that were past their time were deleted", swept.rows)
