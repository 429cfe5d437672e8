"""Bring a blob in: fetched once for all who ask, in all processes, sent on while it arrives, its end held back until it
is proved.

One process fetches, the others follow what it says in the part's ledger, and take over where it was if it dies. What a
reader gets before the proof is never the whole file: the last bytes are released only when the hash is the one that the
commit names, and the same scan of the bytes now on the disk agrees with the one that was made from ranges. Whoever did
not fetch himself takes that second look too, for what he asked for: the same bytes may be judged under several names.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
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
    """What is thought of the bytes of a blob, by whoever knows what they should be. Equal looks are one."""

    async def confirm(self, path: Path) -> None:
        """Look at all of them before they are released. Raises a `CuratorError` if they must not be, and has then taken
        note of it."""

    async def wrong(self, sentence: str) -> None:
        """Take note that other bytes came than those that were announced."""


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

    def __init__(self, store: BlobStore, blob: BlobId, size: int, arrived: Callable[[int], None]) -> None:
        self.blob = blob
        self.size = size
        self.path: Path | None = None
        """Where the blob is, once it is proved and on the disk."""
        self.error: CuratorError | None = None
        self._store = store
        self._arrived = arrived
        self._open_to = 0
        """Bytes from the start that readers may have. It never goes back, whoever begins anew."""
        self._ledger: Ledger | None = None
        self._found: Path | None = None
        """Where the blob is, before the second look is over."""
        self._moved = asyncio.Condition()

    async def run(self, fetch: Fetch, look: Look, pace: Pace) -> None:
        """Fetch, prove, publish; or follow who does. How it ended is told by `path` and `error`, never by an
        exception."""
        try:
            while self.path is None:
                self._found = await asyncio.to_thread(self._store.find, self.blob)
                if self._found is not None:
                    await self._inspect(look.confirm(self._found), self._open)
                    self.path = self._found
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
        await self._until(lambda: self._ledger is not None or self._found is not None)
        fd = await self._open_file()
        try:
            while offset < end:
                await self._until(lambda at=offset: self._released() > at)  # type: ignore[misc]
                count = min(self._released(), end) - offset
                yield Span(fd, offset, count)
                offset += count
        finally:
            os.close(fd)

    async def _open_file(self) -> int:
        if self._ledger is not None:
            with contextlib.suppress(FileNotFoundError):
                # The file keeps its identity when it is published: who opened it before reads on.
                fd = os.open(part_path(self._store, self.blob), os.O_RDONLY | os.O_CLOEXEC)
                failure = self._ledger.failure
                if failure is None:
                    return fd
                # It may be the next attempt's file, of which nothing is known here.
                os.close(fd)
                raise failure
        return os.open(self._found or await self.wait(), os.O_RDONLY | os.O_CLOEXEC)

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait for it. Raises what went wrong in the meantime."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.error is not None or self.path is not None or holds())
        if self.error is not None:
            raise self.error

    def _released(self) -> int:
        """How many bytes readers may have."""
        return self.size if self.path is not None else self._open_to

    def _open(self, trickled: int) -> None:
        """Let readers have all but the end, and so many bytes of that."""
        self._open_to = max(self._open_to, self.size - HELD_BACK_BYTES + trickled)

    async def _lead(self, part: Part, fetch: Fetch, look: Look, pace: Pace) -> Path:
        """Be the one who fetches."""
        keep, came = True, False
        self._ledger = part.ledger
        try:
            await self._bring(part, fetch, pace)
            came = True
            await self._inspect(look.confirm(part.path), partial(self._release, part))
            part.ledger.prove()
            self._open_to = self.size
            await self._tell()
            return await to_the_end(part.publish)
        except WrongBytes as error:
            keep = False
            part.ledger.fail(error)
            await to_the_end(part.set_aside)
            # Bytes that lay here since an earlier fetch say nothing of the upstream: a disk may have lost them.
            if not came and not part.resumed:
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
            await Pull(part, fetch, pace, moved, self._arrived).run()
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
        self._open_to = max(self._open_to, part.ledger.released)

    async def _inspect(self, look: Awaitable[None], release: Callable[[int], None]) -> None:
        """Wait for the second look, giving readers a byte of what is held back now and then: they give up after 10 s
        without one (measured in all clients, hub-api part 2), and never get the end before the look is over."""
        looking = asyncio.ensure_future(look)
        trickled = 0
        try:
            while not (await asyncio.wait({looking}, timeout=_TRICKLE_EVERY_S))[0]:
                trickled = min(trickled + 1, HELD_BACK_BYTES // 2)
                release(trickled)
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
            if not ledger.begun or ledger.failure is not None or ledger.proved or ledger.size != self.size:
                # Whoever has the part has not begun with it, is about to let it go, or was told of another size.
                await asyncio.sleep(_FOLLOW_EVERY_S)
                return
            self._ledger, attempt, seen, looks = ledger, ledger.attempt, -1, 0
            while ledger.attempt == attempt and not ledger.proved:
                failure = ledger.failure
                if failure is not None:
                    raise failure
                if ledger.released != seen:
                    seen = ledger.released
                    self._open_to = max(self._open_to, min(seen, self.size - HELD_BACK_BYTES // 2))
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

    def __init__(self, store: BlobStore, arrived: Callable[[int], None] = lambda _: None) -> None:
        """`arrived` is told how many bytes came from the upstream, each time that some did."""
        self.store = store
        self._arrived = arrived
        self._fills: dict[tuple[BlobId, int, Look], tuple[Fill, asyncio.Task[None]]] = {}
        self._pace = Pace()

    def open(self, blob: BlobId, size: int, fetch: Fetch, look: Look) -> Fill:
        """The fill of this blob: the one under way, or a new one, which goes on also if its asker leaves.

        Who thinks of it in another way has one of his own, which follows the other as one in another process does.
        """
        key = (blob, size, look)
        under_way = self._fills.get(key)
        if under_way is not None:
            return under_way[0]
        fill = Fill(self.store, blob, size, self._arrived)
        # What one file has shown of the upstream is where the next begins.
        self._pace = Pace(self._pace.step)
        task = asyncio.create_task(fill.run(fetch, look, self._pace), name=f"fill {blob}")
        self._fills[key] = (fill, task)
        task.add_done_callback(lambda _: self._fills.pop(key, None))
        return fill

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [task for _, task in self._fills.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
