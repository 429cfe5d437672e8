"""Requests with an `Idempotency-Key` are done once, wherever the process dies."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from sqlmodel import select, update
from starlette.types import ASGIApp, Receive, Scope, Send

from curator.database.engine import Database, new_id
from curator.errors import CuratorError
from curator.people.identity import Identity
from curator.people.roles import Role
from curator.people.tables import TokenRow
from curator.people.tokens import create_token
from curator.policy.tables import RuleSourceRow
from curator.web.bodies import with_short_bodies
from curator.web.errors import error_response
from curator.web.guard import Decider
from curator.web.repeated import SHOWN_ONCE, Again, again, done_once
from curator.web.tables import RepeatedRow

AT = "/api/curator/v1/things"


class Things:
    """An application that counts what was really done, in the database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dies = False
        self.headers: dict[str, str] = {}
        self.status = 201
        self.make: Callable[[str], None] = self._insert
        self.app = FastAPI()
        self.app.add_exception_handler(CuratorError, lambda _, error: error_response(error))
        self.app.add_exception_handler(Again, lambda _, told: again(told))
        self.app.state.identity = Identity(database, anonymous_may_pull=True)
        router = APIRouter()

        @router.post(AT)
        async def make(body: dict[str, Any], caller: Decider) -> JSONResponse:
            made = new_id()
            if not body.get("nothing"):
                await asyncio.to_thread(self.make, made)
            return JSONResponse(
                {"id": made, "by": caller.name, "text": body.get("says", "")}, self.status, self.headers
            )

        self.app.include_router(router)

    def _insert(self, made: str) -> None:
        with self.database.write() as session:
            session.add(RuleSourceRow(id=made, digest="", at=dt.datetime.now(dt.UTC)))

    @property
    def served(self) -> ASGIApp:
        async def mortal(scope: Scope, receive: Receive, send: Send) -> None:
            async def dead(message: Any) -> None:
                raise SystemError("the power went out")

            await self.app(scope, receive, dead if self.dies else send)

        return with_short_bodies(done_once(mortal, self.database))

    def done(self) -> int:
        with self.database.read() as session:
            return len(session.exec(select(RuleSourceRow)).all())

    def kept(self) -> list[RepeatedRow]:
        with self.database.read() as session:
            return list(session.exec(select(RepeatedRow)))

    def later(self, **delta: float) -> None:
        with self.database.write() as session:
            for row in session.exec(select(RepeatedRow)):
                row.begun_at -= dt.timedelta(**delta)
                session.add(row)


@pytest.fixture
def things(database: Database) -> Things:
    return Things(database)


@pytest.fixture
def client(things: Things) -> Iterator[TestClient]:
    token = create_token(things.database, "anna", Role.REVIEWER)
    with TestClient(things.served, raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def send(client: TestClient, key: str = "k1", **body: Any) -> Any:
    return client.post(AT, json=body, headers={"Idempotency-Key": key})


def test_the_same_request_with_the_same_key_is_done_once_and_answered_alike(things: Things, client: TestClient) -> None:
    first, second = send(client), send(client, '"k1"')
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert things.done() == 1
    assert send(client, "k2").json() != first.json()
    assert things.done() == 2


def test_a_key_of_another_request_or_none_at_all_is_told_in_a_sentence(things: Things, client: TestClient) -> None:
    send(client)
    other = send(client, says="something else")
    assert (other.status_code, "another request" in other.json()["error"]) == (422, True)
    for wrong in ("", " ", "ä", "k" * 256):
        reply = client.post(AT, json={}, headers=[(b"Idempotency-Key", wrong.encode("latin-1"))])
        assert (reply.status_code, "1 to 255" in reply.json()["error"]) == (400, True), wrong
    assert things.done() == 1


def test_keys_are_each_callers_own_and_nobodys_who_is_not_known(things: Things, client: TestClient) -> None:
    send(client)
    client.headers["Authorization"] = f"Bearer {create_token(things.database, 'bert', Role.REVIEWER)}"
    assert send(client).json()["by"] == "bert"
    del client.headers["Authorization"]
    assert send(client).status_code == 403
    assert things.done() == 2


def test_whoever_may_no_longer_is_not_given_what_was_answered_when_he_might(things: Things, client: TestClient) -> None:
    send(client)
    with things.database.write() as session:
        session.connection().execute(update(TokenRow).values(role="developer"))
    assert send(client).status_code == 403


def test_what_changed_nothing_is_done_again(things: Things, client: TestClient) -> None:
    assert send(client, nothing=True).json() != send(client, nothing=True).json()
    assert things.kept() == []


def test_what_asks_to_be_asked_again_is_not_kept(things: Things, client: TestClient) -> None:
    things.status, things.headers = 202, {"Retry-After": "5"}
    send(client)
    assert things.kept() == []


def test_a_secret_is_kept_nowhere_and_not_told_twice(things: Things, client: TestClient) -> None:
    things.headers = dict(SHOWN_ONCE)
    assert send(client, says="whsec").status_code == 201
    again = send(client, says="whsec")
    assert (again.status_code, "shown once only" in again.json()["error"]) == (409, True)
    things.headers = {}
    send(client, "k2", says="hf_cur" + "a" * 34)
    send(client, "k3", says="x" * (70 << 10))
    assert things.done() == 3
    assert [row.body for row in things.kept()] == [None] * 3


def test_dying_after_the_change_it_is_not_done_again_and_the_client_is_told_to_look(
    things: Things, client: TestClient
) -> None:
    things.dies = True
    assert send(client).status_code == 500
    things.dies = False
    assert send(client).json()["error"].startswith("A request with this Idempotency-Key is under way")
    things.later(seconds=61)
    told = send(client)
    assert (told.status_code, "look what is there" in told.json()["error"]) == (409, True)
    assert things.done() == 1


def test_dying_before_the_change_it_is_done_by_whoever_sends_it_again(things: Things, client: TestClient) -> None:
    things.dies = True
    send(client, nothing=True)
    things.dies = False
    assert send(client, nothing=True).status_code == 409, "it may still be under way"
    things.later(seconds=61)
    assert send(client, nothing=True).status_code == 201


def test_a_slow_first_that_was_taken_over_can_change_nothing_any_more(things: Things, client: TestClient) -> None:
    """The row is taken from it just before its transaction ends."""
    made = things.make

    def late(thing: str) -> None:
        with things.database.write_rows() as connection:
            connection.execute(update(RepeatedRow).values(holder="another"))
        made(thing)

    things.make = late
    told = send(client)
    assert (told.status_code, "changed nothing" in told.json()["error"]) == (409, True)
    assert things.done() == 0
    assert [row.holder for row in things.kept()] == ["another"]


def test_after_a_day_a_key_is_forgotten_and_one_caller_cannot_fill_the_table(
    things: Things, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(client)
    things.later(hours=25)
    assert send(client).status_code == 201
    assert things.done() == 2
    monkeypatch.setattr("curator.web.repeated._MOST_KEYS", 1)
    assert send(client, "k2").status_code == 429


def test_the_row_and_the_change_are_one_transaction(things: Things, client: TestClient) -> None:
    def undone(thing: str) -> None:
        with suppress(ZeroDivisionError), things.database.write() as session:
            session.add(RuleSourceRow(id=thing, digest="", at=dt.datetime.now(dt.UTC)))
            raise ZeroDivisionError

    things.make = undone
    send(client)
    assert (things.done(), things.kept()) == (0, [])
