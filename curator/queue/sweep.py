"""Send again what a lost message or a dead worker left undone."""

from __future__ import annotations

import asyncio
import logging

from curator.database.engine import Database
from curator.queue.celery import Sender
from curator.queue.work import due

log = logging.getLogger(__name__)

_PAUSE_S = 1.0


async def sweep(database: Database, sender: Sender) -> None:
    """Until cancelled. Many servers may sweep at once: to be woken twice does a worker no harm."""
    while True:
        await asyncio.sleep(_PAUSE_S)
        try:
            works = await asyncio.to_thread(due, database)
            if works:
                await asyncio.to_thread(sender.send, works)
        except Exception:
            # A database that is away for a moment must not end the sweep.
            log.exception("the sweep failed; it goes on")
