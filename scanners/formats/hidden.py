"""Bytes that belong to nothing: behind the end of a picture, between the members of an archive, before its beginning.

Nobody who opens the file as what it is reads them, so whoever put something loadable there meant another reader.
"""

from __future__ import annotations

import re

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Confidence, Severity
from scanners.formats.pickle.probe import probe
from scanners.kinds import ACTIVE, INERT, Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

LARGEST_SEARCH = 8 * 1024 * 1024
STEP = 1024 * 1024
LONGEST_SIGN = 512
MOST_LOOKS = 64
"""At places where a sign was found; two bytes of chance are found often."""
PADDING = b"\0 \r\n\t\xff"
FEW_BYTES = 32

_SIGNS = re.compile(
    rb"PK\x03\x04.{2}|\x7fELF[\x01\x02][\x01\x02]\x01|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|MZ[\x00-\xff]\x00|\xfd7zXZ\x00"
    rb"|\x1f\x8b\x08[\x00-\x1f]|\x80[\x02-\x05][\x95(c}\]X\x8c\x8a]|ustar[\x00 ]|MSCF\0\0\0\0|\x89HDF\r\n\x1a\n"
    rb"|c(?:os|posix|nt|builtins|__builtin__|subprocess|sys|runpy|pty|shutil|socket|importlib|webbrowser|commands)\n"
    rb"|#!/(?:usr/)?bin/|<\?php|<script[ >]|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|dex\n03",
    re.DOTALL,
)
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
    found = find_active(region, lead)
    if found is not None:
        at, kind = found
        case.add(
            "data-behind-the-end",
            Severity.HIGH,
            f"{_a(kind)} stands {place}, where nobody who opens the file as what it says it is looks.",
            offset=start + at,
            evidence={"content": kind.value, "bytes": size - at},
        )
        case.examine(SliceSource(region, at, size - at), f"bytes at {start + at}")
        return
    rest = SliceSource(region, lead, size - lead)
    kind = detect(rest, "").format
    if kind in INERT and kind not in (Format.TEXT, Format.LFS_POINTER):
        # A second picture or a film behind a photograph: telephones write that.
        return
    unknown = kind is Format.UNKNOWN and rest.size > FEW_BYTES
    case.add(
        "data-behind-the-end",
        Severity.MEDIUM if unknown else Severity.LOW,
        f"{rest.size:,} bytes ({'of an unknown kind' if kind is Format.UNKNOWN else kind.value}) stand {place}.",
        offset=start + lead,
        evidence={"content": kind.value, "bytes": rest.size},
    )


def find_active(region: ByteSource, start: int = 0) -> tuple[int, Format] | None:
    """Where something loadable begins in these bytes, and what it is."""
    at_start = _active(region, start)
    if at_start is not None:
        return start, at_start
    looks = 0
    for begin in range(start, min(region.size, LARGEST_SEARCH), STEP):
        data = region.read(begin, STEP + LONGEST_SIGN)
        for sign in _SIGNS.finditer(data):
            if sign.start() >= STEP:
                break
            looks += 1
            if looks > MOST_LOOKS:
                return None
            at = begin + sign.start() - (257 if sign.group().startswith(b"ustar") else 0)
            if at < start:
                continue
            kind = _active(region, at)
            if kind is None and sign.group()[:2] in (b"#!", b"<?", b"<s"):
                kind = Format.SCRIPT
            if kind is not None:
                return at, kind
    return None


def _active(region: ByteSource, at: int) -> Format | None:
    rest = SliceSource(region, at, region.size - at)
    kind = detect(rest, "").format
    if kind in (Format.TEXT, Format.JSON, Format.YAML):
        return Format.SCRIPT if _ACTIVE_TEXT.search(rest.read(0, 65536)) else None
    return kind if kind in ACTIVE else None


def judge_unknown(source: ByteSource, case: Case) -> None:
    """Content that nobody knows: it is not judged, but what is plain to see in it is said."""
    found = find_active(source)
    if found is not None and found[0] > 0:
        at, kind = found
        case.add(
            "data-behind-the-end",
            Severity.HIGH if kind in (Format.PICKLE, Format.ELF, Format.PE, Format.ZIP) else Severity.MEDIUM,
            f"{_a(kind)} stands inside of content whose format is not known.",
            confidence=Confidence.LIKELY,
            offset=at,
            evidence={"content": kind.value, "bytes": source.size - at},
        )
        case.examine(SliceSource(source, at, source.size - at), f"bytes at {at}")
    raise Unscannable("Its format is not known here.")


def holds_a_pickle(content: ByteSource) -> bool:
    try:
        return probe(content) is not None
    except BudgetSpent:
        raise
    except Unscannable:
        return False


def _padding(region: ByteSource) -> int:
    """How many bytes of padding it begins with."""
    at = 0
    while at < region.size:
        data = region.read(at, STEP)
        rest = data.lstrip(PADDING)
        if rest:
            return at + len(data) - len(rest)
        at += len(data)
    return at


def _a(kind: Format) -> str:
    return f"{'An' if kind.value[0] in 'aeio' else 'A'} {kind.value}"
