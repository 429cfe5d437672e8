"""Bytes that belong to nothing: behind the end of a file's content, in holes, between the members of an archive.

Nobody who opens the file as what it is reads them, so whoever put something loadable there meant another reader.
Where a format's writers are known to leave all kinds of things behind, little is said of what cannot be loaded
(`look_at`); where they leave only zeros, all else is told (`judge_hidden`).
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice

from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.kinds import ACTIVE, INERT, Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

LARGEST_SEARCH = 8 * 1024 * 1024
NEAR_THE_END = 4 * 1024 * 1024
STEP = 1024 * 1024
LONGEST_SIGN = 512
MOST_LOOKS = 64
"""At places where a sign was found; two bytes of chance are found often."""
_IN_BASE64 = re.compile(rb"gASV[A-P]|gA[JN][9jYc]|Y29zCnN5c3RlbQ|Y3Bvc2l4CnN5c3RlbQ|UEsDBB|f0VMR[gi]|TVqQAAM|H4sIA{4}")
"""How pickles, archives and programs begin in Base64."""
_PROGRAMS = {
    Format.ELF: "program for Linux (ELF)",
    Format.PE: "program for Windows (PE)",
    Format.MACH_O: "program for macOS (Mach-O)",
}
PADDING = b"\0 \r\n\t\xff"
FEW_BYTES = 32
LONGEST_WORDS = 64 * 1024

_SIGNS = (
    rb"PK\x03\x04[\x00-\x40]\x00", rb"\x7fELF[\x01\x02][\x01\x02]\x01", rb"7z\xbc\xaf\x27\x1c", rb"Rar!\x1a\x07",
    rb"MZ.{58}", rb"\xfd7zXZ\x00", rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]",
    rb"\x80\x04\x95.{6}\x00\x00", rb"\x80\x05\x95.{6}\x00\x00", rb"\x80[\x02-\x05][(c}\]X\x8c\x8a]",
    rb"ustar[\x00 ]", rb"MSCF\0\0\0\0", rb"\x89HDF\r\n\x1a\n", rb"#!/(?:usr/)?bin/", rb"<\?php", rb"<script[ >]",
    rb"\xcf\xfa\xed\xfe[\x07\x0c]\0\0[\0\1]", rb"\xfe\xed\xfa[\xce\xcf][\0\1]\0\0[\x07\x0c\x12]", rb"dex\n03\d\0",
    rb"cos\n", rb"cposix\n", rb"cnt\n", rb"cbuiltins\n", rb"c__builtin__\n", rb"csubprocess\n", rb"csys\n",
    rb"crunpy\n", rb"cpty\n", rb"cshutil\n", rb"csocket\n", rb"cimportlib\n", rb"cwebbrowser\n", rb"ccommands\n",
)  # fmt: skip
"""Each begins with a literal, so that a search is as fast as memory."""
_ACTIVE_TEXT = re.compile(
    rb"<\?php|<script[\s>]|\A\s*#!/|\b(?:import os|import subprocess|os\.system\(|eval\(|exec\(|__import__\(|"
    rb"powershell|/bin/(?:ba)?sh\b)",
    re.IGNORECASE,
)


def look_behind(source: ByteSource, end: int, case: Case, place: str = "behind the end of the file's content") -> None:
    """What stands from `end` on to the end of the source."""
    look_at(source, end, source.size - end, case, place)


def look_at(source: ByteSource, start: int, size: int, case: Case, place: str) -> None:
    """Judges `size` bytes at `start` that belong to nothing. Padding is nothing; something loadable is high."""
    region = SliceSource(source, start, size)
    lead = _padding(region)
    if lead >= size:
        return
    if _judge_loadable(region, lead, start, case, place):
        return
    rest = SliceSource(region, lead, size - lead)
    kind = _first_known(region, lead)
    if kind in INERT and kind not in (Format.TEXT, Format.LFS_POINTER):
        # A second picture or a film behind a photograph: telephones write that.
        return
    unknown = kind is Format.UNKNOWN and rest.size > FEW_BYTES
    unknown = unknown or _IN_BASE64.search(rest.read(0, STEP)) is not None
    case.add(
        "hidden-bytes",
        Severity.MEDIUM if unknown else Severity.LOW,
        f"{rest.size:,} bytes ({'of an unknown kind' if kind is Format.UNKNOWN else kind.value}) stand {place}.",
        offset=start + lead,
        evidence={"content": kind.value, "bytes": rest.size},
    )


def judge_hidden(source: ByteSource, start: int, size: int, case: Case, place: str) -> bool:
    """The same of a format whose writers leave nothing but zeros. Returns whether there is anything else."""
    looked_at = min(size, LARGEST_SEARCH)
    lead = _padding(SliceSource(source, start, looked_at), b"\0")
    if lead >= looked_at:
        if size > looked_at:
            case.leave_open(f"{size:,} bytes {place} belong to nothing; only the first 8 MiB were looked at.")
        return False
    start, size = start + lead, size - lead
    region = SliceSource(source, start, _without_zeros_at_end(source, start, size))
    if _judge_loadable(region, 0, start, case, place):
        return True
    kind = detect(region, "").format
    case.add(
        "hidden-bytes",
        Severity.MEDIUM,
        f"{region.size:,} bytes {place} belong to nothing in the file; no reader of this format looks there.",
        offset=start,
        evidence={"content": kind.value, "bytes": region.size},
    )
    if kind is Format.TEXT:
        words = region.read(0, LONGEST_WORDS).decode("utf-8", "replace")
        # Only of words: what reads them is much, and archives come here for less.
        from scanners.formats.shared.payload_text import judge_text

        judge_text(words, case, place=f"the bytes {place}")
    elif kind not in INERT and kind is not Format.UNKNOWN:
        case.examine(region, f"bytes at {start}")
    return True


def search(source: ByteSource, case: Case) -> None:
    """Of plain data whose end is not known here: what is plain to see at its beginning, and near its end."""
    for start in sorted({8, max(8, source.size - NEAR_THE_END)}):
        found = find_loadable(SliceSource(source, start, max(0, source.size - start)))
        if found is not None:
            look_at(source, start + found[0], source.size - start - found[0], case, "inside of the file")
            return


def _judge_loadable(region: ByteSource, lead: int, start: int, case: Case, place: str) -> bool:
    """Notes and judges the first thing that a loader would open, if there is one. `start`: where the region stands."""
    found = find_loadable(region, lead)
    if found is None:
        return False
    at, kind = found
    size = region.size - at
    case.add(
        "hidden-bytes",
        Severity.HIGH,
        f"{named(kind)} stands {place}, where nobody who opens the file as what it says it is looks.",
        offset=start + at,
        evidence={"content": kind.value, "bytes": size},
    )
    case.examine(SliceSource(region, at, size), f"bytes at {start + at}")
    return True


def find_loadable(region: ByteSource, start: int = 0) -> tuple[int, Format] | None:
    """Where something loadable begins in these bytes, and what it is."""
    at_start = _loadable(region, start)
    if at_start is not None:
        return start, at_start
    looks = 0
    for begin in range(start, min(region.size, LARGEST_SEARCH), STEP):
        data = region.read(begin, STEP + LONGEST_SIGN)
        hits = sorted(
            {
                (match.start(), match.group()[:5])
                for sign in _signs()
                for match in islice(sign.finditer(data), MOST_LOOKS)
            }
        )
        for place, sign in hits:
            at = begin + place - (257 if sign == b"ustar" else 0)
            if place >= STEP or at < start:
                continue
            looks += 1
            if looks > MOST_LOOKS:
                return None
            kind = _loadable(region, at, weakly=sign[0] == 0x80)
            if kind is Format.PE and not _has_windows_header(region, at):
                continue
            if kind is None and sign[:2] in (b"#!", b"<?", b"<s"):
                kind = Format.SCRIPT
            if kind is not None:
                return at, kind
    return None


@cache
def _signs() -> tuple[re.Pattern[bytes], ...]:
    """Compiled when something is there to look at, which is seldom, and takes milliseconds."""
    return tuple(re.compile(sign, re.DOTALL) for sign in _SIGNS)


def _loadable(region: ByteSource, at: int, *, weakly: bool = False) -> Format | None:
    """`weakly`: what led here are two bytes of chance."""
    rest = SliceSource(region, at, region.size - at)
    if weakly:
        # Tensor files mostly have nothing hidden, and need no machine for pickles.
        from scanners.formats.pickle.probe import brings_something_in

        if not brings_something_in(rest):
            return None
    kind = detect(rest, "").format
    if kind in (Format.TEXT, Format.JSON, Format.YAML):
        return Format.SCRIPT if _ACTIVE_TEXT.search(rest.read(0, 65536)) else None
    return kind if kind in ACTIVE else None


def _has_windows_header(region: ByteSource, at: int) -> bool:
    """Two letters are found by chance; a program has a second header where the first says."""
    head = region.read(at, 512)
    place = int.from_bytes(head[60:64], "little")
    return region.read(at + place, 4) == b"PE\0\0" or b"run in DOS mode" in head or head.startswith(b"MZqFpD")


def _first_known(region: ByteSource, lead: int) -> Format:
    """What begins here; what looks like padding may be its beginning, as of a picture's `FF` and a film's length."""
    for at in (lead, 0, max(0, lead - 1), max(0, lead - 3)):
        kind = detect(SliceSource(region, at, region.size - at), "").format
        if kind is not Format.UNKNOWN:
            return kind
    return Format.UNKNOWN


def _padding(region: ByteSource, padding: bytes = PADDING) -> int:
    """How many bytes of padding it begins with."""
    at = 0
    while at < region.size:
        data = region.read(at, STEP)
        rest = data.lstrip(padding)
        if rest:
            return at + len(data) - len(rest)
        at += len(data)
    return at


def _without_zeros_at_end(source: ByteSource, start: int, size: int) -> int:
    """The size without the zeros at the end, if there are no more than a step of them."""
    tail = min(size, STEP)
    data = source.read(start + size - tail, tail)
    return size - tail + len(data.rstrip(b"\0"))


def named(kind: Format) -> str:
    """With its article, to begin a sentence."""
    name = _PROGRAMS.get(kind, kind.value)
    return f"{'An' if name[0] in 'aeio' else 'A'} {name}"
