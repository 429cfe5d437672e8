"""Models without a number at their beginning: by how their fields follow one another, and last by statistics."""

from __future__ import annotations

import re
import struct

from scanners.kinds import Format
from scanners.signatures.weak import read_field, varint
from scanners.source import ByteSource

COREML_TYPES = frozenset(
    {10, 200, 201, 202, 300, 301, 302, 303, 304, 400, 401, 402, 403, 404, 500, 501, 502, 555, 556, 560, 600, 601, 602}
    | {603, 604, 606, 607, 609, 610, 900, 2000, 2001, 2002, 2003, 2004, 2005, 2006, 3000}
)
"""Field numbers of CoreML's `Model` beyond its version and description."""
_PADDLE_BLOCK = re.compile(rb"\x0a.{1,5}\x08\x00\x10(?:\xff{9}\x01|\x00)", re.DOTALL)
_ENGINE_NAMES = (".engine", ".plan", ".trt", ".tensorrt")
_DEVICE_NAMES = (".hef", ".rknn", ".om", ".blob", ".dlc", ".xmodel", ".cubin", ".fatbin", ".neff", ".nb", ".hbm")
BINARY_NAMES = (
    *_ENGINE_NAMES, ".hef", ".rknn", ".mlmodel", ".pdmodel", ".caffemodel", ".rds", ".rda", ".rdata", ".msgpack",
    ".onnx", ".safetensors", ".ubj",
)  # fmt: skip
"""Nothing with such a name is honestly text."""
MOST_TENSORS = 20_000


def by_layout(source: ByteSource, head: bytes, name: str) -> Format | None:
    """By structure that only one format has."""
    if _is_coreml(head, name):
        return Format.COREML
    if _is_paddle_program(head, name):
        return Format.PADDLE
    if _is_caffe(head, name):
        return Format.CAFFE
    if _are_paddle_weights(source):
        return Format.PADDLE_WEIGHTS
    if re.match(rb"\d{1,9} \d{1,5}\n[^\n\0]{1,200}? ", head) and not head[:200].isascii():
        return Format.WORD2VEC
    if name.endswith(".weights") and _is_darknet(source, head):
        return Format.DARKNET
    if re.match(rb"\{(?:[iU].|I\0.|l\0{3}.|L\0{7}.)[\w.-]{2}", head, re.DOTALL) or name.endswith((".ubj", ".ubjson")):
        return Format.UBJSON
    if head[:4] == b"binf" or _is_xgboost(head, name):
        return Format.XGBOOST
    return None


def by_name(source: ByteSource, head: bytes, name: str) -> Format | None:
    """What no content tells: programs for devices, and numbers without a header."""
    if name.endswith(_ENGINE_NAMES):
        return Format.TENSORRT
    if name.endswith(_DEVICE_NAMES):
        return Format.DEVICE_CODE
    if name.endswith(".bson"):
        return Format.BSON
    if name.endswith((".t7", ".th7")):
        return Format.TORCH7
    if name.endswith(".mlmodel"):
        return Format.COREML
    if name.endswith(".mnn") and _is_flatbuffer(source, head):
        return Format.MNN
    if name.endswith(".stl") and len(head) >= 84 and 84 + 50 * int.from_bytes(head[80:84], "little") == source.size:
        return Format.SHAPE
    if name.endswith(".mat") and _is_old_matlab(head):
        return Format.MATLAB
    if name.endswith(".pdmodel") or name == "__model__":
        return Format.PADDLE
    if name.endswith(".caffemodel"):
        return Format.CAFFE
    if name.endswith((".rds", ".rdata", ".rda")):
        return Format.R_DATA
    from scanners.signatures.raw_tensors import is_raw_tensors

    if is_raw_tensors(source, head, name):
        return Format.RAW_TENSORS
    return None


def _is_old_matlab(head: bytes) -> bool:
    """Version 4: type, rows, columns, whether there is an imaginary part, and the length of a name."""
    if len(head) < 24:
        return False
    for order in "<>":
        kind, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", head)
        name = head[20 : 20 + length] if 1 < length <= 64 else b""
        if 0 <= kind < 5000 and rows >= 0 and columns >= 0 and imaginary in (0, 1) and re.fullmatch(rb"\w+\0", name):
            return True
    return False


def _is_flatbuffer(source: ByteSource, head: bytes) -> bool:
    """The place of the root table, and there the place of its list of fields, which has an even and small size."""
    if len(head) < 16:
        return False
    root = int.from_bytes(head[:4], "little")
    if not 4 <= root < source.size - 4:
        return False
    fields = root - int.from_bytes(source.read(root, 4), "little", signed=True)
    if not 0 <= fields < source.size - 4:
        return False
    size = int.from_bytes(source.read(fields, 2), "little")
    return 4 <= size <= 512 and size % 2 == 0


def _is_coreml(head: bytes, name: str) -> bool:
    """`specificationVersion` (1), a description (2), then the field of one kind of model."""
    if head[:1] != b"\x08" or len(head) < 6 or not 1 <= head[1] <= 30:
        return False
    at, seen = 2, 0
    while at < len(head) and seen < 8:
        tag = _tag(head, at)
        if tag is None:
            return False
        number, wire_type, _ = tag
        if number in COREML_TYPES and number != 10:
            return wire_type == 2
        if number not in (2, 10):
            return False
        field = read_field(head, at)
        if field is None:
            # A description longer than what was read: its name has to say it.
            return number == 2 and name.endswith(".mlmodel")
        at, seen = field.end, seen + 1
    return False


def _tag(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Field number, wire type, and where the tag ends."""
    value, end = varint(data, at)
    return (value >> 3, value & 7, end) if 0 <= end <= at + 5 else None


def _is_paddle_program(head: bytes, name: str) -> bool:
    """ProgramDesc: its first block (1) begins with its number (0) and that of its parent (-1)."""
    found = _PADDLE_BLOCK.match(head)
    return found is not None and (found.group().endswith(b"\xff\x01") or name.endswith((".pdmodel", "__model__")))


def _is_caffe(head: bytes, name: str) -> bool:
    """NetParameter: a name (1), then layers (100, or 2 before 2014), each with names at its beginning."""
    first = read_field(head, 0) if head[:1] == b"\x0a" else None
    if first is None or first.number != 1 or len(first.data) > 200:
        return False
    tag = _tag(head, first.end)
    return tag is not None and (
        (tag[:2] == (100, 2) and head[tag[2] : tag[2] + 12].find(b"\x0a") >= 0)
        or (tag[:2] == (2, 2) and name.endswith(".caffemodel"))
    )


def _are_paddle_weights(source: ByteSource) -> bool:
    """DenseTensors after one another, to the end: version 0, no levels, version 0, a TensorDesc, the numbers."""
    position = 0
    sizes = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16, 32: 1, 33: 1}
    for _ in range(MOST_TENSORS):
        record = source.read(position, 20)
        if len(record) < 20 or record[:16] != b"\0" * 16:
            return False
        length = int.from_bytes(record[16:20], "little")
        if not 2 <= length <= 128:
            return False
        description = source.read(position + 20, length)
        kind, elements, at = -1, 1, 0
        while at < len(description):
            field = read_field(description, at)
            if field is None:
                return False
            number = varint(field.data, 0)[0] if field.wire_type == 0 else None
            if field.number == 1 and number is not None:
                kind = number
            elif field.number == 2 and number is not None:
                elements *= number
            elif field.number == 2 and field.wire_type == 2:
                inner = 0
                while 0 <= inner < len(field.data):
                    value, inner = varint(field.data, inner)
                    elements *= value
            else:
                return False
            at = field.end
        if kind not in sizes:
            return False
        position += 20 + length + elements * sizes[kind]
        if position >= source.size:
            return position == source.size
    return False


def _is_darknet(source: ByteSource, head: bytes) -> bool:
    """Major, minor, revision; images seen (4 or 8 bytes); then floats."""
    if len(head) < 24:
        return False
    major, minor, revision = struct.unpack_from("<3i", head)
    return 0 <= major <= 1 and 0 <= minor <= 9 and 0 <= revision <= 9 and source.size % 4 == 0


def _is_xgboost(head: bytes, name: str) -> bool:
    """The binary of before 2.1: base score, features, classes, flags, then reserved fields and names in text."""
    if not name.endswith((".model", ".bst", ".xgb", ".bin", ".deprecated")) or len(head) < 200:
        return False
    score, features, classes = struct.unpack_from("<fIi", head)
    objective = head[136:144]
    length = int.from_bytes(objective, "little")
    return (
        abs(score) < 1e9
        and 0 < features < 1 << 24
        and 0 <= classes < 1 << 16
        and 3 <= length < 40
        and re.match(rb"[a-z]+:[a-z_]+", head[144 : 144 + length]) is not None
    )
