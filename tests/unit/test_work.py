from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update
from sqlmodel import select

from curator.database.engine import Database, now
from curator.queue import work as verbs
from curator.queue.tables import WorkRow
from curator.queue.work import MAX_ATTEMPTS, LeaseLost, Work, ask_for, due, failure_of, finish, renew


def ask(database: Database, key: str = "k") -> Work:
    with database.write() as session:
        return ask_for(session, "curator.scan", key)


def claim(database: Database, work_id: int, owner: str, lease_s: float) -> Work | None:
    with database.write() as session:
        return verbs.claim(session, work_id, owner, lease_s)


def fail(database: Database, work: Work, sentence: str, *, passing: bool) -> bool:
    with database.write() as session:
        return verbs.fail(session, work, sentence, passing=passing)


def end_lease(database: Database) -> None:
    with database.write() as session:
        session.execute(update(WorkRow).values(due_at=now() - dt.timedelta(seconds=1)))


def test_work_asked_for_twice_is_one_piece_of_work(database: Database) -> None:
    assert ask(database) == ask(database)


def test_work_is_held_by_one_worker(database: Database) -> None:
    work = ask(database)
    assert claim(database, work.id, "one", 20) is not None
    assert claim(database, work.id, "two", 20) is None


def test_done_work_is_not_done_again(database: Database) -> None:
    work = ask(database)
    held = claim(database, work.id, "one", 20)
    assert held is not None
    with database.write() as session:
        finish(session, held)
    assert claim(database, work.id, "two", 20) is None
    assert due(database) == []


def test_work_of_a_dead_worker_goes_to_the_next(database: Database) -> None:
    work = ask(database)
    claim(database, work.id, "dead", 20)
    end_lease(database)
    assert [late.id for late in due(database)] == [work.id]
    again = claim(database, work.id, "alive", 20)
    assert again is not None
    assert again.attempts == 2


def test_work_of_a_living_worker_stays_its_own(database: Database) -> None:
    work = ask(database)
    claim(database, work.id, "alive", 20)
    end_lease(database)
    renew(database, "alive", [work.id], 20)
    assert due(database) == []
    assert claim(database, work.id, "other", 20) is None


def test_work_that_a_living_worker_let_fall_goes_to_the_next(database: Database) -> None:
    work = ask(database)
    claim(database, work.id, "alive", 20)
    end_lease(database)
    renew(database, "alive", [work.id + 1], 20)
    assert [late.id for late in due(database)] == [work.id]
    assert claim(database, work.id, "other", 20) is not None


def test_who_lost_his_lease_ends_nothing_and_what_he_wrote_is_undone(database: Database) -> None:
    work = ask(database)
    slow = claim(database, work.id, "slow", 20)
    assert slow is not None
    end_lease(database)
    due(database)
    quick = claim(database, work.id, "quick", 20)
    assert quick is not None

    def end_late() -> None:
        with database.write() as session:
            ask_for(session, "curator.judge", "of the slow one")
            finish(session, slow)

    with pytest.raises(LeaseLost):
        end_late()
    with pytest.raises(LeaseLost):
        fail(database, slow, "too slow", passing=False)
    with database.write() as session:
        finish(session, quick)
    with database.read() as session:
        assert [row.state for row in session.exec(select(WorkRow))] == ["done"]


def test_where_no_worker_comes_the_broker_is_told_ever_more_seldom(database: Database) -> None:
    work = ask(database)
    with database.write() as session:
        session.execute(update(WorkRow).values(created_at=now() - dt.timedelta(hours=1), due_at=now()))
    assert [len(due(database)) for _ in range(3)] == [1, 0, 0]
    with database.read() as session:
        pause = session.get_one(WorkRow, work.id).due_at - now()
    assert dt.timedelta(seconds=50) < pause <= dt.timedelta(seconds=60)


def test_a_dead_workers_work_is_told_to_the_broker_once_in_a_while(database: Database) -> None:
    work = ask(database)
    claim(database, work.id, "dead", 20)
    end_lease(database)
    assert [len(due(database)) for _ in range(3)] == [1, 0, 0]


def test_a_lost_message_is_sent_again(database: Database) -> None:
    work = ask(database)
    assert due(database) == [], "the first message is still on its way"
    end_lease(database)
    assert [late.id for late in due(database)] == [work.id]
    assert due(database) == [], "and the second"


def test_work_that_kills_its_workers_ends_with_a_reason(database: Database) -> None:
    work = ask(database)
    for attempt in range(MAX_ATTEMPTS):
        assert claim(database, work.id, f"worker {attempt}", 20) is not None
        end_lease(database)
    last = claim(database, work.id, "next", 20)
    assert last is not None
    assert last.given_up, "whoever finds it so tells those who wait for it"
    assert claim(database, work.id, "after", 20) is None
    with database.read() as session:
        assert failure_of(session, "curator.scan", "k") == "it was begun 3 times, and the worker died each time"


def test_a_passing_failure_is_tried_again_and_a_lasting_one_is_not(database: Database) -> None:
    work = ask(database)
    held = claim(database, work.id, "one", 20)
    assert held is not None
    assert fail(database, held, "the Hub is down", passing=True)
    end_lease(database)
    held = claim(database, work.id, "one", 20)
    assert held is not None
    assert not fail(database, held, "the hash is wrong", passing=False)
    with database.read() as session:
        assert failure_of(session, "curator.scan", "k") == "the hash is wrong"


def test_what_failed_begins_anew_when_it_is_asked_for_again(database: Database) -> None:
    work = ask(database)
    held = claim(database, work.id, "one", 20)
    assert held is not None
    fail(database, held, "no", passing=False)
    assert ask(database).id == work.id
    with database.read() as session:
        assert failure_of(session, "curator.scan", "k") is None
        assert session.get_one(WorkRow, work.id).attempts == 0
