"""`.pth` files in `site-packages`: Python runs every line of them that begins with `import`, at each start.

Source: the documentation of Python's `site` module. A checkpoint that is called `.pth` is no text and comes elsewhere.
"""

from __future__ import annotations

import re

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.code.python import judge_text
from scanners.formats.code.text import Source, decode
from scanners.source import ByteSource

LARGEST = 256 * 1024
_RUNS = re.compile(r"^import[ \t]")


def judge(source: ByteSource, case: Case) -> None:
    if source.size > LARGEST:
        raise Unscannable(f"It is a path configuration file of more than {LARGEST // 1024} KiB.")
    read = decode(source.read(0, source.size), case)
    # Lines that are no code are paths; blanked, so that the numbers of lines stay.
    kept = [line if _RUNS.match(line) else "" for line in read.lines]
    first = next((number for number, line in enumerate(kept, 1) if line), None)
    if first is None:
        return
    case.add(
        "path-configuration-code",
        Severity.HIGH,
        "The file runs code whenever Python starts, once it lies among the installed packages.",
        line=first,
        evidence={"source": kept[first - 1][:200]},
    )
    judge_text(Source("\n".join(kept), kept), case)
