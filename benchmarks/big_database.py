"""A database as years of use by a bank leave it, to measure pages with: 100,000 repositories, 10 million audit rows.

    python -m benchmarks.big_database sqlite:////tmp/big/curator.db [--repositories 100000] [--rows 10000000]

Makes it at an address where there is none (SQLite), or that is empty (PostgreSQL). Each repository has a decided commit
with its facts; the record is a year long, its rows are chained and sealed as a server does it, and all that is made of
it is there. Other benchmarks call `build`. A million rows take about a minute.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.big_people import make_people
from benchmarks.big_sums import end_following, make_catalogue, make_sums
from benchmarks.replay import decided
from curator.admission.tables import DecisionRow, FactsRow, SnapshotRow
from curator.audit.seals import seal_now, signer
from curator.audit.tables import AuditHeadRow, AuditRow
from curator.database.chain import FIRST, FORM, link
from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.policy.tables import RuleSetChangeRow, RuleSetRow
from rules.model import starter_policy

REPOSITORIES, ROWS = 100_000, 10_000_000
_BATCH = 20_000
_PEOPLE, _TEAMS = 2_000, 40
_AUDIT = AuditRow.__table__  # type: ignore[attr-defined]
_OUTCOMES = ("hold", "hold", "block", "left-out")
_AGENT = "huggingface_hub/1.2.0; python/3.12.3; transformers/5.0.0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--repositories", type=int, default=REPOSITORIES)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    began = time.monotonic()
    build(options.url, options.repositories, options.rows, say=True)
    print(f"made in {time.monotonic() - began:.0f} s")


def build(url: str, repositories: int = REPOSITORIES, rows: int = ROWS, *, say: bool = False) -> None:
    """Make it."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    database = Database(url)
    if database.engine.dialect.name == "sqlite":
        # What is made of ten million rows does not fit into the usual two megabytes.
        sa.event.listen(database.engine, "connect", lambda driver, _: driver.execute("PRAGMA cache_size=-1000000"))
    database.migrate()
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("repositories", lambda: _decide(database, repositories)),
        ("rows of the record", lambda: _record(database, repositories, rows)),
        ("what is made of them", lambda: make_sums(database)),
        ("the catalogue", lambda: make_catalogue(database)),
        ("people, and what waits for them", lambda: make_people(database, repositories)),
        ("the places of those who follow", lambda: end_following(database)),
        ("statistics", lambda: _analyse(database)),
    )
    for what, step in steps:
        began = time.monotonic()
        step()
        if say:
            print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)
    database.close()


def _decide(database: Database, repositories: int) -> None:
    chance, policy = random.Random(7), starter_policy()
    moment = now() - dt.timedelta(days=366)
    rules = {"digest": policy.digest, "name": policy.name, "source": policy.source, "first_used_at": moment}
    change = {"id": f"{1:032x}", "digest": policy.digest, "author": "curator", "reason": "a benchmark"}
    with database.write_rows() as connection:
        connection.execute(sa.insert(RuleSetRow), [rules])
        connection.execute(sa.insert(RuleSetChangeRow), [change | {"origin": "starter", "at": moment}])
    for begin in range(0, repositories, 2_000):
        numbers = range(begin, min(begin + 2_000, repositories))
        made = [decided(one, chance, moment, policy.digest, repositories) for one in numbers]
        with database.write_rows() as connection:
            for table, few in zip((SnapshotRow, FactsRow, DecisionRow), zip(*made, strict=True), strict=False):
                connection.execute(sa.insert(table), [row for rows in few for row in rows])


def _record(database: Database, repositories: int, rows: int) -> None:
    names = [column.name for column in _AUDIT.columns]
    events = _events(repositories, rows)
    seal = Seal("A" * 43 + "=", Path("unused"))
    with_key = signer(database, seal)
    indices = sorted(_AUDIT.indexes, key=lambda index: str(index.name))
    with database.write_rows() as connection:
        for index in indices:
            index.drop(connection)
    seq, chain = 0, FIRST
    while batch := list(islice(events, _BATCH * 10)):
        made = []
        for event in batch:
            seq += 1
            row = event | {"seq": seq, "form": FORM}
            row["chain"] = chain = link(chain, row)
            made.append(tuple(row[name] for name in names))
        with database.write() as session:
            _insert(session.connection(), names, made)
            session.connection().execute(sa.update(AuditHeadRow).values(seq=seq, chain=chain))
            seal_now(session, with_key)
    with database.write_rows() as connection:
        for index in indices:
            index.create(connection)


def _insert(connection: sa.Connection, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    quoted = ", ".join(f'"{name}"' for name in names)
    if connection.dialect.name == "sqlite":
        at = names.index("at")
        told = [(*row[:at], row[at].strftime("%Y-%m-%d %H:%M:%S.%f"), *row[at + 1 :]) for row in rows]
        driver.executemany(f"INSERT INTO audit ({quoted}) VALUES ({', '.join('?' * len(names))})", told)
        return
    with driver.cursor().copy(f"COPY audit ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _events(repositories: int, rows: int) -> Iterator[dict[str, Any]]:
    """A year of them, evenly; some repositories and people much more often than others."""
    chance = random.Random(8)
    begin, step = now() - dt.timedelta(days=365), dt.timedelta(days=365) / rows
    of, person, refused = 0, 0, False
    for number in range(rows):
        at = begin + step * number
        part = number % 7
        if part == 0 or refused:
            # A pull is several files of one commit.
            of = int(repositories * chance.random() ** 3)
            person = int(_PEOPLE * chance.random() ** 2)
            refused = chance.random() > 0.75
        sha = hashlib.sha1(str(of).encode()).hexdigest()
        row: dict[str, Any] = dict.fromkeys(_NAMES)
        row |= {
            "id": f"{int(at.timestamp() * 1000):012x}7{number % 4096:03x}8{number:015x}",
            "at": at,
            "action": "refuse" if refused else "download",
            "actor": f"person-{person}",
            "team": f"team{person % _TEAMS}",
            "project": "",
            "kind": "model",
            "repo": f"org{of % 900}/model-{of}",
            "revision": "main",
            "commit": sha,
            "outcome": _OUTCOMES[number % 4] if refused else "allow",
            "decision": f"{of:032x}",
            "token": f"{person:032x}",
            "address": f"10.0.{person // 250}.{person % 250}",
            "user_agent": _AGENT,
        }
        if refused:
            row |= {"rules": "few-downloads", "sentence": f"{row['repo']} is held for review by the rule few-downloads"}
        else:
            size = (part + 1) << 20
            row |= {"path": f"model-{part}.safetensors", "size": size, "blob": f"sha256:{sha}{part:024x}"}
        yield row


_NAMES = tuple(column.name for column in _AUDIT.columns)


def _analyse(database: Database) -> None:
    """As servers do by and by; PostgreSQL clears up as well, and knows then what an index alone can tell."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE" if database.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"))


if __name__ == "__main__":
    main()
