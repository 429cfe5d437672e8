"""The record as a chain: whoever alters, removes, adds or moves a row breaks it there, and all that can tell.

A row's digest is SHA-256 of its canonical form, and its chain value is SHA-256 of the chain value of the row before,
32 bytes, and that digest, 32 bytes. Before the first row the chain value is 32 zero bytes.

Canonical form 1 is, one after the other: the byte 1; `seq` and the moment `at` in microseconds since 1970 UTC, each a
signed number of 8 bytes, the high byte first; for each field of `_TEXTS_1`, in that order, the length of its UTF-8 in 4
bytes, the high byte first, and FFFFFFFF for one that is NULL; then these texts. `size` is written in decimal digits. A
later form has another first byte, and rows keep the form they were written in.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

FIRST = bytes(32)
"""The chain value before the first row."""
FORM = 1
"""Of rows that are written now."""
_TEXTS_1 = (
    "id",
    "action",
    "actor",
    "team",
    "project",
    "kind",
    "repo",
    "revision",
    "commit",
    "path",
    "blob",
    "outcome",
    "decision",
    "rules",
    "subject",
    "size",
    "token",
    "job",
    "sentence",
    "address",
    "user_agent",
)
_HEAD_1 = struct.Struct(f">Bqq{len(_TEXTS_1)}I")
_NULL = 0xFFFF_FFFF
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def canonical_1(row: Mapping[str, Any]) -> bytes:
    """Of a row's fields by name; `at` has a time zone. Raises `UnicodeEncodeError` for half a pair."""
    texts: list[bytes] = []
    lengths: list[int] = []
    for name in _TEXTS_1:
        value = row[name]
        if value is None:
            lengths.append(_NULL)
        else:
            encoded = str(value).encode()
            lengths.append(len(encoded))
            texts.append(encoded)
    return _HEAD_1.pack(1, row["seq"], microseconds(row["at"]), *lengths) + b"".join(texts)


FORMS: Mapping[int, Callable[[Mapping[str, Any]], bytes]] = {1: canonical_1}


def microseconds(at: dt.datetime) -> int:
    """Since 1970 UTC."""
    return (at - _EPOCH) // _MICROSECOND


def link(before: bytes, row: Mapping[str, Any]) -> bytes:
    """The chain value of a row that follows one whose value is `before`. Raises `KeyError` for an unknown form."""
    return sha256(before + sha256(FORMS[row["form"]](row)).digest()).digest()
