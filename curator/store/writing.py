"""What one connection brings, into its place in the part: while some is written, the next is received.

The thread goes from one batch to the next by itself. To ask the event loop in between would leave the disk, and the
hash, idle until the loop has its turn; that cost a cold file on two busy cores a tenth of its time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

from curator.errors import WrongBytes
from curator.store.part import Part

_BATCH_BYTES = 2 << 20
"""What may wait while as much is written. Less is more work for each byte, more does not stay in the processor's
cache until it is hashed."""
_BATCH_CHUNKS = 256
_TURN_BATCHES = 16
"""After so many, others who wait for a thread have their turn."""


@dataclass(eq=False, slots=True)
class Segment:
    """Bytes that one connection fetches: from `at`, which moves on, to `end`."""

    at: int
    end: int
    """It may be lowered while the connection runs, which is then read no further."""
    failures: int = 0
    """How often in a row its connection broke off with nothing much brought."""


class Writer:
    """Takes the chunks of a segment's connection in order. To be closed before the part is."""

    def __init__(self, part: Part, segment: Segment, wrote: Callable[[int], None]) -> None:
        self._part = part
        self._segment = segment
        self._wrote = wrote
        """Told in the event loop how many bytes more are in the part."""
        self._at = segment.at
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._size = 0
        self._failure: BaseException | None = None
        self._rests = asyncio.Event()
        """No thread is at it."""
        self._rests.set()
        self._taken = asyncio.Event()

    async def put(self, chunk: bytes) -> None:
        """Have it written; returns when there is room for another. Raises what went wrong with an earlier one,
        after which nothing is written any more."""
        self._check()
        with self._lock:
            self._waiting.append(chunk)
            self._size += len(chunk)
        if self._rests.is_set():
            self._start()
        while self._failure is None and (self._size >= _BATCH_BYTES or len(self._waiting) >= _BATCH_CHUNKS):
            self._taken.clear()
            await self._taken.wait()
        self._check()

    async def close(self) -> None:
        """Wait until what was put is written, also when cancelled: a thread cannot be stopped, and the number of a file
        that is closed under it may be another file's the next moment. Raises what went wrong."""
        try:
            await self._rests.wait()
        except asyncio.CancelledError:
            await self._rests.wait()
            raise
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _start(self) -> None:
        self._rests.clear()
        self._loop.run_in_executor(None, self._turn).add_done_callback(self._after)

    def _after(self, turn: asyncio.Future[None]) -> None:
        self._failure = turn.exception()
        if self._failure is None and self._waiting:
            self._start()
        else:
            self._rests.set()
            self._taken.set()

    def _turn(self) -> None:
        """In a thread: write what waits, and what comes in the meantime."""
        for _ in range(_TURN_BATCHES):
            with self._lock:
                batch, self._waiting, self._size = self._waiting, [], 0
            if not batch:
                return
            self._loop.call_soon_threadsafe(self._tell, self._write(batch))

    def _write(self, batch: list[bytes]) -> int:
        size, room = sum(map(len, batch)), self._segment.end - self._at
        if size > room:
            if self._segment.end == self._part.size:
                raise WrongBytes(f"The upstream sent more than the {self._part.size} bytes that {self._part.blob} has")
            batch, size = [b"".join(batch)[:room]], room
        self._part.write(self._at, batch)
        self._at += size
        return size

    def _tell(self, size: int) -> None:
        self._wrote(size)
        self._taken.set()
