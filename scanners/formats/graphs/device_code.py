"""What is compiled for a device: native code, or plans for it, that nobody here can look into. That is said.

Only its words are read: libraries that it names, and commands and packed objects that have no place in it.
"""

from __future__ import annotations

from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.shared.binary_words import judge_strings
from scanners.formats.shared.hidden import find_loadable, judge_hidden
from scanners.kinds import Format
from scanners.source import ByteSource

_NAMES = {
    Format.TENSORRT: "a TensorRT engine: code for one kind of GPU",
    Format.DEVICE_CODE: "compiled for a device",
}


def judge(source: ByteSource, case: Case) -> None:
    kind = detect(source, case.name).format
    case.add(
        "opaque-engine",
        Severity.MEDIUM,
        f"The file is {_NAMES.get(kind, 'compiled for a device')}, and what it does cannot be told from here.",
        evidence={"kind": kind.value},
    )
    judge_strings(source, case, f"the {kind.value} file")
    judge_embedded(source, case)


def judge_flat(source: ByteSource, case: Case) -> None:
    """FlatBuffers of a runtime that has all operators in itself: its words are read, no more is known of it."""
    kind = detect(source, case.name).format
    judge_strings(source, case, f"the {kind.value} file")
    judge_embedded(source, case)


def judge_embedded(source: ByteSource, case: Case) -> None:
    """Looks for something that a loader opens, anywhere behind the beginning."""
    found = find_loadable(source, 16)
    if found is not None:
        judge_hidden(source, found[0], source.size - found[0], case, "inside the file")
