"""Clear away what was left half fetched and nobody goes on with: a disk is not to fill up with beginnings."""

from __future__ import annotations

from curator.store.blobs import BlobStore
from curator.upkeep import keep_doing

_EVERY_S = 3_600.0
_STALE_S = 86_400.0


async def sweep_parts(store: BlobStore) -> None:
    """Until cancelled, now and each hour. Many servers may do so at once."""

    def step() -> float:
        store.drop_stale_parts(_STALE_S)
        return _EVERY_S

    await keep_doing(step, "what is left of old fetches cannot be cleared away")
