"""A caller is told of one commit of a branch by all server processes, and it costs who was told already nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event, text

from curator.admission import sharing
from curator.admission.branches import Told
from curator.admission.sessions import Sessions
from curator.admission.sharing import SharedSessions
from curator.admission.told import Key
from curator.database.engine import Database
from curator.database.generation import Generation, changed
from curator.types import RepoId, Revision

LASTS_S = 60.0
BRANCH = RepoId.parse("acme/model"), Revision("main")
OLD, NEW = Told(1, None), Told(2, None)


def asks(program: str) -> Key:
    return (None, program), *BRANCH


@dataclass
class Process:
    """What one server process has of its own."""

    database: Database
    shared: SharedSessions
    sessions: Sessions

    def __init__(self, url: str, lasts_s: float = LASTS_S) -> None:
        self.database = Database(url)
        self.shared = SharedSessions(self.database, lasts_s)
        self.sessions = Sessions(lasts_s, Generation(self.database), self.shared)

    async def begin(self, program: str, told: Told, instead_of: Told | None = None) -> Told:
        return await self.sessions.begin(asks(program), told, instead_of)

    async def recall(self, program: str) -> Told | None:
        return await self.sessions.recall(asks(program))

    def join(self, program: str, told: Told) -> Told | None:
        return self.sessions.join(asks(program), told)

    def see(self, told: Told) -> None:
        self.sessions.see(asks("anybody"), told, self.sessions.state())

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What is asked of the database in the meantime."""
        said: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
            said.append(statement)

        event.listen(self.database.engine, "before_cursor_execute", note)
        yield said
        event.remove(self.database.engine, "before_cursor_execute", note)

    def rows(self) -> int:
        with self.database.read() as session:
            return int(session.connection().execute(text("SELECT count(*) FROM branch_sessions")).scalar_one())


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


def test_what_one_process_told_the_others_tell_on(url: str) -> None:
    async def run() -> None:
        one, other = Process(url), Process(url)
        assert await other.recall("early") is None
        assert await one.begin("early", OLD) is OLD
        assert await other.recall("early") == OLD
        assert await other.begin("early", NEW) == OLD
        assert await other.begin("late", NEW) is NEW
        assert await one.recall("late") == NEW

    asyncio.run(run())


def test_of_processes_that_are_asked_at_once_one_is_first(url: str) -> None:
    async def run() -> None:
        processes = [Process(url) for _ in range(3)]
        for number in range(10):
            told = await asyncio.gather(
                *(
                    process.begin(f"program {number}", Told(at, None))
                    for at, process in enumerate(processes)
                    for _ in range(4)
                )
            )
            assert len(set(told)) == 1

    asyncio.run(run())


def test_what_is_no_longer_good_gives_way_in_all_processes(url: str) -> None:
    async def run() -> None:
        one, other = Process(url), Process(url)
        await one.begin("early", OLD)
        assert await other.recall("early") == OLD
        other.sessions.drop(asks("early"))
        assert await other.begin("early", NEW, instead_of=OLD) is NEW
        one.sessions.drop(asks("early"))
        assert await one.begin("early", Told(3, None), instead_of=OLD) == NEW

    asyncio.run(run())


def test_somebody_new_is_answered_from_memory_only_where_nobody_can_have_been_told_anything_else(url: str) -> None:
    lasts_s = 0.3

    async def run() -> None:
        one, other = Process(url, lasts_s), Process(url, lasts_s)
        one.see(NEW)
        assert one.join("new", NEW) is None, "a session may be left that began with something else"
        await asyncio.sleep(lasts_s + 1.1)
        assert one.join("new", OLD) is None
        with one.statements() as said:
            assert one.join("new", NEW) == NEW
        assert said == [], "the database is told later, by a thread"
        await one.shared.close()
        assert await other.recall("new") == NEW
        with other.database.write() as session:
            changed(session)
        assert one.join("newer", NEW) is None

    asyncio.run(run())


def test_who_was_told_already_costs_no_look_at_the_database(url: str) -> None:
    async def run() -> None:
        process = Process(url)
        await process.begin("early", OLD)
        with process.statements() as said:
            for _ in range(1_000):
                assert process.join("early", NEW) == process.sessions.here(asks("early")) == OLD
                assert await process.recall("early") == OLD
        assert said == []
        await process.shared.close()
        assert process.rows() == 1

    asyncio.run(run())


def test_a_session_ends_for_all_processes_at_its_time_and_its_row_is_swept(url: str) -> None:
    lasts_s = 0.6

    async def run() -> None:
        one, other = Process(url, lasts_s), Process(url, lasts_s)
        await one.begin("early", OLD)
        began = time.monotonic()
        await asyncio.sleep(lasts_s / 2)
        assert await other.recall("early") == OLD
        await asyncio.sleep(began + lasts_s + 0.05 - time.monotonic())
        assert await other.recall("early") is None, "it counts from the first answer, not from when it was looked up"
        assert await one.recall("early") is None
        assert one.rows() == 1
        sweeping = asyncio.create_task(other.shared.sweep())
        for _ in range(300):
            await asyncio.sleep(0.02)
            if not one.rows():
                break
        assert one.rows() == 0
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping
        assert await other.begin("early", NEW) is NEW

    asyncio.run(run())


def test_however_many_come_the_table_has_a_bound(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_WRITTEN", 20)

    async def run() -> None:
        process = Process(url)
        told = await asyncio.gather(*(process.begin(f"program {number}", NEW) for number in range(50)))
        assert told == [NEW] * 50, "each is answered all the same"
        await process.shared.close()
        assert process.rows() == 20

    asyncio.run(run())


def test_nobody_waits_long_for_a_database_that_cannot_be_written(url: str) -> None:
    async def run() -> None:
        process = Process(url)
        began = time.monotonic()
        with Database(url).write() as session:
            session.connection().execute(text("UPDATE generation SET value = value"))
            assert await process.begin("early", OLD) is OLD
        assert time.monotonic() - began < 5
        await process.shared.close()
        assert await Process(url).recall("early") == OLD, "it is written as soon as it can be"

    asyncio.run(run())


def test_a_database_that_refuses_is_no_reason_to_refuse(url: str) -> None:
    async def run() -> None:
        process = Process(url)
        with process.database.write() as session:
            session.connection().execute(text("DROP TABLE branch_sessions"))
        assert await process.begin("early", OLD) is OLD
        assert process.sessions.here(asks("early")) is OLD

    asyncio.run(run())
