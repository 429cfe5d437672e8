"""TorchScript: the code an archive carries under `code/`, for PyTorch's own interpreter.

It is written as Python (torch/csrc/jit/serialization/python_print.cpp) and read here with Python's own parser, never
run. What its interpreter can do is what its operators do: nearly all of them only compute. Some read or write files,
some come from a library that is not PyTorch's, and Python itself it cannot run at all: who puts that there means
another reader.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.pickle.known import names
from scanners.formats.pickle.values import Items, Pairs, Value
from scanners.source import ByteSource

LARGEST_SOURCE = 16 * 1024 * 1024
MOST_VALUES = 200_000
MOST_OPERATORS = 10_000

FILE_OPERATORS = frozenset(
    {
        "aten::save", "aten::load", "aten::from_file", "aten::_from_file", "aten::fromfile", "aten::tofile",
        "aten::open", "aten::_load_from_file",
        "image::read_file", "image::write_file", "image::_jpeg_write", "image::decode_image_file",
        "torchaudio::sox_io_load_audio_file", "torchaudio::sox_io_save_audio_file", "torchaudio::sox_io_get_info",
        "torchaudio::sox_effects_apply_effects_file",
    }
)  # fmt: skip
"""Operators that read or write files by name."""
REMOTE_OPERATORS = frozenset({"aten::rpc_sync", "aten::rpc_async", "aten::rpc_remote", "aten::remote"})
"""Operators that run on another machine."""
OWN_NAMESPACES = frozenset(
    {
        "aten", "prim", "quantized", "_quantized", "prepacked", "torch", "torchvision", "torchaudio", "image", "sparse",
        "mkldnn", "mkldnn_prepacked", "xnnpack", "metal", "metal_prepack", "vulkan", "vulkan_prepack", "cuda",
        "profiler", "rnn", "static_runtime", "nested", "nnapi", "cudnn", "onednn", "_caffe2", "quantized_decomposed",
        "inductor", "c10d", "_c10d_functional", "mobile", "debugprims", "prims", "higher_order", "torchtext",
    }
)  # fmt: skip
"""Namespaces of operators that PyTorch and its sister libraries bring."""
OWN_CLASSES = frozenset({"quantized", "rnn", "xnnpack", "mkldnn", "metal", "vulkan", "sparse", "cudnn", "torchtext"})
"""Namespaces of classes written in C++ that PyTorch brings."""
PYTHON_ONLY = names(
    """eval exec compile open __import__ globals locals vars setattr delattr input breakpoint exit quit memoryview
    classmethod staticmethod property object"""
)
"""Functions of Python that TorchScript does not have."""
DUNDERS = names(
    """__globals__ __class__ __subclasses__ __bases__ __mro__ __builtins__ __code__ __dict__ __getattribute__ __import__
    __reduce__ __reduce_ex__ __loader__ __spec__"""
)
MODULES = frozenset({"torch", "math", "typing", "__torch__", "ops", "CONSTANTS", "Future", "rpc", "cuda", "warnings"})
"""What TorchScript of any version imports, if it imports anything."""


@dataclass(slots=True)
class _Reading:
    """What one source does beyond computing."""

    files: dict[str, int] = field(default_factory=dict)
    remote: dict[str, int] = field(default_factory=dict)
    custom: dict[str, int] = field(default_factory=dict)
    python: dict[str, int] = field(default_factory=dict)
    """Each by what it is, with the line."""


def judge_source(content: ByteSource, case: Case) -> None:
    """One member `code/**/*.py`."""
    if content.size > LARGEST_SOURCE:
        raise Unscannable(f"Its TorchScript has {content.size:,} bytes, too many to look at.")
    try:
        with warnings.catch_warnings():
            # What Python warns of in the file is for nobody to read.
            warnings.simplefilter("ignore")
            tree = ast.parse(content.read(0, content.size))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        case.add(
            "torchscript-code",
            Severity.MEDIUM,
            "The archive carries TorchScript that could not be read: what it does is not known.",
        )
        return
    reading = _Reading()
    for node in ast.walk(tree):
        _look(node, reading)
    _tell(reading, case)


def judge_operators(value: Value, case: Case) -> None:
    """The bytecode of the interpreter for phones (`bytecode.pkl`), which names its operators in a table."""
    reading = _Reading()
    for operator in islice(_operators(value), MOST_OPERATORS):
        _name_operator(operator, 0, reading)
    _tell(reading, case)


def _operators(value: Value) -> Iterator[str]:
    """All pairs of texts whose first is an operator's name. A value may hold itself: its parts are counted."""
    waiting = [value]
    for _ in range(MOST_VALUES):
        if not waiting:
            return
        match waiting.pop():
            case (str() as name, str(), *_) if "::" in name:
                yield name
            case tuple() as parts:
                waiting.extend(parts)
            case Items(values=parts):
                waiting.extend(parts)
            case Pairs(values=pairs):
                waiting.extend(part for _, part in pairs)


def _look(node: ast.AST, reading: _Reading) -> None:
    line = getattr(node, "lineno", 0)
    match node:
        case ast.Import(names=aliases):
            for alias in aliases:
                if alias.name.split(".")[0] not in MODULES:
                    reading.python.setdefault(f"import {alias.name}", line)
        case ast.ImportFrom(module=module):
            if (module or "").split(".")[0] not in MODULES:
                reading.python.setdefault(f"from {module} import", line)
        case ast.Call(func=ast.Name(id=name)) if name in PYTHON_ONLY:
            reading.python.setdefault(f"{name}()", line)
        case ast.Lambda() | ast.AsyncFunctionDef() | ast.Await() | ast.Yield() | ast.Global() | ast.Try():
            reading.python.setdefault(type(node).__name__.lower(), line)
        case ast.Attribute(attr=name) if name in DUNDERS:
            reading.python.setdefault(name, line)
        case ast.Attribute():
            _look_at_path(node, line, reading)


def _look_at_path(node: ast.Attribute, line: int, reading: _Reading) -> None:
    path = _path(node)
    match path:
        case (*_, "load_library"):
            reading.custom.setdefault(".".join(path), line)
        case ("ops", namespace, operator) | ("torch", "ops", namespace, operator):
            _name_operator(f"{namespace}::{operator}", line, reading)
        case ("torch", operator):
            _name_operator(f"aten::{operator}", line, reading)
        case ("__torch__", "torch", "classes", namespace, name) if namespace not in OWN_CLASSES:
            reading.custom.setdefault(f"torch.classes.{namespace}.{name}", line)
        case ("rpc", name) | ("torch", "distributed", "rpc", name):
            reading.remote.setdefault(f"rpc.{name}", line)


def _path(node: ast.expr) -> tuple[str, ...]:
    """`a.b.c` as its parts; empty for an attribute of something else than a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ()
    parts.append(node.id)
    return tuple(reversed(parts))


def _name_operator(operator: str, line: int, reading: _Reading) -> None:
    namespace = operator.split("::", 1)[0]
    if operator in FILE_OPERATORS:
        reading.files.setdefault(operator, line)
    elif operator in REMOTE_OPERATORS:
        reading.remote.setdefault(operator, line)
    elif namespace not in OWN_NAMESPACES:
        reading.custom.setdefault(operator, line)


def _tell(reading: _Reading, case: Case) -> None:
    for operator, line in reading.files.items():
        case.add(
            "torchscript-file-access",
            Severity.HIGH,
            f"The TorchScript code uses {operator}, which reads or writes files by name when the model runs.",
            line=line or None,
            evidence={"operator": operator},
        )
    for operator, line in reading.remote.items():
        case.add(
            "torchscript-file-access",
            Severity.HIGH,
            f"The TorchScript code uses {operator}, which calls other machines when the model runs.",
            line=line or None,
            evidence={"operator": operator},
        )
    for operator, line in reading.custom.items():
        case.add(
            "torchscript-custom-operator",
            Severity.MEDIUM,
            f"The TorchScript code uses {operator[:100]}, which comes from a native library that is not PyTorch's.",
            line=line or None,
            evidence={"operator": operator[:100]},
        )
    if reading.python:
        shown = ", ".join(sorted(reading.python)[:3])
        case.add(
            "torchscript-python",
            Severity.HIGH,
            f"What stands where TorchScript should is Python that TorchScript cannot have ({shown[:150]}).",
            line=min(reading.python.values()) or None,
            evidence={"found": sorted(reading.python)[:20]},
        )
