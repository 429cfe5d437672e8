"""Pages in HTML, and scenes of Blender: what the program that opens them runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanners.case import Case
from scanners.finding import Severity
from scanners.source import ByteSource

LARGEST_PAGE = 16 * 1024 * 1024

_SCRIPT = re.compile(r"<\s{0,10}script\b([^<>]{0,4096})>", re.IGNORECASE)
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


def _scripts(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each opening tag and what stands up to its end. What looks like a tag inside of a script is a part of it."""
    position = 0
    while (found := _SCRIPT.search(text, position)) is not None:
        end = found.end()
        while (end := text.find("</", end)) >= 0 and text[end + 2 : end + 8].lower() != "script":
            end += 2
        position = end if end >= 0 else len(text)
        yield found, text[found.end() : position]


def judge_html(source: ByteSource, case: Case) -> None:
    text = source.read(0, LARGEST_PAGE).decode("utf-8", "replace")
    worst: Severity | None = None
    why, line = "", 1
    for found, body in _scripts(text):
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
