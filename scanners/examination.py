"""From content to judge: detect, compare with the name, dispatch. Containers come back here for each member."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.detect import detect
from scanners.expectations import compare_with_name, kind_of_tar, kind_of_zip
from scanners.finding import Severity
from scanners.formats.second_look import TEXTS, look_again
from scanners.kinds import INERT, Format
from scanners.source import ByteSource

JUDGES: dict[Format, str] = {
    # pickle and its carriers
    Format.PICKLE: "scanners.formats.pickle.judge:judge",
    Format.TORCH_ZIP: "scanners.formats.torch.archive:judge",
    Format.TORCH_LEGACY: "scanners.formats.torch.legacy:judge",
    Format.TORCH_TAR: "scanners.formats.archives.tar_archive:judge",
    Format.TORCH_SHARDS: "scanners.formats.torch.shards:judge",
    Format.TORCH_PACKAGE: "scanners.formats.torch.package:judge",
    Format.TORCH_EXPORT: "scanners.formats.torch.export:judge",
    Format.JOBLIB_ZFILE: "scanners.formats.pickle.zfile:judge",
    Format.NUMPY: "scanners.formats.tensors.numpy_array:judge",
    Format.NUMPY_ZIP: "scanners.formats.archives.zip_archive:judge",
    # tensors and graphs
    Format.SAFETENSORS: "scanners.formats.tensors.safetensors:judge",
    Format.GGUF: "scanners.formats.tensors.gguf:judge",
    Format.ONNX: "scanners.formats.graphs.onnx:judge",
    Format.HDF5: "scanners.formats.hdf5.judge:judge",
    Format.KERAS_ZIP: "scanners.formats.keras.archive:judge",
    Format.KERAS_CONFIG: "scanners.formats.keras.archive:judge_json",
    Format.KERAS_METADATA: "scanners.formats.tensorflow.judge:judge_metadata",
    Format.SAVED_MODEL: "scanners.formats.tensorflow.judge:judge",
    Format.TFLITE: "scanners.formats.tensorflow.lite:judge",
    Format.COREML: "scanners.formats.graphs.coreml:judge",
    Format.OPENVINO: "scanners.formats.documents.xml:judge",
    Format.PADDLE: "scanners.formats.graphs.paddle:judge",
    Format.CAFFE: "scanners.formats.graphs.caffe:judge_model",
    Format.PROTOTXT: "scanners.formats.graphs.caffe:judge_text_form",
    Format.TENSORRT: "scanners.formats.graphs.device_code:judge",
    Format.DEVICE_CODE: "scanners.formats.graphs.device_code:judge",
    Format.EXECUTORCH: "scanners.formats.graphs.device_code:judge_flat",
    Format.MNN: "scanners.formats.graphs.device_code:judge_flat",
    Format.MINDSPORE: "scanners.formats.graphs.device_code:judge_flat",
    Format.ONNX_RUNTIME: "scanners.formats.graphs.device_code:judge_flat",
    Format.MSGPACK: "scanners.formats.objects.msgpack:judge",
    Format.UBJSON: "scanners.formats.objects.ubjson:judge",
    Format.SKOPS: "scanners.formats.objects.skops:judge",
    Format.R_DATA: "scanners.formats.objects.r_data:judge",
    Format.TORCH7: "scanners.formats.objects.torch7:judge",
    Format.LUA_BYTECODE: "scanners.formats.objects.torch7:judge_bytecode",
    Format.FOREIGN_OBJECTS: "scanners.formats.objects.foreign:judge",
    Format.BSON: "scanners.formats.objects.foreign:judge_bson",
    Format.GGML: "scanners.formats.tensors.ggml:judge",
    # archives and compressed streams
    Format.ZIP: "scanners.formats.archives.zip_archive:judge",
    Format.GZIP: "scanners.formats.archives.compressed:judge",
    Format.ZLIB: "scanners.formats.archives.compressed:judge",
    Format.BZIP2: "scanners.formats.archives.compressed:judge",
    Format.XZ: "scanners.formats.archives.compressed:judge",
    Format.LZMA: "scanners.formats.archives.compressed:judge",
    Format.LZ4: "scanners.formats.archives.compressed:judge",
    Format.ZSTD: "scanners.formats.archives.compressed:judge",
    Format.TAR: "scanners.formats.archives.tar_archive:judge",
    Format.SEVEN_ZIP: "scanners.formats.archives.seven_zip:judge",
    Format.AR: "scanners.formats.archives.unix:judge_ar",
    Format.CPIO: "scanners.formats.archives.unix:judge_cpio",
    Format.RAR: "scanners.formats.archives.rar:judge",
    Format.CAB: "scanners.formats.archives.opaque:judge",
    Format.RPM: "scanners.formats.archives.opaque:judge",
    Format.XAR: "scanners.formats.archives.opaque:judge",
    Format.DMG: "scanners.formats.archives.opaque:judge",
    Format.SQUASHFS: "scanners.formats.archives.opaque:judge",
    Format.ISO: "scanners.formats.archives.opaque:judge",
    Format.LHA: "scanners.formats.archives.opaque:judge",
    Format.ARJ: "scanners.formats.archives.opaque:judge",
    Format.ACE: "scanners.formats.archives.opaque:judge",
    Format.COMPRESS: "scanners.formats.archives.opaque:judge",
    Format.LZIP: "scanners.formats.archives.opaque:judge",
    Format.LZOP: "scanners.formats.archives.opaque:judge",
    Format.SNAPPY: "scanners.formats.archives.opaque:judge",
    Format.BROTLI: "scanners.formats.archives.opaque:judge",
    # programs
    Format.ELF: "scanners.formats.programs.native:judge",
    Format.PE: "scanners.formats.programs.native:judge",
    Format.MACH_O: "scanners.formats.programs.native:judge",
    Format.WASM: "scanners.formats.programs.native:judge",
    Format.JAVA_CLASS: "scanners.formats.programs.native:judge",
    Format.DEX: "scanners.formats.programs.native:judge",
    Format.SHORTCUT: "scanners.formats.programs.desktop:judge_shortcut",
    Format.OLE: "scanners.formats.programs.desktop:judge_compound",
    Format.LAUNCHER: "scanners.formats.programs.desktop:judge_launcher",
    Format.PYTHON_BYTECODE: "scanners.formats.code.bytecode:judge",
    # text
    Format.PYTHON: "scanners.formats.code.python:judge",
    Format.SCRIPT: "scanners.formats.code.script:judge",
    Format.NOTEBOOK: "scanners.formats.code.notebook:judge",
    Format.PATH_CONFIGURATION: "scanners.formats.code.path_configuration:judge",
    Format.JSON: "scanners.formats.config.document:judge_json",
    Format.TEMPLATE: "scanners.formats.template:judge_template_file",
    Format.YAML: "scanners.formats.config.yaml_document:judge_yaml",
    Format.TOML: "scanners.formats.config.settings_files:judge_toml",
    Format.INI: "scanners.formats.config.settings_files:judge_ini",
    Format.MARKDOWN: "scanners.formats.config.settings_files:judge_markdown",
    Format.REQUIREMENTS: "scanners.formats.requirements.judge:judge_requirements",
    Format.MODELFILE: "scanners.formats.modelfile:judge",
    Format.R_SCRIPT: "scanners.formats.code.r_script:judge",
    Format.XML: "scanners.formats.documents.xml:judge",
    Format.PMML: "scanners.formats.documents.xml:judge",
    Format.SVG: "scanners.formats.documents.xml:judge",
    Format.HTML: "scanners.formats.documents.pages:judge_html",
    Format.WIDE_TEXT: "scanners.formats.shared.wide_text:judge",
    # documents and tables
    Format.ARROW: "scanners.formats.documents.tables:judge_arrow",
    Format.PARQUET: "scanners.formats.documents.tables:judge_parquet",
    Format.SQLITE: "scanners.formats.documents.tables:judge_sqlite",
    Format.BLEND: "scanners.formats.documents.pages:judge_blend",
    Format.PDF: "scanners.formats.documents.pdf:judge",
    # pictures, sound, tables and fonts
    Format.PNG: "scanners.formats.documents.media:judge",
    Format.JPEG: "scanners.formats.documents.media:judge",
    Format.GIF: "scanners.formats.documents.media:judge",
    Format.WEBP: "scanners.formats.documents.media:judge",
    Format.BMP: "scanners.formats.documents.media:judge",
    Format.ICO: "scanners.formats.documents.media:judge",
    Format.WAV: "scanners.formats.documents.media:judge",
    Format.OGG: "scanners.formats.documents.media:judge",
    Format.MP4: "scanners.formats.documents.media:judge",
    # what nobody knows
    Format.UNKNOWN: "scanners.formats.unknown:judge",
}
"""Format to its judge, imported when first needed. One neither here nor inert is not judged, and says so."""
HIDDEN = "scanners.formats.shared.hidden:search"
"""Looks into plain data that is no text for what does not belong there."""
HEAD_OF_SCRIPT = 256 * 1024
GRAPH_JSON = "scanners.formats.graphs.json_graph:judge"
"""Looks at JSON a second time, for graphs and their parts."""

CARRIES = frozenset({(Format.TFLITE, Format.ZIP)})
"""Formats whose own writers put an archive behind them: one file, and its judge looks into both."""


def examine(source: ByteSource, name: str, case: Case) -> None:
    """Detects and judges one content, of a file or of a member."""
    detected = detect(source, name)
    kind = detected.format
    if kind is Format.ZIP:
        kind = kind_of_zip(source)
    elif kind is Format.TAR:
        kind = kind_of_tar(source)
    if case.depth == 0:
        case.dossier.format = kind.value
    compare_with_name(kind, name, case)
    for other in detected.also:
        if (kind, other) in CARRIES:
            continue
        case.add(
            "polyglot",
            Severity.MEDIUM if other is Format.PICKLE or kind in _CARRIES_ARCHIVES else Severity.HIGH,
            f"The file is {kind.value} and, {_AS[other]}: who opens it decides which of the two it is.",
            evidence={"formats": [kind.value, other.value]},
        )
        try:
            _judge(source, kind_of_zip(source) if other is Format.ZIP else other, case)
        except BudgetSpent:
            raise
        except Unscannable as reason:
            case.leave_open(str(reason))
    _judge(source, kind, case)
    if kind is Format.SCRIPT and not detected.also and b"\0" in source.read(0, HEAD_OF_SCRIPT):
        # One that unpacks what stands behind it.
        _load(HIDDEN)(source, case)
    if kind in TEXTS:
        look_again(source, kind, case)


_AS = {
    Format.PICKLE: "to an unpickler, a pickle",
    Format.ZIP: "from its end, a zip archive",
    Format.TAR: "to who looks for one, a tar archive",
    Format.HDF5: "to who opens it as HDF5, an HDF5 file that begins further on",
    Format.SAVED_MODEL: "to TensorFlow, a graph",
}
_CARRIES_ARCHIVES = frozenset({Format.PE, Format.ELF, Format.MACH_O, Format.PYTHON, Format.SCRIPT})
"""Programs that unpack themselves, zipapps and llamafiles are built like this; what they are is said of them anyway."""


def _judge(source: ByteSource, kind: Format, case: Case) -> None:
    judge = _judge_of(kind)
    if judge is not None:
        judge(source, case)
        if kind is Format.JSON:
            _load(GRAPH_JSON)(source, case)
    elif kind in INERT:
        # Nobody reads plain data as anything else; what is plain to see in it all the same was put there for somebody.
        if kind not in TEXTS | {Format.LFS_POINTER, Format.EMPTY}:
            _load(HIDDEN)(source, case)
    else:
        raise Unscannable(f"Its format is {kind.value}, which is recognised but not judged by this version.")


@cache
def _judge_of(kind: Format) -> Callable[[ByteSource, Case], None] | None:
    target = JUDGES.get(kind)
    return None if target is None else _load(target)


@cache
def _load(target: str) -> Callable[[ByteSource, Case], None]:
    module, function = target.split(":")
    judge: Callable[[ByteSource, Case], None] = getattr(import_module(module), function)
    return judge
