"""What a jailed scan and its keeper say to each other: small frames over a socket. The jailed side may lie.

A frame is one letter, the length of what follows (4 bytes, little endian), and that. The child asks for bytes (`R`:
offset and length, 8 bytes each); the keeper answers with bytes (`B`), or that they cannot be had (`U`). Before other
scanners are asked the child says its report so far (`E`: JSON), and at last its report (`D`: JSON). A child of `batch`
has its files open: it asks for no bytes, says `E` and `D` or `U` for each, or `N` for what must be loaded first.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from scanners.catalogue import RULES
from scanners.finding import Report

if TYPE_CHECKING:
    import socket

ASK, BYTES, UNAVAILABLE, EARLY, DONE, NEEDS = b"R", b"B", b"U", b"E", b"D", b"N"
LARGEST_READ = 4 * 1024 * 1024
LARGEST_REPORT = 8 * 1024 * 1024
LONGEST_TEXT = 4096
MOST_FINDINGS = 1000
_HEAD = struct.Struct("<cI")
_ASK = struct.Struct("<QQ")


class BadFrame(Exception):
    """The other side broke the protocol."""


class Gone(Exception):
    """The other side closed the connection."""


def send(connection: socket.socket, kind: bytes, payload: bytes = b"") -> None:
    connection.sendall(pack(kind, payload))


def pack(kind: bytes, payload: bytes) -> bytes:
    return _HEAD.pack(kind, len(payload)) + payload


def frames(heard: bytearray, largest: int) -> Iterator[tuple[bytes, bytes]]:
    """The whole frames in what was heard so far, which are taken out of it. Raises BadFrame."""
    while len(heard) >= _HEAD.size:
        kind, length = _HEAD.unpack_from(heard)
        if length > largest:
            raise BadFrame(f"a frame of {length:,} bytes")
        end = _HEAD.size + length
        if len(heard) < end:
            return
        payload = bytes(heard[_HEAD.size : end])
        del heard[:end]
        yield kind, payload


def receive(connection: socket.socket, largest: int, deadline: float | None = None) -> tuple[bytes, bytes]:
    """One frame. Raises TimeoutError at the deadline (of `time.monotonic`), Gone, BadFrame."""
    kind, length = _HEAD.unpack(_exactly(connection, _HEAD.size, deadline))
    if length > largest:
        raise BadFrame(f"a frame of {length:,} bytes")
    return kind, _exactly(connection, length, deadline)


def _exactly(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
        part = connection.recv(min(length - len(parts), 1024 * 1024))
        if not part:
            raise Gone
        parts += part
    return bytes(parts)


def pack_ask(offset: int, length: int) -> bytes:
    return _ASK.pack(offset, length)


def unpack_ask(kind: bytes, payload: bytes, size: int) -> tuple[int, int]:
    """Offset and length a child asks for, within the file and the limit of one answer."""
    if kind != ASK or len(payload) != _ASK.size:
        raise BadFrame("something else than a request")
    offset, length = _ASK.unpack(payload)
    if length > LARGEST_READ or offset > size:
        raise BadFrame("a request outside the file")
    return offset, min(length, size - offset)


def report_from(payload: bytes) -> Report:
    """The report a child says, after checking every part of it. Raises BadFrame."""
    try:
        document = json.loads(payload)
        findings = document["findings"]
        honest = (
            len(findings) <= MOST_FINDINGS
            and all(_is_finding(finding) for finding in findings)
            and _is_text(document["format"])
            and _is_count(document["bytes_read"])
            and (document["unscannable"] is None or _is_text(document["unscannable"]))
            and isinstance(document["metadata"], dict)
            and all(_is_text(value) for value in document["engines"].values())
        )
        report = Report.from_json(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadFrame("a report that is not one") from error
    if not honest:
        raise BadFrame("a report that is not one")
    return report


def _is_finding(document: Any) -> bool:
    where = document["where"]
    return (
        document["rule"] in RULES
        and all(_is_text(document[key]) for key in ("message", "engine"))
        and isinstance(document["evidence"], dict)
        and ("member" not in where or _is_text(where["member"]))
        and all(_is_count(where[key]) for key in ("offset", "line") if key in where)
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT
