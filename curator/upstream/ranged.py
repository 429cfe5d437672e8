"""A file of the upstream as a `ByteSource`: what the judges ask for is fetched in ranges, and nothing else is."""

from __future__ import annotations

from collections import OrderedDict

from anyio.from_thread import BlockingPortal

from curator.errors import CuratorError
from curator.types import Commit, RepoFile
from curator.upstream.client import Upstream
from scanners.source import SourceUnavailable

_BLOCK_BYTES = 256 << 10
_MOST_BLOCKS = 64


class RangedSource:
    """Reads blocks of 256 KiB and keeps the last 64, so that many small reads cost few requests."""

    def __init__(self, upstream: Upstream, portal: BlockingPortal, commit: Commit, file: RepoFile) -> None:
        self._upstream = upstream
        self._portal = portal
        self._commit = commit
        self._file = file
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        return self._file.size

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if end <= offset:
            return b""
        first, last = offset // _BLOCK_BYTES, (end - 1) // _BLOCK_BYTES
        missing = [block for block in range(first, last + 1) if block not in self._blocks]
        if len(missing) > _MOST_BLOCKS // 2:
            return self._fetch(offset, end - offset)
        if missing:
            start = missing[0] * _BLOCK_BYTES
            data = self._fetch(start, min((missing[-1] + 1) * _BLOCK_BYTES, self.size) - start)
            for block in range(missing[0], missing[-1] + 1):
                at = block * _BLOCK_BYTES - start
                self._blocks[block] = data[at : at + _BLOCK_BYTES]
        parts = []
        for block in range(first, last + 1):
            self._blocks.move_to_end(block)
            at = block * _BLOCK_BYTES
            parts.append(self._blocks[block][max(offset - at, 0) : end - at])
        while len(self._blocks) > _MOST_BLOCKS:
            self._blocks.popitem(last=False)
        return b"".join(parts)

    def _fetch(self, offset: int, length: int) -> bytes:
        try:
            data = self._portal.call(self._upstream.read, self._commit, self._file.path, offset, length)
        except CuratorError as error:
            raise SourceUnavailable(error.sentence) from error
        if len(data) != length:
            raise SourceUnavailable(
                f"The Hub sent {len(data)} instead of {length} bytes of {self._file.path} in {self._commit}"
            )
        return data
