"""Proves the record: that every row is as it was written and where it was written, and that none is missing.

It goes through all of it once, with constant memory. What it is held against are the chain values of the rows
themselves, and the seals: those in the database, and those that somebody kept elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from curator.audit import holds
from curator.audit.gaps import Gap, gaps_after
from curator.audit.links import Chain, Problem, Wrong
from curator.audit.record import Action, AuditEvent, append
from curator.audit.seals import RecordSeal, keys_made_here, of_row, own_keys
from curator.audit.tables import AuditCheckRow, AuditHeadRow, AuditRow, AuditSealRow
from curator.database import secret_key
from curator.database.engine import Database, now
from curator.database.sealing import Seal

_BATCH = 5_000
_MOST_PROBLEMS = 1_000
COLUMNS = tuple(AuditRow.__table__.columns)  # type: ignore[attr-defined]
Row = Mapping[str, Any]


@dataclass(slots=True)
class Verified:
    """What a verification found."""

    rows: int = 0
    first: int | None = None
    last: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    problems: list[Problem] = field(default_factory=list)
    """The first thousand."""
    problem_count: int = 0
    gaps: list[Gap] = field(default_factory=list)
    seals: int = 0
    """How many were compared with the row that they seal."""
    last_seal: RecordSeal | None = None
    keys: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.problem_count == 0

    @property
    def sentence(self) -> str:
        span = f", from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}" if self.since and self.until else ""
        what = f"{self.rows:,} rows{span}, compared with {self.seals:,} seals"
        if self.right:
            return f"The record is whole: {what}"
        problems = "1 problem" if self.problem_count == 1 else f"{self.problem_count:,} problems"
        return f"The record is NOT as it was written: {problems} in {what}"

    def add(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.problem_count += 1
            if len(self.problems) < _MOST_PROBLEMS:
                self.problems.append(problem)

    def saw(self, row: Row) -> None:
        """Count a row."""
        self.rows += 1
        self.first = row["seq"] if self.first is None else self.first
        self.last = row["seq"]
        self.since = row["at"] if self.since is None else min(self.since, row["at"])
        self.until = row["at"] if self.until is None else max(self.until, row["at"])

    def as_json(self) -> dict[str, Any]:
        return {
            "whole": self.right,
            "sentence": self.sentence,
            "rows": self.rows,
            "first": self.first,
            "last": self.last,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "problems": [problem.as_json() for problem in self.problems],
            "problem_count": self.problem_count,
            "deleted": [gap.as_json() | {"sentence": gap.sentence} for gap in self.gaps],
            "seals": self.seals,
            "last_seal": self.last_seal.as_json() if self.last_seal else None,
            "keys": list(self.keys),
        }


def verify(
    database: Database,
    *,
    seals: Sequence[RecordSeal] = (),
    keys: frozenset[str] | None = None,
    seal: Seal | None = None,
    progress: Callable[[int], None] | None = None,
) -> Verified:
    """Prove the record up to its head of now. `seals` are some that were kept elsewhere; `keys` are those that count;
    None: those of the database that were made with this mirror's secret (`seal`). Raises `OtherKey`."""
    with database.read() as session:
        head = session.exec(select(AuditHeadRow)).one()
        strange: tuple[str, ...] = ()
        if keys is not None:
            trusted = keys
        elif seal is not None:
            secret_key.check(session, seal)
            trusted, strange = keys_made_here(session, seal)
        else:
            trusted = own_keys(session)
        untrue = holds.not_as_recorded(session)
        own = [of_row(row) for row in session.exec(select(AuditSealRow).order_by(col(AuditSealRow.seq)))]
        unnumbered = session.exec(select(AuditRow.id).where(col(AuditRow.seq).is_(None)).limit(_MOST_PROBLEMS)).all()
    found = Verified(keys=tuple(sorted(trusted)))
    found.add(Problem(Wrong.INSERTED, 0, key, None, f"The row {key} has no number") for key in unnumbered)
    found.add(_strange(key) for key in strange)
    found.add(Problem(Wrong.FORGED, 0, None, None, sentence) for sentence in untrue)
    against = _Seals([*own, *seals], trusted, found)
    chain = Chain()
    for row in _rows(database, head.seq):
        if row["seq"] > chain.seq + 1:
            _pass_gaps(database, chain, int(row["seq"]), trusted, against, found)
        found.add(chain.take(row))
        found.saw(row)
        against.passed(int(row["seq"]), bytes(row["chain"]), found)
        if progress is not None and found.rows % _BATCH == 0:
            progress(found.rows)
    found.add(chain.settle())
    _pass_gaps(database, chain, head.seq + 1, trusted, against, found)
    found.add(chain.moved())
    if chain.seq < head.seq:
        found.add([_cut(chain.seq, head.seq, "the record's own head says")])
    elif chain.chain != head.chain:
        found.add([Problem(Wrong.CHAIN_ALTERED, head.seq, None, None, "The head of the record is not its last row")])
    against.end(chain.seq, found)
    return found


def keep_result(database: Database, found: Verified) -> None:
    """For whoever looks at the console; on the record once when it is found to be broken, and once when it is whole."""
    with database.write() as session:
        before = last_result(session)
        if found.right == bool(before is not None and before.problems):
            append(
                session,
                AuditEvent(
                    action=Action.HEALTH,
                    actor="curator",
                    kind=None,
                    repo="",
                    outcome="good" if found.right else "bad",
                    subject="record",
                    sentence=found.sentence,
                ),
            )
        session.merge(
            AuditCheckRow(id=1, at=now(), rows=found.rows, problems=found.problem_count, sentence=found.sentence)
        )


def last_result(session: Session) -> AuditCheckRow | None:
    return session.get(AuditCheckRow, 1)


class _Seals:
    """Compares seals with the rows that they seal, as these come by."""

    def __init__(self, seals: Sequence[RecordSeal], trusted: frozenset[str], found: Verified) -> None:
        right = []
        for seal in seals:
            if seal.key not in trusted:
                found.add([_forged(seal, "is of a key that is not the record's")])
            elif not seal.right:
                found.add([_forged(seal, "is not signed by its key")])
            else:
                right.append(seal)
        self._coming = sorted(right, key=lambda seal: seal.seq)
        self._next = 0
        self._good = 0
        if right:
            found.last_seal = max(right, key=lambda seal: (seal.seq, seal.at))

    def passed(self, seq: int, chain: bytes, found: Verified) -> None:
        """The row `seq` has this chain value; those before it that did not come are deleted, and cannot be compared."""
        while self._next < len(self._coming) and self._coming[self._next].seq <= seq:
            seal = self._coming[self._next]
            self._next += 1
            if seal.seq < seq:
                continue
            found.seals += 1
            if seal.chain == chain:
                self._good = seq
                continue
            said = (
                f"The seal of {seal.at:%Y-%m-%d %H:%M:%S} says otherwise of row {seq}: rows between {self._good + 1} "
                f"and {seq} were written anew"
            )
            found.add([Problem(Wrong.REWRITTEN, seq, None, seal.at, said)])

    def end(self, seq: int, found: Verified) -> None:
        """The record has no more rows."""
        if self._coming and self._coming[-1].seq > seq:
            seal = self._coming[-1]
            found.add([_cut(seq, seal.seq, f"a seal of {seal.at:%Y-%m-%d %H:%M:%S UTC} says")])


def _pass_gaps(
    database: Database, chain: Chain, until: int, trusted: frozenset[str], seals: _Seals, found: Verified
) -> None:
    """Over what was deleted before the row `until`. Looked up only now, since a retention may be at work meanwhile."""
    with database.read() as session:
        gaps = gaps_after(session, chain.seq)
    for gap in gaps:
        if gap.first > chain.seq + 1 or gap.last >= until:
            return
        if gap.key not in trusted or not gap.right:
            said = f"What says that the rows {gap.first} to {gap.last} were deleted is not signed by the record's key"
            found.add([Problem(Wrong.FORGED, gap.first, None, gap.at, said)])
            return
        found.add(chain.pass_over(gap))
        found.gaps.append(gap)
        seals.passed(gap.last, gap.after, found)


def _rows(database: Database, until: int) -> Iterator[Row]:
    """In their order; some thousands at once, so that no writer's log grows for as long as this takes."""
    audit = AuditRow.__table__  # type: ignore[attr-defined]
    after: tuple[int, str] = (0, "")
    while True:
        # By number and id, since a number may be there twice where somebody has been at work.
        newer = sa.or_(audit.c.seq > after[0], sa.and_(audit.c.seq == after[0], audit.c.id > after[1]))
        batch = (
            sa.select(*COLUMNS)
            .where(audit.c.seq >= after[0], newer, audit.c.seq <= until)
            .order_by(audit.c.seq, audit.c.id)
            .limit(_BATCH)
        )
        with database.engine.connect() as connection:
            rows = connection.execute(batch).mappings().all()
        yield from (dict(row) for row in rows)
        if len(rows) < _BATCH:
            return
        after = (rows[-1]["seq"], rows[-1]["id"])


def _cut(last: int, sealed: int, who: str) -> Problem:
    said = f"The end was cut off: {who} that there were {sealed:,} rows, and the last one is {last:,}"
    return Problem(Wrong.CUT, last + 1, None, None, said)


def _strange(key: str) -> Problem:
    said = (
        f"The key {key} in the database was not made with this mirror's secret. If you have noted it down as the "
        "record's, of a time when servers had a secret each, take it over with `curator key change`, and until then "
        f"name each key that counts, as in `curator audit verify --key {key}`; if not, somebody has put it there"
    )
    return Problem(Wrong.FORGED, 0, None, None, said)


def _forged(seal: RecordSeal, why: str) -> Problem:
    return Problem(Wrong.FORGED, seal.seq, None, seal.at, f"The seal of row {seal.seq} {why}: it proves nothing")
