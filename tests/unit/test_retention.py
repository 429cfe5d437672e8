"""What is past its time goes, what a legal hold is about stays, and the rest is proved all the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from curator.audit import holds, made
from curator.audit.links import Wrong
from curator.audit.record import Action, AuditEvent, add_rows
from curator.audit.retention import Swept, sweep
from curator.audit.tables import AuditFollowerRow, AuditGapRow, AuditHeadRow, AuditRow
from curator.audit.verify import verify
from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.errors import BadInput, NotServed
from curator.types import RepoKind
from tests.unit.test_verify import behind_its_back


def fill(database: Database, *ages: int, repo: str = "acme/tiny", actor: str = "alice") -> None:
    """A row of each age, in days."""
    with database.write_rows() as connection:
        events = [
            AuditEvent(
                action=Action.DOWNLOAD,
                actor=actor,
                kind=RepoKind.MODEL,
                repo=repo,
                commit="1" * 40,
                outcome="allow",
                at=now() - dt.timedelta(days=age),
            )
            for age in ages
        ]
        add_rows(connection, events)


def taken(database: Database) -> None:
    """All that is made from the record has taken what there is."""
    made.catch_up(database)
    with database.write() as session:
        # Others who follow the record wait for rows of their own; they are not what these tests are about.
        session.execute(sa.update(AuditFollowerRow).values(seq=select(AuditHeadRow.seq).scalar_subquery()))


def swept(database: Database, tmp_path: Path, days: int = 30) -> Swept:
    taken(database)
    return sweep(database, Seal(None, tmp_path / "secret.key"), days)


def seqs(database: Database) -> list[int | None]:
    with database.read() as session:
        return list(session.exec(select(AuditRow.seq).order_by(AuditRow.seq)))  # type: ignore[arg-type]


def test_what_is_past_its_time_goes_and_the_rest_is_proved(database: Database, tmp_path: Path) -> None:
    fill(database, 90, 80, 70, 10, 5)
    assert swept(database, tmp_path) == Swept(3, 1, 3, 0)
    assert seqs(database) == [4, 5, 6]
    found = verify(database)
    assert found.right, found.problems
    assert [gap.sentence.split(" by")[0] for gap in found.gaps] == [f"Rows 1 to 3 were deleted on {now():%Y-%m-%d}"]
    with database.read() as session:
        row = session.exec(select(AuditRow).where(AuditRow.action == Action.RETENTION.value)).one()
    assert row.sentence == "3 rows that were older than 30 days were deleted, from row 1 to row 3"


def test_what_a_legal_hold_is_about_stays_until_it_is_ended(database: Database, tmp_path: Path) -> None:
    fill(database, 90)
    fill(database, 80, repo="Evil/model")
    fill(database, 70, 60)
    fill(database, 50, actor="Mallory")
    fill(database, 40, 1)
    one = holds.place(database, reason="case 17", by="ana", repo="evil/*")
    holds.place(database, reason="case 18", by="ana", actor="mallory")
    assert swept(database, tmp_path) == Swept(4, 1, 6, 2)
    assert seqs(database)[:2] == [2, 5]
    found = verify(database)
    assert found.right, found.problems
    assert [(gap.first, gap.last) for gap in found.gaps] == [(1, 1), (3, 4), (6, 6)]
    holds.end(database, one.id, reason="closed", by="ana")
    assert swept(database, tmp_path).rows == 1
    found = verify(database)
    assert found.right, found.problems
    assert [(gap.first, gap.last) for gap in found.gaps] == [(1, 4), (6, 6)]


def test_a_row_that_a_retention_kept_and_somebody_altered_is_found(database: Database, tmp_path: Path) -> None:
    fill(database, 90, 80)
    fill(database, 70, repo="evil/model")
    fill(database, 60, 1)
    holds.place(database, reason="case 17", by="ana", repo="evil/*")
    swept(database, tmp_path)
    behind_its_back(database, "UPDATE audit SET actor = 'mallory' WHERE seq = 3")
    first = verify(database).problems[0]
    assert (first.wrong, first.seq) == (Wrong.ALTERED, 3)


def test_rows_that_were_deleted_by_hand_are_not_taken_for_a_retention(database: Database, tmp_path: Path) -> None:
    fill(database, 90, 80, 2, 1)
    swept(database, tmp_path)
    behind_its_back(database, "DELETE FROM audit WHERE seq = 3", "UPDATE audit_gaps SET last = 3")
    found = verify(database)
    assert Wrong.FORGED in {problem.wrong for problem in found.problems}
    assert not found.right


def test_what_was_not_yet_counted_is_not_deleted(database: Database, tmp_path: Path) -> None:
    fill(database, 90, 80, 1)
    assert sweep(database, Seal(None, tmp_path / "secret.key"), 30).rows == 0
    assert seqs(database) == [1, 2, 3]


def test_a_retention_that_dies_leaves_all_as_it_was(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, 90, 80, 1)
    taken(database)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("curator.audit.retention._keep", dies)
    with pytest.raises(KeyboardInterrupt):
        sweep(database, Seal(None, tmp_path / "secret.key"), 30)
    assert seqs(database) == [1, 2, 3]
    assert verify(database).right
    with database.read() as session:
        assert not session.exec(select(AuditGapRow)).all()
        assert not session.connection().execute(sa.text("SELECT deleting FROM audit_head")).scalar()


def test_a_legal_hold_wants_a_reason_and_ends_once(database: Database) -> None:
    with pytest.raises(BadInput, match="Say why"):
        holds.place(database, reason=" ", by="ana")
    hold = holds.place(database, reason="case 17", by="ana", team="trading", since=now())
    assert hold.about.startswith("team trading, since ")
    holds.end(database, hold.id, reason="closed", by="bea")
    with pytest.raises(BadInput, match="This legal hold was ended on"):
        holds.end(database, hold.id, reason="closed", by="bea")
    with pytest.raises(NotServed, match="There is no legal hold 'x'"):
        holds.end(database, "x", reason="closed", by="bea")
    with database.read() as session:
        assert holds.standing(session) == []
        assert [one.id for one in holds.listed(session)] == [hold.id]
        told = [row.sentence for row in session.exec(select(AuditRow).order_by(AuditRow.seq))]  # type: ignore[arg-type]
    assert told[-1] == f"the legal hold on {hold.about} was ended, because: closed"
