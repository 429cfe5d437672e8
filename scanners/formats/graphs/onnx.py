"""ONNX, by walking the protobuf of onnx.proto: names, domains, paths and sizes are read, the tensors are stepped over.

What matters can stand deep inside: tensors in attributes, graphs in attributes of graphs, functions of the model's own.
Every message that can hold one of them is walked, whatever order and however often it comes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.graphs.onnx_operators import STANDARD
from scanners.formats.shared.hidden import judge_hidden
from scanners.formats.shared.outside_path import leads_outside
from scanners.formats.shared.payload_text import WORTH_READING, judge_text
from scanners.formats.shared.protobuf_walk import Message, Shape, Walk
from scanners.source import ByteSource

LONGEST_FACT = 200
MOST_NAMES = 10_000
MOST_SHOWN = 20
MOST_WORDS = 50_000
LARGEST_DIMENSION = 1 << 40
"""Elements; the largest tensors of the largest models have 2 to the 33."""

SHAPES: dict[str, Shape] = {
    "model": Shape(
        inside={7: "graph", 8: "operator set", 14: "property", 20: "training", 25: "function"},
        texts={2: "producer", 3: "producer_version", 4: "model domain", 6: "doc"},
        numbers={1: "ir_version"},
        known=frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}),
        may_be_long=frozenset({"doc"}),
    ),
    "training": Shape(inside={1: "graph", 2: "graph"}),
    "graph": Shape(
        inside={1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 15: "sparse tensor", 16: "property"},
        texts={10: "doc"},
        may_be_long=frozenset({"doc"}),
        known=frozenset({1, 2, 5, 10, 11, 12, 13, 14, 15, 16, *range(3, 10)}),
    ),
    "function": Shape(
        inside={7: "node", 9: "operator set", 11: "attribute", 14: "property"}, texts={1: "name", 10: "domain"}
    ),
    "node": Shape(inside={5: "attribute", 9: "property"}, texts={4: "operator", 7: "domain"}),
    "attribute": Shape(
        inside={5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
        texts={1: "name", 4: "text", 9: "text"},
        may_be_long=frozenset({"text"}),
        lengths={4: "text"},
    ),
    "sparse tensor": Shape(inside={1: "tensor", 2: "tensor"}),
    "tensor": Shape(
        inside={13: "external data", 16: "property"},
        numbers={2: "type", 14: "place"},
        lists={1: "shape"},
        lengths={9: "raw", 4: "other", 5: "other", 6: "other", 7: "other", 10: "other", 11: "other"},
    ),
    "external data": Shape(texts={1: "key", 2: "value"}),
    "property": Shape(texts={1: "key", 2: "value"}, may_be_long=frozenset({"value"})),
    "operator set": Shape(texts={1: "domain"}, numbers={2: "version"}),
    "value": Shape(inside={2: "value type"}),
    "value type": Shape(inside={1: "tensor type"}),
    "tensor type": Shape(inside={2: "tensor shape"}),
    "tensor shape": Shape(inside={1: "dimension"}),
    "dimension": Shape(lists={1: "size"}),
}
"""Field numbers of onnx.proto that are walked or read."""
BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
        17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2}  # fmt: skip
"""TensorProto.DataType to the bits of an element in `raw_data`."""

KNOWN_DOMAINS = re.compile(
    r"|ai\.onnx(?:\.(?:ml|training|preview(?:\.training)?))?|com\.microsoft(?:\..+)?|com\.ms\.internal\.\w+"
)
EXTENSIONS_DOMAIN = "ai.onnx.contrib"
RUNS_PYTHON = re.compile(
    r"(?:Py|Python)(?:Op|CustomOp|CustomOpDef|Func|Call|Layer)\w*|PyOp\w*|\w*(?:PyFunc|PythonOp)\w*"
)
"""Operators of onnxruntime, its extensions and its training that call Python functions by name."""
PYTHON_DOMAINS = re.compile(r"py_?(?:ops?|func|custom)\w*|python\w*", re.IGNORECASE)
_MEMORY_ADDRESS = re.compile(r"_ORT_(?:\w+_)?MEM_ADDR_")
"""ONNX Runtime's own mark for "the offset is a pointer": in a file, it reads the memory of who loads it."""
_HIDDEN_PART = re.compile(r"(?:^|/)\.[^./]|/dev/|/proc/")
_CONTEXT = "ep_cache_context"
_LONGEST_PATH = 1024


def judge(source: ByteSource, case: Case) -> None:
    model = Model(source, case)
    try:
        Walk(source, case, SHAPES, "ONNX", model.note).run("model")
    finally:
        # Also of a model that breaks off: what was found is found.
        model.tell()
    if not model.has_graph:
        raise Unscannable("It looks like ONNX, but there is no graph in it.")


@dataclass(slots=True)
class Model:
    """Gathers what can only be said at a model's end."""

    source: ByteSource
    case: Case
    has_graph: bool = False
    facts: dict[str, str | int] = field(default_factory=dict)
    operator_sets: dict[str, int] = field(default_factory=dict)
    operators: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Domain and name of each operator that is not known to be harmless, and how often it is used."""
    functions: set[tuple[str, str]] = field(default_factory=set)
    """Domain and name of what the model itself defines: it is made of operators, and they are looked at."""
    locations: dict[str, int] = field(default_factory=dict)
    """Path of each file with tensors, and where in the model it is named first."""
    malformed: set[str] = field(default_factory=set)
    words: set[int] = field(default_factory=set)
    """Hashes of the texts that were read: exporters write the same ones at every node."""
    sizes: list[int] = field(default_factory=list)
    """Dimensions of the value that is being read."""

    def note(self, message: Message) -> None:
        kind = message.kind
        domain = message.text("domain")
        if kind == "node":
            self._note_node(domain, message.text("operator"))
        elif kind == "tensor":
            self._note_tensor(message)
        elif kind == "external data":
            self._note_external(message)
        elif kind == "attribute":
            self._note_attribute(message)
        elif kind == "dimension":
            self.sizes.extend(message.lists.get("size", []))
        elif kind == "value":
            self._check_size(self.sizes, message.begin)
            self.sizes.clear()
        elif kind == "property":
            self._words(f"{message.text('key')}: {message.text('value')}", f"the metadata {message.text('key')[:60]!r}")
        elif kind == "operator set":
            self.operator_sets[domain] = max(message.numbers.get("version", 0), self.operator_sets.get(domain, 0))
        elif kind == "function":
            self.functions.add((domain, message.text("name")))
        elif kind == "graph":
            self.has_graph = True
            self._words(message.text("doc"), "the description of a graph")
        elif kind == "model":
            self._note_model(message)
        for begin, size in message.unknown:
            judge_hidden(self.source, begin, size, self.case, f"in a field that a {kind} of ONNX does not have")
        names = len(self.operator_sets) + len(self.operators) + len(self.functions) + len(self.locations)
        if names > MOST_NAMES:
            raise Unscannable(f"Its ONNX has more than {MOST_NAMES:,} domains, functions and files.")

    def _note_model(self, message: Message) -> None:
        for name in ("producer", "producer_version"):
            if name in message.texts:
                self.facts[name] = message.text(name)[:LONGEST_FACT]
                self._words(message.text(name), f"the {name.replace('_', ' ')}")
        self._words(message.text("doc"), "the description of the model")
        if "ir_version" in message.numbers:
            self.facts["ir_version"] = message.numbers["ir_version"]

    def _words(self, text: str, place: str) -> None:
        if not WORTH_READING.search(text):
            return
        if hash(text) in self.words:
            return
        self.words.add(hash(text))
        if len(self.words) > MOST_WORDS:
            raise Unscannable(f"Its ONNX has more than {MOST_WORDS:,} texts that could be code.")
        judge_text(text, self.case, place=place)

    def _note_node(self, domain: str, operator: str) -> None:
        is_standard = domain in ("", "ai.onnx")
        is_known = operator in STANDARD if is_standard else KNOWN_DOMAINS.fullmatch(domain) is not None
        if not is_known or RUNS_PYTHON.fullmatch(operator) is not None:
            self.operators[domain, operator] += 1

    def _note_attribute(self, message: Message) -> None:
        name = message.text("name")
        for text in message.texts.get("text", []):
            if name == _CONTEXT and len(text) <= _LONGEST_PATH and text.isprintable():
                self.locations.setdefault(text, message.begin)
            elif name == _CONTEXT:
                self.case.add(
                    "opaque-engine",
                    Severity.MEDIUM,
                    "The model carries a part that is compiled for a device; what it does cannot be told from here.",
                    offset=message.begin,
                    evidence={"attribute": name, "bytes": message.lengths.get("text", 0)},
                )
            else:
                self._words(text, f"the attribute {name[:60]!r}")

    # Tensors

    def _note_external(self, message: Message) -> None:
        key, value = message.text("key"), message.text("value")
        if key == "location":
            self.locations.setdefault(value, message.begin)
        elif key in ("offset", "length"):
            if re.fullmatch(r"\d{1,15}", value) is None:
                self._malformed(f"places a tensor at the {key} {value[:40]!r} of another file", message.begin)
        elif key not in ("checksum", "basepath", "pad", "block_size", "sha256", "md5"):
            self._malformed(f"says {key[:40]!r} of a tensor in another file, which ONNX does not have", message.begin)
        elif key == "basepath" and leads_outside(value):
            self.locations.setdefault(value, message.begin)

    def _note_tensor(self, message: Message) -> None:
        shape = message.lists.get("shape", [])
        elements = self._check_size(shape, message.begin)
        if elements is None or not shape or message.numbers.get("place") == 1:
            return
        bits, raw = BITS.get(message.numbers.get("type", 0)), message.lengths.get("raw")
        if raw is not None and bits is not None and (elements * bits + 7) // 8 != raw:
            self._malformed(f"has a tensor of {elements:,} elements in {raw:,} bytes", message.begin)
        elif raw is None and elements > 1024 * max(1, message.lengths.get("other", 0)):
            self._malformed(f"has a tensor of {elements:,} elements without that many values", message.begin)

    def _check_size(self, shape: list[int], begin: int) -> int | None:
        elements = 1
        for size in shape:
            if size < 0:
                self._malformed(f"has a tensor with the size {size:,}", begin)
                return None
            elements *= size
            if elements > LARGEST_DIMENSION:
                self._malformed("has a tensor that is larger than any memory", begin)
                return None
        return elements

    def _malformed(self, sentence: str, offset: int) -> None:
        kind = re.sub(r"[\d,]+|'.*'", "", sentence)
        if kind in self.malformed:
            return
        self.malformed.add(kind)
        self.case.add(
            "onnx-malformed",
            Severity.MEDIUM,
            f"The model {sentence}.",
            offset=offset,
            evidence={"reason": sentence[:200]},
        )

    # At the end

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
        shadows = sorted(name for domain, name in self.functions if domain in ("", "ai.onnx") and name in STANDARD)
        if shadows:
            self._malformed(f"puts a function of its own in the place of the operator {shadows[0]!r}", 0)

    def _judge_location(self, path: str, offset: int) -> None:
        severity = Severity.HIGH
        if _MEMORY_ADDRESS.search(path) is not None:
            message = "The model takes a tensor from an address in memory: it reads from the program that loads it."
        elif leads_outside(path):
            message = (
                f"The model takes a tensor from {path[:80]!r}, outside its own folder: loading it reads that file."
            )
        elif _HIDDEN_PART.search(path) is not None or not path.strip():
            severity = Severity.MEDIUM
            message = f"The model takes a tensor from {path[:80]!r}, which is no name for a file of weights."
        else:
            return
        self.case.add(
            "onnx-external-data-path",
            severity,
            message,
            offset=offset,
            evidence={"location": path[:LONGEST_FACT]},
        )

    def _judge_domain(self, domain: str, operators: list[str]) -> None:
        evidence = {
            "domain": domain[:LONGEST_FACT],
            "operators": [name[:LONGEST_FACT] for name in operators[:MOST_SHOWN]],
        }
        python = [name for name in operators if RUNS_PYTHON.fullmatch(name) is not None]
        if python or (domain and PYTHON_DOMAINS.fullmatch(domain) is not None):
            self.case.add(
                "onnx-python-operator",
                Severity.HIGH,
                f"The model has the operator {(python or operators)[0][:60]!r} of {domain[:60]!r}, which calls Python.",
                evidence=evidence,
            )
            return
        if domain == EXTENSIONS_DOMAIN:
            severity, message = Severity.LOW, "The model needs the operators of onnxruntime-extensions."
        elif domain in ("", "ai.onnx"):
            severity = Severity.MEDIUM
            message = f"The model has the operator {operators[0][:60]!r}, which ONNX does not have."
        else:
            severity = Severity.MEDIUM
            message = f"The model needs operators of {domain[:80]!r}, from a library that must be loaded with it."
        self.case.add("onnx-custom-operator", severity, message, evidence=evidence)
