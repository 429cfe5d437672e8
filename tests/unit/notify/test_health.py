from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, new_id, now
from curator.notify import ending, health, watching
from curator.notify.health import Disk
from curator.notify.kinds import NoticeType
from curator.notify.tables import NoticeMarkRow, NoticeRow
from curator.notify.watching import UpstreamWatch
from curator.people.roles import Role
from curator.policy.tables import ListEntryRow, WaiverRow
from curator.queue.tables import WorkRow
from tests.unit.notify.given import deliveries, event, happens, inbox, maker, notices, person


def said(database: Database, action: Action = Action.HEALTH) -> list[tuple[str | None, str]]:
    with database.read() as session:
        rows = session.exec(select(AuditRow).where(AuditRow.action == action.value).order_by(col(AuditRow.seq)))
        return [(row.subject, row.outcome) for row in rows]


def test_many_processes_that_find_the_upstream_down_say_so_once(database: Database) -> None:
    down = {"one": False, "two": False}
    one, two = (UpstreamWatch(database, lambda name=name: down[name]) for name in down)  # type: ignore[misc]
    one.look()
    assert said(database) == []
    down["one"] = down["two"] = True
    one.look()
    two.look()
    one.look()
    assert said(database) == [("upstream", "bad")]
    down["one"] = False
    one.look()
    two.look()
    assert said(database) == [("upstream", "bad"), ("upstream", "good")], "whose breaker is open still says nothing"
    maker(database).step()
    assert [notice.type for notice in notices(database)] == [NoticeType.UPSTREAM_DOWN, NoticeType.UPSTREAM_BACK]


def test_an_outage_that_nobody_finds_any_more_is_over(database: Database) -> None:
    UpstreamWatch(database, lambda: True).look()
    assert not health.forget_upstream(database)
    with database.write() as session:
        mark = session.get_one(NoticeMarkRow, "health:upstream")
        mark.at -= dt.timedelta(minutes=6)
        session.add(mark)
    assert health.forget_upstream(database)
    assert said(database)[-1] == ("upstream", "good")


def test_a_disk_at_the_edge_is_told_of_once(database: Database) -> None:
    for percent in (50.0, 9.9, 9.8, 10.5, 11.9, 12.1, 50.0):
        health.look_at_disk(database, Disk("store", percent, 10**12), 10.0, 0)
    assert said(database) == [("disk:store", "bad"), ("disk:store", "good")]
    health.look_at_disk(database, Disk("store", 50.0, 5), 10.0, 100)
    assert said(database)[-1] == ("disk:store", "bad"), "what downloads must leave free is gone"


def test_a_real_disk_has_a_size(tmp_path: Path) -> None:
    disk = health.disk_of("store", tmp_path)
    assert 0 <= disk.percent <= 100
    assert disk.free > 0


def test_work_that_nobody_takes_is_told_of_and_put_off_work_is_none(database: Database) -> None:
    long_ago = now() - dt.timedelta(minutes=10)
    with database.write() as session:
        session.add(WorkRow(task="curator.refresh", key="later", state="waiting", due_at=now(), created_at=now()))
    assert not health.look_for_workers(database)
    with database.write() as session:
        session.add(WorkRow(task="curator.scan", key="k", state="waiting", due_at=now(), created_at=long_ago))
        busy = WorkRow(
            task="curator.scan",
            key="busy",
            state="running",
            attempts=1,
            due_at=now() + dt.timedelta(minutes=1),
            created_at=long_ago,
        )
        session.add(busy)
    assert not health.look_for_workers(database), "a worker is at it, and will come"
    with database.write() as session:
        for row in session.exec(select(WorkRow).where(WorkRow.key == "busy")):
            row.state = "done"
            session.add(row)
    assert health.look_for_workers(database)
    assert not health.look_for_workers(database)
    with database.write() as session:
        for row in session.exec(select(WorkRow)):
            row.state = "done"
            session.add(row)
    assert health.look_for_workers(database)
    assert said(database) == [("workers", "bad"), ("workers", "good")]


def test_other_scanners_are_told_of_and_the_first_are_not(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not health.note_scanners(database)
    assert not health.note_scanners(database)
    monkeypatch.setattr(health, "SCANNER_VERSION", "99")
    assert health.note_scanners(database)
    maker(database).step()
    assert [notice.type for notice in notices(database)] == [NoticeType.SCANNERS]


def waiver(database: Database, days: float, **fields: Any) -> str:
    waiver_id = new_id()
    given: dict[str, Any] = {
        "fingerprints": "[]",
        "kind": "model",
        "repo": "acme/tiny",
        "rules": "r1",
        "scope": '{"teams": ["*"], "projects": ["*"]}',
        "reason": "read by hand\r\nBcc: x",
        "by": "rita",
    }
    with database.write() as session:
        session.add(
            WaiverRow(id=waiver_id, created_at=now(), expires_at=now() + dt.timedelta(days=days), **(given | fields))
        )
    return waiver_id


def test_a_waiver_that_is_about_to_end_is_told_of_once_at_each_of_the_days(database: Database) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    waiver_id = waiver(database, 13.5)
    waiver(database, 40)
    waiver(database, 10, ended_at=now())
    assert ending.look(database, (14, 3)) == 1
    assert ending.look(database, (14, 3)) == 0
    with database.write() as session:
        row = session.get_one(WaiverRow, waiver_id)
        row.expires_at = now() + dt.timedelta(days=2.5)
        session.add(row)
    assert ending.look(database, (14, 3)) == 1
    assert ending.look(database, (14, 3)) == 0
    maker(database).step()
    assert inbox(database, reviewer) == ["exception.ending"] * 2
    assert "\r" not in notices(database)[0].body
    assert json.loads(notices(database)[0].document)["data"]["given_by"] == "rita"


def test_an_approval_that_is_about_to_end_is_told_of_and_a_block_is_not(database: Database) -> None:
    with database.write() as session:
        for effect in ("approve", "block"):
            session.add(
                ListEntryRow(
                    id=new_id(),
                    effect=effect,
                    repositories='["acme/*"]',
                    kinds="[]",
                    commits="[]",
                    scope='{"teams": ["*"], "projects": ["*"]}',
                    reason="known",
                    by="rita",
                    created_at=now(),
                    expires_at=now() + dt.timedelta(days=2),
                )
            )
    assert ending.look(database, (14, 3)) == 1
    assert ending.look(database, ()) == 0
    with database.read() as session:
        row = session.exec(select(AuditRow).where(AuditRow.action == Action.WAIVER_ENDING.value)).one()
        assert (row.repo, row.outcome) == ("acme/*", "approval")


def test_what_is_old_is_deleted_with_all_that_belongs_to_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewer = person(database, "rita", Role.REVIEWER)
    happens(database, event(Action.CHANGE, outcome="block", sentence="allowed until now; now bad"))
    maker(database).step()
    assert len(deliveries(database)) == 1
    assert watching.forget_old(database) == 0
    monkeypatch.setattr(watching, "KEPT", dt.timedelta(days=-1))
    assert watching.forget_old(database) == 1
    assert inbox(database, reviewer) == []
    assert deliveries(database) == []
    with database.read() as session:
        assert session.exec(select(NoticeRow)).first() is None
