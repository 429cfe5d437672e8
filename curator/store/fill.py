"""Bring a blob in: fetched once for all who ask, in all processes, sent on while it arrives, its end held back until it
is proved.

One process fetches, the others follow what it says in the part's ledger, and take over where it was if it dies. What a
reader gets before the proof is never the whole file: the last bytes are released only when the hash is the one that the
commit names, and the same scan of the bytes now on the disk agrees with the one that was made from ranges.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from curator.errors import CuratorError, UpstreamUnavailable, WrongBytes
from curator.store.blobs import BlobStore
from curator.store.ledger import Ledger
from curator.store.pacing import Pace
from curator.store.part import Part, ledger_path, part_path
from curator.store.pull import Fetch, Pull
from curator.store.threads import to_the_end
from curator.types import BlobId

log = logging.getLogger(__name__)


class Look(Protocol):
    """What is thought of the bytes of a blob, by whoever knows what they should be."""

    async def confirm(self, path: Path) -> None:
        """Look at all of them before they are released. Raises a `CuratorError` if they must not be."""

    async def wrong(self, sentence: str) -> None:
        """Take note that other bytes came than those that were announced or judged."""


HELD_BACK_BYTES = 64 << 10
_TRICKLE_EVERY_S = 4.0
_FOLLOW_EVERY_S = 0.005
_LOOK_FOR_DEATH_EVERY = 20


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of an open file that may be sent."""

    fd: int
    offset: int
    length: int


class Fill:
    """One blob on its way in, as this process sees it."""

    def __init__(self, store: BlobStore, blob: BlobId, size: int) -> None:
        self.blob = blob
        self.size = size
        self.path: Path | None = None
        """Where the blob is, once it is proved and on the disk."""
        self.error: CuratorError | None = None
        self._store = store
        self._ledger: Ledger | None = None
        self._moved = asyncio.Condition()

    async def run(self, fetch: Fetch, look: Look, pace: Pace) -> None:
        """Fetch, prove, publish; or follow who does. How it ended is told by `path` and `error`, never by an
        exception."""
        try:
            while self.path is None:
                self.path = await asyncio.to_thread(self._store.find, self.blob)
                if self.path is not None:
                    break
                part = await asyncio.to_thread(Part.claim, self._store, self.blob, self.size)
                if part is None:
                    await self._follow()
                else:
                    self.path = await self._lead(part, fetch, look, pace)
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

    async def wait(self) -> Path:
        """The proved blob. Raises what went wrong."""
        await self._until(lambda: False)
        assert self.path is not None
        return self.path

    async def read(self, offset: int, length: int) -> AsyncIterator[Span]:
        """Parts of the blob as they may be sent. Raises what went wrong, before the last byte is out."""
        end = offset + length
        await self._until(lambda: self._ledger is not None)
        fd = await self._open()
        try:
            while offset < end:
                await self._until(lambda at=offset: self._released() > at)  # type: ignore[misc]
                count = min(self._released(), end) - offset
                yield Span(fd, offset, count)
                offset += count
        finally:
            os.close(fd)

    async def _open(self) -> int:
        try:
            # The file keeps its identity when it is published: who opened it before reads on.
            return os.open(part_path(self._store, self.blob), os.O_RDONLY | os.O_CLOEXEC)
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
        return self._ledger.released if self._ledger is not None else 0

    async def _lead(self, part: Part, fetch: Fetch, look: Look, pace: Pace) -> Path:
        """Be the one who fetches."""
        keep = True
        self._ledger = part.ledger
        try:
            await self._bring(part, fetch, pace)
            await self._inspect(part, look.confirm(part.path))
            part.ledger.prove()
            await self._tell()
            return await to_the_end(part.publish)
        except WrongBytes as error:
            keep = False
            part.ledger.fail(error)
            await to_the_end(part.set_aside)
            await look.wrong(error.sentence)
            raise
        except CuratorError as error:
            # What the upstream has not sent yet it may send later; anything else cannot be gone on with.
            keep = isinstance(error, UpstreamUnavailable)
            part.ledger.fail(error)
            raise
        finally:
            self._ledger = None
            part.close(keep=keep)

    async def _bring(self, part: Part, fetch: Fetch, pace: Pace) -> None:
        """Have every byte in the part, and proved by its hash."""

        async def moved() -> None:
            self._release(part)
            await self._tell()

        resumed = part.resumed
        if resumed:
            log.info("%s goes on after %d of its %d bytes", self.blob, resumed, self.size)
            await moved()
        hashing = asyncio.create_task(self._hash(part))
        try:
            await Pull(part, fetch, pace, moved).run()
            await hashing
        finally:
            hashing.cancel()
            await asyncio.wait({hashing})
        await to_the_end(part.verify)

    async def _hash(self, part: Part) -> None:
        """Hash what has arrived out of order, or was there before, while the rest is on its way."""
        while part.hashed < self.size:
            async with self._moved:
                await self._moved.wait_for(lambda: part.written > part.hashed or part.hashed == self.size)
            await to_the_end(part.hash_on)

    def _release(self, part: Part, trickled: int = 0) -> None:
        part.ledger.released = max(part.ledger.released, min(part.written, self.size - HELD_BACK_BYTES + trickled), 0)

    async def _inspect(self, part: Part, look: Awaitable[None]) -> None:
        """Wait for the second look, giving readers a byte of what is held back now and then: they give up after 10 s
        without one (measured in all clients, hub-api part 2), and never get the end before the look is over."""
        looking = asyncio.ensure_future(look)
        trickled = 0
        try:
            while not (await asyncio.wait({looking}, timeout=_TRICKLE_EVERY_S))[0]:
                trickled = min(trickled + 1, HELD_BACK_BYTES // 2)
                self._release(part, trickled)
                await self._tell()
            await looking
        finally:
            looking.cancel()

    async def _follow(self) -> None:
        """Look on while another process fetches; returns when it has ended, one way or another. Raises its error."""
        try:
            ledger = await asyncio.to_thread(Ledger.open, ledger_path(self._store, self.blob), create=False)
        except FileNotFoundError:
            await asyncio.sleep(_FOLLOW_EVERY_S)
            return
        try:
            if not ledger.begun or ledger.failure is not None:
                # Whoever has the part has not begun with it, or is just giving it up.
                await asyncio.sleep(_FOLLOW_EVERY_S)
                return
            self._ledger, attempt, seen, looks = ledger, ledger.attempt, -1, 0
            while ledger.attempt == attempt:
                failure = ledger.failure
                if failure is not None:
                    raise failure
                if ledger.released != seen:
                    seen = ledger.released
                    await self._tell()
                looks += 1
                if looks % _LOOK_FOR_DEATH_EVERY == 0 and not await asyncio.to_thread(self._is_led):
                    return
                await asyncio.sleep(_FOLLOW_EVERY_S)
        finally:
            self._ledger = None
            ledger.close()

    def _is_led(self) -> bool:
        """Whether somebody still holds the part."""
        return self._store.is_held(part_path(self._store, self.blob))

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()


class Filler:
    """The fills under way in this process: whoever asks for a blob that is being fetched joins in."""

    def __init__(self, store: BlobStore) -> None:
        self.store = store
        self._fills: dict[BlobId, tuple[Fill, asyncio.Task[None]]] = {}
        self._pace = Pace()

    def open(self, blob: BlobId, size: int, fetch: Fetch, look: Look) -> Fill:
        """The fill of this blob: the one under way, or a new one, which goes on also if its asker leaves."""
        under_way = self._fills.get(blob)
        if under_way is not None:
            return under_way[0]
        fill = Fill(self.store, blob, size)
        # What one file has shown of the upstream is where the next begins.
        self._pace = Pace(self._pace.step)
        task = asyncio.create_task(fill.run(fetch, look, self._pace), name=f"fill {blob}")
        self._fills[blob] = (fill, task)
        task.add_done_callback(lambda _: self._fills.pop(blob, None))
        return fill

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [task for _, task in self._fills.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
