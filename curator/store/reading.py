"""Bytes of a local file, without a wait for the disk in the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

# Smaller chunks cost several times the work (64 KiB: a fifth of the throughput).
_CHUNK_BYTES = 1 << 20
_PROBE_EVERY_BYTES = 512 << 10
_NO_WAIT = getattr(os, "RWF_NOWAIT", None)


async def read_open_file(fd: int, offset: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes of a file from `offset`, 1 MiB at a time. Raises `EOFError` if they are not there."""
    end = offset + length
    while offset < end:
        count = min(_CHUNK_BYTES, end - offset)
        chunk = _read_from_memory(fd, offset, count) or await asyncio.to_thread(os.pread, fd, count, offset)
        if not chunk:
            raise EOFError(f"the file ends at {offset}, before {end}")
        offset += len(chunk)
        yield chunk


async def bring_into_memory(fd: int, offset: int, length: int) -> None:
    """See that a part of a file can be sent without a wait for the disk."""
    if not _in_memory(fd, offset, length):
        await asyncio.to_thread(_read_through, fd, offset, length)


def _in_memory(fd: int, offset: int, length: int) -> bool:
    """Whether the page cache seems to hold it: told by probes, as the kernel reads ahead by more than lies between."""
    if _NO_WAIT is None:
        return True
    probe = bytearray(1)
    try:
        for at in (*range(offset, offset + length, _PROBE_EVERY_BYTES), offset + length - 1):
            os.preadv(fd, [probe], at, _NO_WAIT)
    except BlockingIOError:
        return False
    except OSError:
        # A file system that cannot tell (EOPNOTSUPP).
        return True
    return True


def _read_through(fd: int, offset: int, length: int) -> None:
    os.posix_fadvise(fd, offset, length, os.POSIX_FADV_WILLNEED)
    buffer = bytearray(min(length, _CHUNK_BYTES))
    end = offset + length
    while offset < end:
        count = os.preadv(fd, [memoryview(buffer)[: end - offset]], offset)
        if count == 0:
            return
        offset += count


def _read_from_memory(fd: int, offset: int, length: int) -> bytes | None:
    """What the page cache holds; None if that is nothing, or the system cannot tell (preadv2(2), RWF_NOWAIT)."""
    if _NO_WAIT is None:
        return None
    buffer = bytearray(length)
    try:
        count = os.preadv(fd, [buffer], offset, _NO_WAIT)
    except OSError:
        return None
    return bytes(memoryview(buffer)[:count])
