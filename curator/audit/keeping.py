"""What one of a server's processes does about the record, all the time: seals it, and deletes what is past its time."""

from __future__ import annotations

import asyncio
import logging
import time

from curator.audit.retention import sweep
from curator.audit.seals import seal_if_due
from curator.database.engine import Database
from curator.database.sealing import Seal

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 20.0
_SWEEP_EVERY_S = 3_600.0


async def keep(database: Database, seal: Seal, days: int | None) -> None:
    """Until cancelled. `days` is how long rows are kept; None: for ever."""
    swept: float | None = None
    while True:
        try:
            await asyncio.to_thread(seal_if_due, database, seal)
            if days is not None and (swept is None or time.monotonic() - swept >= _SWEEP_EVERY_S):
                await asyncio.to_thread(sweep, database, seal, days)
                swept = time.monotonic()
        except Exception:
            # Neither a key that is not there nor a database that is away keeps rows from being written.
            log.exception("the record could not be sealed, or what is past its time could not be deleted")
        await asyncio.sleep(_LOOK_EVERY_S)
