"""That the record is verified without anybody doing anything, and that whoever reads it hears when it is not whole."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from curator.audit import keeping
from curator.audit.keeping import is_to_be_verified
from curator.audit.record import Action
from curator.audit.tables import AuditCheckRow
from curator.audit.verify import keep_result, verify
from curator.database.engine import Database, now
from curator.people.roles import Role
from tests.unit.notify.given import event, happens, inbox, maker, person
from tests.unit.test_verify import behind_its_back


def test_the_record_is_verified_when_nobody_has_done_so_for_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(database, event(Action.DECIDE))
    assert not is_to_be_verified(database), "it has only just begun"
    monkeypatch.setattr(keeping, "now", lambda: now() + dt.timedelta(days=2))
    assert is_to_be_verified(database)
    monkeypatch.undo()
    keep_result(database, verify(database))
    assert not is_to_be_verified(database)
    with database.write() as session:
        session.execute(update(AuditCheckRow).values(at=now() - dt.timedelta(days=1, minutes=1)))
    assert is_to_be_verified(database)


def test_whoever_reads_the_record_is_told_once_that_it_is_not_whole_and_once_that_it_is(database: Database) -> None:
    auditor = person(database, "anna", Role.AUDITOR)
    reviewer = person(database, "rita", Role.REVIEWER)
    happens(database, event(Action.RULES, outcome="in-force", sentence="other rules"))
    keep_result(database, verify(database))
    behind_its_back(database, "UPDATE audit SET sentence = 'no rules' WHERE action = 'rules'")
    for _ in range(2):
        keep_result(database, verify(database))
        maker(database).step()
    behind_its_back(database, "UPDATE audit SET sentence = 'other rules' WHERE action = 'rules'")
    keep_result(database, verify(database))
    maker(database).step()
    of_record = [one for one in inbox(database, auditor) if one.startswith("record.")]
    assert of_record == ["record.broken", "record.whole"]
    assert not [one for one in inbox(database, reviewer) if one.startswith("record.")]
