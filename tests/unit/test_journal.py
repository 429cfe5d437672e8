"""The record is complete: what was said to be written is there, and what could not be written is told."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from curator.audit.journal import Journal
from curator.audit.record import Action, AuditEvent, newest
from curator.database.engine import Database
from curator.database.generation import Generation, changed
from curator.types import RepoKind


def event(path: str) -> AuditEvent:
    return AuditEvent(
        action=Action.DOWNLOAD, actor="alice", kind=RepoKind.MODEL, repo="acme/tiny", path=path, outcome="allow"
    )


def test_what_many_record_at_once_is_all_there(database: Database) -> None:
    async def run() -> set[str | None]:
        journal = Journal(database)

        async def one(number: int) -> None:
            await journal.record(event(f"{number}"))
            if number % 50 == 0:
                assert f"{number}" in {row.path for row in await asyncio.to_thread(newest, database, 1_000)}

        await asyncio.gather(*(one(number) for number in range(500)))
        return {row.path for row in newest(database, 1_000)}

    assert asyncio.run(run()) == {f"{number}" for number in range(500)}


def test_a_row_that_cannot_be_written_stops_the_one_who_waits_for_it(database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("DROP TABLE audit"))

    async def run() -> None:
        await Journal(database).record(event("config.json"))

    with pytest.raises(DBAPIError):
        asyncio.run(run())


def test_a_row_that_cannot_be_written_keeps_no_other_from_the_record(database: Database) -> None:
    async def run() -> list[BaseException | None]:
        journal = Journal(database)
        paths = ["config.json", "half a pair \ud800", "model.safetensors"]
        return await asyncio.gather(*(journal.record(event(path)) for path in paths), return_exceptions=True)

    first, bad, last = asyncio.run(run())
    assert (first, last) == (None, None)
    assert isinstance(bad, UnicodeEncodeError)
    assert {row.path for row in newest(database, 10)} == {"config.json", "model.safetensors"}


def test_a_change_is_seen_by_all_who_look_and_one_that_was_undone_by_none(database: Database) -> None:
    here, there = Generation(database), Generation(Database(database.url))
    before = here.current(), there.current()
    with contextlib.suppress(RuntimeError), database.write() as session:
        changed(session)
        raise RuntimeError
    assert (here.current(), there.current()) == before
    with database.write() as session:
        changed(session)
    assert here.current() != before[0]
    assert there.current() != before[1]


def test_a_change_on_another_machine_is_seen_by_its_row(database: Database) -> None:
    async def run() -> bool:
        generation = Generation(database)
        before = generation.current()
        with database.write() as session:
            session.connection().execute(text("UPDATE generation SET value = value + 1"))
        following = asyncio.create_task(generation.follow())
        for _ in range(300):
            await asyncio.sleep(0.02)
            if generation.current() != before:
                break
        following.cancel()
        return generation.current() != before

    assert asyncio.run(run())
