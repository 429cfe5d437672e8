"""The people of a big database, and what waits for them: users, tokens, the queue, requests, notices."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from curator.database.engine import Database, now
from curator.notify.tables import NoticeReaderRow, NoticeRow
from curator.people.tables import MembershipRow, ProjectRow, TeamRow, TokenRow, UserRow
from curator.review.tables import RequesterRow, RequestEventRow, RequestRow, WaiterRow, WaitingRow

PEOPLE, TEAMS = 10_000, 200
TOKENS_EACH = 10
WAITING, REQUESTS, NOTICES, INBOX = 3_000, 20_000, 20_000, 2_000
ADMIN, DEVELOPER = "person-0", "person-1"
"""Whose pages are opened."""
_BATCH = 5_000
_ROLES = ("developer",) * 40 + ("reviewer", "auditor", "security")
_STATES = ("approved",) * 6 + ("rejected", "rejected", "withdrawn", "open")


def team_of(person: int) -> str:
    return f"team{person % TEAMS}"


def put(database: Database, table: type[SQLModel], rows: Iterable[dict[str, Any]]) -> None:
    """Put rows that all have the same columns."""
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        with database.write_rows() as connection:
            connection.execute(sa.insert(table), batch)


def make_people(database: Database, repositories: int) -> None:
    """All of them."""
    moment, chance = now(), random.Random(9)
    by = {"created_at": moment - dt.timedelta(days=400), "created_by": "curator"}
    put(database, TeamRow, ({"name": f"team{one}", "title": f"Team {one}", **by} for one in range(TEAMS)))
    projects = ({"team": f"team{one}", "name": f"project{two}", **by} for one in range(TEAMS) for two in range(5))
    put(database, ProjectRow, projects)
    put(database, UserRow, (_user(one, by) for one in range(PEOPLE)))
    added = {"added_at": by["created_at"], "added_by": "curator"}
    put(database, MembershipRow, ({"user_id": f"{one:032x}", "team": team_of(one), **added} for one in range(PEOPLE)))
    put(database, TokenRow, (_token(one, by) for one in range(PEOPLE * TOKENS_EACH)))
    held = [chance.randrange(repositories) for _ in range(WAITING)]
    lines = {of: _line(of, chance, moment) for of in held}
    put(database, WaitingRow, lines.values())
    put(database, WaiterRow, (row for of, line in lines.items() for row in _waiters(of, line)))
    asked = [_request(number, chance, moment, repositories) for number in range(REQUESTS)]
    put(database, RequestRow, asked)
    put(database, RequesterRow, (_requester(row, number) for number, row in enumerate(asked)))
    put(database, RequestEventRow, (_event(row, number) for number, row in enumerate(asked)))
    put(database, NoticeRow, (_notice(number, moment) for number in range(NOTICES)))
    inbox = ({"user_id": f"{who:032x}", "notice_id": _notice_id(of)} for who in range(2) for of in range(INBOX))
    put(database, NoticeReaderRow, inbox)


def _user(number: int, by: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "login": f"person-{number}",
        "folded": f"person-{number}",
        "full_name": f"Given Family {number}",
        "email": f"person-{number}@bank.example",
        "role": "admin" if number == 0 else _ROLES[number % len(_ROLES)] if number > 1 else "developer",
        "team": team_of(number),
        "last_seen_at": by["created_at"],
        **by,
    }


def _token(number: int, by: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "digest": hashlib.sha256(str(number).encode()).hexdigest(),
        "name": f"laptop-{number // PEOPLE}",
        "role": "developer",
        "team": team_of(number % PEOPLE),
        "user_id": f"{number % PEOPLE:032x}",
        "description": "for notebooks on the laptop",
        "expires_at": by["created_at"] + dt.timedelta(days=300 + number // PEOPLE * 30),
        **by,
    }


def _of(number: int) -> dict[str, Any]:
    return {
        "kind": "model",
        "repo": f"org{number % 900}/model-{number}",
        "commit": hashlib.sha1(str(number).encode()).hexdigest(),
        "decision": f"{number:032x}",
    }


def _line(of: int, chance: random.Random, moment: dt.datetime) -> dict[str, Any]:
    waited = chance.randrange(1, 28 * 86_400)
    people = 1 + int(40 * chance.random() ** 4)
    return {
        **_of(of),
        "id": f"{of:032x}",
        "publisher": f"org{of % 900}",
        "family": f"org{of % 30}/base-{of % 300}",
        "snapshot_id": of + 1,
        "outcome": "hold",
        "rules": f",few-downloads,rule-{of % 40},",
        "owners": f",group-{of % 12},security,",
        "teams": "," + "".join(f"{team_of(of + one)}," for one in range(min(people, 20))),
        "held": True,
        "requests": 0,
        "requesters": people,
        "risk": 1 + of % 4,
        "since_s": int(moment.timestamp()) - waited,
        "last_s": int(moment.timestamp()) - chance.randrange(waited),
        "waits": True,
    }


def _waiters(of: int, line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in range(line["requesters"]):
        who = (of + one) % PEOPLE
        known = {name: line[name] for name in ("kind", "repo", "commit", "decision")}
        yield {"name": f"person-{who}", "team": team_of(who), "first_s": line["since_s"], **known} | {
            "last_s": line["last_s"]
        }


def _request(number: int, chance: random.Random, moment: dt.datetime, repositories: int) -> dict[str, Any]:
    of = chance.randrange(repositories)
    at = moment - dt.timedelta(minutes=26 * (REQUESTS - number))
    return {
        **_of(of),
        "id": _id(at, number),
        "snapshot_id": of + 1,
        "outcome": "hold",
        "team": team_of(number % PEOPLE),
        "rules": "few-downloads",
        "state": _STATES[number % len(_STATES)],
        "asked_at": at,
        "changed_at": at,
    }


def _requester(row: dict[str, Any], number: int) -> dict[str, Any]:
    # One in ten is of the two whose pages are opened.
    who = number % 2 if number % 10 < 2 else number % PEOPLE
    return {"request_id": row["id"], "name": f"person-{who}", "reason": "for a prototype", "at": row["asked_at"]}


def _event(row: dict[str, Any], number: int) -> dict[str, Any]:
    asked = _requester(row, number)
    return {"id": row["id"], "step": "ask", "by": asked["name"], "said": "for a prototype", "at": row["asked_at"]} | {
        "request_id": row["id"]
    }


def _notice(number: int, moment: dt.datetime) -> dict[str, Any]:
    at = moment - dt.timedelta(minutes=26 * (NOTICES - number))
    return {
        "id": _notice_id(number),
        "type": "held",
        "at": at,
        "audience": "all",
        "last_at": at,
        "document": "{}",
        "title": f"org{number % 900}/model-{number} is held",
        "body": "It is held by the rule few-downloads.",
        "path": "/-/review",
    }


def _notice_id(number: int) -> str:
    return f"{number:032x}"


def _id(at: dt.datetime, number: int) -> str:
    return f"{int(at.timestamp() * 1000):012x}7{number % 4096:03x}8{number:015x}"
