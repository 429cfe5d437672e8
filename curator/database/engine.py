"""The database: SQLite in WAL on one machine, anything SQLAlchemy speaks beyond; transactions that say what they do."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, Select, create_engine, event, inspect, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.types import DateTime, TypeDecorator
from sqlmodel import Session

from curator.errors import BadSettings

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_S = 30
# Of libpq, in seconds and milliseconds; without them a machine that is gone is waited for for minutes.
_NO_LONGER_THAN = {"connect_timeout": "10", "keepalives_idle": "15", "tcp_user_timeout": "15000"}
_WRITERS = 0x43_55_52_41
"""Any number that no other program uses for a lock in the same database."""


Found = TypeVar("Found")

ALONG: ContextVar[Callable[[Session], None] | None] = ContextVar("ALONG", default=None)
"""What belongs into each transaction that is written from here on, as its last part; it may raise, and undo all."""


class Database:
    """Sessions for reading and for writing; each leaves nothing half done.

    Writers come one after the other: what one has looked up still holds when it writes. Raises `BadSettings` for an
    address that cannot be used.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.engine = _engine(url)
        except ModuleNotFoundError as error:
            raise BadSettings(
                f"CURATOR_DATABASE_URL cannot be used: {error.name} is not installed. The drivers of SQLite "
                "and PostgreSQL come with the program: install it anew, or name one of these"
            ) from None
        except (ArgumentError, ImportError) as error:
            # Not the address itself, which may have a password in it.
            raise BadSettings(f"CURATOR_DATABASE_URL cannot be used: {error}") from None
        self._writes: dict[str, Any] = {"curator_writes": True}
        if self.engine.dialect.name == "postgresql":
            # Who has waited for another writer is to see what that one wrote.
            self._writes["isolation_level"] = "READ COMMITTED"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the database and changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def value_of(self, statement: Select[Any], **values: object) -> Any:
        """The first value of the first row, or None. For what is looked at all day: of a statement that is made once,
        and past the object mapper, it takes a quarter as long."""
        with self.engine.connect() as connection:
            return connection.execute(statement, values).scalar()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed when the block ends, undone when it raises."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options=self._writes)
            yield session
            if (along := ALONG.get()) is not None:
                session.flush()
                along(session)
            session.commit()

    async def ask(self, verb: Callable[[Session], Found]) -> Found:
        """What a verb finds, which reads in a thread: the event loop waits for no database."""

        def run() -> Found:
            with self.read() as session:
                return verb(session)

        return await asyncio.to_thread(run)

    async def change(self, verb: Callable[[Session], Found]) -> Found:
        """The same for a verb that writes, in a transaction of its own."""

        def run() -> Found:
            with self.write() as session:
                return verb(session)

        return await asyncio.to_thread(run)

    @contextmanager
    def write_rows(self) -> Iterator[Connection]:
        """The same past the object mapper, which takes several times as long as the database."""
        with self.engine.connect().execution_options(**self._writes) as connection, connection.begin():
            yield connection

    def migrate(self, to: str = "head") -> None:
        """Bring the tables to the newest form, or to that of a migration; safe to call at every start."""
        try:
            if to == "head" and self._is_newest():
                return
            # Imported here, since it takes 11 MB and a tenth of a second, and nearly every start finds it done.
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS))
            # As a writer, so that of two processes that start at once the second finds it done; and begun here, since
            # Alembic would else end its transaction after each migration of SQLite, between which another may write.
            with self.write_rows() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, to)
        except DBAPIError as error:
            said = " ".join(str(error.orig).split())
            raise BadSettings(f"The database {make_url(self.url)!r} cannot be used: {said}") from error

    def _is_newest(self) -> bool:
        """Whether the last migration there is has been made. Nothing makes a database older beside a server."""
        newest = max(file.stem for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars()) == [newest]

    def close(self) -> None:
        self.engine.dispose()


class Utc(TypeDecorator[dt.datetime]):
    """A moment, kept in UTC also by databases that know no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        del dialect
        return value.astimezone(dt.UTC) if value else None

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        del dialect
        if value is None:
            return None
        # PostgreSQL hands it out in the zone of whoever asks.
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def new_id() -> str:
    """32 hex digits that sort by time of making (the layout of UUID version 7, RFC 9562 section 5.7)."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return f"{value:032x}"


def made_at(key: str) -> dt.datetime:
    """When `new_id` made it."""
    return dt.datetime.fromtimestamp(int(key[:12], 16) / 1_000, dt.UTC)


def _engine(url: str) -> Engine:
    # An error must not bring into a log what was to be written.
    if make_url(url).get_backend_name() == "sqlite":
        # Of the connections, always the same one or few, which still know the pages that they have read.
        arguments = {"timeout": _BUSY_S, "check_same_thread": False}
        pool: dict[str, Any] = {"pool_use_lifo": True} if make_url(url).database not in {None, "", ":memory:"} else {}
        engine = create_engine(url, hide_parameters=True, connect_args=arguments, **pool)
        _tame_sqlite(engine)
        return engine
    of_postgres: dict[str, Any] = {}
    if make_url(url).get_backend_name() == "postgresql":
        # Readers see one state. Said with BEGIN, where it costs no message of its own.
        of_postgres["isolation_level"] = "REPEATABLE READ"
    engine = create_engine(
        _patient(make_url(url)), hide_parameters=True, pool_pre_ping=True, pool_use_lifo=True, **of_postgres
    )
    if engine.dialect.name == "postgresql":
        _tame_postgres(engine)
    return engine


def _patient(url: URL) -> URL:
    """The address, with bounds to the waiting for a machine that says nothing any more; what it has itself counts."""
    if url.get_backend_name() != "postgresql" or url.get_driver_name() != "psycopg":
        return url
    return url.set(query={**_NO_LONGER_THAN, **url.query})


def _tame_postgres(engine: Engine) -> None:
    """A writer queues at BEGIN, as with SQLite."""

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        if connection.get_execution_options().get("curator_writes", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _tame_sqlite(engine: Engine) -> None:
    """WAL, every commit on the disk, and a writer that queues at BEGIN instead of failing in mid-transaction."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        # The driver's own idea of when to begin is switched off: see SQLAlchemy, "Serializable isolation" of SQLite.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get("curator_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
