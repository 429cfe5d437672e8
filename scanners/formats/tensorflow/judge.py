"""SavedModel, MetaGraphDef and GraphDef: what their nodes do beyond computing."""

from __future__ import annotations

import re
from collections import Counter

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.keras.config import judge_config
from scanners.formats.shared.protobuf import BYTES, VARINT, BrokenMessage, ProtobufReader
from scanners.formats.tensorflow.graph import Graph, Kind, Node
from scanners.formats.tensorflow.ops import OpRisk, risk_of, says_it_runs
from scanners.source import ByteSource

LARGEST_TEXT_GRAPH = 64 * 1024 * 1024
LONGEST_METADATA = 16 * 1024 * 1024
MOST_TOP_FIELDS = 1000
MOST_SHOWN = 20
SMALLEST_GRAPH = 8
_OUTSIDE = re.compile(
    r"/[^/]|[A-Za-z]:[\\/]|\\\\|~[\w]*/|(?:.*[\\/])?\.\.(?:[\\/]|\Z)|[a-z][a-z0-9+.-]{1,12}://", re.IGNORECASE
)
_TEXT_OPERATOR = re.compile(r"""\bop\s*:\s*["']([^"'\n]{1,200})["']""")
_TEXT_FUNCTION = re.compile(r"""\bsignature\s*\{\s*name\s*:\s*["']([^"'\n]{1,200})["']""")
_TEXT_STRING = re.compile(r"""\b(?:string_val|s)\s*:\s*["']([^"'\n]{1,500})["']""")
_CODE = frozenset({OpRisk.CODE, OpRisk.REMOTE, OpRisk.NATIVE, OpRisk.STOPS})
_ALWAYS_HIGH = frozenset({OpRisk.CODE, OpRisk.READS, OpRisk.WRITES, OpRisk.REMOTE})
SAVES = frozenset({"Save", "SaveV2", "SaveSlices", "MergeV2Checkpoints", "DistributedSave"})
"""Write files: ordinary in the part of a graph that saves it."""
_ONLY_BY_PATH = frozenset({OpRisk.CHECKPOINT, OpRisk.TABLE})
"""Ordinary in every model; a path of their own out of the folder is not."""


def judge(source: ByteSource, case: Case) -> None:
    head = source.read(0, 256)
    if head.strip()[:1].isalpha() or head.lstrip()[:1] == b"#":
        _judge_text(source, case)
        return
    likeliest, *others = _kinds(source)
    graph = Graph(source, case)
    failed: BrokenMessage | None = None
    try:
        graph.walk(likeliest)
    except BrokenMessage as reason:
        failed = reason
    finally:
        # Also of a graph that breaks off: what was found is found.
        tell(graph, case)
    walked = graph.nodes > 0 or graph.objects > 0
    for kind in others:
        walked |= _read_otherwise(source, kind, case)
    if failed is not None and not walked:
        case.add("tensorflow-malformed", Severity.MEDIUM, str(failed), evidence={"reason": str(failed)[:200]})
    if failed is not None:
        raise failed
    # A module of TensorFlow Hub has a file of two bytes: its version.
    if not walked and not (likeliest is Kind.SAVED_MODEL and (graph.graphs or source.size <= SMALLEST_GRAPH)):
        raise Unscannable("It looks like a TensorFlow graph, but there is no node in it.")


def _read_otherwise(source: ByteSource, kind: Kind, case: Case) -> bool:
    """As another message, too: its loader goes by the file's name. Whether there are nodes in it."""
    graph = Graph(source, case)
    try:
        graph.walk(kind)
    except BrokenMessage:
        return False
    graph.risky = [node for node in graph.risky if node.risk is not OpRisk.UNKNOWN]
    if graph.nodes:
        tell(graph, case, is_guess=True)
    return graph.nodes > 0


def _kinds(source: ByteSource) -> list[Kind]:
    """As what the message can be read, the likeliest first: three messages share their first fields."""
    reader = ProtobufReader(source, "TensorFlow graph")
    try:
        for number, found in enumerate(reader.fields(source.size)):
            if found.number == 1 and found.wire_type == VARINT:
                return [Kind.SAVED_MODEL, Kind.GRAPH, Kind.META_GRAPH]
            if found.number == 1 and found.wire_type == BYTES:
                is_node = any(
                    part.number == 2
                    and part.wire_type == BYTES
                    and re.fullmatch(rb"[A-Za-z_][\w>.-]*", reader.take(part, 200)) is not None
                    for part in reader.fields(found.end)
                )
                likely = [Kind.GRAPH, Kind.META_GRAPH] if is_node else [Kind.META_GRAPH, Kind.GRAPH]
                return [*likely, Kind.SAVED_MODEL]
            if number > MOST_TOP_FIELDS:
                break
    except BrokenMessage:
        pass
    return [Kind.SAVED_MODEL, Kind.META_GRAPH, Kind.GRAPH]


def tell(graph: Graph, case: Case, *, is_guess: bool = False) -> None:
    """Findings and facts from all that was walked."""
    if not is_guess:
        case.fact("nodes", graph.nodes)
    if graph.version and not is_guess:
        case.fact("tensorflow_version", graph.version)
    unknown: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    for node in graph.risky:
        if node.operator in graph.functions:
            continue
        if node.risk is OpRisk.UNKNOWN:
            unknown[node.operator] += 1
        elif shown[node.operator] < MOST_SHOWN and _judge_node(graph, node, case):
            shown[node.operator] += 1
    if unknown:
        tell_unknown(sorted(unknown), case)
    for path in {path for path in graph.assets.values() if _OUTSIDE.match(path)}:
        case.add(
            "tensorflow-file-access",
            Severity.HIGH,
            f"The model says that its asset {path[:80]!r} is outside of its own folder: loading it reads that file.",
            evidence={"path": path[:200]},
        )


def tell_unknown(operators: list[str], case: Case, product: str = "TensorFlow") -> None:
    """Operators that come from somewhere else."""
    running = [name for name in operators if says_it_runs(name)]
    if running:
        case.add(
            "tensorflow-executes-code",
            Severity.HIGH,
            f"The graph needs the operator {running[0][:60]!r}, which {product} does not have and which, by its "
            "name, runs commands or code.",
            confidence=Confidence.LIKELY,
            evidence={"operators": [name[:100] for name in running[:MOST_SHOWN]]},
        )
    case.add(
        "tensorflow-custom-operator",
        Severity.MEDIUM,
        f"The graph needs operators that {product} does not have ({', '.join(operators[:4])[:100]}): a library of "
        "native code must be loaded with it.",
        evidence={"operators": [name[:100] for name in operators[:MOST_SHOWN]]},
    )


def _judge_node(graph: Graph, node: Node, case: Case) -> bool:
    """Notes what a node does; False if it is nothing."""
    strings = graph.strings_into(node)
    attributes = [text for texts in node.texts.values() for text in texts]
    outside = [
        text for text in (strings + attributes if node.risk is OpRisk.TABLE else strings) if _OUTSIDE.match(text)
    ]
    severity = Severity.MEDIUM
    if node.risk in _ALWAYS_HIGH:
        severity = Severity.HIGH
    elif node.risk is OpRisk.PRINTS:
        to = [text for text in node.texts.get("output_stream", ()) if "://" in text or "/" in text]
        if not to:
            return False
        severity, attributes = Severity.HIGH, to
    elif node.risk is OpRisk.DEBUG:
        severity = Severity.HIGH if node.texts.get("debug_urls") else Severity.MEDIUM
    elif outside:
        severity = Severity.HIGH
    elif node.risk in _ONLY_BY_PATH and (node.operator not in SAVES or graph.is_saver(node)):
        return False
    paths = outside or strings or attributes
    case.add(
        "tensorflow-executes-code" if node.risk in _CODE else "tensorflow-file-access",
        severity,
        f"The graph has the operator {node.operator[:60]!r}, which {node.risk.value}"
        + (f" ({paths[0][:80]!r})." if paths else "."),
        offset=node.offset,
        evidence={
            "operator": node.operator[:100],
            "node": node.name[:200],
            **({"texts": [text[:200] for text in paths[:MOST_SHOWN]]} if paths else {}),
        },
    )
    return True


def _judge_text(source: ByteSource, case: Case) -> None:
    """A graph in protobuf's text form, which TensorFlow loads as well."""
    if source.size > LARGEST_TEXT_GRAPH:
        raise Unscannable(f"It is a TensorFlow graph of {source.size:,} bytes of text.")
    text = source.read(0, source.size).decode("utf-8", "replace")
    functions = set(_TEXT_FUNCTION.findall(text))
    unknown: set[str] = set()
    outside = sorted({found for found in _TEXT_STRING.findall(text) if _OUTSIDE.match(found)})
    seen: set[str] = set()
    for match in _TEXT_OPERATOR.finditer(text):
        operator = match.group(1)
        risk = risk_of(operator)
        if operator in functions or operator in seen or risk is OpRisk.PLAIN:
            continue
        seen.add(operator)
        if risk is OpRisk.UNKNOWN:
            unknown.add(operator)
        elif risk in _ALWAYS_HIGH or outside or risk not in (_ONLY_BY_PATH | {OpRisk.PRINTS}):
            case.add(
                "tensorflow-executes-code" if risk in _CODE else "tensorflow-file-access",
                Severity.HIGH if risk in _ALWAYS_HIGH or outside else Severity.MEDIUM,
                f"The graph has the operator {operator[:60]!r}, which {risk.value}.",
                confidence=Confidence.CERTAIN if risk in _ALWAYS_HIGH else Confidence.LIKELY,
                line=text.count("\n", 0, match.start()) + 1,
                evidence={"operator": operator, "texts": outside[:MOST_SHOWN]},
            )
    if unknown:
        tell_unknown(sorted(unknown), case)


def judge_metadata(source: ByteSource, case: Case) -> None:
    """keras_metadata.pb: the configuration of each Keras object of a SavedModel, as JSON (saved_metadata.proto)."""
    reader = ProtobufReader(source, "Keras metadata")
    number = 0
    for node in reader.fields(source.size):
        if node.number != 1 or node.wire_type != BYTES:
            continue
        number += 1
        for part in reader.fields(node.end):
            if part.number == 5 and part.wire_type == BYTES:
                if part.length > LONGEST_METADATA:
                    raise Unscannable(f"It has a configuration of {part.length:,} bytes.")
                judge_config(reader.text(part, LONGEST_METADATA), case, key=f"object {number}")
    case.fact("objects", number)
