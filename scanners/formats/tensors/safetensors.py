"""Safetensors, by the rules of the reference implementation (safetensors 0.8, `tensor.rs`) and some stricter ones.

A header length (8 bytes, little endian), a JSON header, then the tensors: they tile the rest of the file exactly.
Stricter than the library: no key twice, and no header the library would only just repair.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.shared.hidden import judge_hidden
from scanners.formats.shared.payload_text import judge_text
from scanners.formats.tensors.tensor_map import TensorMap
from scanners.kinds import ACTIVE
from scanners.reading import SliceSource
from scanners.source import ByteSource

LONGEST_HEADER = 100_000_000
LARGEST_READ = 16 * 1024 * 1024
"""Of a header; one of 50,000 tensors has about 6 MiB, and what is read takes ten times its size as objects."""
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
MOST_HOLES = 20
MOST_NAMES = 1000
LICENSE_KEYS = ("license", "license_name", "license_link", "modelspec.license")
"""Where tools put the licence of the weights; the last is of the ModelSpec standard for image models."""


_ORDINARY_NAME = re.compile(r"[\w.:/ -]*")


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes of the data (from its beginning) that no tensor has."""

    begin: int
    size: int
    where: str


class Tensor(NamedTuple):
    """What the header says of one tensor."""

    dtype: str
    elements: int
    shape: list[int]


class Malformed(Exception):
    """The header breaks a rule; the message is the end of a sentence that begins with "the safetensors header"."""

    def __init__(self, reason: str, holes: tuple[Hole, ...] = ()) -> None:
        super().__init__(reason)
        self.holes = holes


def judge(source: ByteSource, case: Case) -> None:
    header = b""
    try:
        header = read_header(source)
        document = parse(header)
        judge_words(document, case)
        tensors, metadata = check_header(document, source.size - 8 - len(header))
    except Malformed as reason:
        case.add(
            "safetensors-malformed",
            Severity.MEDIUM,
            f"The safetensors header {reason}.",
            evidence={"reason": str(reason)[:200]},
        )
        for hole in reason.holes[:MOST_HOLES]:
            judge_hidden(source, 8 + len(header) + hole.begin, hole.size, case, hole.where)
        if not reason.holes:
            # What is no header at all can carry anything: its words are read all the same.
            judge_text(source.read(0, 64 * 1024).decode("utf-8", "replace"), case, place="the broken header")
            if header and source.size - 8 - len(header) > 0:
                judge_first_bytes(source, 8 + len(header), case)
        raise Unscannable(f"The safetensors header {reason}.") from reason
    counts: Counter[str] = Counter()
    tensor_map = TensorMap()
    for name, tensor in tensors.items():
        counts[tensor.dtype] += tensor.elements
        tensor_map.add(name, tensor.dtype, tensor.shape)
    case.fact("tensors", len(tensors))
    case.fact("parameters", dict(sorted(counts.items())))
    case.fact("tensor_map", tensor_map.facts())
    for key in ("format", *LICENSE_KEYS):
        if key in metadata:
            case.fact(key, metadata[key][:200])


def judge_first_bytes(source: ByteSource, begin: int, case: Case) -> None:
    """Of data that a broken header says nothing of: does it begin as something that a loader opens?"""
    kind = detect(SliceSource(source, begin, source.size - begin), "").format
    if kind in ACTIVE:
        judge_hidden(source, begin, source.size - begin, case, "behind the broken header")


def judge_words(document: dict[str, Any], case: Case) -> None:
    """What stands in the metadata, and in names that no module of a model has."""
    metadata = document.get("__metadata__")
    if isinstance(metadata, dict):
        for key, value in metadata.items():
            text = value if isinstance(value, str) else json.dumps(value)
            judge_text(f"{key}: {text}", case, place=f"the metadata key {key[:80]!r}")
    elif isinstance(metadata, str | list):
        judge_text(json.dumps(metadata), case, place="the metadata")
    strange = [name for name in document if name != "__metadata__" and _ORDINARY_NAME.fullmatch(name) is None]
    if strange:
        judge_text("\n".join(strange[:MOST_NAMES]), case, place="the names of tensors", template=False)


def read_header(source: ByteSource) -> bytes:
    if source.size < 8:
        raise Malformed("is missing")
    length = int.from_bytes(source.read(0, 8), "little")
    if length > LONGEST_HEADER:
        raise Malformed(f"says it has {length:,} bytes, more than the {LONGEST_HEADER:,} that are allowed")
    if length > source.size - 8:
        raise Malformed("is longer than the file")
    if length > LARGEST_READ:
        raise Unscannable(f"Its safetensors header has {length:,} bytes, more than is read here.")
    header = source.read(8, length)
    if not header.startswith(b"{"):
        raise Malformed("does not begin with a brace")
    return header


def parse(header: bytes) -> dict[str, Any]:
    """The header as JSON, each key once at every level. Raises Malformed."""
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("is not UTF-8") from error
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("is not JSON, or not only JSON") from error
    if not isinstance(document, dict):
        raise Malformed("is not an object")
    return document


def check_header(document: dict[str, Any], data_size: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata. Raises Malformed."""
    metadata = document.pop("__metadata__", None)
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Malformed("has metadata that is not text")
    tensors: dict[str, Tensor] = {}
    spans: list[tuple[int, int, str]] = []
    for name, entry in document.items():
        tensors[name], begin, end = _check_tensor(name, entry)
        spans.append((begin, end, name))
    _check_tiling(sorted(spans), data_size)
    return tensors, metadata


def _check_tiling(spans: list[tuple[int, int, str]], data_size: int) -> None:
    """Each tensor begins where the one before it ends, and the last one ends with the file."""
    position = 0
    problem: str | None = None
    holes: list[Hole] = []
    for begin, end, name in spans:
        if begin < position:
            problem = problem or f"lets {name[:100]!r} overlap the tensor before it"
        elif begin > position:
            problem = problem or f"leaves a hole of {begin - position:,} bytes before {name[:100]!r}"
            holes.append(Hole(position, min(begin, data_size) - position, f"before the tensor {name[:60]!r}"))
        position = max(position, end)
    if position < data_size:
        problem = problem or f"says nothing of the last {data_size - position:,} bytes of the file"
        holes.append(Hole(position, data_size - position, "behind the last tensor"))
    elif position > data_size:
        problem = problem or f"describes {position:,} bytes of tensors, but the file has {data_size:,}"
    if problem is not None:
        raise Malformed(problem, tuple(hole for hole in holes if hole.size > 0))


def _check_tensor(name: str, entry: Any) -> tuple[Tensor, int, int]:
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
    return Tensor(dtype, elements, shape), begin, end


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SIZE


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Malformed("has a key twice, and readers differ in which one counts")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
