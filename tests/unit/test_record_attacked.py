"""Somebody who may write to the database and has not the mirror's secret: what he does to the record is noticed."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path

import pytest
import sqlalchemy as sa

from curator.audit import holds
from curator.audit.links import Wrong
from curator.audit.seals import seal_now, signer
from curator.audit.tables import AuditKeyRow
from curator.audit.verify import verify
from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.database.secret_key import OtherKey
from tests.unit.test_retention import fill as of_age
from tests.unit.test_retention import seqs, swept
from tests.unit.test_verify import _write_anew, behind_its_back, fill, seal_of, wrongs


def sealed(database: Database, secret: Seal) -> None:
    with_key = signer(database, secret)
    with database.write() as session:
        assert seal_now(session, with_key) is not None


def test_a_record_that_was_written_anew_and_sealed_with_a_key_of_mallorys_is_not_believed(
    database: Database, tmp_path: Path
) -> None:
    fill(database, 5)
    sealed(database, seal_of(tmp_path))
    assert verify(database, seal=seal_of(tmp_path)).right
    _write_anew(database, 2)
    behind_its_back(database, "DELETE FROM audit_seals", "DELETE FROM audit_keys", "DELETE FROM secret_key")
    sealed(database, Seal(None, tmp_path / "mallory" / "secret.key"))
    assert verify(database).right, "by what the database says of itself it is"
    with pytest.raises(OtherKey):
        verify(database, seal=seal_of(tmp_path))
    behind_its_back(database, "DELETE FROM secret_key")
    found = verify(database, seal=seal_of(tmp_path))
    assert wrongs(found) == [(Wrong.FORGED, 0), (Wrong.FORGED, 5)]
    assert "was not made with this mirror's secret" in found.problems[0].sentence


def test_a_key_that_borrows_the_private_half_of_another_is_not_believed(database: Database, tmp_path: Path) -> None:
    fill(database, 2)
    sealed(database, seal_of(tmp_path))
    with database.write() as session:
        ours = session.connection().execute(sa.select(AuditKeyRow.__table__.c.private)).scalar_one()  # type: ignore[attr-defined]
        session.add(AuditKeyRow(public=secrets.token_hex(32), private=ours, made_at=now()))
    assert [wrong for wrong, _ in wrongs(verify(database, seal=seal_of(tmp_path)))] == [Wrong.FORGED]


def test_an_end_that_is_cut_off_is_told_by_a_seal_that_somebody_kept(database: Database, tmp_path: Path) -> None:
    fill(database, 6)
    secret = seal_of(tmp_path)
    with_key = signer(database, secret)
    with database.write() as session:
        kept = seal_now(session, with_key)
    assert kept is not None
    behind_its_back(database, "DELETE FROM audit WHERE seq > 3", "DELETE FROM audit_seals")
    with database.write_rows() as connection:
        chain = connection.execute(sa.text("SELECT chain FROM audit WHERE seq = 3")).scalar_one()
        connection.execute(sa.text("UPDATE audit_head SET seq = 3, chain = :chain"), {"chain": chain})
    sealed(database, secret)
    assert verify(database, seal=secret).right, "what is there is whole"
    assert [wrong for wrong, _ in wrongs(verify(database, seal=secret, seals=[kept]))] == [Wrong.CUT]
    fill(database, 5)
    assert Wrong.REWRITTEN in [wrong for wrong, _ in wrongs(verify(database, seal=secret, seals=[kept]))]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit_holds SET ended_at = placed_at, ended_by = 'judge', end_reason = 'over'", "is ended"),
        ("DELETE FROM audit_holds", "is gone"),
        ("UPDATE audit_holds SET repo = 'nobody/*'", "is about something else"),
        ("UPDATE audit_holds SET until = placed_at", "is about something else"),
    ],
)
def test_a_legal_hold_that_was_ended_behind_the_records_back_is_noticed_and_nothing_is_deleted(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, statement: str, said: str
) -> None:
    of_age(database, 90, 80)
    holds.place(database, reason="case 17", by="judge", repo="acme/*", since=now() - dt.timedelta(days=400))
    assert verify(database).right
    behind_its_back(database, statement)
    assert swept(database, tmp_path).rows == 0
    assert seqs(database) == [1, 2, 3]
    assert said in caplog.text
    found = verify(database)
    assert [wrong for wrong, _ in wrongs(found)] == [Wrong.FORGED]
    assert said in found.problems[0].sentence


def test_what_is_said_of_a_hold_outlives_its_time_and_a_hold_that_ended_in_good_order_is_no_problem(
    database: Database, tmp_path: Path
) -> None:
    zone = dt.timezone(dt.timedelta(hours=5))
    hold = holds.place(
        database, reason="case 17", by="judge", repo="acme/*", since=dt.datetime(2020, 1, 1, tzinfo=zone)
    )
    holds.end(database, hold.id, reason="over", by="judge")
    of_age(database, 90)
    behind_its_back(database, "UPDATE audit SET at = '2020-02-01 00:00:00+00:00' WHERE action = 'legal-hold'")
    assert holds_told(database) == 2
    swept(database, tmp_path)
    assert holds_told(database) == 2
    with database.read() as session:
        assert holds.not_as_recorded(session) == []


def holds_told(database: Database) -> int:
    with database.read() as session:
        count = sa.text("SELECT count(*) FROM audit WHERE action = 'legal-hold'")
        return int(session.connection().execute(count).scalar_one())
