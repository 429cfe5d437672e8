"""Who was given what, and what was asked for: as the record itself says, however it was counted."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import Session, SQLModel, select

from curator.audit import made, traffic, uses
from curator.audit.follow import follow
from curator.audit.record import Action, AuditEvent, add_rows
from curator.audit.tables import AuditRow, TopRow
from curator.database.engine import Database, now
from curator.types import RepoKind

START = now().replace(minute=0, second=0, microsecond=0) - dt.timedelta(days=3)
MODEL = RepoKind.MODEL


def fill(database: Database, rows: int) -> None:
    """Rows of three days, of some people and commits."""
    chance = random.Random(11)
    events = []
    for number in range(rows):
        refused = chance.random() < 0.3
        who = chance.choice(["alice", "bob", "carol"])
        events.append(
            AuditEvent(
                action=Action.REFUSE if refused else chance.choice([Action.DOWNLOAD, Action.DOWNLOAD, Action.DECIDE]),
                actor=who,
                team=chance.choice(["", "trading"]),
                token=f"token of {who}",
                kind=MODEL,
                repo=chance.choice(["acme/tiny", "acme/large", "acme_x/tiny", "zoo/cat"]),
                commit=chance.choice(["1" * 40, "2" * 40, None]),
                blob=chance.choice([None, "sha256:aa", "sha256:bb"]),
                size=chance.choice([None, 0, 1 << 40]),
                outcome=chance.choice(["hold", "block"]) if refused else "allow",
                job=chance.choice([None, "github:acme/shop/runs/17"]),
                address=f"10.0.0.{number % 9}",
                at=START + dt.timedelta(minutes=number * 3),
            )
        )
    with database.write_rows() as connection:
        add_rows(connection, events)


def rows_of(session: Session) -> list[AuditRow]:
    return list(session.exec(select(AuditRow).order_by(AuditRow.seq)))  # type: ignore[arg-type]


def test_uses_are_what_the_rows_say(database: Database) -> None:
    fill(database, 900)
    made.catch_up(database)
    assert made.behind(database) == {"uses": 0, "traffic": 0}
    with database.read() as session:
        plain: dict[Any, list[AuditRow]] = defaultdict(list)
        for row in rows_of(session):
            if row.action == "download" and row.commit and row.repo == "acme/tiny":
                plain[row.commit, row.actor, row.token or "", row.team, row.job or ""].append(row)
        found = uses.users_of(session, MODEL, "acme/tiny", limit=500)
        assert {
            (use.commit, use.actor, use.token, use.team, use.job): (use.files, use.bytes, use.first_at, use.address)
            for use in found
        } == {
            key: (len(rows), sum(row.size or 0 for row in rows), rows[0].at, rows[-1].address)
            for key, rows in plain.items()
        }
        assert found == sorted(found, key=lambda use: (use.last_at, use.id), reverse=True)
        of_one = uses.users_of(session, MODEL, "acme/tiny", "1" * 40)
        assert of_one == [use for use in found if use.commit == "1" * 40]
        paged: list[uses.Use] = []
        while page := uses.users_of(session, MODEL, "acme/tiny", after=paged[-1].cursor if paged else None, limit=5):
            paged += page
        assert paged == found
        assert {use.repo for use in uses.users_of_publisher(session, "acme", limit=500)} == {"acme/tiny", "acme/large"}
        assert {use.actor for use in uses.uses_by(session, "bob")} == {"bob"}
        with_blob = {(row.kind, row.repo, row.commit) for row in rows_of(session) if row.blob == "sha256:aa"
                     and row.action == "download" and row.commit}  # fmt: skip
        assert set(uses.commits_with(session, "sha256:aa")) == with_blob
        counts = uses.user_counts(session, [("model", "acme/tiny", "1" * 40), ("model", "acme/none", "1" * 40)])
        assert counts == {("model", "acme/tiny", "1" * 40): len({(use.actor, use.team) for use in of_one})}


def test_whoever_asked_and_was_refused_is_counted_once(database: Database) -> None:
    fill(database, 600)
    # In small steps, so that the same people come again in later ones.
    while follow(database, uses.FOLLOWER, uses.take, 50):
        pass
    with database.read() as session:
        plain: dict[Any, list[AuditRow]] = defaultdict(list)
        for row in rows_of(session):
            if row.action == "refuse" and row.commit:
                plain[row.kind, row.repo, row.commit].append(row)
        found = uses.asked(session, list(plain))
        assert {of: (one.requesters, one.times, one.first_at, one.last_at) for of, one in found.items()} == {
            of: (len({(row.actor, row.team) for row in rows}), len(rows), rows[0].at, rows[-1].at)
            for of, rows in plain.items()
        }
        of_one = uses.asked_for(session, MODEL, "acme/tiny", "1" * 40)
        assert len(of_one) == found["model", "acme/tiny", "1" * 40].requesters
        assert {one.outcome for one in of_one} <= {"hold", "block"}


def test_traffic_is_what_the_rows_say(database: Database) -> None:
    fill(database, 900)
    made.catch_up(database)
    with database.read() as session:
        rows = [row for row in rows_of(session) if row.action in {"download", "refuse"}]
        plain = Counter(
            (row.at.replace(minute=0), "served" if row.action == "download" else row.outcome) for row in rows
        )
        by_day = Counter[tuple[dt.datetime, str]]()
        for (hour, outcome), requests in plain.items():
            by_day[hour.replace(hour=0), outcome] += requests
        for verb, of_plain in ((traffic.by_hour, plain), (traffic.by_day, by_day)):
            found = verb(session, START)
            assert {(one.begin, one.outcome): one.requests for one in found} == of_plain
            assert sum(one.bytes for one in found) == sum(row.size or 0 for row in rows if row.action == "download")
        since = START + dt.timedelta(hours=10)
        later = sum(one.requests for one in traffic.by_day(session, since))
        assert later == len([row for row in rows if row.at >= since])
        top = traffic.top_repositories(session, START, rows[-1].at, 3)
        served = Counter(row.repo for row in rows if row.action == "download")
        assert [(one.repo, one.downloads) for one in top] == sorted(
            served.items(), key=lambda item: (-item[1], item[0])
        )[:3]


@pytest.mark.parametrize("few", [1, 20_000])
def test_the_most_used_are_the_same_however_long_the_tail_is(
    database: Database, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "_FEW", few)
    chance = random.Random(12)
    sums: Counter[str] = Counter()
    rows = []
    for day in range(9):
        for number in range(120):
            # Some days have favourites of their own, so that the first of all days is the first of few.
            files = chance.choice([0, 1, 1, 2, 3]) + (number * 7 + day * 13) % 11 * (number % 9 == day)
            repo = f"acme/{number:03}"
            rows.append({"day": START.date() + dt.timedelta(days=day), "kind": "model", "repo": repo} | {
                "downloads": files, "bytes": files, "refusals": 1})  # fmt: skip
            sums[repo] += files if day >= 2 else 0
    with database.write_rows() as connection:
        connection.execute(insert(TopRow), rows)
    plain = sorted(((repo, files) for repo, files in sums.items() if files), key=lambda one: (-one[1], one[0]))
    window = (START + dt.timedelta(days=2), START + dt.timedelta(days=8))
    with database.read() as session:
        for most in (1, 3, 10, 500):
            found = traffic.top_repositories(session, *window, most)
            assert [(one.repo, one.downloads) for one in found] == plain[:most]
            assert all(one.bytes == one.downloads and one.refusals == 7 for one in found)


def test_all_of_it_can_be_made_anew_and_is_the_same(database: Database) -> None:
    fill(database, 700)
    for name, one in made.FOLLOWERS.items():
        while follow(database, name, one.take, 37):
            pass
    before = everything(database)
    assert made.rebuild(database) == 700
    assert everything(database) == before


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    tables: list[type[SQLModel]] = [table for one in made.FOLLOWERS.values() for table in one.TABLES]
    with database.read() as session:
        return {
            table.__name__: sorted(tuple(row.model_dump().values()) for row in session.exec(select(table)))
            for table in tables
        }
