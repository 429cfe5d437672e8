"""How long what is told keeps others waiting, with 10,000 people: who makes notices, and who brings them to everybody.

    python -m benchmarks.notices [people] [teams]

Prints for each of four cases how long it took, and the longest that a writer was kept waiting in it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, insert
from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, new_id, now
from curator.notify import inbox
from curator.notify.making import Maker
from curator.notify.tables import DeliveryRow, NoticeReaderRow
from curator.people.tables import MembershipRow, TeamRow, UserRow
from curator.types import RepoKind

PEOPLE, TEAMS = 10_000, 200
COMMIT = "1" * 40


def main() -> None:
    people, teams = (int(sys.argv[at]) if len(sys.argv) > at else usual for at, usual in ((1, PEOPLE), (2, TEAMS)))
    with tempfile.TemporaryDirectory(prefix="curator-notices-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'curator.db'}")
        database.migrate()
        make_people(database, people, teams)
        maker = Maker(database, "https://curator.bank.example", mails=True)
        commits = [event(Action.DECIDE, "hold", repo=f"acme/m{number}") for number in range(5)]
        pulled = [
            event(Action.DOWNLOAD, "allow", actor=f"build-{number}", team=f"team{number}") for number in range(teams)
        ]
        bad = event(Action.CHANGE, "block", sentence="allowed until now; now blocked: it runs code")
        away = event(Action.HEALTH, "bad", repo="", commit=None, subject="upstream", sentence="it is away")
        measure(database, maker, "the first event ever, for comparison", [event(Action.RULES, "in-force")])
        measure(database, maker, "5 commits are held", commits)
        measure(database, maker, f"downloads of {teams} teams", pulled)
        measure(database, maker, f"a reversal that concerns {teams} teams", [bad])
        measure(database, maker, "the Hub is down", [away])
        with database.read() as session:
            one = session.exec(select(UserRow.id).where(UserRow.role == "reviewer").limit(1)).one()
            began = time.perf_counter()
            unread = inbox.unread_count(session, one)
            print(f"{unread} unread, counted in {1e3 * (time.perf_counter() - began):.1f} ms")
        database.close()


def event(action: Action, outcome: str, **fields: object) -> AuditEvent:
    given = {"actor": "curator", "kind": RepoKind.MODEL, "repo": "acme/tiny", "commit": COMMIT, "sentence": "so it is"}
    return AuditEvent(action=action, outcome=outcome, **{**given, **fields})  # type: ignore[arg-type]


def make_people(database: Database, people: int, teams: int) -> None:
    """One in two hundred is a reviewer; each is in one team."""
    moment = now()
    users = [
        {
            "id": new_id(),
            "login": f"person{number}",
            "folded": f"person{number}",
            "full_name": "",
            "email": f"person{number}@bank.example",
            "role": "reviewer" if number % 200 == 0 else "developer",
            "team": f"team{number % teams}",
            "project": "",
            "created_at": moment,
            "created_by": "benchmark",
        }
        for number in range(people)
    ]
    made = {"created_at": moment, "created_by": "benchmark"}
    with database.write_rows() as connection:
        connection.execute(insert(TeamRow), [{"name": f"team{number}", "title": "", **made} for number in range(teams)])
        connection.execute(insert(UserRow), users)
        connection.execute(
            insert(MembershipRow),
            [
                {"user_id": user["id"], "team": user["team"], "added_at": moment, "added_by": "benchmark"}
                for user in users
            ],
        )


def measure(database: Database, maker: Maker, name: str, events: list[AuditEvent]) -> None:
    with database.write() as session:
        for one in events:
            append(session, one)
    before = _rows(database)
    with held(database) as waits:
        began = time.perf_counter()
        maker.step()
        whole = time.perf_counter() - began
    inboxes, deliveries = (new - old for new, old in zip(_rows(database), before, strict=True))
    longest = ", ".join(f"{1e3 * wait:.0f}" for wait in sorted(waits, reverse=True)[:3])
    print(
        f"{name}: {whole:.2f} s in all, {len(waits)} transactions, the longest {longest} ms, the first "
        f"{1e3 * waits[0]:.0f} ms; {inboxes:,} inboxes, {deliveries:,} deliveries"
    )


@contextmanager
def held(database: Database) -> Iterator[list[float]]:
    """How long each transaction of a writer was, in seconds."""
    from sqlalchemy import event as events

    waits: list[float] = []
    began: dict[int, float] = {}

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("curator_writes"):
            began[id(connection)] = time.perf_counter()

    def commit(connection: Connection) -> None:
        if id(connection) in began:
            waits.append(time.perf_counter() - began.pop(id(connection)))

    events.listen(database.engine, "begin", begin)
    events.listen(database.engine, "commit", commit)
    try:
        yield waits
    finally:
        events.remove(database.engine, "begin", begin)
        events.remove(database.engine, "commit", commit)


def _rows(database: Database) -> tuple[int, int]:
    with database.read() as session:
        return _count(session, NoticeReaderRow), _count(session, DeliveryRow)


def _count(session: Session, table: type[NoticeReaderRow | DeliveryRow]) -> int:
    key = NoticeReaderRow.user_id if table is NoticeReaderRow else DeliveryRow.id
    return session.exec(select(func.count(col(key)))).one()


if __name__ == "__main__":
    main()
