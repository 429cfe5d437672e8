"""Pages in HTML, and scenes of Blender: what the program that opens them runs."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.source import ByteSource

LARGEST_PAGE = 16 * 1024 * 1024

_SCRIPT = re.compile(r"<\s{0,10}script\b([^<>]{0,4096})>", re.IGNORECASE)
MOST_SCRIPTS = 1000
LONGEST_SCRIPT = 1024 * 1024
_DATA_SCRIPT = re.compile(
    r"""type\s*=\s*["']?(?:application/(?:ld\+)?json|text/(?:template|x-mathjax-config|x-template))""", re.IGNORECASE
)
_HANDLER = re.compile(
    r"""<[a-z][^<>]{0,4096}\son(?:load|error|mouseover|focus|click)\s*=|href\s*=\s*["']?\s*javascript:""", re.IGNORECASE
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


def judge_html(source: ByteSource, case: Case) -> None:
    text = source.read(0, LARGEST_PAGE).decode("utf-8", "replace")
    worst: Severity | None = None
    why, line = "", 1
    for number, found in enumerate(_SCRIPT.finditer(text)):
        if number == MOST_SCRIPTS:
            case.leave_open(f"It is a page of more than {MOST_SCRIPTS:,} scripts.")
            break
        end = text.find("</", found.end(), found.end() + LONGEST_SCRIPT)
        while end >= 0 and text[end + 2 : end + 8].lower() != "script":
            end = text.find("</", end + 2, found.end() + LONGEST_SCRIPT)
        body = text[found.end() : end if end >= 0 else found.end() + LONGEST_SCRIPT]
        case.meter.check_clock()
        if _DATA_SCRIPT.search(found.group(1)):
            continue
        strange = _STRANGE.search(body)
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


def judge_blend(_: ByteSource, case: Case) -> None:
    case.add(
        "active-content",
        Severity.MEDIUM,
        "The scene can carry Python, which Blender runs when it is opened with scripts allowed.",
        evidence={"what": "blender"},
    )
