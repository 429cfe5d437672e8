"""Words in a binary: libraries that it names, and commands and packed objects that have no place in it."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.outside_path import leads_outside
from scanners.formats.shared.payload_signs import signs_in
from scanners.formats.shared.payload_text import note
from scanners.source import ByteSource

LOOKED_AT = 16 * 1024 * 1024
STEP = 1024 * 1024
OVERLAP = 512
_WORDS = re.compile(rb"[\t\x20-\x7e]{6,4096}")
_LIBRARY = re.compile(r"\.(?:so(?:\.\d{1,4}){0,4}|dll|dylib)\b")
_PATH_BEFORE = re.compile(r"[\w./\\:~$-]*\Z")
LONGEST_PATH = 200
_LOADS = re.compile(r"\b(?:dlopen|LoadLibrary[AW]?|ctypes|cudaLaunchHostFunc|pluginLibrar\w+)\b")


def judge_strings(source: ByteSource, case: Case, place: str, *, libraries: bool = True) -> None:
    """Reads the words in the first 16 MiB of a binary; without `libraries`, not for names of native code."""
    position = 0
    noted: set[str] = set() if libraries else {"library", "loads"}
    while position < min(source.size, LOOKED_AT):
        data = source.read(position, STEP + OVERLAP)
        for found in _WORDS.finditer(data):
            _judge_string(found.group().decode("ascii"), case, place, noted, position + found.start())
        case.meter.check_clock()
        position += STEP


def _judge_string(text: str, case: Case, place: str, noted: set[str], offset: int) -> None:
    for sign, at in signs_in(text):
        if sign.severity is Severity.HIGH and sign.what not in noted:
            noted.add(sign.what)
            note(case, sign.what, sign.severity, place, text[max(0, at - 20) : at + 100])
            return
    found = _LIBRARY.search(text) if "library" not in noted else None
    if found is not None:
        noted.add("library")
        before = _PATH_BEFORE.search(text, max(0, found.start() - LONGEST_PATH), found.start())
        library = (before.group() if before is not None else "") + found.group()
        outside = leads_outside(library)
        case.add(
            "graph-custom-layer",
            Severity.HIGH if outside else Severity.MEDIUM,
            f"The file names the library {library[:80]!r}: native code that must be loaded with it.",
            offset=offset,
            evidence={"library": library[:200]},
        )
    if _LOADS.search(text) is not None and "loads" not in noted:
        noted.add("loads")
        note(case, "the name of a function that loads native code", Severity.HIGH, place, text[:120])
