"""Who tries a way around the mirror is on the record, and nobody can flood the record by trying."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from curator.audit.journal import Journal
from curator.audit.record import newest
from curator.database.engine import Database, new_id
from curator.hub.doors import ClosedDoors, Door
from curator.hub.request import Request
from curator.people.caller import ANONYMOUS
from curator.people.identity import Identity
from curator.people.roles import Role
from curator.people.tokens import create_token
from fixtures.mirror import MirrorProcess
from tests.contract.http import Reply, ask

REPO = "acme-research/tiny-bert"
_NUMBERS = itertools.count(1)
DOORS = [
    ("GET", f"/{REPO}/info/refs", "closed-git", ""),
    ("POST", f"/{REPO}.git/info/lfs/objects/batch", "closed-lfs", ""),
    ("GET", f"/api/models/{REPO}/xet-read-token/main", "closed-xet", REPO),
    ("POST", f"/api/models/{REPO}/preupload/main", "closed-write", ""),
    ("GET", "/kernels/acme/fast/resolve/main/x.so", "closed-around", ""),
]


@dataclass(frozen=True)
class Visitor:
    """Somebody who tries doors, from an address that nobody else has."""

    mirror: MirrorProcess
    address: str

    def tries(self, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Reply:
        shown = (headers or {}) | {"X-Forwarded-For": self.address}
        return ask(self.mirror.url, path, method, shown, b"{}" if method == "PUT" else None)

    def rows(self) -> list[tuple[str, ...]]:
        """What the record tells of it."""
        with sqlite3.connect(self.mirror.data / "curator.db") as connection:
            return connection.execute(
                "SELECT id, actor, outcome, repo, path, address, user_agent FROM audit "
                "WHERE outcome LIKE 'closed-%' AND address = ? ORDER BY id",
                (self.address,),
            ).fetchall()


@pytest.fixture
def visitor(at_once: MirrorProcess) -> Visitor:
    return Visitor(at_once, f"198.51.100.{next(_NUMBERS)}")


def test_each_closed_door_is_on_the_record_with_who_and_what_and_from_where(visitor: Visitor) -> None:
    expected = []
    for method, path, outcome, repo in DOORS:
        reply = visitor.tries(path, method, {"User-Agent": "a program"})
        assert reply.status == 403
        who = ("anonymous", outcome, repo, path, visitor.address, "a program")
        expected.append((reply.headers["x-request-id"], *who))
    assert visitor.rows() == expected


def test_a_caller_who_tries_again_and_again_makes_one_row(visitor: Visitor) -> None:
    token = create_token(Database(f"sqlite:///{visitor.mirror.data}/curator.db"), "alice", Role.DEVELOPER)
    for number in range(20):
        for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Authorization": f"Bearer hf_{number}"}):
            assert visitor.tries(f"/acme-research/model-{number}/info/refs", headers=headers).status == 403
    assert [(actor, outcome) for _, actor, outcome, *_ in visitor.rows()] == [
        ("anonymous", "closed-git"),
        ("alice", "closed-git"),
    ]


def test_a_write_to_an_address_that_is_read_is_on_the_record(visitor: Visitor) -> None:
    assert visitor.tries(f"/{REPO}/resolve/main/config.json", "PUT").status in {403, 405}
    assert [(outcome, repo) for _, _, outcome, repo, *_ in visitor.rows()] == [("closed-write", REPO)]


def test_what_every_client_asks_for_is_not_on_the_record(visitor: Visitor) -> None:
    for path in ("/api/agent-harnesses", f"/{REPO}", "/api/nothing"):
        assert visitor.tries(path).status == 404
    assert visitor.rows() == []


def test_many_callers_together_cannot_flood_the_record(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/curator.db")
    database.migrate()

    async def receive() -> Any:
        raise AssertionError("no body is read")

    def request(number: int) -> Request:
        address = f"10.0.{number // 250}.{number % 250}"
        return Request("GET", b"/a/b/info/refs", (), {}, address, ANONYMOUS, receive)

    async def all_try() -> None:
        doors = ClosedDoors(Journal(database), Identity(database, anonymous_may_pull=True))
        await asyncio.gather(*(doors.tried(request(one), Door.GIT, new_id(), "no") for one in range(1_100)))

    asyncio.run(all_try())
    assert len(newest(database, 2_000)) == 1_000
