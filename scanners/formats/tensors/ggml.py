"""The files of ggml before GGUF (`ggml`, `ggmf`, `ggjt`, `ggla`): a few sizes, a vocabulary, tensors.

Each program had a layout of its own, so only what all have is checked: the sizes a native reader will believe.
"""

from __future__ import annotations

import struct

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.source import ByteSource

MAGICS = {b"lmgg": "ggml", b"fmgg": "ggmf", b"tjgg": "ggjt", b"algg": "ggla"}
LARGEST_FIELD = 1 << 24
LATEST_VERSION = 3


def judge(source: ByteSource, case: Case) -> None:
    head = source.read(0, 40)
    name = MAGICS.get(head[:4])
    if name is None:
        raise Unscannable("It says it is ggml in a byte order that no reader has.")
    if len(head) < 36:
        _note(case, "is cut off in its first fields", Severity.MEDIUM)
        raise Unscannable("It is ggml that is cut off in its first fields.")
    case.fact("ggml_layout", name)
    at = 4
    if name != "ggml":
        version = int.from_bytes(head[4:8], "little")
        if not 1 <= version <= LATEST_VERSION:
            raise Unscannable(f"It is {name} of version {version}, which is not known here.")
        at = 8
    sizes = struct.unpack_from("<2i" if name == "ggla" else "<6i", head, at)
    if any(not 0 <= size < LARGEST_FIELD for size in sizes) or sizes[0] == 0:
        _note(case, "has sizes that no model has", Severity.HIGH)
        raise Unscannable("It is ggml with sizes that no model has.")


def _note(case: Case, reason: str, severity: Severity) -> None:
    case.add(
        "format-malformed",
        severity,
        f"The ggml header {reason}; native readers believe it.",
        offset=0,
        evidence={"format": "ggml", "reason": reason},
    )
