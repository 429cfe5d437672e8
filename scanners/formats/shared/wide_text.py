"""Text in two or four bytes a letter, or in the letters of a mainframe: turned into UTF-8, and judged as that.

Windows runs scripts in UTF-16, pip reads lists in it, and XML (appendix F of its specification) says how to tell.
"""

from __future__ import annotations

import re

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.source import ByteSource, MemorySource

LARGEST = 16 * 1024 * 1024
MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\0?\0x\0m\0", "utf-16-le"),
    (b"\0<\0?\0x\0m", "utf-16-be"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
"""How a text begins, and what it is written in."""
_DECLARED = re.compile(r"\A(\s*<\?xml[^>]{0,200}?)\s+encoding\s*=\s*[\"'][^\"']{0,40}[\"']")


def encoding_of(head: bytes) -> str | None:
    return next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)


def judge(source: ByteSource, case: Case) -> None:
    encoding = encoding_of(source.read(0, 8))
    if source.size > LARGEST or encoding is None:
        raise Unscannable(f"It is text in UTF-16 or UTF-32 of more than {LARGEST // 1024 // 1024} MiB.")
    text = source.read(0, source.size).decode(encoding, "replace")
    case.meter.spend_unpacked(len(text))
    # What the encoding is called in the text itself is no longer true.
    text = _DECLARED.sub(r"\1", text, count=1)
    case.examine_content(MemorySource(text.encode("utf-8", "replace")), case.name, case)
