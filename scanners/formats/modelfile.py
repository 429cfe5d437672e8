"""ollama's Modelfile: where the weights come from, and what the model is told."""

from __future__ import annotations

import re

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.template import judge_template
from scanners.source import ByteSource

LARGEST_MODELFILE = 1024 * 1024
_TEXTS = re.compile(
    r'^(TEMPLATE|SYSTEM|MESSAGE\s+\w+)\s+(?:"""(.*?)"""|(.*?)$)', re.MULTILINE | re.DOTALL | re.IGNORECASE
)
_PLACES = re.compile(r"^(FROM|ADAPTER)\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_OUTSIDE = re.compile(r"^(?:/|~|[A-Za-z]:\\)|(?:^|/)\.\.(?:/|$)")


def judge(source: ByteSource, case: Case) -> None:
    if source.size > LARGEST_MODELFILE:
        case.leave_open(f"It is a Modelfile of more than {LARGEST_MODELFILE // 1024:,} KiB.")
    text = source.read(0, LARGEST_MODELFILE).decode("utf-8-sig", "replace")
    for found in _PLACES.finditer(text):
        place = found[2]
        if place.startswith("http://") or _OUTSIDE.search(place):
            case.add(
                "config-path-escape",
                Severity.MEDIUM,
                f"The Modelfile takes its weights from {place[:80]!r}, outside the repository.",
                line=text.count("\n", 0, found.start()) + 1,
                evidence={"key": found[1].upper(), "path": place[:200]},
            )
    for found in _TEXTS.finditer(text):
        judge_template(found[2] or found[3] or "", case, key=found[1].split()[0].upper())
