"""What a name leads one to expect, and what kind of zip a zip is."""

from __future__ import annotations

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.keras.layout import looks_like as looks_like_keras
from scanners.formats.torch_zip import looks_like as looks_like_torch
from scanners.formats.zip_directory import read_directory
from scanners.kinds import Format
from scanners.source import ByteSource

_PLAIN = frozenset({Format.JSON, Format.KERAS_CONFIG, Format.TEXT, Format.YAML, Format.LFS_POINTER, Format.EMPTY})
_PICTURES = frozenset({Format.PNG, Format.JPEG, Format.GIF, Format.WEBP, Format.BMP, Format.ICO, Format.TEXT})

EXPECTED: dict[str, frozenset[Format]] = {
    ".safetensors": frozenset({Format.SAFETENSORS, Format.LFS_POINTER}),
    ".gguf": frozenset({Format.GGUF, Format.LFS_POINTER}),
    ".json": _PLAIN,
    ".jsonl": _PLAIN,
    ".txt": _PLAIN,
    ".md": _PLAIN,
    ".yaml": _PLAIN,
    ".yml": _PLAIN,
    ".csv": _PLAIN,
    ".png": _PICTURES,
    ".jpg": _PICTURES,
    ".jpeg": _PICTURES,
    ".gif": _PICTURES,
    ".webp": _PICTURES,
    ".parquet": frozenset({Format.PARQUET, Format.LFS_POINTER}),
    ".h5": frozenset({Format.HDF5, Format.LFS_POINTER}),
    ".onnx": frozenset({Format.ONNX, Format.LFS_POINTER}),
}
"""Extensions that promise one thing; those that promise nothing (`.bin`, `.pt`, `.model`) are not here."""

_LOADABLE = frozenset(
    {
        Format.PICKLE, Format.TORCH_ZIP, Format.TORCH_LEGACY, Format.ZIP, Format.NUMPY_ZIP, Format.KERAS_ZIP,
        Format.ELF, Format.PE, Format.MACH_O, Format.SEVEN_ZIP, Format.TAR, Format.HDF5, Format.PYTHON_BYTECODE,
    }
)  # fmt: skip
"""Content that can do something when it is opened: worth a warning behind a harmless name."""


def compare_with_name(kind: Format, name: str, case: Case) -> None:
    dot = name.rfind(".")
    expected = EXPECTED.get(name[dot:].lower()) if dot >= 0 else None
    if expected is None or kind in expected or kind is Format.UNKNOWN:
        return
    case.add(
        "content-mismatch",
        Severity.MEDIUM if kind in _LOADABLE else Severity.LOW,
        f"The file is called {name[-60:]!r}, but its content is {kind.value}.",
        evidence={"name": name[-100:], "content": kind.value},
    )


def kind_of_zip(source: ByteSource) -> Format:
    """By what is inside; a damaged archive is just a zip, and its judge says what is wrong with it."""
    try:
        members = read_directory(source).members
    except Unscannable:
        return Format.ZIP
    names = [member.name for member in members]
    if looks_like_torch(names):
        return Format.TORCH_ZIP
    if looks_like_keras(source, members):
        return Format.KERAS_ZIP
    if "schema.json" in names and not any("/" in name for name in names):
        return Format.SKOPS
    if names and all(name.endswith(".npy") for name in names):
        return Format.NUMPY_ZIP
    return Format.ZIP
