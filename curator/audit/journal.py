"""The record as a server writes it: what many requests have to say at once goes to the disk in one transaction.

Each request waits until its row is there, so nothing is given out that is not on the record; a commit costs the disk a
millisecond or more, and is shared by all who wait for one.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import OperationalError

from curator.audit.record import AuditEvent, add_rows
from curator.database.engine import Database

_Waiting = tuple[AuditEvent, asyncio.Future[None]]


class Journal:
    """Belongs to one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        # Its own: of those that all share another is woken for each row, which costs more than the row's statements.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record")

    async def record(self, event: AuditEvent) -> None:
        """Add the event; it is on the disk when this returns. Raises what keeps it from being written."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((event, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._put(batch)
        finally:
            self._writing = None

    async def _put(self, batch: list[_Waiting]) -> None:
        try:
            events = [event for event, _ in batch]
            await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, events)
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, OperationalError):
                # One that cannot be written keeps no other from the record; a database that is away keeps all.
                for one in batch:
                    await self._put([one])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for _, done in batch:
            if not done.done():
                done.set_result(None)

    def _commit(self, events: list[AuditEvent]) -> None:
        with self._database.write_rows() as connection:
            add_rows(connection, events)

    async def close(self) -> None:
        """Let what is being written be written."""
        if self._writing is not None:
            await self._writing
