"""A number that grows whenever something changes that answers in memory rest on: decisions, branches, tokens, pins.

It is a row, which grows in the transaction of the change itself. Beside an SQLite file it is also a word in a mapped
page, so that every process on the machine sees a change with its next request, for a tenth of a microsecond. PostgreSQL
tells of it whoever listens, within milliseconds, and the process that made the change knows it at once. The row alone,
looked at twice a second, reaches everybody else, and what a crash between the two left unsaid.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mmap
import os
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event, select, text, update
from sqlalchemy.engine import make_url
from sqlmodel import Field, Session, SQLModel, col

from curator.database.engine import Database

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_LISTEN_AGAIN_S = 2.0
_WORD = 8
_CHANGED = "curator_changed"
_own: Counter[str] = Counter()
"""Changes that this process has made or was told of, by the address of a database that is no file."""


class GenerationRow(SQLModel, table=True):
    """One row; it is there from the migration on."""

    __tablename__ = "generation"

    id: int = Field(primary_key=True)
    value: int


_GROW = (
    update(GenerationRow)
    .where(col(GenerationRow.id) == 1)
    .values(value=GenerationRow.value + 1)
    .returning(col(GenerationRow.value))
)
_VALUE = select(col(GenerationRow.value)).where(col(GenerationRow.id) == 1)


def changed(session: Session) -> None:
    """Say, within the transaction of a change, that answers given before it may not hold after it."""
    if session.info.get(_CHANGED):
        return
    session.info[_CHANGED] = True
    value = int(session.execute(_GROW).scalar_one())
    engine = session.get_bind().engine
    address = engine.url.render_as_string()
    page = _page_beside(address)
    if engine.dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {_CHANGED}"))
    tell = partial(_own.update, [address]) if page is None else partial(_write, page, value)
    event.listen(session, "after_commit", lambda _: tell(), once=True)


def row_of(session: Session) -> int:
    """The number that belongs to the state of the database which this session sees."""
    return int(session.execute(_VALUE).scalar_one())


class Generation:
    """The number as a server looks at it before each answer from memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._row = self._read()
        self._moving = threading.Lock()
        self._failures = 0
        self._address = database.engine.url.render_as_string()
        page = _page_beside(database.url)
        self._word = _map(page) if page is not None else None

    def current(self) -> tuple[int, int]:
        """Equal to an earlier one only if nothing has changed since."""
        return self._row, self._word[0] if self._word is not None else _own[self._address]

    def saw(self, row: int) -> None:
        """Somebody in this process has read a state of the database that may be newer than what is known of it here:
        what was made before is of an older one."""
        with self._moving:
            self._row = max(self._row, row)

    async def follow(self) -> None:
        """Look at the row, and listen where the database tells, until cancelled."""
        listens = self._database.engine.dialect.name == "postgresql" and self._database.engine.driver == "psycopg"
        await asyncio.gather(self._look(), *([self._listen()] if listens else []))

    async def _listen(self) -> None:
        from psycopg import AsyncConnection, Error

        engine = self._database.engine
        places, names = engine.dialect.create_connect_args(engine.url)
        while True:
            try:
                async with await AsyncConnection[Any].connect(*places, **names, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {_CHANGED}".encode())
                    # What was said before anybody listened.
                    _own[self._address] += 1
                    async for _ in connection.notifies():
                        _own[self._address] += 1
            except Error as error:
                # The row is looked at meanwhile.
                log.warning("PostgreSQL cannot be listened to (%s); the next try is in a moment", type(error).__name__)
            await asyncio.sleep(_LISTEN_AGAIN_S)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await asyncio.to_thread(self.look)
            except Exception:
                # A database that is away for a moment must not end this; in the meantime nothing is from memory.
                log.exception("the generation cannot be read")
                with self._moving:
                    # Another one each time, or what was kept in one of them would hold in the next.
                    self._failures += 1
                    self._row = -self._failures

    def look(self) -> None:
        """See what the row is by now."""
        before = self._row
        row = self._read()
        with self._moving:
            # Somebody may have seen a newer one meanwhile (`saw`), and going back to this one would make two states of
            # the database equal. The next look is soon.
            if self._row == before:
                self._row = row

    def _read(self) -> int:
        return int(self._database.value_of(_VALUE))


def _page_beside(url: str) -> Path | None:
    """Where the mapped word is; None for a database that is no file."""
    parsed = make_url(url)
    in_a_file = parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}
    return Path(f"{parsed.database}-generation") if in_a_file else None


def _map(page: Path) -> memoryview:
    fd = os.open(page, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(fd).st_size < _WORD:
            # Its last byte, which is 0 for good: whoever makes the page at the same time loses nothing, and a page that
            # was only made longer, on a full disk, would end whoever stores into it (SIGBUS).
            os.pwrite(fd, b"\0", _WORD - 1)
        return memoryview(mmap.mmap(fd, _WORD)).cast("Q")
    finally:
        os.close(fd)


def _write(page: Path, value: int) -> None:
    # Each value is written once. The words of two who write at once may come in either order, and are each a change; if
    # each added one to what he had read, a third could see the word go back to what it was before his last look.
    with contextlib.suppress(OSError):
        _map(page)[0] = value
