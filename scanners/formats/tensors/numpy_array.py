"""NumPy's `.npy`: a header that is a Python literal, and the elements; for arrays of objects, a pickle.

Format: numpy/lib/format.py (NEP 1), versions 1 to 3.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.pickle.judge import judge_loaded
from scanners.reading import SliceSource
from scanners.source import ByteSource

LONGEST_HEADER = 64 * 1024
"""NumPy itself refuses more than 10,000 bytes unless told otherwise."""
DEEPEST_DTYPE = 16
MAGIC = b"\x93NUMPY"
_CODE = re.compile(r"[<>|=]?([biufcmMSUVO?])(\d{0,9})(?:\[[^\]]{1,20}\])?")

WIDTHS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 12, 16), "c": (8, 16, 24, 32), "m": (8,),
        "M": (8,), "?": (1,), "O": (1, 4, 8),
    }
)  # fmt: skip
"""Bytes of one element, by the letter of its kind; texts, bytes and raw ones may have any number."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the elements."""

    dtype: str
    item_bytes: int
    has_objects: bool
    shape: tuple[int, ...]
    end: int
    """Where the elements begin."""


class Malformed(Exception):
    """The message is the end of a sentence that begins with "the NumPy header"."""

    severity = Severity.MEDIUM


class Hostile(Malformed):
    """It is more than a mistake: who reads it with other eyes than NumPy's runs code, or loads objects unseen."""

    severity = Severity.HIGH


def judge(source: ByteSource, case: Case) -> None:
    try:
        header = read_header(source)
    except Malformed as reason:
        case.add(
            "numpy-malformed", reason.severity, f"The NumPy header {reason}.", evidence={"reason": str(reason)[:200]}
        )
        raise Unscannable(f"The NumPy header {reason}.") from reason
    if header.has_objects:
        judge_loaded(SliceSource(source, header.end, source.size - header.end), "objects", "objects.pkl", case)
        return
    elements = prod(header.shape)
    case.fact("parameters", {header.dtype: elements})
    expected = header.end + elements * header.item_bytes
    if expected == source.size:
        return
    # Arrays may be saved after one another into one file, and read back one by one.
    another = source.read(expected, len(MAGIC)) == MAGIC
    what = "ends before its elements do" if expected > source.size else "goes on after its last element"
    case.add(
        "numpy-malformed",
        Severity.LOW if another else Severity.MEDIUM,
        f"The NumPy array {what}: it should have {expected:,} bytes and has {source.size:,}.",
        evidence={"expected_bytes": expected, "bytes": source.size},
    )
    if expected < source.size:
        case.examine(SliceSource(source, expected, source.size - expected), "bytes after the array")


def read_header(source: ByteSource) -> Header:
    """Raises Malformed and Unscannable."""
    start = source.read(0, 12)
    version = start[6:8]
    if version not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise Unscannable(f"It is a NumPy array of version {version.hex('.') or 'none'}, which is not known here.")
    width = 2 if version == b"\x01\x00" else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    end = 8 + width + length
    if end > source.size:
        raise Malformed("is longer than the file")
    if length > LONGEST_HEADER:
        raise Unscannable(f"Its NumPy header has {length:,} bytes, too many to look at.")
    try:
        text = source.read(8 + width, length).decode("utf-8" if version == b"\x03\x00" else "latin-1")
    except UnicodeDecodeError as error:
        raise Malformed("is not UTF-8") from error
    return _parsed(text, end)


def _parsed(text: str, end: int) -> Header:
    try:
        with warnings.catch_warnings():
            # What Python warns of in the file is for nobody to read.
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        if re.search(r"\w\s*\(|__|\blambda\b|\bfor\b|\bimport\b", text):
            raise Hostile("is not a Python literal, but an expression that calls something") from error
        raise Malformed("is not a Python literal") from error
    if not isinstance(value, dict) or value.keys() != {"descr", "fortran_order", "shape"}:
        raise Malformed("has not the three entries of an array")
    shape = value["shape"]
    if not isinstance(shape, tuple) or not all(type(size) is int and 0 <= size < 1 << 63 for size in shape):
        raise Malformed("has no shape")
    if not isinstance(value["fortran_order"], bool):
        raise Malformed("does not say in which order the elements stand")
    item, has_objects = _dtype(value["descr"], 0)
    dtype = value["descr"] if isinstance(value["descr"], str) else "struct"
    return Header(dtype.lstrip("<>|="), item, has_objects, shape, end)


def _dtype(descr: Any, depth: int) -> tuple[int, bool]:
    """Bytes of an element, and whether there are objects in it."""
    if depth > DEEPEST_DTYPE:
        raise Malformed("has a type that is nested too deep")
    match descr:
        case str():
            match = _CODE.fullmatch(descr)
            if match is None:
                # NumPy reads more than it writes: `object`, or several types in one text.
                kind = Hostile if "O" in descr or "object" in descr else Malformed
                raise kind(f"has the type {descr[:40]!r}, which NumPy does not write")
            width = int(match[2] or 1)
            if width not in WIDTHS.get(match[1], (width,)):
                raise Malformed(f"has the type {descr[:40]!r}, which NumPy does not have")
            return (width * 4 if match[1] == "U" else width), match[1] == "O"
        case list() if descr:
            parts = [_field(field, depth) for field in descr]
            return sum(size for size, _ in parts), any(objects for _, objects in parts)
        case (inner, shape) if isinstance(inner, str | list | tuple):
            size, objects = _dtype(inner, depth + 1)
            return size * _count(shape), objects
    raise Malformed("has a type that is not understood")


def _field(field: Any, depth: int) -> tuple[int, bool]:
    """`(name, type)` or `(name, type, shape)`."""
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        raise Malformed("has a field that is not understood")
    size, objects = _dtype(field[1], depth + 1)
    return size * (_count(field[2]) if len(field) == 3 else 1), objects


def _count(shape: Any) -> int:
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if not all(type(size) is int and 0 <= size < 1 << 63 for size in sizes):
        raise Malformed("has a field without a shape")
    return prod(sizes)
