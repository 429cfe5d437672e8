"""Nobody is told by time whether there is an account of a name: what costs time is done as often for whoever is not.

Counted, and never timed: how long it takes depends on what else the machine does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event
from sqlmodel import Session

from curator.database.engine import Database
from curator.people import accounts, attempts, users
from curator.people.attempts import Counted
from curator.people.by import By
from curator.people.passwords import Passwords, TooMany
from curator.people.roles import Role
from curator.people.sign_in import SignIn, SignInRefused
from curator.people.users import NewUser
from curator.settings import Settings

BY = By("administrator", address="192.0.2.1")
RIGHT, WRONG = "tulip kettle amber 7", "tulip kettle amber 8"


@pytest.fixture
def sign_in(database: Database) -> SignIn:
    """With an account of each sort."""

    async def hashed() -> str:
        return await Passwords().hashed(RIGHT)

    kept = asyncio.run(hashed())
    with database.write() as session:
        for login in ("anna", "gone", "locked"):
            users.make_user(session, NewUser(login=login, role=Role.DEVELOPER), BY)
            _choose(session, login, kept)
        users.make_user(session, NewUser(login="new", role=Role.DEVELOPER), BY)
        known = NewUser(login="federated", role=Role.DEVELOPER, issuer="https://id.example", subject="1")
        users.make_user(session, known, BY)
        users.disable_user(session, "gone", BY)
    return SignIn(Settings(), database)


def _choose(session: Session, login: str, kept: str) -> None:
    secret = accounts.invite(session, login, BY).secret
    accounts.use_link(session, secret, kept, BY)


@contextmanager
def counted(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What costs time: hashes, and statements by their first words."""
    done: Counter[str] = Counter()
    whole = PasswordHasher.verify, PasswordHasher.hash

    def verify(self: PasswordHasher, *given: Any) -> Any:
        done["verify"] += 1
        return whole[0](self, *given)

    def hashes(self: PasswordHasher, *given: Any) -> Any:
        done["hash"] += 1
        return whole[1](self, *given)

    def asked(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        done[" ".join(statement.split()[:1]) + " " + statement.partition("FROM")[2].strip().partition(" ")[0]] += 1

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    monkeypatch.setattr(PasswordHasher, "hash", hashes)
    event.listen(database.engine, "before_cursor_execute", asked)
    yield done
    event.remove(database.engine, "before_cursor_execute", asked)
    monkeypatch.undo()


def test_a_sign_in_that_fails_costs_the_same_whoever_is_named(
    database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(login: str, password: str) -> None:
        with pytest.raises(SignInRefused):
            await sign_in.by_password(login, password, BY)

    async def tried() -> dict[str, Counter[str]]:
        # What is made once for all is not somebody's.
        await fail("nobody-yet", WRONG)
        costs = {}
        for login, password in (
            ("anna", WRONG),
            ("nobody", WRONG),
            ("nobody-at-length", "x" * 5_000),
            ("gone", RIGHT),
            ("locked", "x" * 5_000),
            ("new", WRONG),
            ("federated", WRONG),
        ):
            with counted(database, monkeypatch) as done:
                await fail(login, password)
            costs[f"{login} {password[:30]}"] = done
        return costs

    costs = asyncio.run(tried())
    first = costs.pop(f"anna {WRONG}")
    assert first["verify"] == 1
    assert first["hash"] == 0
    for who, cost in costs.items():
        assert cost == first, who


def test_a_name_that_waits_is_told_so_before_anything_is_looked_at_whether_or_not_it_is_somebodys(
    database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for login in ("locked", "nobody"):
        with database.write() as session:
            for _ in range(6):
                attempts.count(session, [Counted.account(login, BY.address)])
    costs = []
    for login in ("locked", "nobody"):
        with counted(database, monkeypatch) as done, pytest.raises(TooMany):
            asyncio.run(sign_in.by_password(login, RIGHT, BY))
        costs.append(done)
    assert costs[0] == costs[1]
    assert costs[0]["verify"] == 0
