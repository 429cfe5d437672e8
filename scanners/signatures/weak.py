"""Formats without a magic number, by the first fields they always have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanners.kinds import Format

PIECE_FIELDS = {1: 2, 2: 5, 3: 0}
ONNX_FIELDS = {2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 8: 2, 14: 2}
"""Field numbers of small fields to their wire types (0 varint, 2 length and bytes, 5 four bytes)."""
FIXED_BYTES = {1: 8, 5: 4}


def by_first_fields(head: bytes, name: str) -> Format | None:
    """The last to be asked, of what nothing else has claimed."""
    if name.endswith(".safetensors"):
        return Format.SAFETENSORS
    if head[:1] == b"\x78" and len(head) > 2 and int.from_bytes(head[:2], "big") % 31 == 0:
        return Format.ZLIB
    if head[:5] == b"\x5d\x00\x00\x80\x00" or (head[:3] == b"\x5d\x00\x00" and head[5:13] == b"\xff" * 8):
        return Format.LZMA
    if _is_sentencepiece(head):
        return Format.SENTENCEPIECE
    if _is_onnx(head) or name.endswith(".onnx"):
        return Format.ONNX
    if _is_msgpack(head, name):
        return Format.MSGPACK
    # Marshal 4.8 of Ruby: an object, a user's own, a structure, or a list or hash of them.
    if re.match(rb"\x04\x08(?:[ouUSeC]:|[\[{].{0,2}[ouUS]:)", head, re.DOTALL):
        return Format.FOREIGN_OBJECTS
    return None


def _is_msgpack(head: bytes, name: str) -> bool:
    """A map whose first key is a text of letters; with its name, anything."""
    begin = 1 if 0x80 < head[0] <= 0x8F else 3 if head[0] == 0xDE else 5 if head[0] == 0xDF else 0
    if name.endswith(".msgpack"):
        return True
    key = head[begin : begin + 1]
    if not begin or not b"\xa1" <= key <= b"\xbf":
        return False
    return re.fullmatch(rb"[\w./-]+", head[begin + 1 : begin + 1 + (key[0] & 0x1F)]) is not None


def _is_sentencepiece(head: bytes) -> bool:
    """sentencepiece_model.proto: repeated pieces (1), each a text (1), a float (2), at times a type (3)."""
    at, pieces = 0, 0
    while pieces < 3:
        # A tiny vocabulary is known by what follows it: how it was trained (2), how texts are normalized (3).
        if pieces and head[at : at + 1] in (b"\x12", b"\x1a"):
            return read_field(head, at) is not None
        if head[at : at + 1] != b"\x0a":
            return False
        field = read_field(head, at)
        if field is None or not _is_piece(field.data):
            return False
        at = field.end
        pieces += 1
    return True


def _is_piece(data: bytes) -> bool:
    numbers: list[int] = []
    at = 0
    while at < len(data):
        field = read_field(data, at)
        if field is None or PIECE_FIELDS.get(field.number) != field.wire_type:
            return False
        numbers.append(field.number)
        at = field.end
    return numbers[:1] == [1] and numbers == sorted(set(numbers)) and 2 in numbers


def _is_onnx(head: bytes) -> bool:
    """onnx.proto ModelProto: ir_version (1, small) first, then its other small fields up to the graph (7)."""
    if head[:1] != b"\x08" or len(head) < 4 or not 1 <= head[1] <= 20:
        return False
    at = 2
    while head[at : at + 1] != b"\x3a":
        field = read_field(head, at)
        if field is None or ONNX_FIELDS.get(field.number) != field.wire_type:
            return False
        at = field.end
    return True


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a protobuf message that is there as a whole."""

    number: int
    wire_type: int
    data: bytes
    end: int


def read_field(data: bytes, at: int) -> Field | None:
    tag, at = varint(data, at)
    wire_type = tag & 7
    if wire_type == 0:
        begin, (_, end) = at, varint(data, at)
    elif wire_type == 2:
        length, begin = varint(data, at)
        end = begin + length
    elif wire_type in FIXED_BYTES:
        begin, end = at, at + FIXED_BYTES[wire_type]
    else:
        return None
    if at < 0 or not 0 <= begin <= end <= len(data):
        return None
    return Field(tag >> 3, wire_type, data[begin:end], end)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number and where it ends; an end of -1 if it is cut off."""
    value = 0
    for index in range(10):
        if not 0 <= at + index < len(data):
            return 0, -1
        value |= (data[at + index] & 0x7F) << 7 * index
        if data[at + index] < 0x80:
            return value, at + index + 1
    return 0, -1
