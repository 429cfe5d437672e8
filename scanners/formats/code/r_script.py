"""Source of R and Julia: read for calls that run commands or bring in code from elsewhere."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.source import ByteSource

LARGEST = 1024 * 1024
_RUNS = re.compile(
    r"(?<![\w.])(?:system2?|shell(?:\.exec)?|pipe|dyn\.load|socketConnection|make\.socket)\s*\("
    r"|(?<![\w.])(?:source|download\.file|url|readRDS|load)\s*\(\s*(?:url\s*\()?\s*[\"'](?:https?|ftp)://"
    r"|eval\s*\(\s*(?:parse|str2lang|Meta\.parse)\s*\(|install\.packages\s*\(|(?<![\w.])(?:run|ccall)\s*\(\s*`|\brun\(`"
)
_COMMENT = re.compile(r"#[^\n]*")


def judge(source: ByteSource, case: Case) -> None:
    text = _COMMENT.sub("", source.read(0, LARGEST).decode("utf-8", "replace"))
    found = _RUNS.search(text)
    if found is not None:
        case.add(
            "script-code",
            Severity.MEDIUM,
            f"The script calls {found.group()[:60].strip()!r}: it runs commands or brings in code when it is run.",
            confidence=Confidence.LIKELY,
            line=text.count("\n", 0, found.start()) + 1,
            evidence={"calls": found.group()[:100]},
        )
    if source.size > LARGEST:
        case.leave_open(f"It is a script of more than {LARGEST // 1024 // 1024} MiB.")
