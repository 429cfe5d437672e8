"""joblib's own compressed file of before 0.10: `ZF`, the length in hexadecimal, and a zlib stream.

Format: joblib/numpy_pickle_compat.py, `read_zfile`. joblib still reads it.
"""

from __future__ import annotations

from scanners.case import Case
from scanners.reading import SliceSource
from scanners.source import ByteSource

HEADER_BYTES = 2 + len(hex(2**64))


def judge(source: ByteSource, case: Case) -> None:
    case.examine(SliceSource(source, HEADER_BYTES, source.size - HEADER_BYTES), "compressed", name="compressed.z")
