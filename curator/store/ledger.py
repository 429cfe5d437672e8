"""How far a blob on its way in has come, in memory that all processes share: the fetcher writes, the others look.

One page beside the part file, mapped. Numbers are single aligned words, which a processor stores in one go, so that a
reader sees the old or the new one; the fetcher writes bytes to the part before it says here that they are there.
"""

from __future__ import annotations

import mmap
import os
from enum import IntEnum
from pathlib import Path
from typing import Self

from curator import errors
from curator.errors import CuratorError, UpstreamUnavailable

_PAGE = 4096
_MARK = 0x31_54_52_50_52_55_43_4D
"""Tells a ledger of this layout from an empty page, or one of another version."""
_WORDS = 8
_TEXT = _WORDS * 8
_PASSED_ON = {"StoreFull", "UpstreamUnavailable", "UpstreamRefused", "WrongBytes"}


class Phase(IntEnum):
    FETCHING = 1
    PROVED = 2
    """Every byte is there, has the right hash, and may be read."""
    FAILED = 3


class Ledger:
    """Words: mark, size, written, released, phase, attempt; then the name and the sentence of an error."""

    def __init__(self, page: mmap.mmap) -> None:
        self._page = page
        self._words = memoryview(page)[:_TEXT].cast("Q")

    @classmethod
    def open(cls, path: Path, *, create: bool) -> Self:
        """Map the page. Raises `FileNotFoundError` unless it is there or may be made."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o644)
        try:
            if os.fstat(fd).st_size < _PAGE:
                if not create:
                    raise FileNotFoundError(path)
                # Written, not only made longer: a page that the disk has no room for ends the process that stores into
                # it (SIGBUS).
                os.pwrite(fd, bytes(_PAGE), 0)
            return cls(mmap.mmap(fd, _PAGE))
        finally:
            os.close(fd)

    def begin(self, size: int, present: int) -> int:
        """Start an attempt; returns how many bytes an earlier one has left, of which `present` are in the file."""
        words = self._words
        kept = min(words[2], present) if words[0] == _MARK and words[1] == size else 0
        words[1], words[2], words[3] = size, kept, 0
        words[5] += 1
        words[4] = Phase.FETCHING
        words[0] = _MARK
        return kept

    @property
    def begun(self) -> bool:
        return self._words[0] == _MARK

    @property
    def size(self) -> int:
        """Bytes that the whole is taken to have."""
        return self._words[1]

    @property
    def attempt(self) -> int:
        return self._words[5]

    @property
    def written(self) -> int:
        """Bytes from the start that are in the part file."""
        return self._words[2]

    @written.setter
    def written(self, value: int) -> None:
        self._words[2] = value

    @property
    def released(self) -> int:
        """Bytes from the start that readers may have."""
        return self._words[3]

    @released.setter
    def released(self, value: int) -> None:
        self._words[3] = value

    def prove(self) -> None:
        self._words[3] = self._words[1]
        self._words[4] = Phase.PROVED

    @property
    def proved(self) -> bool:
        return self._words[4] == Phase.PROVED

    @property
    def fetching(self) -> bool:
        """Whether bytes are still to come, as far as whoever fetches has said."""
        return self.begun and self._words[4] == Phase.FETCHING

    def fail(self, error: CuratorError) -> None:
        text = f"{type(error).__name__} {error.sentence}".encode()[: _PAGE - _TEXT - 1]
        self._page[_TEXT : _TEXT + len(text) + 1] = text + b"\0"
        self._words[4] = Phase.FAILED

    @property
    def failure(self) -> CuratorError | None:
        """What went wrong in the process that fetches, if it did."""
        if self._words[4] != Phase.FAILED:
            return None
        text = bytes(self._page[_TEXT:]).partition(b"\0")[0].decode(errors="replace")
        name, _, sentence = text.partition(" ")
        kind = getattr(errors, name, UpstreamUnavailable) if name in _PASSED_ON else CuratorError
        return kind(sentence)

    def close(self) -> None:
        self._words.release()
        self._page.close()
