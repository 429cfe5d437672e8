"""Keeps the queue up to date beside the server: who was refused since, and what is over."""

from __future__ import annotations

import time

from curator.audit.follow import follow
from curator.database.engine import Database
from curator.review import deciding, waiting
from curator.upkeep import keep_doing

_EVERY_S = 1.0
_AT_ONCE = 1_000
_EXPIRE_EVERY_S = 60.0


async def follow_queue(database: Database) -> None:
    """For as long as the server runs; what fails is tried again."""
    expired_at = -_EXPIRE_EVERY_S

    def step() -> float:
        nonlocal expired_at
        taken = follow(database, waiting.FOLLOWER, waiting.take, _AT_ONCE, waiting.TAKES)
        if time.monotonic() - expired_at > _EXPIRE_EVERY_S:
            deciding.expire(database)
            expired_at = time.monotonic()
        return _EVERY_S if taken < _AT_ONCE else 0.0

    await keep_doing(step, "the queue of reviews is not up to date")
