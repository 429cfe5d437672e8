"""The one range that a GET may ask for (RFC 9110 section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`length` bytes from `offset`."""

    offset: int
    length: int


class Unsatisfiable(Exception):
    """The range lies outside the file: 416."""


def read_range(header: str | None, size: int) -> ByteRange | None:
    """What part of a file of this size is asked for; None for all of it.

    Several ranges, other units and nonsense are ignored, as the RFC allows, and the whole file is sent.
    Raises `Unsatisfiable`.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        if length == 0:
            raise Unsatisfiable
        return ByteRange(size - length, length)
    start = int(first)
    end = int(last) if last else size - 1
    if last and end < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, min(end, size - 1) - start + 1)
