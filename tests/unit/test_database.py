"""The tables that migrations make are the tables that the code means."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

import curator.app  # noqa: F401 - it imports every table
from curator.admission.history import observed
from curator.database.engine import Database
from curator.errors import BadInput, BadSettings
from curator.types import RepoId, Revision
from tests.databases import Databases


def test_the_migrations_make_every_table_and_column_that_the_code_has(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_again_changes_nothing_and_loses_nothing(database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("CREATE TABLE kept (value INTEGER)"))
        session.connection().execute(text("INSERT INTO kept VALUES (7)"))
    database.migrate()
    with database.read() as session:
        assert session.connection().execute(text("SELECT value FROM kept")).scalar() == 7


def test_a_database_of_the_newest_form_is_known_without_loading_what_makes_it(database: Database) -> None:
    script = f"""import sys
from curator.database.engine import Database
Database({database.url!r}).migrate()
print("alembic" in sys.modules)"""
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert said == "False\n"


def test_what_branches_were_last_seen_at_is_the_beginning_of_their_history(blank_url: str) -> None:
    database = Database(blank_url)
    database.migrate(to="0001")
    one, two = "1" * 40, "2" * 40
    with database.write() as session:
        for asked, revision, sha, day in (
            ("acme/new", "main", two, "2026-01-02"),
            ("acme/old", "main", one, "2026-01-01"),
            ("acme/new", two, two, "2026-01-02"),
        ):
            values = {"asked": asked, "revision": revision, "sha": sha, "at": f"{day} 00:00:00.000000"}
            session.connection().execute(
                text("INSERT INTO refs VALUES ('model', :asked, :revision, 'acme/new', :sha, :at)"), values
            )
    database.migrate()
    with database.read() as session:
        assert observed(session, RepoId.parse("acme/new"), Revision("main")) == [two, one]
        assert observed(session, RepoId.parse("acme/new"), Revision(two)) == []


def test_a_file_is_in_wal_and_every_commit_is_on_the_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/curator.db")
    with database.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2


def test_what_raises_in_a_transaction_is_undone(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            session.connection().execute(text("CREATE TABLE gone (value INTEGER)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not inspect(database.engine).has_table("gone")


@pytest.mark.parametrize("url", ["hunter2", "nosuch://me:hunter2@host/db", "mssql+nosuch://me:hunter2@host/db"])
def test_an_address_that_cannot_be_used_is_told_in_one_sentence_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings, match="CURATOR_DATABASE_URL cannot be used") as refused:
        Database(url)
    assert "hunter2" not in refused.value.sentence


def test_what_was_to_be_written_is_in_no_error(database: Database) -> None:
    with pytest.raises(DBAPIError) as failed, database.write_rows() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:value)"), {"value": "hunter2"})
    assert "hunter2" not in str(failed.value)


def test_processes_that_start_at_once_migrate_once(blank_url: str) -> None:
    script = f"from curator.database.engine import Database; Database({blank_url!r}).migrate()"
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda _: subprocess.run([sys.executable, "-c", script], check=False).returncode, range(4))
        )
    assert done == [0] * 4


def test_a_file_that_is_no_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "curator.db").write_text("not a database " * 100)
    with pytest.raises(BadSettings, match="cannot be used: file is not a database"):
        Database(f"sqlite:///{tmp_path}/curator.db").migrate()


def test_a_server_without_that_database_is_told_in_one_sentence_without_its_password(databases: Databases) -> None:
    url = databases.server().url("nosuch").replace("postgres@", "postgres:hunter2@")
    with pytest.raises(BadSettings, match=r'cannot be used: .*database "nosuch" does not exist') as refused:
        Database(url).migrate()
    assert "hunter2" not in refused.value.sentence
    assert "\n" not in refused.value.sentence


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(BadSettings, match=r"psycopg is not installed\. The drivers of SQLite and PostgreSQL come with"):
        Database("postgresql://me@host/db")


def test_the_event_loop_goes_on_while_a_database_is_asked(database: Database) -> None:
    asked = threading.Event()

    def slow(session: Session) -> int:
        assert asked.wait(10)
        return int(session.connection().execute(text("SELECT 7")).scalar_one())

    async def both() -> int:
        answer = asyncio.create_task(database.ask(slow))
        await asyncio.sleep(0)
        asked.set()
        return await answer

    assert asyncio.run(both()) == 7


def test_a_change_that_fails_leaves_nothing_behind(database: Database) -> None:
    def change(session: Session) -> None:
        session.connection().execute(text("CREATE TABLE half (value INTEGER)"))
        raise BadInput("No")

    with pytest.raises(BadInput):
        asyncio.run(database.change(change))
    assert "half" not in inspect(database.engine).get_table_names()
