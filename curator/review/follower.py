"""Keeps the queue up to date beside the server: who was refused since, and what is over."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy.exc import SQLAlchemyError

from curator.audit.follow import follow
from curator.database.engine import Database
from curator.review import deciding, waiting

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_AT_ONCE = 1_000
_EXPIRE_EVERY_S = 60.0


async def follow_queue(database: Database) -> None:
    """For as long as the server runs; what fails is tried again."""
    expired_at = 0.0
    while True:
        try:
            taken = await asyncio.to_thread(follow, database, waiting.FOLLOWER, waiting.take, _AT_ONCE)
            if time.monotonic() - expired_at > _EXPIRE_EVERY_S:
                await asyncio.to_thread(deciding.expire, database)
                expired_at = time.monotonic()
        except SQLAlchemyError as error:
            taken = 0
            log.warning("the queue of reviews is not up to date: %s", type(error).__name__)
        if taken < _AT_ONCE:
            await asyncio.sleep(_EVERY_S)
