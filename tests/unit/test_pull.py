"""A part is brought in, and whoever follows it is told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from curator.store.blobs import BlobStore
from curator.store.pacing import Pace
from curator.store.part import Part
from curator.store.pull import Pull
from curator.types import BlobId, HashKind


def test_the_last_bytes_are_told_however_slow_the_telling_is(tmp_path: Path) -> None:
    """Who hashes what came out of order waits for that word, and the fetch for him."""
    store, content = BlobStore(tmp_path, 0), os.urandom(1_000_000)
    store.prepare()
    part = Part.claim(store, BlobId(HashKind.SHA256, sha256(content).hexdigest()), len(content))
    assert part is not None
    told = list[int]()

    @asynccontextmanager
    async def fetch(offset: int, _length: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            for at in range(offset, len(content), 100_000):
                yield content[at : at + 100_000]

        yield chunks()

    async def moved() -> None:
        await asyncio.sleep(0.05)
        told.append(part.written)

    asyncio.run(Pull(part, fetch, Pace(), moved, lambda _: None).run())
    part.verify()
    part.close(keep=False)
    assert told[-1] == len(content)
