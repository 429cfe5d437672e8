"""PDF: the actions and scripts it has for the program that shows it, also those in packed object streams.

Format: ISO 32000-2, 7.3 (names, where any letter may stand as its number), 7.5.7 (object streams), 12.6 (actions).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.documents.media import judge as judge_end
from scanners.source import ByteSource

LARGEST = 64 * 1024 * 1024
STEP = 1024 * 1024
OVERLAP = 4096
LARGEST_STREAM = 1024 * 1024
"""Unpacked, of one object stream: more of it is not looked at."""


def _name(word: str) -> str:
    """A name of which each letter may stand as `#` and two digits."""
    return "/" + "".join(f"(?:{letter}|#{ord(letter):02x})" for letter in word)


_ACTIONS: tuple[tuple[re.Pattern[bytes], str, Severity], ...] = tuple(
    (re.compile(pattern.encode(), re.IGNORECASE), what, severity)
    for pattern, what, severity in (
        (_name("JavaScript") + r"\b|" + _name("JS") + r"\s*(?:[(<]|\d+\s+\d+\s+R)", "JavaScript", Severity.MEDIUM),
        (_name("Launch") + r"\b", "a command to launch", Severity.HIGH),
        (f"(?:{_name('SubmitForm')}|{_name('ImportData')}|{_name('GoToE')})\\b", "an action that reaches out",
         Severity.MEDIUM),
        (f"(?:{_name('EmbeddedFile')}|{_name('RichMedia')})\\b", "files inside of it", Severity.LOW),
    )
)  # fmt: skip
# A name of so many letters does not come about by chance in packed data, and short ones must be followed by a value.
_OBJECT_STREAM = re.compile(rb"/ObjStm\b.{0,400}?stream\r?\n", re.DOTALL)


@dataclass(slots=True)
class _Document:
    case: Case
    noted: set[str] = field(default_factory=set)

    def look(self, data: bytes, offset: int) -> None:
        for pattern, what, severity in _ACTIONS:
            found = pattern.search(data)
            if found is not None and what not in self.noted:
                self.noted.add(what)
                self.case.add(
                    "active-content",
                    severity,
                    f"The PDF carries {what}, for the program that shows it.",
                    confidence=Confidence.LIKELY,
                    offset=offset,
                    evidence={"what": what},
                )


def judge(source: ByteSource, case: Case) -> None:
    document = _Document(case)
    position = 0
    while position < min(source.size, LARGEST):
        data = source.read(position, STEP + OVERLAP)
        document.look(data, position)
        for found in _OBJECT_STREAM.finditer(data):
            if found.start() < STEP:
                document.look(_unpacked(source, position + found.end(), case), position + found.start())
        position += STEP
        case.meter.check_clock()
    if source.size > LARGEST:
        case.leave_open(f"It is a PDF of more than {LARGEST // 1024 // 1024} MiB.")
    judge_end(source, case)


def _unpacked(source: ByteSource, begin: int, case: Case) -> bytes:
    """The beginning of a packed stream; nothing if it is packed in another way."""
    try:
        content = zlib.decompressobj().decompress(source.read(begin, LARGEST_STREAM // 4), LARGEST_STREAM)
    except zlib.error:
        return b""
    case.meter.spend_unpacked(len(content))
    return content
