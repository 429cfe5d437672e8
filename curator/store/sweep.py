"""Clear away what was left half fetched and nobody goes on with: a disk is not to fill up with beginnings."""

from __future__ import annotations

import asyncio
import logging

from curator.store.blobs import BlobStore

log = logging.getLogger(__name__)

_EVERY_S = 3_600.0
_STALE_S = 86_400.0


async def sweep_parts(store: BlobStore) -> None:
    """Until cancelled, now and each hour. Many servers may do so at once."""
    while True:
        try:
            await asyncio.to_thread(store.drop_stale_parts, _STALE_S)
        except OSError:
            # A disk that is away for a moment must not end the sweep.
            log.exception("what is left of old fetches could not be cleared away; it is tried again in an hour")
        await asyncio.sleep(_EVERY_S)
