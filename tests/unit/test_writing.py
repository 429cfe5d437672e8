"""A connection's bytes are written by a thread while the next are received: in order, bounded, and to the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import StoreFull, WrongBytes
from curator.store.part import Part
from curator.store.writing import Segment, Writer
from curator.types import BlobId, HashKind


class Disk:
    """Stands for the part: remembers what is written where, as slowly as the test wants it."""

    blob = BlobId(HashKind.SHA256, "0" * 64)

    def __init__(self, size: int, *, room: int | None = None) -> None:
        self.size = size
        self.content = bytearray(size)
        self.order = list[int]()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._room = size if room is None else room

    def write(self, offset: int, chunks: Sequence[bytes]) -> None:
        assert self.may_go_on.wait(10)
        data = b"".join(chunks)
        if len(data) > self._room:
            raise StoreFull("no room")
        self._room -= len(data)
        self.order.append(offset)
        self.content[offset : offset + len(data)] = data

    def writer(self, segment: Segment) -> Writer:
        def wrote(size: int) -> None:
            segment.at += size

        return Writer(cast("Part", self), segment, wrote)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=80), st.integers(0, 50), st.integers(0, 3))
def test_every_chunk_is_in_its_place_whatever_their_sizes_and_pauses(
    chunks: list[bytes], start: int, every: int
) -> None:
    content = b"".join(chunks)
    disk, segment = Disk(start + len(content)), Segment(start, start + len(content))

    async def run() -> None:
        writer = disk.writer(segment)
        for number, chunk in enumerate(chunks):
            await writer.put(chunk)
            if every and number % every == 0:
                await asyncio.sleep(0)
        await writer.close()

    asyncio.run(run())
    assert bytes(disk.content) == bytes(start) + content
    assert segment.at == segment.end, "all of it is told when it is closed"
    assert disk.order == sorted(disk.order)


def test_a_slow_disk_holds_the_connection_up_before_memory_is_full() -> None:
    disk, segment = Disk(64 << 20), Segment(0, 64 << 20)
    taken = 0

    async def run() -> None:
        nonlocal taken
        writer = disk.writer(segment)
        disk.may_go_on.clear()

        async def bring() -> None:
            nonlocal taken
            for _ in range(256):
                await writer.put(bytes(256 << 10))
                taken += 256 << 10

        bringing = asyncio.create_task(bring())
        done, _ = await asyncio.wait({bringing}, timeout=0.3)
        assert not done
        assert taken <= 4 << 20, "a batch that is written, and one that waits"
        disk.may_go_on.set()
        await bringing
        await writer.close()

    asyncio.run(run())
    assert segment.at == 64 << 20


def test_after_a_write_that_failed_nothing_is_written_and_everybody_is_told() -> None:
    disk, segment = Disk(1_000, room=100), Segment(0, 1_000)

    async def run() -> None:
        writer = disk.writer(segment)
        await writer.put(bytes([1]) * 100)
        await writer.close()
        await writer.put(bytes([2]) * 200)
        with pytest.raises(StoreFull):
            await writer.close()
        with pytest.raises(StoreFull):
            await writer.put(b"\3")
        with pytest.raises(StoreFull):
            await writer.close()

    asyncio.run(run())
    assert bytes(disk.content) == bytes([1]) * 100 + bytes(900)
    assert segment.at == 100


def test_who_waits_for_room_is_told_of_a_failure_too() -> None:
    disk, segment = Disk(16 << 20, room=0), Segment(0, 16 << 20)

    async def run() -> None:
        writer = disk.writer(segment)
        disk.may_go_on.clear()
        await writer.put(b"first")
        waiting = asyncio.create_task(writer.put(bytes(3 << 20)))
        await asyncio.wait({waiting}, timeout=0.1)
        assert not waiting.done()
        disk.may_go_on.set()
        with pytest.raises(StoreFull):
            await waiting

    asyncio.run(run())


@pytest.mark.timeout(20)
def test_the_thread_is_waited_for_also_when_the_fetch_is_given_up() -> None:
    disk, segment = Disk(8), Segment(0, 8)

    async def run() -> None:
        writer = disk.writer(segment)
        disk.may_go_on.clear()
        await writer.put(b"12345678")
        closing = asyncio.create_task(writer.close())
        await asyncio.sleep(0.05)
        closing.cancel()
        await asyncio.sleep(0.05)
        assert not closing.done(), "the part must not be closed under the thread"
        disk.may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(run())
    assert bytes(disk.content) == b"12345678"


def test_a_segment_that_was_made_shorter_takes_nothing_of_the_next_and_the_last_one_no_byte_too_many() -> None:
    disk = Disk(20)
    lowered, last = Segment(0, 5), Segment(10, 20)

    async def run(segment: Segment, content: bytes) -> None:
        writer = disk.writer(segment)
        await writer.put(content)
        await writer.close()

    asyncio.run(run(lowered, b"12345678"))
    assert bytes(disk.content[:10]) == b"12345" + bytes(5)
    with pytest.raises(WrongBytes, match="more than the 20 bytes"):
        asyncio.run(run(last, b"12345678901"))
