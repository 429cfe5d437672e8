"""TensorFlow's files by their structure: graphs, what stands beside them in a SavedModel, checkpoints and events."""

from __future__ import annotations

import re

from scanners.formats.shared.protobuf import BYTES, FIXED64, VARINT, BrokenMessage, Field, ProtobufReader
from scanners.kinds import Format
from scanners.source import ByteSource, MemorySource

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
"""The last bytes of an SSTable, tensorflow/tsl/lib/io/format.h."""
LARGEST_FINGERPRINT = 512
METADATA_NAME = "keras_metadata.pb"
"""Its loader goes by the name alone."""
MOST_FIELDS = 10_000
_DATA_NAME = re.compile(r"\.data-\d{5}-of-\d{5}\Z")
_OPERATOR = re.compile(rb"[A-Za-z_][\w>.-]{0,200}\Z")
_NAME = re.compile(rb"[A-Za-z0-9.\\/_^>-][\x20-\x7e]{0,1000}\Z")
_TEXT_GRAPH = re.compile(
    rb"(?:\s|#[^\n]*\n)*(?:saved_model_schema_version\s*:|(?:meta_graphs|node|library|graph_def|versions)\s*\{)"
)
GRAPH_NAMES = (".pb", ".meta", ".graphdef", ".graph_def")
_FIRST_TAGS = (b"\x08", b"\x0a", b"\x12", b"\x18", b"\x22", b"\x2a", b"\x32", b"\x3a")
_CRC_MASK = 0xA282EAD8
_CRC_POLYNOMIAL = 0x82F63B78


def by_tensorflow(source: ByteSource, head: bytes, name: str) -> Format | None:
    """Of what has no magic number and is no text."""
    if source.size >= 48 and source.read(source.size - 8, 8) == TABLE_MAGIC:
        return Format.TENSORFLOW_INDEX
    if is_record(source, head):
        return Format.TF_RECORD
    if name == METADATA_NAME:
        return Format.KERAS_METADATA
    if head[:1] == b"\x0a" and b"_tf_keras_" in head[:4096] and _is_keras_metadata(source):
        return Format.KERAS_METADATA
    if _is_saved_model(source, head) or _is_graph(source, head):
        return Format.SAVED_MODEL
    if source.size <= LARGEST_FINGERPRINT and _is_fingerprint(head):
        return Format.TENSORFLOW_FINGERPRINT
    return None


def by_tensorflow_name(source: ByteSource, name: str) -> Format | None:
    """The last to be asked: of raw tensors only the name says what they are, and a graph in an odd order needs one."""
    if _DATA_NAME.search(name) is not None:
        return Format.TENSORFLOW_DATA
    if name.endswith(".tflite"):
        return Format.TFLITE
    if name.endswith(GRAPH_NAMES) and source.read(0, 1) in _FIRST_TAGS:
        return Format.SAVED_MODEL
    return None


def is_text_graph(body: bytes) -> bool:
    """Protobuf's text form of a graph."""
    return _TEXT_GRAPH.match(body) is not None


def is_record(source: ByteSource, head: bytes) -> bool:
    """TFRecord: length, its masked CRC-32C, the data, and its CRC."""
    if len(head) < 16:
        return False
    length = int.from_bytes(head[:8], "little")
    return 16 + length <= source.size and _masked_crc(head[:8]) == int.from_bytes(head[8:12], "little")


def _masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _CRC_MASK) & 0xFFFFFFFF


def _first_field(source: ByteSource) -> tuple[ProtobufReader, Field] | None:
    reader = ProtobufReader(source)
    try:
        for found in reader.fields(source.size):
            return reader, found
    except BrokenMessage:
        pass
    return None


def _is_saved_model(source: ByteSource, head: bytes) -> bool:
    """saved_model.proto: a small version (1), then MetaGraphDefs (2) with fields of their own."""
    if head[:1] != b"\x08" or len(head) < 6 or not 0 < head[1] < 4 or head[2:3] != b"\x12":
        return False
    reader = ProtobufReader(source)
    try:
        for found in reader.fields(source.size):
            if found.number == 2 and found.wire_type == BYTES:
                inner = list(reader.fields(found.end))
                return bool(inner) and all(part.wire_type == BYTES and 1 <= part.number <= 7 for part in inner)
    except BrokenMessage:
        return False
    return False


def _is_graph(source: ByteSource, head: bytes) -> bool:
    """graph.proto: nodes (1) of a name (1) and an operator (2); meta_graph.proto: its info (1), then the graph (2)."""
    if head[:1] != b"\x0a":
        return False
    reader = ProtobufReader(source)
    try:
        for number, found in enumerate(reader.fields(source.size)):
            if number == 0 and _is_node(reader, found):
                return True
            if number == 1 and found.number == 2 and found.wire_type == BYTES:
                return any(_is_node(reader, part) for part in [next(reader.fields(found.end))])
            if number > 0:
                return False
    except (BrokenMessage, StopIteration):
        return False
    return False


def _is_node(reader: ProtobufReader, found: Field) -> bool:
    if found.number != 1 or found.wire_type != BYTES:
        return False
    numbers: list[int] = []
    for part in reader.fields(found.end):
        if part.wire_type != BYTES or part.number not in (1, 2, 3, 4, 5, 6, 7):
            return False
        if part.number == 1 and not _NAME.match(reader.take(part, 1000)):
            return False
        if part.number == 2 and not _OPERATOR.match(reader.take(part, 200)):
            return False
        numbers.append(part.number)
    return numbers.count(1) == 1 and numbers.count(2) == 1


def _is_keras_metadata(source: ByteSource) -> bool:
    found = _first_field(source)
    if found is None or found[1].wire_type != BYTES:
        return False
    reader, node = found
    try:
        return any(
            part.number == 4 and part.wire_type == BYTES and reader.take(part, 100).startswith(b"_tf_keras_")
            for part in reader.fields(node.end)
        )
    except BrokenMessage:
        return False


def _is_fingerprint(head: bytes) -> bool:
    """fingerprint.proto: five checksums (1 to 5), a version (6), a text id (7)."""
    reader = ProtobufReader(MemorySource(head))
    numbers: list[int] = []
    try:
        for found in reader.fields(len(head)):
            expected = BYTES if found.number > 5 else VARINT
            if found.number > 7 or found.wire_type not in (expected, FIXED64):
                return False
            numbers.append(found.number)
    except BrokenMessage:
        return False
    return len(numbers) >= 4 and numbers == sorted(set(numbers)) and set(numbers) & {1, 2, 3, 4, 5} != set()


def is_message(source: ByteSource) -> bool:
    """Whether a protobuf library would read it to the end."""
    reader = ProtobufReader(source)
    try:
        count = sum(1 for _ in zip(reader.fields(source.size), range(MOST_FIELDS), strict=False))
    except BrokenMessage:
        return False
    return count > 0
