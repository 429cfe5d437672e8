"""A distributed checkpoint's `.distcp`: one archive of `torch.save` after another, as many as there are tensors in it.

Format: torch/distributed/checkpoint/filesystem.py, `_write_item`; `.metadata`, a pickle, says where each begins. A zip
reader would see the last one alone, so each is cut out and judged as a file of its own. The end of each says where it
begins, and there the one before it must end: what cannot be cut so down to its first byte is no such file.
"""

from __future__ import annotations

import struct

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.reading import SliceSource
from scanners.source import ByteSource

LOCAL, END, END64, LOCATOR64 = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
LONGEST_END = 56 + 20 + 22
"""The 64-bit record, its locator, and the record without a comment: PyTorch writes all three, or the last alone."""


def looks_like(source: ByteSource) -> bool:
    """Whether the file's last archive begins where another one ends."""
    if source.read(0, 4) != LOCAL:
        return False
    start = _beginning(source, source.size)
    return start is not None and start > 0 and _beginning(source, start) is not None


def judge(source: ByteSource, case: Case) -> None:
    archives: list[tuple[int, int]] = []
    end = source.size
    while end > 0:
        case.meter.spend_member()
        start = _beginning(source, end)
        if start is None:
            raise Unscannable(f"No archive ends at byte {end:,}, where the next one begins.")
        archives.append((start, end))
        end = start
    for start, end in reversed(archives):
        case.examine(SliceSource(source, start, end - start), f"archive at {start}", name="shard.pt")


def _beginning(source: ByteSource, end: int) -> int | None:
    """Where the archive that ends at this byte begins; None if none does."""
    tail = source.read(max(0, end - LONGEST_END), min(end, LONGEST_END))
    if tail[-22:-18] != END or tail[-2:] != b"\0\0":
        return None
    size, offset = struct.unpack_from("<2L", tail, len(tail) - 10)
    table_end = end - 22
    if len(tail) == LONGEST_END and tail[56:60] == LOCATOR64 and tail[:4] == END64:
        size, offset = struct.unpack_from("<2Q", tail, 40)
        table_end = end - LONGEST_END
    start: int = table_end - size - offset
    return start if 0 <= start < table_end and source.read(start, 4) == LOCAL else None
