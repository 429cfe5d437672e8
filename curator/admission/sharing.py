"""What callers are told of branches, as the server processes tell it each other: by the database.

What begins at about the same time is one transaction. Nobody is refused, or kept waiting for long, because it cannot be
written: each process then goes by what it remembers itself, and says so in the log.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

from curator.admission import told as rows
from curator.admission.told import Beginning, Key
from curator.database.engine import Database, now

log = logging.getLogger(__name__)

# What begins within this after a transaction is in the next one.
_GATHER_S = 0.02
_MOST_AT_ONCE = 500
# A client gives up on a HEAD after 10 s, and the writer before us may be at a long list.
_PATIENCE_S = 1.0
_SWEEP_EVERY_S = 10.0
MOST_WRITTEN = 10_000
"""Beginnings that one process writes between two sweeps, so that the table has a bound."""


class SharedSessions:
    """Belongs to one event loop."""

    def __init__(self, database: Database, lasts_s: float) -> None:
        self._database = database
        self._lasts = dt.timedelta(seconds=lasts_s)
        self._waiting: list[tuple[Beginning, asyncio.Future[Beginning] | None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._written = 0

    async def recall(self, key: Key) -> Beginning | None:
        """What the caller is told, by whatever process."""
        return await asyncio.to_thread(self._recall, key)

    async def begin(self, mine: Beginning) -> Beginning:
        """Let the caller be told this by all processes, unless he is told something already: returns what holds."""
        written = asyncio.get_running_loop().create_future()
        self._write_down(mine, written)
        try:
            return await asyncio.wait_for(written, _PATIENCE_S)
        except TimeoutError:
            log.warning("the other processes do not know in time what a caller is told of %s@%s", *mine.key[1:])
            return mine

    def note(self, mine: Beginning) -> None:
        """Let the other processes know in a moment that the caller is told this."""
        self._write_down(mine, None)

    async def sweep(self) -> None:
        """Take away what has run out; until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self._sweep)
            except Exception:
                # A database that is away for a moment must not end the sweep.
                log.exception("sessions that ran out are not swept; it goes on")
            self._written = 0
            await asyncio.sleep(max(self._lasts.total_seconds(), _SWEEP_EVERY_S))

    async def close(self) -> None:
        """Let what is being written be written."""
        if self._writing is not None:
            await self._writing

    def _write_down(self, mine: Beginning, written: asyncio.Future[Beginning] | None) -> None:
        self._written += 1
        if self._written > MOST_WRITTEN:
            if self._written == MOST_WRITTEN + 1:
                log.warning("%d sessions began: for a while the other processes know of no more", MOST_WRITTEN)
            if written is not None:
                written.set_result(mine)
            return
        self._waiting.append((mine, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="sessions")

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                held = [beginning for beginning, _ in batch]
                try:
                    held = await asyncio.to_thread(self._begin, held)
                except Exception:
                    log.exception("the other processes do not know what callers are told")
                for beginning, (_, written) in zip(held, batch, strict=True):
                    if written is not None and not written.done():
                        written.set_result(beginning)
                await asyncio.sleep(_GATHER_S)
        finally:
            self._writing = None

    def _recall(self, key: Key) -> Beginning | None:
        with self._database.read() as session:
            return rows.recall(session, key, self._lasts, now())

    def _begin(self, beginnings: list[Beginning]) -> list[Beginning]:
        with self._database.write() as session:
            return rows.begin(session, beginnings, self._lasts)

    def _sweep(self) -> None:
        with self._database.write() as session:
            rows.sweep(session, self._lasts, now())
