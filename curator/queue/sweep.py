"""Send again what a lost message or a dead worker left undone."""

from __future__ import annotations

from curator.database.engine import Database
from curator.queue.celery import Sender
from curator.queue.work import due
from curator.upkeep import keep_doing

_PAUSE_S = 1.0


async def sweep(database: Database, sender: Sender) -> None:
    """Until cancelled. Many servers may sweep at once: to be woken twice does a worker no harm."""

    def step() -> float:
        works = due(database)
        if works:
            sender.send(works)
        return _PAUSE_S

    await keep_doing(step, "what is due cannot be given to workers", first_after_s=_PAUSE_S)
