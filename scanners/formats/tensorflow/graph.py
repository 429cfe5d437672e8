"""TensorFlow graphs: every node of a graph and of its functions, with the constants that say which files it means.

Messages: tensorflow/core/protobuf/saved_model.proto, meta_graph.proto, saved_object_graph.proto, and
tensorflow/core/framework/graph.proto, function.proto, node_def.proto, attr_value.proto, tensor.proto.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.formats.keras.config import judge_config
from scanners.formats.shared.protobuf import BYTES, Field, ProtobufReader
from scanners.formats.shared.words import words
from scanners.formats.tensorflow.ops import OpRisk, risk_of
from scanners.source import ByteSource

LONGEST_NAME = 1024
LONGEST_TEXT = 2048
LONGEST_METADATA = 8 * 1024 * 1024
DEEPEST_MESSAGE = 60
MOST_NODES = 5_000_000
MOST_RISKY = 20_000
MOST_CONSTANTS = 200_000
MOST_INPUTS = 64
MOST_LETTERS = 8 * 1024 * 1024
"""Of all the constants that are kept."""
SHORTEST_TEXT = 3
"""Bytes of an attribute that is a type, a flag or a letter: most of them, and nothing to read."""


class Kind(Enum):
    """The messages that are walked."""

    SAVED_MODEL = auto()
    META_GRAPH = auto()
    META_INFO = auto()
    GRAPH = auto()
    LIBRARY = auto()
    FUNCTION = auto()
    SIGNATURE = auto()
    NODE = auto()
    SAVER = auto()
    ASSET = auto()
    TENSOR_INFO = auto()
    OBJECTS = auto()
    SAVED_OBJECT = auto()
    USER_OBJECT = auto()


INSIDE: dict[Kind, dict[int, Kind]] = {
    Kind.SAVED_MODEL: {2: Kind.META_GRAPH},
    Kind.META_GRAPH: {1: Kind.META_INFO, 2: Kind.GRAPH, 3: Kind.SAVER, 6: Kind.ASSET, 7: Kind.OBJECTS},
    Kind.GRAPH: {1: Kind.NODE, 2: Kind.LIBRARY},
    Kind.LIBRARY: {1: Kind.FUNCTION},
    Kind.FUNCTION: {1: Kind.SIGNATURE, 3: Kind.NODE},
    Kind.ASSET: {1: Kind.TENSOR_INFO},
    Kind.OBJECTS: {1: Kind.SAVED_OBJECT},
    Kind.SAVED_OBJECT: {4: Kind.USER_OBJECT},
}
"""Field numbers that hold messages."""
ATTRIBUTE, LIST, TEXT, TENSOR, FUNCTION_NAME = 5, 1, 2, 8, 10
TENSOR_STRINGS = 8
PASSES_ON = words(
    """Identity IdentityN StringJoin ShardedFilename ShardedFilespec Pack Concat ConcatV2 Reshape Squeeze ExpandDims
    Select SelectV2 StringFormat AsString Add AddV2 Substr StaticRegexReplace RegexReplace StringLower StringUpper
    StringStrip Unpack Split StridedSlice Slice Gather GatherV2 GatherNd Cast Fill Tile Switch RefSwitch Merge
    StopGradient PreventGradient Placeholder PlaceholderWithDefault EnsureShape Snapshot DecodeBase64 ReduceJoin"""
)
"""Operators through which the text of a constant gets to another node."""


@dataclass(slots=True)
class Node:
    """A node with an operator that is worth a sentence."""

    name: str
    operator: str
    risk: OpRisk
    function: str
    inputs: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    """Attributes that are text, or lists of it."""
    offset: int = 0


@dataclass(slots=True)
class Graph:
    """Walks one file as one kind of message, and gathers what can only be said at its end."""

    source: ByteSource
    case: Case
    nodes: int = 0
    graphs: int = 0
    risky: list[Node] = field(default_factory=list)
    constants: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Function and node name to the strings of the constant."""
    inputs: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Of nodes that pass strings on, such as a join of paths."""
    functions: dict[str, str] = field(default_factory=dict)
    """Name of each function to the place its nodes go by."""
    savers: set[str] = field(default_factory=lambda: {"save"})
    """First part of the names of nodes that save and restore the graph's own checkpoint."""
    assets: dict[str, str] = field(default_factory=dict)
    """Node of a constant that names an asset, to the asset's file."""
    objects: int = 0
    """With a configuration of Keras, which is judged at once."""
    letters: int = 0
    version: str = ""
    _reader: ProtobufReader = field(init=False)
    _function: str = ""

    def __post_init__(self) -> None:
        self._reader = ProtobufReader(self.source, "TensorFlow graph")

    def walk(self, kind: Kind) -> None:
        self._walk(kind, self.source.size, 0)

    def _walk(self, kind: Kind, end: int, depth: int) -> None:
        if depth > DEEPEST_MESSAGE:
            raise self._reader.broken(f"is nested deeper than {DEEPEST_MESSAGE} levels")
        if kind is Kind.NODE:
            self._node(end)
            return
        self.graphs += kind is Kind.GRAPH
        if kind is Kind.FUNCTION:
            # Its signature may stand anywhere in the message; until it is read, its nodes are of this place.
            self._function = f"function at byte {self._reader.window.position}"
        inside = INSIDE.get(kind, {})
        for found in self._reader.fields(end):
            if found.wire_type == BYTES and found.number in inside:
                self._walk(inside[found.number], found.end, depth + 1)
            elif found.wire_type == BYTES:
                self._note(kind, found)
        if kind is Kind.FUNCTION:
            self._function = ""

    def _note(self, kind: Kind, found: Field) -> None:
        reader = self._reader
        if kind is Kind.SIGNATURE and found.number == 1:
            self.functions[reader.text(found, LONGEST_NAME)] = self._function
        elif kind is Kind.META_INFO and found.number == 5:
            self.version = reader.text(found, 100)
        elif kind is Kind.SAVER and found.number == 1:
            self.savers.add(reader.text(found, LONGEST_NAME).rpartition("/")[0])
        elif kind is Kind.TENSOR_INFO and found.number == 1:
            self.assets[reader.text(found, LONGEST_NAME).split(":")[0]] = ""
        elif kind is Kind.ASSET and found.number == 2:
            path = reader.text(found, LONGEST_TEXT)
            name = next(reversed(self.assets), "")
            self.assets[name] = path
        elif kind is Kind.USER_OBJECT and found.number == 3 and found.length <= LONGEST_METADATA:
            text = reader.text(found, LONGEST_METADATA)
            if text.lstrip()[:1] == "{":
                self.objects += 1
                judge_config(text, self.case, key=f"object {self.objects}")

    def _node(self, end: int) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise Unscannable(f"Its TensorFlow graph has more than {MOST_NODES:,} nodes.")
        if self.nodes % 1000 == 0:
            self.case.meter.check_clock()
        reader = self._reader
        node = Node("", "", OpRisk.PLAIN, self._function, offset=reader.window.position)
        strings: list[str] = []
        for found in reader.fields(end):
            if found.wire_type != BYTES:
                continue
            if found.number == 1:
                node.name = reader.text(found, LONGEST_NAME)
            elif found.number == 2:
                node.operator = reader.text(found, LONGEST_NAME)
            elif found.number == 3 and len(node.inputs) < MOST_INPUTS:
                node.inputs.append(reader.text(found, LONGEST_NAME).lstrip("^").split(":")[0])
            elif found.number == ATTRIBUTE:
                self._attribute(found, node, strings)
        node.risk = risk_of(node.operator)
        place = (node.function, node.name)
        self.letters += sum(map(len, strings))
        if strings and self.letters < MOST_LETTERS and len(self.constants) < MOST_CONSTANTS:
            self.constants[place] = strings
        if node.operator in PASSES_ON and len(self.inputs) < MOST_CONSTANTS:
            self.inputs[place] = node.inputs
        if node.risk is not OpRisk.PLAIN:
            self.risky.append(node)
            if len(self.risky) > MOST_RISKY:
                raise Unscannable(f"Its TensorFlow graph has more than {MOST_RISKY:,} nodes that touch files or code.")

    def _attribute(self, entry: Field, node: Node, strings: list[str]) -> None:
        """A map entry: the name and an AttrValue."""
        name = ""
        for part in self._reader.fields(entry.end):
            if part.wire_type != BYTES:
                continue
            if part.number == 1:
                name = self._reader.text(part, LONGEST_NAME)
            elif part.number == 2 and part.length > SHORTEST_TEXT:
                for value in self._reader.fields(part.end):
                    if value.wire_type != BYTES:
                        continue
                    if value.number == TEXT:
                        node.texts.setdefault(name, []).append(self._reader.text(value, LONGEST_TEXT))
                    elif value.number == LIST:
                        self._list(value, node, name)
                    elif value.number == TENSOR:
                        self._tensor(value, strings)

    def _list(self, value: Field, node: Node, name: str) -> None:
        for item in self._reader.fields(value.end):
            if item.wire_type == BYTES and item.number == TEXT and len(node.texts.get(name, ())) < MOST_INPUTS:
                node.texts.setdefault(name, []).append(self._reader.text(item, LONGEST_TEXT))

    def _tensor(self, value: Field, strings: list[str]) -> None:
        """Strings of a small tensor; numbers are stepped over."""
        for part in self._reader.fields(value.end):
            if part.wire_type == BYTES and part.number == TENSOR_STRINGS and len(strings) < MOST_INPUTS:
                strings.append(self._reader.text(part, LONGEST_TEXT))

    # What a node means

    def is_saver(self, node: Node) -> bool:
        """Whether a node belongs to what TensorFlow writes to save and restore the graph itself."""
        if node.function:
            return any("save" in name for name, place in self.functions.items() if place == node.function)
        scopes = node.name.split("/")[:-1]
        return any(re.sub(r"_\d+\Z", "", scope) == "save" for scope in scopes) or any(
            node.name.startswith(f"{saver}/") for saver in self.savers if saver
        )

    def strings_into(self, node: Node, depth: int = 6) -> list[str]:
        """Constant strings that reach the node's inputs, directly or through nodes that pass them on."""
        found: list[str] = []
        places = [(node.function, name, depth) for name in node.inputs]
        seen: set[tuple[str, str]] = set()
        while places and len(found) < MOST_INPUTS:
            function, name, left = places.pop(0)
            if (function, name) in seen or name in self.assets:
                continue
            seen.add((function, name))
            found.extend(self.constants.get((function, name), ()))
            if left:
                places.extend((function, inner, left - 1) for inner in self.inputs.get((function, name), ()))
        return found
