"""From content to judge: detect, compare with the name, dispatch. Containers come back here for each member."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.expectations import compare_with_name, kind_of_zip
from scanners.finding import Severity
from scanners.kinds import INERT, Format
from scanners.source import ByteSource

JUDGES: dict[Format, str] = {
    # pickle and its carriers
    Format.PICKLE: "scanners.formats.pickle.judge:judge",
    Format.TORCH_ZIP: "scanners.formats.torch_zip:judge",
    Format.TORCH_LEGACY: "scanners.formats.torch_legacy:judge",
    Format.NUMPY: "scanners.formats.numpy_array:judge",
    Format.NUMPY_ZIP: "scanners.formats.zip_archive:judge",
    # tensors and graphs
    Format.SAFETENSORS: "scanners.formats.safetensors:judge",
    Format.GGUF: "scanners.formats.gguf:judge",
    Format.ONNX: "scanners.formats.onnx:judge",
    Format.HDF5: "scanners.formats.hdf5.judge:judge",
    Format.KERAS_ZIP: "scanners.formats.keras.archive:judge",
    Format.KERAS_CONFIG: "scanners.formats.keras.archive:judge_json",
    Format.KERAS_METADATA: "scanners.formats.tensorflow.judge:judge_metadata",
    Format.SAVED_MODEL: "scanners.formats.tensorflow.judge:judge",
    Format.TFLITE: "scanners.formats.tensorflow.lite:judge",
    Format.COREML: "scanners.formats.coreml:judge",
    Format.OPENVINO: "scanners.formats.xml:judge",
    Format.PADDLE: "scanners.formats.paddle:judge",
    Format.CAFFE: "scanners.formats.caffe:judge_model",
    Format.PROTOTXT: "scanners.formats.caffe:judge_text_form",
    Format.TENSORRT: "scanners.formats.opaque:judge",
    Format.DEVICE_CODE: "scanners.formats.opaque:judge",
    Format.EXECUTORCH: "scanners.formats.opaque:judge_flat",
    Format.ONNX_RUNTIME: "scanners.formats.opaque:judge_flat",
    Format.MSGPACK: "scanners.formats.msgpack:judge",
    Format.UBJSON: "scanners.formats.ubjson:judge",
    Format.SKOPS: "scanners.formats.skops:judge",
    Format.R_DATA: "scanners.formats.r_data:judge",
    Format.TORCH7: "scanners.formats.torch7:judge",
    Format.LUA_BYTECODE: "scanners.formats.torch7:judge_bytecode",
    Format.GGML: "scanners.formats.ggml:judge",
    # archives and compressed streams
    Format.ZIP: "scanners.formats.zip_archive:judge",
    Format.GZIP: "scanners.formats.compressed:judge",
    Format.ZLIB: "scanners.formats.compressed:judge",
    Format.BZIP2: "scanners.formats.compressed:judge",
    Format.XZ: "scanners.formats.compressed:judge",
    Format.LZMA: "scanners.formats.compressed:judge",
    # programs
    Format.ELF: "scanners.formats.plain:judge_program",
    Format.PE: "scanners.formats.plain:judge_program",
    Format.MACH_O: "scanners.formats.plain:judge_program",
    Format.WASM: "scanners.formats.plain:judge_program",
    Format.JAVA_CLASS: "scanners.formats.plain:judge_program",
    Format.PYTHON_BYTECODE: "scanners.formats.plain:judge_program",
    # text
    Format.PYTHON: "scanners.formats.plain:judge_python",
    Format.SCRIPT: "scanners.formats.plain:judge_script",
    Format.JSON: "scanners.formats.template:judge_json",
    Format.TEMPLATE: "scanners.formats.template:judge_template_file",
    Format.YAML: "scanners.formats.plain:judge_yaml",
    Format.XML: "scanners.formats.xml:judge",
    Format.PMML: "scanners.formats.xml:judge",
    Format.SVG: "scanners.formats.xml:judge",
    Format.HTML: "scanners.formats.pages:judge_html",
    # pictures, sound, tables and fonts
    Format.PDF: "scanners.formats.pages:judge_pdf",
}
"""Format to its judge, imported when first needed. One neither here nor inert is not judged, and says so."""

CARRIES = frozenset({(Format.TFLITE, Format.ZIP)})
"""Formats whose own writers put an archive behind them: one file, and its judge looks into both."""


def examine(source: ByteSource, name: str, case: Case) -> None:
    """Detects and judges one content, of a file or of a member."""
    detected = detect(source, name)
    kind = kind_of_zip(source) if detected.format is Format.ZIP else detected.format
    if case.depth == 0:
        case.dossier.format = kind.value
    compare_with_name(kind, name, case)
    for other in detected.also:
        if (kind, other) in CARRIES:
            continue
        case.add(
            "polyglot",
            Severity.MEDIUM,
            f"The file is {kind.value} from its beginning and a {other.value} archive from its end."
            if other is Format.ZIP
            else f"The file is {kind.value} and, to an unpickler, a pickle.",
            evidence={"formats": [kind.value, other.value]},
        )
        try:
            _judge(source, other, case)
        except BudgetSpent:
            raise
        except Unscannable as reason:
            case.leave_open(str(reason))
    _judge(source, kind, case)


def _judge(source: ByteSource, kind: Format, case: Case) -> None:
    target = JUDGES.get(kind)
    if target is not None:
        module, function = target.split(":")
        judge: Callable[[ByteSource, Case], None] = getattr(import_module(module), function)
        judge(source, case)
    elif kind is Format.UNKNOWN:
        raise Unscannable("Its format is not known here.")
    elif kind not in INERT:
        raise Unscannable(f"Its format is {kind.value}, which is recognised but not judged by this version.")
