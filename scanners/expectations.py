"""What a name leads one to expect, whether it hides something, and what kind of zip a zip is."""

from __future__ import annotations

import re
import unicodedata

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.kinds import ACTIVE, Format
from scanners.source import ByteSource

_PLAIN = frozenset(
    {
        Format.JSON, Format.KERAS_CONFIG, Format.TEXT, Format.YAML, Format.LFS_POINTER, Format.EMPTY, Format.TEMPLATE,
        Format.REQUIREMENTS, Format.TOML, Format.INI, Format.MARKDOWN, Format.MODELFILE, Format.WIDE_TEXT,
    }
)  # fmt: skip
_PICTURES = frozenset({Format.PNG, Format.JPEG, Format.GIF, Format.WEBP, Format.BMP, Format.ICO, Format.TEXT}) | {
    Format.TIFF, Format.LFS_POINTER, Format.EMPTY, Format.MP4,
}  # fmt: skip
_SOUND = frozenset(
    {Format.WAV, Format.FLAC, Format.OGG, Format.MP3, Format.MP4, Format.LFS_POINTER, Format.EMPTY, Format.UNKNOWN}
)

EXPECTED: dict[str, frozenset[Format]] = (
    {
        ".safetensors": frozenset({Format.SAFETENSORS, Format.LFS_POINTER}),
        ".gguf": frozenset({Format.GGUF, Format.LFS_POINTER}),
        ".ggml": frozenset({Format.GGUF, Format.LFS_POINTER}),
        ".parquet": frozenset({Format.PARQUET, Format.LFS_POINTER}),
        ".arrow": frozenset({Format.ARROW, Format.LFS_POINTER}),
        ".h5": frozenset({Format.HDF5, Format.LFS_POINTER}),
        ".hdf5": frozenset({Format.HDF5, Format.LFS_POINTER}),
        ".onnx": frozenset({Format.ONNX, Format.LFS_POINTER}),
        ".keras": frozenset({Format.KERAS_ZIP, Format.HDF5, Format.LFS_POINTER}),
        ".tflite": frozenset({Format.TFLITE, Format.LFS_POINTER}),
        ".npy": frozenset({Format.NUMPY, Format.LFS_POINTER}),
        ".spm": frozenset({Format.SENTENCEPIECE, Format.LFS_POINTER}),
        ".pdf": frozenset({Format.PDF, Format.LFS_POINTER}),
        ".ico": _PICTURES,
    }
    | dict.fromkeys(
        (".json", ".jsonl", ".txt", ".md", ".yaml", ".yml", ".csv", ".tsv", ".vocab", ".log", ".gitattributes"),
        _PLAIN,
    )
    | dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"), _PICTURES)
    | dict.fromkeys((".wav", ".flac", ".ogg", ".mp3", ".mp4", ".m4a", ".opus", ".webm", ".mov"), _SOUND)
    | dict.fromkeys((".ttf", ".otf", ".woff", ".woff2"), frozenset({Format.FONT, Format.LFS_POINTER}))
)
"""Extensions that promise one thing; those that promise nothing (`.bin`, `.pt`, `.model`) are not here."""

_RUNS_ON_LOAD = frozenset({Format.PICKLE, Format.TORCH_ZIP, Format.TORCH_LEGACY})
_PROGRAMS = frozenset({Format.ELF, Format.PE, Format.MACH_O, Format.SHORTCUT, Format.DEX, Format.JAVA_CLASS})
_STRICT = frozenset({".safetensors", ".gguf"})
"""Whoever reads a name like this relies on there being no code in it."""

_PROGRAM_SUFFIX = (
    r"exe|scr|com|pif|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|lnk|msi|jar|sh|bash|command|app|desktop|scf|cpl|dll|so|dylib"
)
_DATA_SUFFIX = (
    r"safetensors|gguf|onnx|h5|pt|pth|ckpt|npz|npy|json|txt|md|pdf|png|jpe?g|gif|webp|csv|docx?|xlsx?|mp[34]|wav|ya?ml"
    r"|parquet|tflite"
)
_DOUBLE = re.compile(rf"\.(?:{_DATA_SUFFIX})[\s._]*\.(?:{_PROGRAM_SUFFIX})\Z", re.IGNORECASE)
_MANY_SPACES = re.compile(r"\s{3,}\.\w+\Z")
_TURNS_AROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u3164\u115f\u1160")


def compare_with_name(kind: Format, name: str, case: Case) -> None:
    look_at_name(name, case)
    dot = name.rfind(".")
    suffix = name[dot:].lower().rstrip(". ") if dot >= 0 else ""
    expected = EXPECTED.get(suffix)
    if expected is None or kind in expected or kind is Format.UNKNOWN:
        return
    if kind in _PROGRAMS or (kind in _RUNS_ON_LOAD and suffix in _STRICT):
        severity = Severity.HIGH
    else:
        severity = Severity.MEDIUM if kind in ACTIVE else Severity.LOW
    case.add(
        "content-mismatch",
        severity,
        f"The file is called {name[-60:]!r}, but its content is {kind.value}.",
        evidence={"name": name[-100:], "content": kind.value},
    )


def look_at_name(name: str, case: Case) -> None:
    """A name that shows something else than what it is, or that programs shorten."""
    # Joiners belong between the letters of some scripts, and in emoji.
    name = re.sub("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])", "", name)
    plain = name.isascii() and name.isprintable()
    hidden = sorted(
        {
            letter
            for letter in ("" if plain else name)
            if letter in _TURNS_AROUND | _INVISIBLE or unicodedata.category(letter) == "Cc"
        }
    )
    if any(letter in _TURNS_AROUND or unicodedata.category(letter) == "Cc" for letter in hidden):
        severity, says = Severity.HIGH, "holds characters that are not shown and change how it reads"
    elif hidden:
        severity, says = Severity.MEDIUM, "holds characters that are not shown"
    elif _DOUBLE.search(name):
        severity, says = Severity.HIGH, "looks like that of data and is that of a program"
    elif _MANY_SPACES.search(name):
        severity, says = Severity.HIGH, "has its true ending far behind what looks like one"
    elif name not in ("", ".", "..") and name != name.rstrip(". "):
        severity, says = Severity.MEDIUM, "ends in spaces or dots, which some systems drop: it becomes another name"
    else:
        return
    case.add(
        "deceptive-name",
        severity,
        f"The file's name {says}: {name[-80:].encode('ascii', 'backslashreplace').decode()!r}.",
        evidence={"name": name[-100:].encode("utf-8", "replace").decode()},
    )


def kind_of_zip(source: ByteSource) -> Format:
    """By what is inside; a damaged archive is just a zip, and its judge says what is wrong with it."""
    # What is no archive does not wait for the judges of archives.
    from scanners.formats.archives.zip_directory import read_directory
    from scanners.formats.keras import layout as keras
    from scanners.formats.torch import archive as torch_zip
    from scanners.formats.torch import export as torch_export
    from scanners.formats.torch import package as torch_package
    from scanners.formats.torch import shards as torch_shards

    if torch_shards.looks_like(source):
        return Format.TORCH_SHARDS
    try:
        members = read_directory(source).members
    except Unscannable:
        return Format.ZIP
    names = [member.name for member in members]
    if "schema.json" in names:
        # Before the others: skops reads nothing but its schema, whatever else is there.
        return Format.SKOPS
    if torch_package.looks_like(names):
        return Format.TORCH_PACKAGE
    if torch_export.looks_like(names):
        return Format.TORCH_EXPORT
    if torch_zip.looks_like(names):
        return Format.TORCH_ZIP
    if keras.looks_like(source, members):
        return Format.KERAS_ZIP
    if names and all(name.endswith(".npy") for name in names):
        return Format.NUMPY_ZIP
    return Format.ZIP


def kind_of_tar(source: ByteSource) -> Format:
    """PyTorch's first format is a tar; every other is judged by its members alone."""
    from scanners.formats.torch import tar as torch_tar

    return Format.TORCH_TAR if torch_tar.looks_like(source) else Format.TAR
