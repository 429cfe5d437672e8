"""GGUF, by the rules of ggml's own reader (`gguf.cpp`) and the specification, versions 1 to 3, either byte order.

Magic, version, two counts; key-value pairs; tensor infos; then the tensors, each at a multiple of the alignment and
one after the other. Native readers believe these numbers, so one that lies about memory is unsafe, not just broken.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.hidden import judge_hidden
from scanners.formats.shared.payload_text import WORTH_READING, judge_text
from scanners.formats.shared.vocabulary import FIRST_TOKENS, LONGEST_TOKEN
from scanners.formats.template import LONGEST_TEMPLATE, judge_template
from scanners.formats.tensors.gguf_facts import Facts
from scanners.formats.tensors.gguf_types import (
    ALIGNMENT_TYPE,
    ARRAY,
    SCALARS,
    STRING,
    TENSOR_TYPES,
)
from scanners.formats.tensors.tensor_map import TensorMap
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

DEFAULT_ALIGNMENT = 32
LONGEST_KEY = 65_535
LONGEST_TENSOR_NAME = 64
MOST_DIMENSIONS = 4
LARGEST_SIZE = (1 << 63) - 1
LONGEST_TEXT = 64 * 1024
MOST_WORDS = 1000
"""Texts of one array that are read; the long ones are vocabularies."""
LARGEST_PADDING = 1 << 20
"""Bytes before the first tensor; no honest alignment asks for more."""
MOST_PAIRS = 100_000
MOST_TENSORS = 200_000
"""Hundreds of times what ordinary models have; more would only fill our memory with names."""
DEEPEST_ARRAY = 4
TOKENS = "tokenizer.ggml.tokens"
MOST_HOLES = 20


class Malformed(Exception):
    """Nothing after this can be read; the message is the end of a sentence that begins with "the GGUF header"."""

    def __init__(self, reason: str, severity: Severity = Severity.HIGH) -> None:
        super().__init__(reason)
        self.severity = severity


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor says it is, in the data that follows the header."""

    name: str
    offset: int
    size: int | None
    """None when its element type is not known here."""


def judge(source: ByteSource, case: Case) -> None:
    header = Header(Window(source), case)
    try:
        header.read()
    except Malformed as reason:
        header.note(str(reason), reason.severity)
        raise Unscannable(f"The GGUF header {reason}.") from reason
    except OutOfBytes as reason:
        header.note("is cut off", Severity.MEDIUM)
        raise Unscannable(f"The GGUF header is cut off: {reason}.") from reason


@dataclass(slots=True)
class Header:
    """Reads forward through the header once; what it says of itself becomes facts, what is wrong findings."""

    window: Window
    case: Case
    version: int = 0
    big_endian: bool = False
    alignment: int = DEFAULT_ALIGNMENT
    facts: Facts = field(default_factory=Facts)
    tensors: list[Tensor] = field(default_factory=list)
    parameters: Counter[str] = field(default_factory=Counter)
    tensor_map: TensorMap = field(default_factory=TensorMap)
    _noted: set[str] = field(default_factory=set)
    _unknown_types: set[int] = field(default_factory=set)
    _holes: int = 0

    def read(self) -> None:
        pairs, tensors = self._read_counts()
        self._read_pairs(pairs)
        self.facts.tell(self.case)
        self._read_tensors(tensors)
        self._check_layout()

    def note(self, reason: str, severity: Severity, detail: str | None = None) -> None:
        """A broken rule; the same rule broken by a thousand tensors is told once, with the first as its example."""
        if reason in self._noted:
            return
        self._noted.add(reason)
        evidence = {"reason": reason}
        if detail is not None:
            evidence["at"] = detail[:200]
        self.case.add(
            "gguf-malformed",
            severity,
            f"The GGUF header {reason}" + (f" ({detail[:100]!r})." if detail is not None else "."),
            offset=self.window.position,
            evidence=evidence,
        )

    def _read_counts(self) -> tuple[int, int]:
        self.window.skip(4)
        raw = self.window.take(4)
        self.version = int.from_bytes(raw, "little")
        # A version has no use for its upper half: a file for the other byte order has its number there.
        if self.version and self.version & 0xFFFF == 0:
            self.big_endian = True
            self.version = int.from_bytes(raw, "big")
        if not 1 <= self.version <= 3:
            self.note(f"is of version {self.version:,}, which does not exist", Severity.MEDIUM)
            raise Unscannable(f"It is GGUF of version {self.version}, which is not known here.")
        tensors, pairs = self._count(), self._count()
        word = self._word_bytes
        if pairs > self.window.remaining // (word + 5):
            raise Malformed("counts more key-value pairs than the file can hold")
        if tensors > self.window.remaining // (word + 16):
            raise Malformed("counts more tensors than the file can hold")
        if pairs > MOST_PAIRS or tensors > MOST_TENSORS:
            raise Unscannable(f"Its GGUF header has {pairs:,} keys and {tensors:,} tensors, too many to look at.")
        self.case.fact("gguf_version", self.version)
        self.case.fact("tensors", tensors)
        return pairs, tensors

    # Numbers and texts

    @property
    def _word_bytes(self) -> int:
        """Version 1 counted with 32 bits."""
        return 4 if self.version == 1 else 8

    def _number(self, length: int, *, signed: bool = False) -> int:
        data = self.window.take(length)
        return int.from_bytes(data, "big" if self.big_endian else "little", signed=signed)

    def _count(self) -> int:
        return self._number(self._word_bytes)

    def _text(self, longest: int) -> tuple[bytes, int]:
        """The beginning of a text and its full length; what is longer is skipped unread."""
        length = self._count()
        if length > self.window.remaining:
            raise Malformed("has a text that is longer than the rest of the file")
        data = self.window.take(min(length, longest))
        self.window.skip(length - len(data))
        return data, length

    # Key-value pairs

    def _read_pairs(self, count: int) -> None:
        seen: set[bytes] = set()
        for _ in range(count):
            raw, length = self._text(LONGEST_KEY)
            if length > LONGEST_KEY:
                raise Malformed("has a key that is longer than 65,535 bytes")
            key = raw.decode("utf-8", "backslashreplace")
            if not raw:
                self.note("has a key without a name", Severity.MEDIUM)
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError:
                self.note("has a key that is not UTF-8", Severity.MEDIUM, key)
            if raw in seen:
                self.note("has a key twice, and readers differ in which one counts", Severity.MEDIUM, key)
            seen.add(raw)
            self._read_pair(key, self._number(4))

    def _read_pair(self, key: str, kind: int) -> None:
        if key == "general.alignment" and kind != ALIGNMENT_TYPE:
            raise Malformed("gives the alignment in a type that readers pass over or stop at", Severity.MEDIUM)
        if kind == STRING:
            self._read_text_value(key)
        elif kind == ARRAY:
            self._skip_array(key, 1)
        elif kind in SCALARS:
            self._read_scalar(key, *SCALARS[kind])
        else:
            raise Malformed(f"has a value of type {kind}, which does not exist")

    def _read_text_value(self, key: str) -> None:
        # Any key that sounds like it: which one is used depends on the program that loads the file.
        if "chat_template" in key:
            data, length = self._text(LONGEST_TEMPLATE)
            self.facts.has_template = True
            judge_template(data.decode("utf-8", "replace"), self.case, key=key)
            if length > LONGEST_TEMPLATE:
                self.case.leave_open(f"Its chat template has {length:,} bytes, too many to look at.")
            return
        data, _ = self._text(LONGEST_TEXT)
        value = data.decode("utf-8", "replace")
        # Vocabularies hold pieces of all there is, code too; they stand in arrays.
        if WORTH_READING.search(value):
            judge_text(value, self.case, place=f"the key {key[:80]!r}")
        self.facts.note_text(key, value)

    def _read_scalar(self, key: str, kind: str, length: int) -> None:
        if kind == "float":
            self.window.skip(length)
            return
        if kind == "bool":
            if self.window.byte() > 1:
                self.note("has a truth value that is neither true nor false", Severity.MEDIUM, key)
            return
        value = self._number(length, signed=kind == "signed")
        if key == "general.alignment":
            if value == 0 or value & (value - 1):
                raise Malformed(f"asks for an alignment of {value}, which is not a power of two")
            self.alignment = value
        else:
            self.facts.note_number(key, value)

    def _skip_array(self, key: str, depth: int) -> None:
        if depth > DEEPEST_ARRAY:
            self.note(
                f"nests arrays deeper than {DEEPEST_ARRAY} levels, which native readers follow", Severity.MEDIUM, key
            )
            raise Unscannable(f"Its GGUF header nests arrays deeper than {DEEPEST_ARRAY} levels.")
        kind, count = self._number(4), self._count()
        if kind in SCALARS:
            smallest = SCALARS[kind][1]
        elif kind == STRING:
            smallest = self._word_bytes
        elif kind == ARRAY:
            smallest = 4 + self._word_bytes
        else:
            raise Malformed(f"has an array of type {kind}, which does not exist")
        if count > self.window.remaining // smallest:
            raise Malformed("has an array that is longer than the rest of the file")
        if kind in SCALARS:
            self.window.skip(count * smallest)
        elif kind == ARRAY:
            for _ in range(count):
                self._skip_array(key, depth + 1)
        elif key == TOKENS:
            self.facts.note_tokens(self._first_tokens(count), count)
        elif "chat_template" in key or (not key.startswith("tokenizer.") and count <= MOST_WORDS):
            for _ in range(count):
                self._read_text_value(key)
        else:
            for _ in range(count):
                self._text(0)

    def _first_tokens(self, count: int) -> list[bytes]:
        """Of a vocabulary: the first ones are read, the others passed over."""
        first = [self._text(LONGEST_TOKEN)[0] for _ in range(min(count, FIRST_TOKENS))]
        for _ in range(count - len(first)):
            self._text(0)
        return first

    # Tensors

    def _read_tensors(self, count: int) -> None:
        seen: set[bytes] = set()
        for _ in range(count):
            raw, length = self._text(LONGEST_TENSOR_NAME)
            name = raw.decode("utf-8", "backslashreplace")
            if length > LONGEST_TENSOR_NAME:
                # Readers copy it into an array of that size.
                self.note("has a tensor name that is longer than 64 bytes", Severity.HIGH, name)
            elif raw in seen:
                self.note("has a tensor twice", Severity.MEDIUM, name)
            seen.add(raw)
            self.tensors.append(self._read_tensor(name))
        self.case.fact("parameters", dict(sorted(self.parameters.items())))
        self.case.fact("tensor_map", self.tensor_map.facts())

    def _read_tensor(self, name: str) -> Tensor:
        dimensions = self._number(4)
        if dimensions > MOST_DIMENSIONS:
            raise Malformed(f"has a tensor of {dimensions:,} dimensions, more than {MOST_DIMENSIONS}")
        shape = [self._count() for _ in range(dimensions)]
        kind = self._number(4)
        offset = self._number(8)
        elements = 1
        for size in shape:
            elements *= size
            if size > LARGEST_SIZE or elements > LARGEST_SIZE:
                self.note("has a tensor whose number of elements overflows", Severity.HIGH, name)
                return Tensor(name, offset, None)
        if kind not in TENSOR_TYPES:
            if kind not in self._unknown_types:
                self.note(f"gives a tensor the element type {kind}, which does not exist", Severity.MEDIUM, name)
                self.case.leave_open(f"Its tensor {name[:64]!r} has the element type {kind}, which is not known here.")
            self._unknown_types.add(kind)
            return Tensor(name, offset, None)
        type_name, block, block_bytes = TENSOR_TYPES[kind]
        self.parameters[type_name] += elements
        self.tensor_map.add(name, type_name, shape)
        if (shape[0] if shape else 1) % block:
            self.note("has a tensor whose rows are not whole blocks", Severity.HIGH, name)
        size = (elements + block - 1) // block * block_bytes
        if size > LARGEST_SIZE:
            self.note("has a tensor whose number of bytes overflows", Severity.HIGH, name)
            return Tensor(name, offset, None)
        return Tensor(name, offset, size)

    def _check_layout(self) -> None:
        begin = self._aligned(self.window.position)
        data_size = self.window.source.size - begin
        size = begin - self.window.position
        padding = self.window.source.read(self.window.position, min(size, LARGEST_PADDING))
        if padding.strip(b"\0") or size > LARGEST_PADDING:
            self.note("has something in the padding behind it", Severity.MEDIUM)
            end = begin if self.tensors else self.window.source.size
            self._look_into(self.window.position, end, "behind the header")
        position = end = 0
        sizes_known = True
        for tensor in sorted(self.tensors, key=lambda tensor: tensor.offset):
            if tensor.offset % self.alignment:
                self.note("places a tensor off the alignment", Severity.MEDIUM, tensor.name)
            if tensor.offset + (tensor.size or 0) > data_size:
                self.note("places a tensor outside the file", Severity.HIGH, tensor.name)
            if tensor.offset < position:
                self.note("places two tensors over each other", Severity.MEDIUM, tensor.name)
            elif tensor.offset > position and sizes_known:
                self.note("leaves a hole before a tensor", Severity.MEDIUM, tensor.name)
                self._look_into(begin + position, begin + tensor.offset, f"before the tensor {tensor.name[:60]!r}")
            sizes_known = tensor.size is not None
            end = max(end, tensor.offset + (tensor.size or 0))
            position = self._aligned(end)
        # Up to the next multiple stand zeros, or nothing.
        padding = self.window.source.read(begin + end, min(position - end, LONGEST_TEXT)) if end < data_size else b""
        if sizes_known and (position < data_size or padding.strip(b"\0")):
            self.note("says nothing of the bytes after the last tensor", Severity.MEDIUM)
            self._look_into(begin + end, self.window.source.size, "behind the last tensor")

    def _look_into(self, begin: int, end: int, where: str) -> None:
        """At bytes that no tensor has."""
        self._holes += 1
        end = min(end, self.window.source.size)
        if self._holes <= MOST_HOLES and begin < end:
            judge_hidden(self.window.source, begin, end - begin, self.case, where)

    def _aligned(self, position: int) -> int:
        return -(-position // self.alignment) * self.alignment
