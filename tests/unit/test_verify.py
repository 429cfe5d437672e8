"""Whatever is done to the record behind its back is found, and where."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from curator.audit.links import Wrong
from curator.audit.record import Action, AuditEvent, add_rows
from curator.audit.seals import RecordSeal, own_keys, seal_if_due, seal_now, signer
from curator.audit.tables import AuditKeyRow, AuditRow
from curator.audit.verify import Verified, verify
from curator.database.chain import FIRST, link
from curator.database.engine import Database
from curator.database.sealing import Seal
from curator.types import RepoKind


def fill(database: Database, count: int, start: int = 0) -> None:
    with database.write_rows() as connection:
        for number in range(start, start + count):
            event = AuditEvent(
                action=Action.DOWNLOAD,
                actor="alice",
                kind=RepoKind.MODEL,
                repo="acme/tiny",
                path=f"{number}",
                size=number,
                outcome="allow",
            )
            add_rows(connection, [event])


def seal_of(tmp_path: Path) -> Seal:
    return Seal(None, tmp_path / "secret.key")


def seal(database: Database, tmp_path: Path) -> RecordSeal:
    with_key = signer(database, seal_of(tmp_path))
    with database.write() as session:
        made = seal_now(session, with_key)
    assert made is not None
    return made


def behind_its_back(database: Database, *statements: str) -> None:
    """As somebody who may do everything with the database: the guards are taken off first."""
    with database.write_rows() as connection:
        off(connection)
        for statement in statements:
            connection.execute(sa.text(statement))


def off(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        for name in ("audit_no_update", "audit_no_delete"):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
    else:
        connection.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER USER"))


def wrongs(found: Verified) -> list[tuple[Wrong, int]]:
    return [(problem.wrong, problem.seq) for problem in found.problems]


def test_a_record_that_nobody_touched_is_whole(database: Database, tmp_path: Path) -> None:
    assert verify(database).right
    fill(database, 25)
    made = seal(database, tmp_path)
    found = verify(database, seals=[made])
    assert found.right, found.problems
    assert (found.rows, found.first, found.last, found.seals) == (25, 1, 25, 2)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'bob'", "DELETE FROM audit WHERE seq = 1"])
def test_the_database_itself_lets_nobody_change_a_row(database: Database, statement: str) -> None:
    fill(database, 2)
    with pytest.raises(DBAPIError, match="of the record"), database.write_rows() as connection:
        connection.execute(sa.text(statement))
    assert verify(database).right


def test_an_altered_row_is_named(database: Database) -> None:
    fill(database, 9)
    behind_its_back(database, "UPDATE audit SET actor = 'mallory' WHERE seq = 4")
    found = verify(database)
    assert wrongs(found) == [(Wrong.ALTERED, 4)]
    assert "Row 4 (" in found.problems[0].sentence
    assert found.problems[0].sentence.endswith("is not as it was written")


def test_an_altered_chain_value_is_named(database: Database) -> None:
    fill(database, 9)
    with database.write_rows() as connection:
        off(connection)
        connection.execute(sa.text("UPDATE audit SET chain = :chain WHERE seq = 4"), {"chain": FIRST})
    assert wrongs(verify(database)) == [(Wrong.CHAIN_ALTERED, 4)]


def test_a_row_that_is_missing_is_named(database: Database) -> None:
    fill(database, 9)
    behind_its_back(database, "DELETE FROM audit WHERE seq IN (4, 5)")
    found = verify(database)
    assert wrongs(found) == [(Wrong.MISSING, 4), (Wrong.UNPROVED, 6)]
    assert found.problems[0].sentence == "The rows 4 to 5 are missing"


def test_a_row_that_is_missing_is_found_where_the_rest_was_numbered_anew(database: Database) -> None:
    fill(database, 9)
    later = [f"UPDATE audit SET seq = {seq - 1} WHERE seq = {seq}" for seq in range(5, 10)]
    behind_its_back(database, "DELETE FROM audit WHERE seq = 4", *later, "UPDATE audit_head SET seq = 8")
    assert wrongs(verify(database)) == [(Wrong.MISSING, 4)]


def test_a_row_that_was_inserted_is_found(database: Database) -> None:
    fill(database, 9)
    later = [f"UPDATE audit SET seq = {seq + 1} WHERE seq = {seq}" for seq in range(9, 3, -1)]
    copied = (
        "INSERT INTO audit (id, seq, at, action, actor, team, project, kind, repo, outcome, form, chain) SELECT "
        "'f', 4, at, action, 'mallory', team, project, kind, repo, outcome, form, chain FROM audit WHERE seq = 3"
    )
    behind_its_back(database, *later, copied, "UPDATE audit_head SET seq = 10")
    assert wrongs(verify(database)) == [(Wrong.INSERTED, 4)]


def test_rows_that_changed_places_are_both_named(database: Database) -> None:
    fill(database, 9)
    swap = ("UPDATE audit SET seq = 99 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 7")
    behind_its_back(database, *swap, "UPDATE audit SET seq = 7 WHERE seq = 99")
    found = verify(database)
    assert {(Wrong.MOVED, 3), (Wrong.MOVED, 7)} <= set(wrongs(found))
    assert any("was written as row 7" in problem.sentence for problem in found.problems)


def test_a_row_without_a_number_is_named(database: Database) -> None:
    fill(database, 3)
    behind_its_back(
        database,
        "INSERT INTO audit (id, at, action, actor, team, project, kind, repo, outcome, form, chain) SELECT "
        "'f', at, action, actor, team, project, kind, repo, outcome, form, chain FROM audit WHERE seq = 3",
    )
    assert [problem.id for problem in verify(database).problems] == ["f"]


def test_a_cut_tail_is_proved_by_a_seal_that_was_kept_elsewhere(database: Database, tmp_path: Path) -> None:
    fill(database, 9)
    kept = seal(database, tmp_path)
    with database.read() as session:
        chain = session.exec(select(AuditRow.chain).where(AuditRow.seq == 6)).one()
    with database.write_rows() as connection:
        off(connection)
        connection.execute(sa.text("DELETE FROM audit WHERE seq > 6"))
        connection.execute(sa.text("DELETE FROM audit_seals"))
        connection.execute(sa.text("UPDATE audit_head SET seq = 6, chain = :chain"), {"chain": chain})
    assert verify(database).right, "whoever has nothing but the database cannot know"
    found = verify(database, seals=[RecordSeal.from_json(kept.as_json())])
    assert wrongs(found) == [(Wrong.CUT, 7)]
    assert "there were 9 rows, and the last one is 6" in found.problems[0].sentence


def test_rows_that_were_written_anew_with_all_that_follow_are_found_by_a_seal(
    database: Database, tmp_path: Path
) -> None:
    fill(database, 3)
    seal(database, tmp_path)
    fill(database, 4, start=3)
    seal(database, tmp_path)
    _write_anew(database, 5)
    found = verify(database)
    assert wrongs(found) == [(Wrong.REWRITTEN, 7)]
    assert "rows between 4 and 7 were written anew" in found.problems[0].sentence


def test_a_seal_of_another_key_proves_nothing(database: Database, tmp_path: Path) -> None:
    fill(database, 3)
    seal(database, tmp_path)
    pinned = _keys(database)
    _write_anew(database, 2)
    with database.write() as session:
        session.connection().execute(sa.text("DELETE FROM audit_seals"))
        session.connection().execute(sa.text("DELETE FROM audit_keys"))
        session.connection().execute(sa.text("DELETE FROM secret_key"))
    seal(database, tmp_path / "mallory")
    assert wrongs(verify(database, keys=pinned)) == [(Wrong.FORGED, 3)]


def test_a_seal_that_was_altered_proves_nothing(database: Database, tmp_path: Path) -> None:
    fill(database, 3)
    made = seal(database, tmp_path)
    forged = RecordSeal(made.seq + 1, made.chain, made.at, made.key, made.signature)
    assert wrongs(verify(database, seals=[forged])) == [(Wrong.FORGED, 4)]


def test_the_record_is_sealed_once_while_nothing_is_new(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert seal_if_due(database, seal_of(tmp_path)) is None
    fill(database, 2)
    with caplog.at_level("INFO"):
        made = seal_if_due(database, seal_of(tmp_path))
    assert made is not None
    assert made.right
    assert made.signature.hex() in caplog.text
    assert seal_if_due(database, seal_of(tmp_path)) is None
    fill(database, 2)
    assert seal_if_due(database, seal_of(tmp_path)) is None, "an hour has not passed"
    with database.read() as session:
        kept = session.exec(select(AuditKeyRow)).one()
    assert kept.public not in kept.private


def test_null_and_empty_and_times_of_another_zone_are_told_apart_or_not_as_they_must() -> None:
    at = dt.datetime(2026, 9, 1, 12, 0, 0, 1, tzinfo=dt.UTC)
    texts = {"id": "a", "action": "x", "actor": "", "team": "", "project": "", "kind": "", "repo": "", "outcome": ""}
    more = ("revision", "commit", "path", "blob", "decision", "rules", "subject", "size", "token", "job", "sentence")
    row = texts | dict.fromkeys((*more, "address", "user_agent")) | {"seq": 1, "at": at, "form": 1}
    assert link(FIRST, row) != link(FIRST, row | {"path": ""})
    assert link(FIRST, row | {"path": "ab", "blob": "c"}) != link(FIRST, row | {"path": "a", "blob": "bc"})
    assert link(FIRST, row) == link(FIRST, row | {"at": at.astimezone(dt.timezone(dt.timedelta(hours=5)))})
    # As the documentation says it, written out.
    lengths = ["00000001", "00000001", *["00000000"] * 5, *["ffffffff"] * 4, "00000000", *["ffffffff"] * 9]
    form = bytes.fromhex("01" + f"{1:016x}" + f"{1_788_264_000_000_001:016x}" + "".join(lengths)) + b"ax"
    assert link(FIRST, row) == hashlib.sha256(bytes(32) + hashlib.sha256(form).digest()).digest()


def _keys(database: Database) -> frozenset[str]:
    with database.read() as session:
        return own_keys(session)


def _write_anew(database: Database, seq: int) -> None:
    """Alter a row, and give all that follow the chain values that they have then."""
    audit = AuditRow.__table__  # type: ignore[attr-defined]
    with database.write_rows() as connection:
        off(connection)
        connection.execute(sa.update(audit).where(audit.c.seq == seq).values(actor="mallory"))
        chain = connection.execute(sa.select(audit.c.chain).where(audit.c.seq == seq - 1)).scalar_one()
        for row in connection.execute(sa.select(audit).where(audit.c.seq >= seq).order_by(audit.c.seq)).mappings():
            chain = link(chain, dict(row))
            connection.execute(sa.update(audit).where(audit.c.seq == row["seq"]).values(chain=chain))
        connection.execute(sa.text("UPDATE audit_head SET chain = :chain"), {"chain": chain})
