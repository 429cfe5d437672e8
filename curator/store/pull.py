"""The upstream's bytes into a part: over one connection, or over several ranges at once where that is faster.

A single connection asks for all but the end, and is read from the start. When more are tried, each takes a segment of
that end: if they do not pay, the first goes on as if nothing had been, and no byte was sent twice. If they do, and have
come to the end, the rest of the first is shared out. What lies before the lowest hole is the part's frontier.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from curator.errors import UpstreamUnavailable
from curator.store.pacing import Pace
from curator.store.part import Part
from curator.store.writing import Segment, Writer

Fetch = Callable[[int, int | None], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Opens the upstream's bytes of a blob: from an offset on, so many of them or all."""

SEGMENT_BYTES = 16 << 20
_KEPT_SEGMENTS = 8
"""What a single connection leaves at the end for others to be tried with."""
_WINDOW_S = 0.25
_TRIES = 4
_WORTH_IT_BYTES = 1 << 20
"""An upstream that breaks off sooner than that again and again would keep its reader for ever."""
_PAUSE_S = 0.5


class Pull:
    """Brings a part from where it is to its end."""

    def __init__(
        self,
        part: Part,
        fetch: Fetch,
        pace: Pace,
        moved: Callable[[], Awaitable[None]],
        arrived: Callable[[int], None],
    ) -> None:
        """`moved` is told that the part is further, `arrived` how many bytes came."""
        self._part = part
        self._fetch = fetch
        self._pace = pace
        self._moved = moved
        self._arrived = arrived
        self._segments: deque[Segment] = deque()
        """Those under way or done beyond a hole, in order."""
        self._dropped: list[Segment] = []
        """Those whose connection broke off."""
        self._next, self._limit = part.written, part.size
        """What no segment has been made of yet."""
        self._running: set[asyncio.Task[None]] = set()
        self._received = 0
        self._progress = asyncio.Event()

    async def run(self) -> None:
        """Until every byte is in the part. Raises `UpstreamUnavailable` when the upstream breaks off without an end."""
        watching = asyncio.create_task(self._watch())
        telling = asyncio.create_task(self._tell())
        try:
            for _ in range(self._pace.connections):
                self._start()
            while self._running:
                done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                # Those that were begun in the meantime stay: each is waited for before the part is closed under it.
                self._running -= done
                for task in done:
                    task.result()
                if not self._running and self._part.written < self._part.size:
                    self._start()
        finally:
            for task in (watching, telling, *self._running):
                task.cancel()
            await asyncio.gather(watching, telling, *self._running, return_exceptions=True)
        # The last word: that of `telling` may have been cut short.
        await self._moved()

    def _start(self) -> None:
        self._running.add(asyncio.create_task(self._connection()))

    async def _watch(self) -> None:
        """Have as many connections as pay."""
        while True:
            before, began = self._received, time.monotonic()
            await asyncio.sleep(_WINDOW_S)
            rate = (self._received - before) / (time.monotonic() - began)
            left = self._part.size - self._part.written
            wanted = self._pace.observe(rate, more_wanted=left > 2 * self._pace.next_connections * SEGMENT_BYTES)
            for _ in range(wanted - len(self._running)):
                self._start()

    async def _tell(self) -> None:
        """Say aloud how far the part is, whenever it has come further."""
        while True:
            await self._progress.wait()
            self._progress.clear()
            await self._moved()

    async def _connection(self) -> None:
        """Fetch segments until there are none, or more connections than wanted."""
        while len(self._running) <= self._pace.connections and (segment := self._take()) is not None:
            before = segment.at
            try:
                await self._bring(segment)
                why = UpstreamUnavailable(f"The Hub sent {segment.at} of the {segment.end} bytes that were asked for")
            except UpstreamUnavailable as error:
                why = error
            if segment.at == segment.end:
                continue
            self._segments.remove(segment)
            self._dropped.append(segment)
            segment.failures = 1 if segment.at - before >= _WORTH_IT_BYTES else segment.failures + 1
            if segment.failures >= _TRIES:
                raise why
            await asyncio.sleep(_PAUSE_S * segment.failures)

    def _take(self) -> Segment | None:
        """What to fetch next: the lowest that is missing."""
        if self._dropped:
            segment = min(self._dropped, key=lambda dropped: dropped.at)
            self._dropped.remove(segment)
        else:
            if self._next == self._limit:
                self._share_out()
            left = self._limit - self._next
            if left == 0:
                return None
            size = left - _kept(left) if self._pace.connections == 1 else min(left, SEGMENT_BYTES)
            segment = Segment(self._next, self._next + size)
            self._next += size
        self._segments.append(segment)
        self._segments = deque(sorted(self._segments, key=lambda one: one.at))
        return segment

    def _share_out(self) -> None:
        """Let the connection that has most before it stop earlier, if that leaves something for others."""
        longest = max(self._segments, key=lambda one: one.end - one.at, default=None)
        if longest is not None and longest.end - longest.at > 2 * SEGMENT_BYTES:
            end = longest.at + 2 * SEGMENT_BYTES
            self._next, self._limit, longest.end = end, longest.end, end

    async def _bring(self, segment: Segment) -> None:
        """Write what comes, while the next is received."""
        length = None if segment.end == self._part.size else segment.end - segment.at
        writer = Writer(self._part, segment, partial(self._wrote, segment))
        try:
            async with self._fetch(segment.at, length) as chunks:
                async for chunk in chunks:
                    await writer.put(chunk)
                    if segment.at >= segment.end < self._part.size:
                        return
        finally:
            # What has arrived is kept however this ends, and no thread writes to a part that was closed.
            await writer.close()

    def _wrote(self, segment: Segment, size: int) -> None:
        segment.at += size
        self._received += size
        self._arrived(size)
        self._advance()
        self._progress.set()

    def _advance(self) -> None:
        """Move the frontier up to the lowest hole."""
        while self._segments and self._segments[0].at == self._segments[0].end:
            self._segments.popleft()
        missing = [segment.at for segment in (*self._dropped, *self._segments)]
        if self._next < self._limit:
            missing.append(self._next)
        self._part.ledger.written = min(missing, default=self._part.size)


def _kept(left: int) -> int:
    """How many of the bytes that are left one connection does not ask for at once: none of few."""
    kept = min(_KEPT_SEGMENTS * SEGMENT_BYTES, left // 4)
    return kept if kept > 2 * SEGMENT_BYTES else 0
