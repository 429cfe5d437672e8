"""Documents that programs act on when they show them: HTML pages and PDF."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.media import judge as judge_end
from scanners.source import ByteSource

LARGEST_PAGE = 16 * 1024 * 1024
LARGEST_PDF = 64 * 1024 * 1024
STEP = 1024 * 1024
OVERLAP = 256

_SCRIPT = re.compile(r"<\s*script\b([^>]*)>(.*?)(?:<\s*/\s*script|\Z)", re.IGNORECASE | re.DOTALL)
_DATA_SCRIPT = re.compile(
    r"""type\s*=\s*["']?(?:application/(?:ld\+)?json|text/(?:template|x-mathjax-config|x-template))""", re.IGNORECASE
)
_HANDLER = re.compile(
    r"""<[a-z][^>]*\son(?:load|error|mouseover|focus|click)\s*=|href\s*=\s*["']?\s*javascript:""", re.IGNORECASE
)
_STRANGE = re.compile(
    r"\beval\s*\(|\batob\s*\(|\bunescape\s*\(|fromCharCode|document\.cookie"
    r"|sendBeacon|ActiveXObject|WScript|new\s+Function\s*\(|\bfetch\s*\(\s*[\"'](?:https?:)?//|\\x[0-9a-f]{2}\\x",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"""src\s*=\s*["']?(?:https?:)?//(?!(?:cdn\.jsdelivr\.net|unpkg\.com|cdnjs\.cloudflare\.com|cdn\.plot\.ly|d3js\.org"""
    r"""|(?:[\w-]+\.)?huggingface\.co|gradio\.s3|code\.jquery\.com|[\w-]+\.googleapis\.com)/)""",
    re.IGNORECASE,
)
"""Scripts from elsewhere, but for the places that pages of models and demos use."""
_PDF_ACTIONS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"/(?:J|#4a)(?:S|#53)\b|/(?:J|#4a)(?:a|#61)va(?:S|#53)cript", re.IGNORECASE), "JavaScript"),
    (re.compile(rb"/L(?:a|#61)unch\b"), "a command to launch"),
    (re.compile(rb"/(?:EmbeddedFile|RichMedia|XFA)\b"), "a file or form inside"),
    (re.compile(rb"/(?:SubmitForm|ImportData|GoToR|GoToE)\b"), "an action that reaches out"),
)


def judge_html(source: ByteSource, case: Case) -> None:
    text = source.read(0, LARGEST_PAGE).decode("utf-8", "replace")
    worst: Severity | None = None
    why, line = "", 1
    for found in _SCRIPT.finditer(text):
        if _DATA_SCRIPT.search(found.group(1)):
            continue
        strange = _STRANGE.search(found.group(2))
        severity = Severity.MEDIUM if strange is not None or _OUTSIDE.search(found.group(1)) else Severity.LOW
        if worst is None or severity.rank > worst.rank:
            worst, why = severity, strange.group() if strange is not None else found.group(1).strip()[:80] or "a script"
            line = text.count("\n", 0, found.start()) + 1
    if worst is None and (handler := _HANDLER.search(text)) is not None:
        worst, why, line = Severity.LOW, handler.group()[-40:], text.count("\n", 0, handler.start()) + 1
    if worst is not None:
        case.add(
            "active-content",
            worst,
            "The page carries a script: a browser that opens it runs it.",
            line=line,
            evidence={"what": why[:200]},
        )
    if source.size > LARGEST_PAGE:
        case.leave_open(f"It is a page of more than {LARGEST_PAGE // 1024 // 1024} MiB.")


def judge_pdf(source: ByteSource, case: Case) -> None:
    """By the names in its objects; those inside compressed object streams are not seen."""
    position = 0
    noted: set[str] = set()
    while position < min(source.size, LARGEST_PDF):
        data = source.read(position, STEP + OVERLAP)
        for pattern, what in _PDF_ACTIONS:
            found = pattern.search(data)
            if found is not None and what not in noted:
                noted.add(what)
                case.add(
                    "active-content",
                    Severity.MEDIUM,
                    f"The PDF carries {what}, for the program that shows it.",
                    confidence=Confidence.LIKELY,
                    offset=position + found.start(),
                    evidence={"what": what},
                )
        position += STEP
        case.meter.check_clock()
    if source.size > LARGEST_PDF:
        case.leave_open(f"It is a PDF of more than {LARGEST_PDF // 1024 // 1024} MiB.")
    judge_end(source, case)
