"""The headers of a tar archive, walked as GNU tar and Python's tarfile do, and where those two would part.

Format: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".
Nothing is unpacked: a member's bytes lie in the archive as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanners.budget import Meter
from scanners.reading import SliceSource
from scanners.signatures.magic import has_tar_checksum
from scanners.source import ByteSource

BLOCK = 512
LARGEST_EXTENSION = 1024 * 1024
"""Of a header that only describes the next one: a long name, pax records."""
FILES = frozenset(b"0\0007")
HARD_LINK, SYMBOLIC_LINK, FOLDER, SPARSE = 0x31, 0x32, 0x35, 0x53
DEVICES = {0x33: "a character device", 0x34: "a block device", 0x36: "a named pipe"}
WITHOUT_DATA = frozenset({HARD_LINK, SYMBOLIC_LINK, FOLDER, *DEVICES})
LARGEST_OCTAL_SIZE = 8 * 1024**3


@dataclass(slots=True)
class Entry:
    """One member, with what its headers contradict each other in."""

    name: str
    kind: int
    """The type flag; what POSIX and GNU leave open is a file."""
    size: int
    offset: int
    """Where its bytes begin."""
    link: str
    header_at: int
    oddities: list[str] = field(default_factory=list)
    sparse: bool = False
    other_size: int | None = None
    """What the header itself says where pax records say otherwise."""


@dataclass(slots=True)
class Walk:
    """Where a walk is and how it ended."""

    end: int = 0
    """After the last member that was read."""
    broken: str | None = None
    oddities: list[str] = field(default_factory=list)


def walk(source: ByteSource, meter: Meter, state: Walk) -> Iterator[Entry]:
    """The members in their order; `state` says afterwards where the archive ended."""
    at = 0
    pax: dict[str, str] = {}
    everywhere: dict[str, str] = {}
    long_name: str | None = None
    long_link: str | None = None
    oddities: list[str] = []
    while at + BLOCK <= source.size:
        meter.check_clock()
        block = source.read(at, BLOCK)
        if not any(block):
            state.end = at
            return
        if not has_tar_checksum(block):
            state.end = at + BLOCK
            state.broken = f"has a header with a wrong checksum at byte {at:,}"
            return
        kind = block[156]
        data_at = at + BLOCK
        size = _number(block[124:136])
        if size is None or size < 0:
            state.end = data_at
            state.broken = f"has a member of {'negative' if size is not None else 'unreadable'} size at byte {at:,}"
            return
        if kind in b"LKxgX":
            meter.spend_member()
            if size > LARGEST_EXTENSION or data_at + size > source.size:
                state.end = data_at
                state.broken = f"has a description of {size:,} bytes at byte {at:,}"
                return
            body = source.read(data_at, size)
            if kind in b"LK":
                value = body.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
                if any(body[len(value.encode("utf-8", "surrogateescape")) :].strip(b"\0")):
                    oddities.append("Bytes hide behind a long name.")
                if (long_name if kind == 0x4C else long_link) is not None:
                    oddities.append("A long name is given twice.")
                if kind == 0x4C:
                    long_name = value
                else:
                    long_link = value
            else:
                records = _records(body)
                if records is None:
                    oddities.append("Its extended header cannot be read as the format prescribes.")
                elif kind == 0x67:
                    everywhere |= records
                    if records.keys() & {"path", "linkpath", "size"}:
                        oddities.append("A global header gives every member the same name or size.")
                else:
                    pax |= records
            at = data_at + _padded(size)
            continue
        entry = _entry(block, at, kind, size, everywhere | pax, long_name, long_link)
        entry.oddities[:0] = oddities
        if kind == SPARSE:
            extended = block[482]
            while extended and entry.offset + BLOCK <= source.size:
                extended = source.read(entry.offset, BLOCK)[504]
                entry.offset += BLOCK
        pax, long_name, long_link, oddities = {}, None, None, []
        yield entry
        at = entry.offset + (0 if entry.kind in WITHOUT_DATA else _padded(entry.size))
        state.end = min(at, source.size)
    if at == 0:
        at, state.broken = BLOCK, "ends within its first header"
    if at > source.size + BLOCK:
        state.broken = "ends in the middle of a member"
    state.end = min(at, source.size)
    if pax or long_name or long_link:
        state.oddities.append("It ends after the description of a member that does not come.")


def content(source: ByteSource, entry: Entry) -> SliceSource:
    return SliceSource(source, entry.offset, min(entry.size, max(0, source.size - entry.offset)))


def _entry(
    block: bytes,
    at: int,
    kind: int,
    size: int,
    pax: dict[str, str],
    long_name: str | None,
    long_link: str | None,
) -> Entry:
    short = _text(block[:100])
    is_ustar = block[257:263] == b"ustar\0"
    prefix = _text(block[345:500]) if is_ustar else ""
    short = f"{prefix}/{short}" if prefix else short
    entry = Entry(
        name=pax.get("path", long_name if long_name is not None else short),
        kind=kind,
        size=size,
        offset=at + BLOCK,
        link=pax.get("linkpath", long_link if long_link is not None else _text(block[157:257])),
        header_at=at,
    )
    if kind not in FILES and kind not in WITHOUT_DATA and kind not in b"SDMVN":
        entry.oddities.append(f"It is of the unknown kind {chr(kind)!r}, which readers take for a file or pass over.")
    if kind in WITHOUT_DATA and size and kind != HARD_LINK:
        entry.oddities.append(f"It is no file and has {size:,} bytes; some readers take them for members.")
    if "path" in pax and long_name is not None and pax["path"] != long_name:
        entry.oddities.append(f"It has two long names, {pax['path'][:60]!r} and {long_name[:60]!r}.")
    full = entry.name
    if full != short and not _abbreviates(short, full):
        entry.oddities.append(f"It is called {full[:80]!r} and, in its own header, {short[:80]!r}.")
    if "\0" in full:
        entry.oddities.append("Its name goes on behind its end.")
    if "size" in pax:
        stated = int(pax["size"]) if re.fullmatch(r"\d{1,18}", pax["size"]) else -1
        if stated < 0:
            entry.oddities.append("Its size is not a number.")
        elif stated != size:
            if size or stated < LARGEST_OCTAL_SIZE:
                entry.oddities.append(f"It has {stated:,} bytes and, in its own header, {size:,}.")
                entry.other_size = size
            entry.size = stated
    entry.sparse = kind == SPARSE or any(name.startswith("GNU.sparse") for name in pax)
    if "GNU.sparse.name" in pax:
        entry.name = pax["GNU.sparse.name"]
    return entry


def _abbreviates(short: str, full: str) -> bool:
    """Whether a writer that could not put the whole name into the header would have put this there."""
    if "PaxHeader" in short or short.startswith(("././@", "./@")):
        return True
    plain = "".join(letter if letter.isascii() else "?" for letter in full)
    raw = full.encode("utf-8", "surrogateescape")
    cut = short.encode("utf-8", "surrogateescape").rstrip(b"/")
    if not full.isascii():
        return plain.startswith(short) or plain.endswith(short[-50:]) or raw.startswith(cut[:-3]) or not short.isascii()
    return len(full) >= 100 and short.rstrip("/") in full


def _records(body: bytes) -> dict[str, str] | None:
    """`length keyword=value newline`, as often as it fits; None where it does not."""
    found: dict[str, str] = {}
    at = 0
    while at < len(body):
        match = re.match(rb"([1-9]\d{0,7}) ", body[at : at + 9])
        if match is None:
            return found if not body[at:].strip(b"\0") else None
        end = at + int(match[1])
        record = body[at + len(match[0]) : end - 1]
        key, equals, value = record.partition(b"=")
        if end > len(body) or body[end - 1 : end] != b"\n" or not equals or not key:
            return None
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at = end
    return found


def _number(raw: bytes) -> int | None:
    """Octal digits, or GNU's base 256 with its highest bit set; None if it is neither."""
    if raw[0] & 0x80:
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big") - ((1 << 95) if raw[0] & 0x40 else 0)
    match = re.fullmatch(rb"[ \0]*([0-7]*)(?:[ \0].*)?", raw, re.DOTALL)
    if match is None:
        return None
    return int(match[1] or b"0", 8)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
