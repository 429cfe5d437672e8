"""ONNX, by walking the protobuf of onnx.proto: names, domains and paths are read, the tensors are stepped over.

What matters can stand deep inside: tensors in attributes, graphs in attributes of graphs, functions of the model's own.
Every message that can hold one of them is walked, whatever order and however often it comes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

DEEPEST_MESSAGE = 100
"""Messages inside messages; the protobuf library itself stops there."""
LONGEST_NAME = 4096
LONGEST_FACT = 200
MOST_NAMES = 10_000
MOST_SHOWN = 20
LARGEST_STEP = 64 * 1024
"""Over what is longer, the window starts anew and small: behind one tensor mostly stands the next."""


class Kind(Enum):
    """The messages of onnx.proto that are walked."""

    MODEL = auto()
    TRAINING = auto()
    GRAPH = auto()
    FUNCTION = auto()
    NODE = auto()
    ATTRIBUTE = auto()
    TENSOR = auto()
    SPARSE_TENSOR = auto()
    EXTERNAL_DATA = auto()
    OPERATOR_SET = auto()


INSIDE: dict[Kind, dict[int, Kind]] = {
    Kind.MODEL: {7: Kind.GRAPH, 8: Kind.OPERATOR_SET, 20: Kind.TRAINING, 25: Kind.FUNCTION},
    Kind.TRAINING: {1: Kind.GRAPH, 2: Kind.GRAPH},
    Kind.GRAPH: {1: Kind.NODE, 5: Kind.TENSOR, 15: Kind.SPARSE_TENSOR},
    Kind.FUNCTION: {7: Kind.NODE, 9: Kind.OPERATOR_SET, 11: Kind.ATTRIBUTE},
    Kind.NODE: {5: Kind.ATTRIBUTE},
    Kind.ATTRIBUTE: {
        5: Kind.TENSOR,
        6: Kind.GRAPH,
        10: Kind.TENSOR,
        11: Kind.GRAPH,
        22: Kind.SPARSE_TENSOR,
        23: Kind.SPARSE_TENSOR,
    },
    Kind.SPARSE_TENSOR: {1: Kind.TENSOR, 2: Kind.TENSOR},
    Kind.TENSOR: {13: Kind.EXTERNAL_DATA},
}
"""Field numbers that hold messages."""
NUMBERS: dict[Kind, dict[int, str]] = {Kind.MODEL: {1: "ir_version"}, Kind.OPERATOR_SET: {2: "version"}}
NAMES: dict[Kind, dict[int, str]] = {
    Kind.MODEL: {2: "producer", 3: "producer_version"},
    Kind.FUNCTION: {1: "name", 10: "domain"},
    Kind.NODE: {4: "operator", 7: "domain"},
    Kind.EXTERNAL_DATA: {1: "key", 2: "value"},
    Kind.OPERATOR_SET: {1: "domain"},
}
"""Field numbers that hold what is read."""

KNOWN_DOMAINS = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"}
)
EXTENSIONS_DOMAIN = "ai.onnx.contrib"

_LEADS_OUTSIDE = re.compile(r"^/|^[A-Za-z]:|\\|(?:^|/)\.\.(?:/|$)|\0")
_MEMORY_ADDRESS = re.compile(r"_ORT_(?:\w+_)?MEM_ADDR_")
"""ONNX Runtime's own mark for "the offset is a pointer": in a file, it reads the memory of who loads it."""


def judge(source: ByteSource, case: Case) -> None:
    model = Model(source, case)
    try:
        model.walk(Kind.MODEL, source.size, 0)
    except OutOfBytes as reason:
        raise Unscannable(f"Its ONNX is cut off: {reason}.") from reason
    finally:
        # Also of a model that breaks off: what was found is found.
        model.tell()
    if not model.has_graph:
        raise Unscannable("It looks like ONNX, but there is no graph in it.")


@dataclass(slots=True)
class Model:
    """Walks a model once, and gathers what can only be said at its end."""

    source: ByteSource
    case: Case
    window: Window = field(init=False)
    has_graph: bool = False
    facts: dict[str, str | int] = field(default_factory=dict)
    operator_sets: dict[str, int] = field(default_factory=dict)
    operators: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Domain and name of each operator that is not one of the known domains, and how often it is used."""
    functions: set[tuple[str, str]] = field(default_factory=set)
    """Domain and name of what the model itself defines: it is made of operators, and they are looked at."""
    locations: dict[str, int] = field(default_factory=dict)
    """Path of each file with tensors, and where in the model it is named first."""

    def __post_init__(self) -> None:
        self.window = Window(self.source)

    # Protobuf

    def walk(self, kind: Kind, end: int, depth: int) -> None:
        """Everything in one message, up to its end."""
        if depth > DEEPEST_MESSAGE:
            raise Unscannable(f"Its ONNX is nested deeper than {DEEPEST_MESSAGE} levels.")
        begin = self.window.position
        inside, names, numbers = INSIDE.get(kind, {}), NAMES.get(kind, {}), NUMBERS.get(kind, {})
        words: dict[str, str] = {}
        counts: dict[str, int] = {}
        while self.window.position < end:
            tag = self._varint()
            if tag >> 32:
                # Readers differ here: some stop, some drop the upper half and see another field.
                raise Unscannable(f"Its ONNX has a field number at byte {self.window.position:,} that is too large.")
            number, wire_type = tag >> 3, tag & 7
            if wire_type == 2:
                length = self._varint()
                if length > end - self.window.position:
                    raise Unscannable(f"Its ONNX is broken at byte {self.window.position:,}.")
                if number in inside:
                    self.walk(inside[number], self.window.position + length, depth + 1)
                elif number in names:
                    words[names[number]] = self._name(length)
                else:
                    self._step_over(length)
            elif wire_type == 0:
                value = self._varint()
                if number in numbers:
                    counts[numbers[number]] = value
            elif wire_type in (1, 5):
                self._step_over(8 if wire_type == 1 else 4)
            else:
                raise Unscannable(f"Its ONNX has something at byte {self.window.position:,} that is not protobuf.")
        if self.window.position != end:
            raise Unscannable(f"Its ONNX is broken at byte {self.window.position:,}.")
        self._note(kind, words, counts, begin)

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.window.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Unscannable(f"Its ONNX has a number at byte {self.window.position:,} that does not end.")

    def _name(self, length: int) -> str:
        if length > LONGEST_NAME:
            raise Unscannable(f"Its ONNX has a name of {length:,} bytes.")
        return self.window.take(length).decode("utf-8", "replace")

    def _step_over(self, length: int) -> None:
        if length > LARGEST_STEP:
            self.window = Window(self.source, self.window.position + length)
        else:
            self.window.skip(length)

    # What a message says

    def _note(self, kind: Kind, words: dict[str, str], counts: dict[str, int], begin: int) -> None:
        domain = words.get("domain", "")
        if kind is Kind.MODEL:
            for name in ("producer", "producer_version"):
                if name in words:
                    self.facts[name] = words[name][:LONGEST_FACT]
            if "ir_version" in counts:
                self.facts["ir_version"] = counts["ir_version"]
        elif kind is Kind.GRAPH:
            self.has_graph = True
        elif kind is Kind.OPERATOR_SET:
            self.operator_sets[domain] = max(counts.get("version", 0), self.operator_sets.get(domain, 0))
        elif kind is Kind.NODE:
            if not _is_known(domain):
                self.operators[domain, words.get("operator", "")] += 1
        elif kind is Kind.FUNCTION:
            self.functions.add((domain, words.get("name", "")))
        elif kind is Kind.EXTERNAL_DATA and words.get("key") == "location":
            self.locations.setdefault(words.get("value", ""), begin)
        names = len(self.operator_sets) + len(self.operators) + len(self.functions) + len(self.locations)
        if names > MOST_NAMES:
            raise Unscannable(f"Its ONNX has more than {MOST_NAMES:,} domains, functions and files.")

    def tell(self) -> None:
        """Facts and findings from all that was walked."""
        for name, value in self.facts.items():
            self.case.fact(name, value)
        opset = self.operator_sets.get("", self.operator_sets.get("ai.onnx"))
        if opset is not None:
            self.case.fact("opset", opset)
        if self.operator_sets:
            self.case.fact("domains", sorted(domain[:LONGEST_FACT] for domain in self.operator_sets)[:MOST_SHOWN])
        if self.locations:
            self.case.fact("external_data", sorted(path[:LONGEST_FACT] for path in self.locations)[:MOST_SHOWN])
        for path, offset in self.locations.items():
            self._judge_location(path, offset)
        outside = self.operators.keys() - self.functions
        for domain in sorted({domain for domain, _ in outside}):
            self._judge_domain(domain, sorted(name for of, name in outside if of == domain))

    def _judge_location(self, path: str, offset: int) -> None:
        if _MEMORY_ADDRESS.search(path) is not None:
            message = "The model takes a tensor from an address in memory: it reads from the program that loads it."
        elif _LEADS_OUTSIDE.search(path) is not None:
            message = (
                f"The model takes a tensor from {path[:80]!r}, outside its own folder: loading it reads that file."
            )
        else:
            return
        self.case.add(
            "onnx-external-data-path",
            Severity.HIGH,
            message,
            offset=offset,
            evidence={"location": path[:LONGEST_FACT]},
        )

    def _judge_domain(self, domain: str, operators: list[str]) -> None:
        needs_extensions = domain == EXTENSIONS_DOMAIN
        self.case.add(
            "onnx-custom-operator",
            Severity.LOW if needs_extensions else Severity.MEDIUM,
            "The model needs the operators of onnxruntime-extensions."
            if needs_extensions
            else f"The model needs operators of {domain[:80]!r}, from a library that must be loaded with it.",
            evidence={
                "domain": domain[:LONGEST_FACT],
                "operators": [name[:LONGEST_FACT] for name in operators[:MOST_SHOWN]],
            },
        )


def _is_known(domain: str) -> bool:
    return domain in KNOWN_DOMAINS or domain.startswith("com.microsoft.")
