"""Archives of kinds that cannot be unpacked here: said so, and held back."""

from __future__ import annotations

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.kinds import Format
from scanners.source import ByteSource

NAMES = {
    Format.CAB: "a Windows cabinet",
    Format.RPM: "an RPM package",
    Format.XAR: "a macOS package (xar)",
    Format.DMG: "a macOS disk image",
    Format.SQUASHFS: "a SquashFS file system",
    Format.ISO: "an image of a disc",
    Format.LHA: "an LHA archive",
    Format.ARJ: "an ARJ archive",
    Format.ACE: "an ACE archive",
    Format.COMPRESS: "compressed by compress (.Z)",
    Format.LZIP: "compressed by lzip",
    Format.LZOP: "compressed by lzop",
    Format.SNAPPY: "compressed by Snappy",
    Format.BROTLI: "compressed by Brotli",
    Format.RAR: "a RAR archive",
    Format.SEVEN_ZIP: "a 7z archive",
}


def judge(source: ByteSource, case: Case) -> None:
    raise held_back(detect(source, case.name).format, case)


def held_back(kind: Format, case: Case, why: str = "no unpacker for it is part of this scanner") -> Unscannable:
    """Notes the finding; raise what it returns."""
    case.add(
        "archive-opaque",
        Severity.MEDIUM,
        f"The content is {NAMES.get(kind, kind.value)}, and what is inside was not seen: {why}.",
        evidence={"format": kind.value},
    )
    return Unscannable(f"It is {NAMES.get(kind, kind.value)}: {why}.")
