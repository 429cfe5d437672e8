"""Bytes of a file that its own format gives no meaning: behind the end, in holes, under overlaps.

Padding is zeros. What is not is looked at as a file of its own, at its beginning and wherever something begins that a
loader would open: it is there for another reader.
"""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.shared.payload_text import judge_text
from scanners.kinds import INERT, Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

LOOKED_AT = 8 * 1024 * 1024
LONGEST_WORDS = 64 * 1024
STEP = 1024 * 1024
MOST_CANDIDATES = 64
# Long enough that numbers of a tensor do not look like it by chance.
_BEGINNINGS = re.compile(
    rb"PK\x03\x04|\x7fELF[\1\2][\1\2]|MZ(?=.{58})|\x80[\x02-\x05](?:\x95.{3}\0{5}|c[\w.]+\n[\w.]+\n|[}\](]q\0)"
    rb"|\x1f\x8b\x08[\0-\x1f].{4}[\0\2\4][\0-\x0d\xff]|7z\xbc\xaf\x27\x1c|\xcf\xfa\xed\xfe|#!/|\x93NUMPY"
    rb"|c(?:os|posix|nt|builtins|__builtin__|subprocess)\n",
    re.DOTALL,
)
LOADABLE = frozenset(
    {
        Format.PICKLE, Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.NUMPY_ZIP, Format.ZIP, Format.SEVEN_ZIP,
        Format.RAR, Format.TAR, Format.GZIP, Format.BZIP2, Format.XZ, Format.ELF, Format.PE, Format.MACH_O,
        Format.JAVA_CLASS, Format.WASM, Format.PYTHON_BYTECODE, Format.PYTHON, Format.SCRIPT, Format.HDF5,
        Format.KERAS_ZIP,
    }
)  # fmt: skip


def judge_hidden(source: ByteSource, begin: int, size: int, case: Case, where: str) -> bool:
    """Notes what stands in these bytes, and whether it is more than padding. `where` is such as `behind the end`."""
    at = _first_byte_that_is_not_zero(source, begin, min(size, LOOKED_AT))
    if at is None:
        if size > LOOKED_AT:
            case.leave_open(f"{size:,} bytes {where} belong to nothing; only the first 8 MiB were looked at.")
        return False
    size = _without_padding(source, at, begin + size) - begin
    found = find_loadable(source, at, begin + size)
    if found is None:
        kind = detect(SliceSource(source, at, begin + size - at), "").format
        case.add(
            "hidden-bytes",
            Severity.MEDIUM,
            f"{begin + size - at:,} bytes {where} belong to nothing in the file; no reader of this format looks there.",
            offset=at,
            evidence={"bytes": begin + size - at, "where": where, "content": kind.value},
        )
        if kind is Format.TEXT:
            words = source.read(at, min(LONGEST_WORDS, begin + size - at)).decode("utf-8", "replace")
            judge_text(words, case, place=f"the bytes {where}")
        elif kind not in INERT and kind is not Format.UNKNOWN:
            case.examine(SliceSource(source, at, begin + size - at), where, name="hidden")
        return True
    place, kind = found
    case.add(
        "hidden-bytes",
        Severity.HIGH,
        f"A {kind.value} hides {where}, where no reader of this format looks.",
        offset=place,
        evidence={"bytes": begin + size - place, "where": where, "content": kind.value},
    )
    case.examine(SliceSource(source, place, begin + size - place), where, name="hidden")
    return True


def _first_byte_that_is_not_zero(source: ByteSource, begin: int, size: int) -> int | None:
    position = begin
    while position < begin + size:
        data = source.read(position, min(STEP, begin + size - position))
        if not data:
            return None
        rest = data.lstrip(b"\0")
        if rest:
            return position + len(data) - len(rest)
        position += len(data)
    return None


def _without_padding(source: ByteSource, begin: int, end: int) -> int:
    """Where the zeros at the end begin, if there are no more than a step of them."""
    start = max(begin, end - STEP)
    data = source.read(start, end - start)
    return start + len(data.rstrip(b"\0"))


def find_loadable(source: ByteSource, begin: int, end: int) -> tuple[int, Format] | None:
    """The first place where something begins that a loader would open, and what it is."""
    places = [begin]
    position = begin
    while position < min(end, begin + LOOKED_AT) and len(places) < MOST_CANDIDATES:
        data = source.read(position, min(STEP + 64, end - position))
        places.extend(position + found.start() for found in _BEGINNINGS.finditer(data) if found.start() < STEP)
        position += STEP
    for place in places[:MOST_CANDIDATES]:
        kind = detect(SliceSource(source, place, end - place), "").format
        if kind in LOADABLE:
            return place, kind
    return None
