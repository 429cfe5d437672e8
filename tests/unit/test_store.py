from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from curator.errors import CuratorError, StoreFull, UpstreamUnavailable, WrongBytes
from curator.store.blobs import BlobStore
from curator.store.fill import HELD_BACK_BYTES, Fill, Filler, Look
from curator.store.ledger import Ledger
from curator.store.pacing import Pace
from curator.store.part import Part
from curator.store.pull import Fetch
from curator.store.reading import read_open_file
from curator.types import BlobId, HashKind

CONTENT = bytes(range(256)) * 1024  # 256 KiB


def sha256_blob(content: bytes) -> BlobId:
    return BlobId(HashKind.SHA256, hashlib.sha256(content).hexdigest())


def git_blob(content: bytes) -> BlobId:
    return BlobId(HashKind.GIT_SHA1, hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    store = BlobStore(tmp_path / "blobs", reserve_bytes=0)
    store.prepare()
    return store


def upstream(
    content: bytes, *, calls: list[int] | None = None, break_at: list[int] | None = None, chunk_s: float = 0.0
) -> Fetch:
    """Sends `content` from an offset on, and breaks off once at each place in `break_at`."""
    breaks = list(break_at or [])

    @asynccontextmanager
    async def fetch(offset: int, length: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        if calls is not None:
            calls.append(offset)
        last = len(content) if length is None else offset + length

        async def chunks() -> AsyncIterator[bytes]:
            at = offset
            while at < last:
                await asyncio.sleep(chunk_s)
                end = min(at + 10_000, last)
                if breaks and at >= breaks[0]:
                    breaks.pop(0)
                    raise UpstreamUnavailable("the connection was reset")
                yield content[at:end]
                at = end

        yield chunks()

    return fetch


class Agreed:
    """A second look that has nothing against the file, unless told to."""

    def __init__(self, against: Callable[[Path], Awaitable[None]] | None = None) -> None:
        self.noted: list[str] = []
        self._against = against

    async def confirm(self, path: Path) -> None:
        if self._against is not None:
            await self._against(path)

    async def wrong(self, sentence: str) -> None:
        self.noted.append(sentence)


agreed = Agreed()


async def received(fill: Fill, size: int, offset: int = 0) -> bytes:
    """What a reader gets."""
    return b"".join([os.pread(span.fd, span.length, span.offset) async for span in fill.read(offset, size)])


def filled(store: BlobStore, blob: BlobId, size: int, fetch: Fetch, look: Look = agreed) -> bytes:
    async def run() -> bytes:
        return await received(Filler(store).open(blob, size, fetch, look), size)

    return asyncio.run(run())


def parts(store: BlobStore) -> list[Path]:
    return list((store.folder / "parts").iterdir())


@pytest.mark.parametrize("name", [sha256_blob, git_blob])
def test_a_blob_is_sent_on_and_kept(store: BlobStore, name: Callable[[bytes], BlobId]) -> None:
    blob = name(CONTENT)
    assert filled(store, blob, len(CONTENT), upstream(CONTENT)) == CONTENT
    path = store.find(blob)
    assert path is not None
    assert path.read_bytes() == CONTENT
    assert parts(store) == []


def test_what_came_from_the_upstream_is_told_once_and_what_lay_here_is_not(store: BlobStore) -> None:
    came: list[int] = []
    blob = sha256_blob(CONTENT)

    async def run() -> None:
        filler = Filler(store, came.append)
        asks = [received(filler.open(blob, len(CONTENT), upstream(CONTENT), agreed), len(CONTENT)) for _ in range(3)]
        await asyncio.gather(*asks)
        assert sum(came) == len(CONTENT)
        await received(filler.open(blob, len(CONTENT), upstream(CONTENT), agreed), len(CONTENT))
        assert sum(came) == len(CONTENT)

    asyncio.run(run())


def test_the_same_bytes_under_two_names_are_kept_once(store: BlobStore) -> None:
    filled(store, sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT))
    filled(store, git_blob(CONTENT), len(CONTENT), upstream(CONTENT))
    files = [path for path in store.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) == 1


def test_many_askers_of_a_cold_blob_share_one_fetch(store: BlobStore) -> None:
    calls: list[int] = []

    async def run() -> list[bytes]:
        filler = Filler(store)
        blob = sha256_blob(CONTENT)

        async def ask() -> bytes:
            fill = filler.open(blob, len(CONTENT), upstream(CONTENT, calls=calls), agreed)
            return await received(fill, len(CONTENT))

        return await asyncio.gather(*(ask() for _ in range(8)))

    assert asyncio.run(run()) == [CONTENT] * 8
    assert calls == [0]


def test_a_fetch_that_breaks_off_goes_on_where_it_was(store: BlobStore) -> None:
    calls: list[int] = []
    fetch = upstream(CONTENT, calls=calls, break_at=[50_000, 120_000])
    assert filled(store, sha256_blob(CONTENT), len(CONTENT), fetch) == CONTENT
    assert calls == [0, 50_000, 120_000]


def test_an_upstream_that_sends_nothing_more_is_told_in_words(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.store.pull._PAUSE_S", 0.0)
    with pytest.raises(UpstreamUnavailable, match="sent 1000 of the 262144 bytes"):
        filled(store, sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT[:1000]))


def test_what_the_upstream_did_send_is_not_asked_for_again(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.store.pull._PAUSE_S", 0.0)
    blob, calls = sha256_blob(CONTENT), list[int]()
    with pytest.raises(UpstreamUnavailable):
        filled(store, blob, len(CONTENT), upstream(CONTENT, break_at=[100_000] * 5))
    assert filled(store, blob, len(CONTENT), upstream(CONTENT, calls=calls)) == CONTENT
    assert calls == [100_000]
    assert parts(store) == []


async def attempted(fill: Fill, size: int) -> tuple[bytes, CuratorError | None]:
    """What a reader gets, and how it ended."""
    got = b""
    try:
        async for span in fill.read(0, size):
            got += os.pread(span.fd, span.length, span.offset)
    except CuratorError as error:
        return got, error
    return got, None


def test_the_end_of_bytes_with_a_wrong_hash_is_never_released(store: BlobStore) -> None:
    wrong = CONTENT[:-1] + b"X"
    blob, look = sha256_blob(CONTENT), Agreed()

    async def run() -> tuple[bytes, CuratorError | None]:
        return await attempted(Filler(store).open(blob, len(CONTENT), upstream(wrong), look), len(CONTENT))

    got, error = asyncio.run(run())
    assert isinstance(error, WrongBytes)
    assert len(got) <= len(CONTENT) - HELD_BACK_BYTES
    assert store.find(blob) is None
    assert parts(store) == []
    (aside,) = store.aside.iterdir()
    assert aside.read_bytes() == wrong
    assert look.noted == [error.sentence]


async def reject(path: Path) -> None:
    assert await asyncio.to_thread(path.read_bytes) == CONTENT
    raise WrongBytes("not what was judged under this name")


@pytest.mark.parametrize("processes", [1, 2])
def test_who_follows_a_fetch_looks_at_the_bytes_for_himself(store: BlobStore, processes: int) -> None:
    blob, calls = sha256_blob(CONTENT), list[int]()
    fetch = upstream(CONTENT, calls=calls, chunk_s=0.005)

    async def run() -> list[tuple[bytes, CuratorError | None]]:
        # Two fillers know nothing of each other, as two processes do.
        fillers = [Filler(store)] * 2 if processes == 1 else [Filler(store), Filler(store)]
        first = fillers[0].open(blob, len(CONTENT), fetch, Agreed())
        reading = asyncio.create_task(attempted(first, len(CONTENT)))
        await asyncio.sleep(0.03)
        second = fillers[1].open(blob, len(CONTENT), fetch, Agreed(reject))
        return [await attempted(second, len(CONTENT)), await reading]

    (second, error), (first, nothing) = asyncio.run(run())
    assert (first, nothing) == (CONTENT, None)
    assert isinstance(error, WrongBytes)
    assert len(second) < len(CONTENT)
    assert calls == [0]


def test_a_blob_that_another_brought_in_is_looked_at_before_it_is_given(store: BlobStore) -> None:
    filled(store, sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT))

    async def run() -> tuple[bytes, CuratorError | None]:
        fill = Filler(store).open(sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT), Agreed(reject))
        return await attempted(fill, len(CONTENT))

    got, error = asyncio.run(run())
    assert isinstance(error, WrongBytes)
    assert len(got) < len(CONTENT)


def test_more_bytes_than_announced_are_refused(store: BlobStore) -> None:
    with pytest.raises(WrongBytes, match="more than the 262144 bytes"):
        filled(store, sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT + b"tail"))
    assert store.find(sha256_blob(CONTENT)) is None


def test_bytes_that_a_second_look_rejects_are_never_whole(store: BlobStore) -> None:
    blob = sha256_blob(CONTENT)

    async def run() -> tuple[bytes, CuratorError | None]:
        return await attempted(Filler(store).open(blob, len(CONTENT), upstream(CONTENT), Agreed(reject)), len(CONTENT))

    got, error = asyncio.run(run())
    assert error is not None
    assert len(got) < len(CONTENT)
    assert store.find(blob) is None


def test_a_long_second_look_keeps_the_reader_waiting_byte_by_byte(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.store.fill._TRICKLE_EVERY_S", 0.05)

    async def run() -> list[int]:
        seen = asyncio.Event()

        async def slow(_path: Path) -> None:
            await asyncio.wait_for(seen.wait(), 60)

        fill = Filler(store).open(sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT), Agreed(slow))
        sizes = list[int]()
        async for span in fill.read(0, len(CONTENT)):
            sizes.append(span.length)
            if sizes.count(1) == 3:
                seen.set()
        return sizes

    sizes = asyncio.run(run())
    assert sum(sizes) == len(CONTENT)
    assert sizes.count(1) >= 3


def test_an_empty_file_is_a_blob_too(store: BlobStore) -> None:
    blob = git_blob(b"")

    async def run() -> Path:
        return await Filler(store).open(blob, 0, upstream(b""), agreed).wait()

    assert asyncio.run(run()).read_bytes() == b""


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, reserve_bytes=1 << 60)
    store.prepare()
    calls: list[int] = []
    with pytest.raises(StoreFull, match="its administrator must make room"):
        filled(store, sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT, calls=calls))
    assert calls == []


def test_a_disk_that_fills_up_on_the_way_leaves_nothing_behind(store: BlobStore) -> None:
    # A limit on the size of files gives the same kind of error as a full disk, to a process of its own.
    script = f"""
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from curator.errors import StoreFull
from curator.store.blobs import BlobStore
from curator.types import BlobId
store = BlobStore(Path({str(store.folder)!r}), 0)
from curator.store.pacing import Pace
from curator.store.part import Part
part = Part.claim(store, BlobId.parse("{sha256_blob(CONTENT)}"), {len(CONTENT)})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    part.write(0, [bytes({len(CONTENT)})])
except StoreFull as error:
    part.close(keep=False)
    print(error.sentence)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "The mirror's disk is full: its administrator must make room\n"
    assert parts(store) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_what_nobody_went_on_with_for_a_day_is_cleared_and_what_is_under_way_is_not(store: BlobStore) -> None:
    left = Part.claim(store, sha256_blob(b"left"), 4)
    held = Part.claim(store, sha256_blob(CONTENT), len(CONTENT))
    assert left is not None
    assert held is not None
    left.close(keep=True)
    (store.parts / "left.link").symlink_to("nowhere")
    (store.aside / "wrong.part").write_bytes(b"X")
    for path in (*parts(store), *store.aside.iterdir()):
        os.utime(path, (0, 0), follow_symlinks=False)
    store.drop_stale_parts(86_400)
    assert set(parts(store)) == {held.path, held.path.with_suffix(".ledger")}
    assert not list(store.aside.iterdir())
    held.close(keep=True)


def test_what_can_be_gone_on_with_keeps_its_ledger(store: BlobStore) -> None:
    left = Part.claim(store, sha256_blob(CONTENT), len(CONTENT))
    assert left is not None
    left.write(0, [CONTENT[:1000]])
    left.ledger.written = 1000
    left.close(keep=True)
    os.utime(left.path.with_suffix(".ledger"), (0, 0))
    store.drop_stale_parts(86_400)
    calls: list[int] = []
    assert filled(store, sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT, calls=calls)) == CONTENT
    assert calls == [1000]


def test_the_page_that_processes_share_has_its_room_on_the_disk(tmp_path: Path) -> None:
    # A page with no room ends the process that stores into it.
    ledger = Ledger.open(tmp_path / "ledger", create=True)
    assert (tmp_path / "ledger").stat().st_blocks * 512 >= 4096
    ledger.close()


def test_the_reserve_is_kept_also_where_others_fill_the_disk_on_the_way(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = shutil.disk_usage
    taken = [0]

    def usage(path: Path) -> object:
        return really(path)._replace(free=1_000_000 - taken[0])

    @asynccontextmanager
    async def fetch(_offset: int, _length: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            for at in range(0, len(CONTENT), 10_000):
                yield CONTENT[at : at + 10_000]
                await asyncio.sleep(0.01)
                taken[0] = 900_000

        yield chunks()

    monkeypatch.setattr("curator.store.blobs.shutil.disk_usage", usage)
    reserved = BlobStore(store.folder, reserve_bytes=500_000)
    with pytest.raises(StoreFull, match="its administrator must make room"):
        filled(reserved, sha256_blob(CONTENT), len(CONTENT), fetch)
    assert parts(store) == []


def test_another_process_follows_a_fetch_that_is_under_way(store: BlobStore) -> None:
    blob, calls = sha256_blob(CONTENT), list[int]()

    async def run() -> list[bytes]:
        # Two fillers know nothing of each other, as two processes do: a lock is of an open file, not of a process.
        fills = [
            Filler(store).open(blob, len(CONTENT), upstream(CONTENT, calls=calls, chunk_s=0.005), agreed)
            for _ in range(3)
        ]
        return await asyncio.gather(*(received(fill, len(CONTENT)) for fill in fills))

    assert asyncio.run(run()) == [CONTENT] * 3
    assert calls == [0]
    assert parts(store) == []


def test_a_follower_is_told_what_went_wrong_in_the_other_process(store: BlobStore) -> None:
    async def reject(_path: Path) -> None:
        await asyncio.sleep(0.05)
        raise WrongBytes("not what was judged")

    async def run() -> list[tuple[bytes, CuratorError | None]]:
        fills = [
            Filler(store).open(sha256_blob(CONTENT), len(CONTENT), upstream(CONTENT, chunk_s=0.005), Agreed(reject))
            for _ in range(2)
        ]
        return await asyncio.gather(*(attempted(fill, len(CONTENT)) for fill in fills))

    for got, error in asyncio.run(run()):
        assert isinstance(error, WrongBytes)
        assert error.sentence == "not what was judged"
        assert len(got) < len(CONTENT)


FETCH_AND_DIE = """
import asyncio, os, signal, sys
from contextlib import asynccontextmanager
from pathlib import Path
from curator.store.blobs import BlobStore
from curator.store.fill import Filler
from curator.types import BlobId
content = bytes(range(256)) * 1024
@asynccontextmanager
async def fetch(offset, length):
    async def chunks():
        for at in range(offset, 200_000, 10_000):
            yield content[at : at + 10_000]
            await asyncio.sleep(0.01)
        print("far enough", flush=True)
        await asyncio.sleep(60)
    yield chunks()
async def main():
    store = BlobStore(Path(sys.argv[1]), 0)
    await Filler(store).open(BlobId.parse(sys.argv[2]), len(content), fetch, None).wait()
asyncio.run(main())
"""


def test_a_fetch_whose_process_was_killed_is_gone_on_with(store: BlobStore) -> None:
    blob, calls = sha256_blob(CONTENT), list[int]()
    killed = subprocess.Popen(
        [sys.executable, "-c", FETCH_AND_DIE, str(store.folder), str(blob)], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "far enough\n"

    async def run() -> bytes:
        fill = Filler(store).open(blob, len(CONTENT), upstream(CONTENT, calls=calls), agreed)
        reading = asyncio.create_task(received(fill, len(CONTENT)))
        await asyncio.sleep(0.2)
        assert calls == []
        killed.kill()
        return await reading

    assert asyncio.run(run()) == CONTENT
    assert len(calls) == 1
    assert calls[0] >= 180_000
    killed.wait()


def test_bytes_that_a_killed_process_left_wrong_are_never_given_out_whole(store: BlobStore) -> None:
    blob = sha256_blob(CONTENT)
    part = Part.claim(store, blob, len(CONTENT))
    assert part is not None
    part.write(0, [b"X" * 150_000])
    part.ledger.written = 150_000
    part.close(keep=True)

    async def run() -> tuple[bytes, CuratorError | None]:
        return await attempted(Filler(store).open(blob, len(CONTENT), upstream(CONTENT), agreed), len(CONTENT))

    agreed.noted.clear()
    got, error = asyncio.run(run())
    assert isinstance(error, WrongBytes)
    assert "an earlier fetch had left" in error.sentence
    assert agreed.noted == [], "nobody is accused of what a disk may have done"
    assert len(got) <= len(CONTENT) - HELD_BACK_BYTES
    assert filled(store, blob, len(CONTENT), upstream(CONTENT)) == CONTENT


@pytest.mark.parametrize("breaks", [[], [300_000, 1_000_000, 1_000_000, 2_000_000]])
def test_a_file_that_comes_in_several_ranges_at_once_is_the_same_file(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch, breaks: list[int]
) -> None:
    monkeypatch.setattr("curator.store.pull.SEGMENT_BYTES", 64 << 10)
    monkeypatch.setattr("curator.store.pull._WINDOW_S", 0.02)
    monkeypatch.setattr("curator.store.pull._PAUSE_S", 0.0)
    content, calls = os.urandom(3_000_001), list[int]()
    fetch = upstream(content, calls=calls, chunk_s=0.001, break_at=breaks)
    assert filled(store, sha256_blob(content), len(content), fetch) == content
    assert len(set(calls)) > 4


class TriedInVain(Pace):
    """Tries four connections once, for a window."""

    windows = 0

    def observe(self, bytes_per_s: float, *, more_wanted: bool) -> int:
        self.windows += 1
        self.step = 1 if self.windows == 2 else 0
        return self.connections


def test_connections_that_are_tried_and_do_not_pay_fetch_no_byte_twice(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.store.pull.SEGMENT_BYTES", 1 << 20)
    monkeypatch.setattr("curator.store.pull._WINDOW_S", 0.02)
    monkeypatch.setattr("curator.store.fill.Pace", TriedInVain)
    content, asked = os.urandom(16_000_001), list[tuple[int, int]]()

    @asynccontextmanager
    async def fetch(offset: int, length: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        last = len(content) if length is None else offset + length
        asked.append((offset, last))

        async def chunks() -> AsyncIterator[bytes]:
            for at in range(offset, last, 100_000):
                await asyncio.sleep(0.005)
                yield content[at : min(at + 100_000, last)]

        yield chunks()

    assert filled(store, sha256_blob(content), len(content), fetch) == content
    assert len(asked) >= 5, "more connections were tried"
    asked.sort()
    assert [begin for begin, _ in asked] == [0, *(end for _, end in asked[:-1])], "each begins where another ends"
    assert asked[-1][1] == len(content)


@pytest.mark.timeout(20)
def test_of_several_connections_each_is_waited_for_and_each_can_end_the_fetch(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.store.pull.SEGMENT_BYTES", 64 << 10)
    monkeypatch.setattr("curator.store.pull._WINDOW_S", 0.02)
    content, open_now = os.urandom(3_000_001), set[object]()

    @asynccontextmanager
    async def fetch(offset: int, length: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        last = len(content) if length is None else offset + length

        async def chunks() -> AsyncIterator[bytes]:
            for at in range(offset, last, 10_000):
                await asyncio.sleep(0.001)
                yield content[at : min(at + 10_000, last)]
            if offset and length is None:
                # The one that has the end is the last, and sends more than there is.
                await asyncio.sleep(0.3)
                yield b"more"

        this = object()
        open_now.add(this)
        try:
            yield chunks()
        finally:
            open_now.discard(this)

    async def run() -> tuple[CuratorError | None, int]:
        _, error = await attempted(Filler(store).open(sha256_blob(content), len(content), fetch, agreed), len(content))
        return error, len(open_now)

    error, still_open = asyncio.run(run())
    assert isinstance(error, WrongBytes)
    assert "more than the 3000001 bytes" in error.sentence
    assert still_open == 0


def test_a_file_is_read_in_any_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT * 12)
    fd = os.open(path, os.O_RDONLY)

    async def read(offset: int, length: int) -> bytes:
        return b"".join([chunk async for chunk in read_open_file(fd, offset, length)])

    assert asyncio.run(read(0, len(CONTENT) * 12)) == CONTENT * 12
    assert asyncio.run(read(1_000_000, 1_500_000)) == (CONTENT * 12)[1_000_000:2_500_000]
    with pytest.raises(EOFError):
        asyncio.run(read(len(CONTENT) * 12, 1))
    os.close(fd)
