"""Content that nobody knows: it is not judged, but what is plain to see in it is said."""

from __future__ import annotations

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import find_loadable, named
from scanners.kinds import Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

SURE = frozenset({Format.PICKLE, Format.ELF, Format.PE, Format.ZIP})
"""What is hardly found by chance."""


def judge(source: ByteSource, case: Case) -> None:
    judge_strings(source, case, "the file", libraries=False)
    found = find_loadable(source)
    if found is not None and found[0] > 0:
        at, kind = found
        size = source.size - at
        case.add(
            "hidden-bytes",
            Severity.HIGH if kind in SURE else Severity.MEDIUM,
            f"{named(kind)} stands inside of content whose format is not known.",
            confidence=Confidence.LIKELY,
            offset=at,
            evidence={"content": kind.value, "bytes": size},
        )
        case.examine(SliceSource(source, at, size), f"bytes at {at}")
    raise Unscannable("Its format is not known here.")
