"""How long it takes to see who is hit by a model that turned bad: 50,000 callers who were given it.

    python -m benchmarks.incident [--url postgresql+psycopg://…] [--uses 50000]

At an address (default: a SQLite of its own) the uses are added, and taken away when it is over. The time is that of
what page and API ask for, the median of several; beside it what it took of processors in this process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from benchmarks.big_people import put
from curator.audit.tables import UseRow
from curator.database.engine import Database, now
from curator.types import RepoKind
from curator.web.incidents import preview

USES = 50_000
_REPO = "acme-turned-bad/model"
_TEAMS, _HOSTS, _TIMES = 200, 5_000, 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--uses", type=int, default=USES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="curator-incident-") as folder:
        database = Database(options.url or f"sqlite:///{folder}/curator.db")
        database.migrate()
        put(database, UseRow, _uses(options.uses))
        _settle(database)
        try:
            taken, spent = [], []
            for _ in range(_TIMES):
                began, had = time.perf_counter(), time.process_time()
                found = preview(database, _REPO, RepoKind.MODEL)
                taken.append((time.perf_counter() - began) * 1e3)
                spent.append((time.process_time() - had) * 1e3)
        finally:
            with database.write_rows() as connection:
                connection.execute(sa.delete(UseRow).where(col(UseRow.repo) == _REPO))
        print(
            f"{database.engine.dialect.name}: {found.hit.uses} uses, {found.hit.people} callers, "
            f"{len(found.hit.teams)} teams: {statistics.median(taken):.0f} ms (worst {max(taken):.0f}), "
            f"processor {statistics.median(spent):.0f} ms"
        )
        database.close()


def _settle(database: Database) -> None:
    """What PostgreSQL does by itself soon after so many rows (autovacuum); else each is looked up in its table."""
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM ANALYZE {UseRow.__tablename__}")


def _uses(count: int) -> Iterator[dict[str, Any]]:
    moment = now()
    for number in range(count):
        at = moment - dt.timedelta(minutes=number)
        team = number % _TEAMS
        yield {
            "id": f"bad{number:029x}",
            "kind": "model",
            "repo": _REPO,
            "commit": f"{number % 3:040x}",
            "actor": f"person-{number}",
            "token": f"{number:032x}",
            "team": f"team{team}",
            "project": f"project{number % 5}",
            "job": "",
            "first_at": at,
            "last_at": at,
            "files": 7,
            "bytes": 7 << 20,
            "address": f"10.1.{number % _HOSTS // 250}.{number % 250}",
            "user_agent": "huggingface_hub/1.2.0",
        }


if __name__ == "__main__":
    main()
