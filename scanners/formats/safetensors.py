"""Safetensors, by the rules of the reference implementation (safetensors 0.8, `tensor.rs`) and some stricter ones.

A header length (8 bytes, little endian), a JSON header, then the tensors: they tile the rest of the file exactly.
Stricter than the library: no key twice, and no header the library would only just repair.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.source import ByteSource

LONGEST_HEADER = 100_000_000
BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
LARGEST_SIZE = (1 << 64) - 1


class Malformed(Exception):
    """The header breaks a rule; the message is the end of a sentence that begins with "the safetensors header"."""


def judge(source: ByteSource, case: Case) -> None:
    try:
        header = read_header(source)
        tensors, metadata = check_header(header, source.size - 8 - len(header))
    except Malformed as reason:
        case.add(
            "safetensors-malformed",
            Severity.MEDIUM,
            f"The safetensors header {reason}.",
            evidence={"reason": str(reason)[:200]},
        )
        raise Unscannable(f"The safetensors header {reason}.") from reason
    counts: Counter[str] = Counter()
    for dtype, elements in tensors.values():
        counts[dtype] += elements
    case.fact("tensors", len(tensors))
    case.fact("parameters", dict(sorted(counts.items())))
    for key in ("format", "license"):
        if key in metadata:
            case.fact(key, metadata[key][:200])


def read_header(source: ByteSource) -> bytes:
    if source.size < 8:
        raise Malformed("is missing")
    length = int.from_bytes(source.read(0, 8), "little")
    if length > LONGEST_HEADER:
        raise Malformed(f"says it has {length:,} bytes, more than the {LONGEST_HEADER:,} that are allowed")
    if length > source.size - 8:
        raise Malformed("is longer than the file")
    header = source.read(8, length)
    if not header.startswith(b"{"):
        raise Malformed("does not begin with a brace")
    return header


def check_header(header: bytes, data_size: int) -> tuple[dict[str, tuple[str, int]], dict[str, str]]:
    """Tensors (element type and number of elements) and metadata. Raises Malformed."""
    try:
        document = json.loads(header.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("is not JSON in UTF-8") from error
    if not isinstance(document, dict):
        raise Malformed("is not an object")
    metadata = document.pop("__metadata__", None)
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Malformed("has metadata that is not text")
    tensors: dict[str, tuple[str, int]] = {}
    spans: list[tuple[int, int, str]] = []
    for name, entry in document.items():
        dtype, elements, begin, end = _check_tensor(name, entry)
        tensors[name] = (dtype, elements)
        spans.append((begin, end, name))
    position = 0
    for begin, end, name in sorted(spans):
        if begin != position:
            raise Malformed(f"leaves a hole or an overlap before {name[:100]!r}")
        position = end
    if position != data_size:
        raise Malformed(f"describes {position:,} bytes of tensors, but the file has {data_size:,}")
    return tensors, metadata


def _check_tensor(name: str, entry: Any) -> tuple[str, int, int, int]:
    shown = repr(name[:100])
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} == entry.keys():
        raise Malformed(f"does not describe {shown} by type, shape and place")
    dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise Malformed(f"has an unknown element type for {shown}")
    if not isinstance(shape, list) or not all(_is_size(size) for size in shape):
        raise Malformed(f"has a shape for {shown} that is not a list of sizes")
    if not isinstance(place, list) or len(place) != 2 or not all(_is_size(offset) for offset in place):
        raise Malformed(f"has no place for {shown}")
    elements = 1
    for size in shape:
        elements *= size
        if elements > LARGEST_SIZE:
            raise Malformed(f"has a shape for {shown} that is too large for any file")
    bits = elements * BITS[dtype]
    begin, end = place
    if bits > LARGEST_SIZE or bits % 8 or begin > end or end - begin != bits // 8:
        raise Malformed(f"gives {shown} a place that does not fit its shape")
    return dtype, elements, begin, end


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SIZE


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key twice")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
