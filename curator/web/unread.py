"""How many notices a person has not read, as every page says it: asked of the database once in some seconds."""

from __future__ import annotations

import asyncio
import time

from curator.database.engine import Database
from curator.notify.inbox import unread_count

_FOR_S = 5.0
_MOST_PEOPLE = 10_000


class Unread:
    """Of one server process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, int]] = {}

    async def of(self, user_id: str) -> int:
        """Up to `inbox.MOST_COUNTED`."""
        at, count = self._known.get(user_id, (0.0, 0))
        if at + _FOR_S > time.monotonic():
            return count
        count = await asyncio.to_thread(self._count, user_id)
        self.note(user_id, count)
        return count

    def note(self, user_id: str, count: int) -> None:
        """Somebody has counted them just now."""
        if len(self._known) >= _MOST_PEOPLE:
            self._known.clear()
        self._known[user_id] = (time.monotonic(), count)

    def _count(self, user_id: str) -> int:
        with self._database.read() as session:
            return unread_count(session, user_id)
