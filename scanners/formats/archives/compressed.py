"""One compressed stream around something: gzip, zlib, bzip2, xz, lzma, lz4, Zstandard; joblib writes some of them.

What comes out is paid for as it comes, and judged as a file of its own.
"""

from __future__ import annotations

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.archives import opaque as opaque_archive
from scanners.formats.archives.bombs import guarded, weigh
from scanners.formats.archives.member_names import unpacks_outside
from scanners.formats.archives.unpackers import UNPACKERS
from scanners.formats.archives.unpacking import unpack
from scanners.formats.shared.hidden import look_behind
from scanners.kinds import Format
from scanners.source import ByteSource

SUFFIXES = {".tgz": ".tar", ".tbz2": ".tar", ".tbz": ".tar", ".txz": ".tar", ".tzst": ".tar"} | dict.fromkeys(
    (".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4", ".zst", ".zstd"), ""
)
LEGACY_LZ4 = b"\x02\x21\x4c\x18"


def judge(source: ByteSource, case: Case) -> None:
    kind = detect(source, case.name).format
    if source.read(0, 4) == LEGACY_LZ4:
        raise opaque_archive.held_back(kind, case, "its frames are of LZ4's legacy format")
    if kind is Format.GZIP:
        _check_name(source, case)
    before = case.meter.unpacked_bytes
    try:
        unpacked = unpack(source, UNPACKERS[kind], guarded(source.size, case))
    except BudgetSpent:
        weigh(source.size, case.meter.unpacked_bytes - before, case)
        raise
    content, end = unpacked.content, unpacked.end
    weigh(end, content.size, case)
    if content.size or unpacked.broken is None:
        case.examine(content, "unpacked", name=_inner_name(case.name))
    if unpacked.broken is not None:
        # Of what only looks compressed by its first two bytes, nothing comes out.
        if content.size or kind not in (Format.ZLIB, Format.LZMA):
            case.add(
                "archive-malformed",
                Severity.MEDIUM,
                "The compressed stream breaks off or is damaged; what came out before that can be loaded.",
                offset=end,
            )
        raise Unscannable(unpacked.broken)
    if end < source.size:
        look_behind(source, end, case, "behind the end of the compressed stream")


def _inner_name(name: str) -> str:
    for suffix, instead in SUFFIXES.items():
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] + instead
    return name


def _check_name(source: ByteSource, case: Case) -> None:
    """A gzip header may hold a file name (RFC 1952, 2.3.1), which `gunzip -N` writes to."""
    head = source.read(0, 1024)
    flags = head[3] if len(head) > 10 else 0
    at = 10
    if flags & 4:
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    if not flags & 8:
        return
    name = head[at:].split(b"\0", 1)[0].decode("latin-1")
    if unpacks_outside(name):
        case.add(
            "archive-path-traversal",
            Severity.MEDIUM,
            f"The stream calls its content {name[:100]!r}, which leads outside the folder it is unpacked to.",
            offset=at,
            evidence={"member": name[:200]},
        )
