"""TensorFlow Lite."""

from __future__ import annotations

from scanners.case import Case
from scanners.source import ByteSource


def judge(source: ByteSource, case: Case) -> None:
    pass
