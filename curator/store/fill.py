"""Bring a blob in: fetched once for all who ask, sent on while it arrives, its end held back until it is proved.

One `Fill` writes; any number of readers follow its frontier. What a reader gets before the proof is never the whole
file: the last bytes are released only when the hash is the one that the commit names, and the same scan of the bytes
now on the disk agrees with the one that was made from ranges.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from curator.errors import CuratorError, UpstreamUnavailable
from curator.store.blobs import BlobStore, Part
from curator.store.reading import read_open_file
from curator.types import BlobId

log = logging.getLogger(__name__)

Fetch = Callable[[int], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Opens the upstream's bytes of the blob from an offset on."""
Inspect = Callable[[Path], Awaitable[None]]
"""Looks at all the bytes before they are released; raises a `CuratorError` if they must not be."""

HELD_BACK_BYTES = 64 << 10
_TRIES = 4
_PAUSE_S = 0.5
_TRICKLE_EVERY_S = 4.0


class Fill:
    """One blob on its way in."""

    def __init__(self, store: BlobStore, blob: BlobId, size: int) -> None:
        self.blob = blob
        self.size = size
        self.path: Path | None = None
        """Where the blob is, once it is proved."""
        self.error: CuratorError | None = None
        self._store = store
        self._part: Part | None = None
        self._trickled = 0
        self._moved = asyncio.Condition()

    async def run(self, fetch: Fetch, inspect: Inspect) -> None:
        """Fetch, prove, publish. How it ended is told by `path` and `error`, never by an exception."""
        try:
            self._part = await asyncio.to_thread(self._store.begin, self.blob, self.size)
            await self._fetch(self._part, fetch)
            await asyncio.to_thread(self._part.verify)
            await self._inspect(inspect(self._part.path))
            self.path = await asyncio.to_thread(self._part.publish)
        except CuratorError as error:
            self.error = error
            log.warning("%s was not brought in: %s", self.blob, error.sentence)
        except OSError as error:
            self.error = CuratorError(f"The mirror's disk failed: {error.strerror}")
            log.exception("%s was not brought in", self.blob)
        except asyncio.CancelledError:
            self.error = UpstreamUnavailable("The mirror is stopping: try again")
            raise
        except Exception:
            self.error = CuratorError("The mirror failed inside; its log says how")
            log.exception("%s was not brought in", self.blob)
        finally:
            await self._tell()
            if self._part is not None:
                self._part.close()

    async def wait(self) -> Path:
        """The proved blob. Raises what went wrong."""
        await self._until(lambda: False)
        assert self.path is not None
        return self.path

    async def read(self, offset: int, length: int) -> AsyncIterator[bytes]:
        """Bytes of the blob as they become available. Raises what went wrong, before the last byte is out."""
        end = offset + length
        await self._until(lambda: self._part is not None)
        fd = await self._open_part()
        try:
            while offset < end:
                await self._until(lambda at=offset: self._released() > at)  # type: ignore[misc]
                count = min(self._released() - offset, end - offset)
                async for data in read_open_file(fd, offset, count):
                    offset += len(data)
                    yield data
        finally:
            os.close(fd)

    async def _open_part(self) -> int:
        assert self._part is not None
        try:
            # The file keeps its identity when it is published: who opened it before reads on.
            return os.open(self._part.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return os.open(await self.wait(), os.O_RDONLY | os.O_CLOEXEC)

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait for it. Raises what went wrong in the meantime."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.error is not None or self.path is not None or holds())
        if self.error is not None:
            raise self.error

    def _released(self) -> int:
        """How many bytes readers may have."""
        if self.path is not None:
            return self.size
        written = self._part.written if self._part else 0
        return max(0, min(written, self.size - HELD_BACK_BYTES + self._trickled))

    async def _fetch(self, part: Part, fetch: Fetch) -> None:
        """Take in all bytes, going on where the upstream broke off. Raises when it does so without an end."""
        failures = 0
        while part.written < self.size:
            before = part.written
            try:
                async with fetch(part.written) as chunks:
                    async for chunk in chunks:
                        await asyncio.to_thread(part.write, chunk)
                        await self._tell()
                why = UpstreamUnavailable(f"The Hub sent {part.written} of the {self.size} bytes of {self.blob}")
            except UpstreamUnavailable as error:
                why = error
            if part.written < self.size:
                failures = 1 if part.written > before else failures + 1
                if failures >= _TRIES:
                    raise why
                await asyncio.sleep(_PAUSE_S * failures)

    async def _inspect(self, look: Awaitable[None]) -> None:
        """Wait for the second look, giving readers a byte of what is held back now and then: they give up after 10 s
        without one (measured in all clients, hub-api part 2), and never get the end before the look is over."""
        looking = asyncio.ensure_future(look)
        try:
            while not (await asyncio.wait({looking}, timeout=_TRICKLE_EVERY_S))[0]:
                self._trickled = min(self._trickled + 1, HELD_BACK_BYTES // 2)
                await self._tell()
            await looking
        finally:
            looking.cancel()

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()


class Filler:
    """The fills under way in this process: whoever asks for a blob that is being fetched joins in."""

    def __init__(self, store: BlobStore) -> None:
        self.store = store
        self._fills: dict[BlobId, tuple[Fill, asyncio.Task[None]]] = {}

    def open(self, blob: BlobId, size: int, fetch: Fetch, inspect: Inspect) -> Fill:
        """The fill of this blob: the one under way, or a new one, which goes on also if its asker leaves."""
        under_way = self._fills.get(blob)
        if under_way is not None:
            return under_way[0]
        fill = Fill(self.store, blob, size)
        task = asyncio.create_task(fill.run(fetch, inspect), name=f"fill {blob}")
        self._fills[blob] = (fill, task)
        task.add_done_callback(lambda _: self._fills.pop(blob, None))
        return fill

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [task for _, task in self._fills.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
