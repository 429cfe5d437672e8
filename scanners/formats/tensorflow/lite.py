"""TensorFlow Lite: which operators a model needs that are not built in, and the files it carries along.

Schema: tensorflow/lite/schema/schema.fbs. Files that belong to a model (labels, vocabularies) stand behind it as a zip
archive, as the metadata library writes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.finding import Severity
from scanners.formats.archives.zip_archive import judge_member, note
from scanners.formats.archives.zip_directory import find_end, read_directory
from scanners.formats.shared.words import words
from scanners.formats.tensorflow.flatbuffer import BrokenBuffer, FlatBuffer, Table, Vector
from scanners.formats.tensorflow.judge import tell_unknown
from scanners.formats.tensorflow.ops import OpRisk, risk_of
from scanners.kinds import Format
from scanners.reading import SliceSource
from scanners.source import ByteSource

OPERATOR_CODES, SUBGRAPHS, DESCRIPTION, BUFFERS, METADATA = 1, 2, 3, 4, 6
OLD_CODE, CUSTOM_CODE, CODE = 0, 1, 3
TENSORS, OPERATORS = 0, 3
OPERATOR_INDEX, OPERATOR_INPUTS, OPERATOR_OUTPUTS, CUSTOM_OPTIONS = 0, 1, 2, 5
TENSOR_SHAPE, TENSOR_BUFFER = 0, 2
NO_TENSOR = 0xFFFFFFFF
MOST_DIMENSIONS = 64
LARGEST_TENSOR = 1 << 40
BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE = 0, 1, 2
CUSTOM = 32
LARGEST_BUILTIN = 1000
MOST_OPERATORS = 1_000_000
MOST_CODES = 10_000
MOST_INDEXES = 10_000
MOST_SHOWN = 20
PEEK_BYTES = 64
FLEX = "Flex"
KNOWN_CUSTOM = words(
    """TFLite_Detection_PostProcess AudioSpectrogram Mfcc NumericVerify edgetpu-custom-op ethos-u
    RandomStandardNormal MaxPoolingWithArgmax2D MaxUnpooling2D Convolution2DTransposeBias TransformTensorBilinear
    TransformLandmarks Landmarks2TransformMatrix AlignCorners PoolingWithArgmax AddN IRFFT2D Rfft2d Roll
    Multinomial RandomUniform tftext:WhitespaceTokenizer DenseBincount TF_SENTENCEPIECE_TOKENIZE_OP
    custom_call.odml.scaled_dot_product_attention aeq.hadamard_rotation SegmentSum UnsortedSegmentJoin SpreadShape
    Conv3D Erf Complex ComplexAbs Real Imag RaggedTensorToTensor ExtractImagePatches ATan2 Sign HashTableV2
    HashTableFindV2 HashTableImportV2 HashTableSizeV2 Bucketize StringLength NgramsOp"""
)
"""Operators that runtimes for TensorFlow Lite register under a name."""
_CARRIED = re.compile(rb"\x80[\x02-\x05]|PK\x03\x04|\x7fELF|MZ.{58}|#!/|\x1f\x8b\x08", re.DOTALL)
_TEXT = re.compile(rb"[\x20-\x7e]{3,200}")


def judge(source: ByteSource, case: Case) -> None:
    model = FlatBuffer(source)
    try:
        root = model.root()
        codes = list(_codes(root))
        case.fact("operators", len(codes))
        _judge_codes(codes, root, case)
        _judge_graphs(root, len(codes), case)
        _judge_buffers(root, source, case)
    except BrokenBuffer as reason:
        case.add("tensorflow-malformed", Severity.MEDIUM, str(reason), evidence={"reason": str(reason)[:200]})
        raise
    finally:
        _judge_files(source, case)


def _codes(root: Table) -> Iterator[str]:
    """Name of each operator that is custom, "" of one that is built in."""
    count = root.vector(OPERATOR_CODES, 4).count
    if not count and not root.vector(SUBGRAPHS, 4).count:
        raise BrokenBuffer("It is called a TensorFlow Lite model, but there is no graph in it.")
    if count > MOST_CODES:
        raise BrokenBuffer(f"Its TensorFlow Lite model has more than {MOST_CODES:,} kinds of operators.")
    for code in root.tables(OPERATOR_CODES):
        number = max(code.number(CODE, 4), code.number(OLD_CODE, 1))
        if number > LARGEST_BUILTIN:
            raise BrokenBuffer(f"Its TensorFlow Lite model has an operator of number {number:,}, which there is not.")
        name = code.text(CUSTOM_CODE)
        yield name or ("?" if number == CUSTOM else "")


def _judge_codes(codes: list[str], root: Table, case: Case) -> None:
    unknown, flex = set(), set()
    for index, name in enumerate(codes):
        if not name or name in KNOWN_CUSTOM:
            continue
        if not name.startswith(FLEX):
            unknown.add(name)
            continue
        operator = name.removeprefix(FLEX)
        risk = risk_of(operator)
        flex.add(operator)
        if risk is OpRisk.UNKNOWN:
            unknown.add(name)
        elif risk is OpRisk.PRINTS:
            texts = [text for text in _texts_of(root, index) if "://" in text]
            if texts:
                _say(operator, risk, texts, case)
        elif risk is not OpRisk.PLAIN:
            _say(operator, risk, _texts_of(root, index), case)
    if unknown:
        tell_unknown(sorted(unknown), case, "TensorFlow Lite")
    elif flex:
        case.add(
            "tensorflow-custom-operator",
            Severity.LOW,
            "The model needs operators of TensorFlow itself (the Flex delegate).",
            evidence={"operators": [name[:100] for name in sorted(flex)[:MOST_SHOWN]]},
        )


def _say(operator: str, risk: OpRisk, texts: list[str], case: Case) -> None:
    code = risk in (OpRisk.CODE, OpRisk.REMOTE, OpRisk.NATIVE, OpRisk.STOPS)
    case.add(
        "tensorflow-executes-code" if code else "tensorflow-file-access",
        Severity.MEDIUM if risk in (OpRisk.TABLE, OpRisk.NATIVE, OpRisk.STOPS) else Severity.HIGH,
        f"The model calls TensorFlow's operator {operator[:60]!r} (Flex), which {risk.value}.",
        evidence={"operator": operator[:100], "texts": texts[:MOST_SHOWN]},
    )


def _texts_of(root: Table, index: int) -> list[str]:
    """What the options of operators with this code say, as far as it is text."""
    found: list[str] = []
    for graph in root.tables(SUBGRAPHS):
        for operator in graph.tables(OPERATORS):
            if operator.number(OPERATOR_INDEX, 4) == index:
                options = operator.vector(CUSTOM_OPTIONS)
                data = root.buffer.source.read(options.start, min(options.count, 65536)) if options.count else b""
                found += [text.decode() for text in _TEXT.findall(data)][: MOST_SHOWN - len(found)]
    return found


def _judge_graphs(root: Table, codes: int, case: Case) -> None:
    """Every offset of what a loader follows, and that each operator is one there is."""
    count = 0
    buffers = root.vector(BUFFERS, 4).count
    for graph in root.tables(SUBGRAPHS):
        tensors = _check_tensors(graph, buffers, case)
        for operator in graph.tables(OPERATORS):
            count += 1
            if count > MOST_OPERATORS:
                raise Unscannable(f"Its TensorFlow Lite model has more than {MOST_OPERATORS:,} operators.")
            if count % 50 == 0:
                case.meter.check_clock()
            if operator.number(OPERATOR_INDEX, 4) >= codes:
                raise BrokenBuffer("Its TensorFlow Lite model uses an operator that it does not list.")
            operator.vector(CUSTOM_OPTIONS)
            for field in (OPERATOR_INPUTS, OPERATOR_OUTPUTS):
                _check_indexes(root.buffer, operator.vector(field, 4), tensors)


def _check_tensors(graph: Table, buffers: int, case: Case) -> int:
    """How many there are; each has a buffer there is, and a shape that a computer can hold."""
    count = 0
    for tensor in graph.tables(TENSORS):
        count += 1
        if count % 1000 == 0:
            case.meter.check_clock()
        if tensor.number(TENSOR_BUFFER, 4) >= max(1, buffers):
            raise BrokenBuffer("Its TensorFlow Lite model has a tensor in a buffer that it does not have.")
        shape = tensor.vector(TENSOR_SHAPE, 4)
        if shape.count > MOST_DIMENSIONS:
            raise BrokenBuffer(f"Its TensorFlow Lite model has a tensor of {shape.count:,} dimensions.")
        elements = 1
        for number in range(shape.count):
            elements *= graph.buffer.number(shape.start + 4 * number, 4)
        if elements > LARGEST_TENSOR:
            raise BrokenBuffer(f"Its TensorFlow Lite model has a tensor of {elements:,} elements.")
    return count


def _check_indexes(buffer: FlatBuffer, indexes: Vector, tensors: int) -> None:
    if indexes.count > MOST_INDEXES:
        raise BrokenBuffer(f"Its TensorFlow Lite model has an operator on {indexes.count:,} tensors.")
    for number in range(indexes.count):
        index = buffer.number(indexes.start + 4 * number, 4)
        if tensors <= index != NO_TENSOR:
            raise BrokenBuffer("Its TensorFlow Lite model has an operator on a tensor that it does not have.")


def _judge_buffers(root: Table, source: ByteSource, case: Case) -> None:
    """Tensors, and texts a program reads; a file among them is judged."""
    for number, buffer in enumerate(root.tables(BUFFERS)):
        offset, size = buffer.number(BUFFER_OFFSET, 8), buffer.number(BUFFER_SIZE, 8)
        data = buffer.vector(BUFFER_DATA)
        start, length = (offset, size) if offset > 1 else (data.start, data.count)
        if start + length > source.size:
            raise BrokenBuffer(
                f"Its TensorFlow Lite model has a buffer of {length:,} bytes at {start:,}, outside the file."
            )
        if length and _CARRIED.match(source.read(start, min(length, PEEK_BYTES))):
            content = SliceSource(source, start, length)
            if detect(content, "").format not in (Format.UNKNOWN, Format.TEXT):
                case.examine(content, f"buffer {number}")


def _judge_files(source: ByteSource, case: Case) -> None:
    """The archive behind the model, whose own offsets count from the beginning of the model."""
    if find_end(source) is None:
        return
    directory = read_directory(source)
    note(
        [oddity for oddity in directory.oddities if not (oddity.member is None and "before" in oddity.sentence)],
        case,
    )
    for member in directory.members:
        judge_member(source, member, case)
