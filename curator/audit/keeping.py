"""What one of a server's processes does about the record, all the time: it is sealed, verified once a day, and what is
past its time is deleted."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time

from curator.audit.retention import sweep
from curator.audit.seals import seal_if_due
from curator.audit.standing import last_checked, unverified_since
from curator.audit.verifying import Verifying
from curator.database.engine import Database, now
from curator.database.sealing import Seal

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 20.0
_SWEEP_EVERY_S = 3_600.0
_VERIFY_EVERY = dt.timedelta(days=1)
_TRY_AGAIN_S = 3_600.0
"""To verify it, when that came to no end."""


async def keep(database: Database, seal: Seal, days: int | None, verifying: Verifying) -> None:
    """Until cancelled. `days` is how long rows are kept; None: for ever."""
    swept: float | None = None
    begun: float | None = None
    while True:
        try:
            await asyncio.to_thread(seal_if_due, database, seal)
            if days is not None and (swept is None or time.monotonic() - swept >= _SWEEP_EVERY_S):
                await asyncio.to_thread(sweep, database, seal, days)
                swept = time.monotonic()
            rested = begun is None or time.monotonic() - begun >= _TRY_AGAIN_S
            if rested and await asyncio.to_thread(is_to_be_verified, database):
                verifying.begin()
                begun = time.monotonic()
        except Exception:
            # Neither a key that is not there nor a database that is away keeps rows from being written.
            log.exception("the record could not be sealed or verified, or what is past its time could not be deleted")
        await asyncio.sleep(_LOOK_EVERY_S)


def is_to_be_verified(database: Database) -> bool:
    """Whether nobody has verified it for a day; one that has only just begun can wait."""
    with database.read() as session:
        since = unverified_since(session, last_checked(session))
    return since is not None and since < now() - _VERIFY_EVERY
