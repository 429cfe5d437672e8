"""When somebody was last here and a token last used: to the hour, and never in the way of an answer."""

from __future__ import annotations

import datetime as dt
import threading
import time

from sqlalchemy import Connection, or_, update
from sqlmodel import col

from curator.database.engine import Database, now
from curator.people.caller import Caller
from curator.people.tables import TokenRow, UserRow
from curator.upkeep import keep_doing

_HOUR_S = 3_600.0
_WRITE_EVERY_S = 30.0
_MOST = 100_000
_AT_ONCE = 500
_Who = tuple[str | None, str | None]
"""Token and user, by id."""


class Seen:
    """Notes who was here, and writes it down now and then; may be told from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._told: dict[_Who, float] = {}
        self._new: set[_Who] = set()

    def note(self, caller: Caller) -> None:
        """He was here; costs a look into a dictionary."""
        who = (caller.token_id, caller.user_id)
        moment = time.monotonic()
        if who == (None, None) or moment - self._told.get(who, -_HOUR_S) < _HOUR_S:
            return
        with self._lock:
            if len(self._told) >= _MOST:
                self._told.clear()
            self._told[who] = moment
            self._new.add(who)

    async def follow(self) -> None:
        """Write down what is new, until cancelled."""

        def step() -> float:
            self.write()
            return _WRITE_EVERY_S

        await keep_doing(step, "when tokens were last used cannot be written down", first_after_s=_WRITE_EVERY_S)

    def write(self) -> None:
        """Write down who was here since the last time; of several processes, one does."""
        with self._lock:
            who, self._new = self._new, set()
        if who:
            with self._database.write_rows() as connection:
                _write(connection, TokenRow, "last_used_at", {token for token, _ in who if token})
                _write(connection, UserRow, "last_seen_at", {user for _, user in who if user})


def _write(connection: Connection, table: type[TokenRow | UserRow], field: str, ids: set[str]) -> None:
    at, last, ordered = now(), getattr(table, field), sorted(ids)
    stale = or_(last.is_(None), last < at - dt.timedelta(seconds=_HOUR_S))
    for start in range(0, len(ordered), _AT_ONCE):
        some = col(table.id).in_(ordered[start : start + _AT_ONCE])
        connection.execute(update(table).where(some, stale).values({field: at}))
