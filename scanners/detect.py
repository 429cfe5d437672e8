"""What a file is, by its content: magic numbers first, then structure. The name is a hint where content cannot tell."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from scanners.formats.pickle.probe import probe
from scanners.formats.zip_directory import END, find_end
from scanners.source import ByteSource

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 4096
LARGEST_SAFETENSORS_HEADER = 100_000_000
MOST_LETTERS_BEYOND_ASCII = 0.3
"""As a share of a text that is not Unicode, such as one in Latin-1."""
MOST_STRANGE_CHARACTERS = 0.02
"""Characters no standard has named, as a share of a text in UTF-16."""


class Format(StrEnum):
    """Every kind of content we have a name for."""

    PICKLE = "pickle"
    TORCH_ZIP = "torch-zip"
    TORCH_LEGACY = "torch-legacy"
    SAFETENSORS = "safetensors"
    GGUF = "gguf"
    ONNX = "onnx"
    HDF5 = "hdf5"
    KERAS_ZIP = "keras-zip"
    NUMPY = "numpy"
    NUMPY_ZIP = "numpy-zip"
    ZIP = "zip"
    GZIP = "gzip"
    ZLIB = "zlib"
    BZIP2 = "bzip2"
    XZ = "xz"
    LZMA = "lzma"
    LZ4 = "lz4"
    ZSTD = "zstd"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    TAR = "tar"
    TFLITE = "tflite"
    SAVED_MODEL = "tensorflow-graph"
    ELF = "elf"
    PE = "pe"
    MACH_O = "mach-o"
    JAVA_CLASS = "java-class"
    WASM = "wasm"
    PYTHON_BYTECODE = "python-bytecode"
    PYTHON = "python"
    SCRIPT = "script"
    JSON = "json"
    YAML = "yaml"
    TEXT = "text"
    TEMPLATE = "template"
    LFS_POINTER = "lfs-pointer"
    EMPTY = "empty"
    PNG = "png"
    JPEG = "jpeg"
    GIF = "gif"
    WEBP = "webp"
    BMP = "bmp"
    ICO = "ico"
    TIFF = "tiff"
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"
    MP4 = "mp4"
    PDF = "pdf"
    PARQUET = "parquet"
    ARROW = "arrow"
    MSGPACK = "msgpack"
    SENTENCEPIECE = "sentencepiece"
    FONT = "font"
    UNKNOWN = "unknown"


INERT = frozenset(
    {
        Format.YAML, Format.TEXT, Format.LFS_POINTER, Format.EMPTY, Format.PNG, Format.JPEG, Format.GIF, Format.WEBP,
        Format.BMP, Format.ICO, Format.TIFF, Format.WAV, Format.FLAC, Format.OGG, Format.MP3, Format.MP4,
        Format.PDF, Format.PARQUET, Format.ARROW, Format.MSGPACK, Format.SENTENCEPIECE, Format.FONT,
    }
)  # fmt: skip
"""Plain data: what reads it gets values, and no loader known to us runs anything in it."""

MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"GGUF", Format.GGUF),
    (b"\x93NUMPY", Format.NUMPY),
    (b"\x89HDF\r\n\x1a\n", Format.HDF5),
    (b"7z\xbc\xaf\x27\x1c", Format.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Format.RAR),
    (b"\xfd7zXZ\x00", Format.XZ),
    (b"\x04\x22\x4d\x18", Format.LZ4),
    (b"\x28\xb5\x2f\xfd", Format.ZSTD),
    (b"\x7fELF", Format.ELF),
    (b"\xfe\xed\xfa\xce", Format.MACH_O),
    (b"\xfe\xed\xfa\xcf", Format.MACH_O),
    (b"\xce\xfa\xed\xfe", Format.MACH_O),
    (b"\xcf\xfa\xed\xfe", Format.MACH_O),
    (b"\x00asm", Format.WASM),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"fLaC", Format.FLAC),
    (b"OggS", Format.OGG),
    (b"ID3", Format.MP3),
    (b"%PDF-", Format.PDF),
    (b"ARROW1\x00\x00", Format.ARROW),
    (b"\x00\x01\x00\x00\x00", Format.FONT),
    (b"OTTO\x00", Format.FONT),
    (b"wOFF", Format.FONT),
    (b"wOF2", Format.FONT),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Never in text, but for white space and the escape of terminals; DEL is a token of its own in vocabularies."""
_ASCII_TEXT = b"\t\n\r" + bytes(range(0x20, 0x7F))
_PYTHON_LINE = re.compile(
    rb"^(?:import [\w., ]+|from [\w.]+ import [\w.,*( ]+|(?:async )?def \w+\(.*|class \w+[:(].*|if __name__ ==.*)\s*$",
    re.MULTILINE,
)


PIECE_FIELDS = {1: 2, 2: 5, 3: 0}
ONNX_FIELDS = {2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 8: 2, 14: 2}
"""Field numbers of small fields to their wire types (0 varint, 2 length and bytes, 5 four bytes)."""
FIXED_BYTES = {1: 8, 5: 4}


@dataclass(frozen=True, slots=True)
class Detected:
    """What it is, and what else it could be read as."""

    format: Format
    also: tuple[Format, ...] = ()
    """What the same bytes can be opened as besides: a picture that is a pickle, too, or ends in a zip archive."""


def detect(source: ByteSource, name: str) -> Detected:
    if source.size == 0:
        return Detected(Format.EMPTY)
    head = source.read(0, HEAD_BYTES)
    kind = _by_content(source, head, name.lower())
    also = [Format.ZIP] if _ends_in_zip(source, kind) else []
    # An unpickler knows no magic numbers: `GIF89a` is a float to it, and what follows is read on.
    if kind not in _NO_SECOND_LOOK and probe(source) is not None:
        also.append(Format.PICKLE)
    return Detected(kind, tuple(also))


_NO_SECOND_LOOK = frozenset({Format.PICKLE, Format.TORCH_LEGACY, Format.ZIP})
"""Known to be pickles, or to begin with what no unpickler of a model gets past (`PK`: an id its loader must find)."""


def _by_content(source: ByteSource, head: bytes, name: str) -> Format:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06")):
        return Format.ZIP
    # A pickle that says so is one, whatever its first text or bytes look like.
    if head[:1] == b"\x80" and (found := probe(source)) is not None:
        return Format.TORCH_LEGACY if found.is_torch_legacy else Format.PICKLE
    # Before all else that is weaker: a header of 256 bytes begins as a font does.
    if len(head) > 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= LARGEST_SAFETENSORS_HEADER:
        return Format.SAFETENSORS
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    special = _by_structure(source, head, name)
    if special is not None:
        return special
    found = probe(source)
    if found is not None:
        return Format.TORCH_LEGACY if found.is_torch_legacy else Format.PICKLE
    text = _text(source, head, name)
    if text is not None:
        return text
    return _weak(head, name)


def _by_structure(source: ByteSource, head: bytes, name: str) -> Format | None:
    size = source.size
    if head.startswith(b"\x1f\x8b"):
        return Format.GZIP
    if re.match(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", head):
        return Format.BZIP2
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return Format.WEBP if head[8:12] == b"WEBP" else Format.WAV
    if head[4:8] == b"ftyp":
        return Format.MP4
    if head[4:8] == b"TFL3":
        return Format.TFLITE
    if head[257:262] == b"ustar":
        return Format.TAR
    if head[:2] == b"MZ" and size >= 64:
        at = int.from_bytes(head[60:64], "little")
        if source.read(at, 4) == b"PE\0\0" or at == 0 or name.endswith((".exe", ".dll", ".sys")):
            return Format.PE
    if head[:4] == b"\xca\xfe\xba\xbe":
        return Format.MACH_O if int.from_bytes(head[4:8], "big") < 40 else Format.JAVA_CLASS
    if head[2:4] == b"\r\n" and len(head) >= 16 and head[1] in (0x0C, 0x0D, 0x0E, 0x0F):
        return Format.PYTHON_BYTECODE
    if head[:4] == b"PAR1" and size >= 12 and source.read(size - 4, 4) == b"PAR1":
        return Format.PARQUET
    if head[:4] == b"\xff\xff\xff\xff" and len(head) > 8 and int.from_bytes(head[4:8], "little") % 8 == 0:
        return Format.ARROW
    if head[:2] == b"BM" and int.from_bytes(head[2:6], "little") == size:
        return Format.BMP
    if head[:4] == b"\0\0\1\0" and 0 < int.from_bytes(head[4:6], "little") < 64:
        return Format.ICO
    if head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2") and name.endswith(".mp3"):
        return Format.MP3
    # HDF5 may stand behind a user block of 512 bytes or a power of two more.
    if any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (512, 1024, 2048, 4096, 8192)):
        return Format.HDF5
    return None


def _text(source: ByteSource, head: bytes, name: str) -> Format | None:
    """Text reads as such at its beginning and its end."""
    tail = source.read(max(0, source.size - TAIL_BYTES), TAIL_BYTES) if source.size > len(head) else b""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return Format.TEXT if _is_wide_text(head, is_whole=not tail) else None
    if not _is_narrow_text(head, is_whole=not tail):
        return None
    # The tail begins anywhere: in the middle of a character, too.
    if tail and not _is_narrow_text(tail[_rest_of_a_character(tail) :], is_whole=True):
        return None
    body = head.removeprefix(b"\xef\xbb\xbf")
    if body.startswith(b"version https://git-lfs.github.com/spec/v1\n"):
        return Format.LFS_POINTER
    if body.startswith(b"#!"):
        return Format.PYTHON if b"python" in body.split(b"\n", 1)[0] else Format.SCRIPT
    if name.endswith((".jinja", ".jinja2", ".j2")):
        return Format.TEMPLATE
    if name.endswith((".py", ".pyw", ".pyi")) or _reads_as_python(body, name):
        return Format.PYTHON
    if name.endswith((".sh", ".bash", ".zsh", ".bat", ".cmd", ".ps1", ".vbs", ".js", ".mjs", ".rb", ".pl")):
        return Format.SCRIPT
    # What is called JSON is read as JSON, however much white space is around it.
    is_called_json = name.endswith(".json")
    if body.lstrip()[:1] in ((b"{", b"[", b"") if is_called_json else (b"{", b"[")) and (
        is_called_json or (tail or head).rstrip()[-1:] in (b"}", b"]")
    ):
        return Format.JSON
    if name.endswith((".yaml", ".yml")) or (body.startswith((b"---\n", b"%YAML")) and not name.endswith(".md")):
        return Format.YAML
    return Format.TEXT


def _is_narrow_text(data: bytes, *, is_whole: bool) -> bool:
    """UTF-8, possibly cut off within its last character, or another encoding of text that is mostly ASCII."""
    if _CONTROL.search(data):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=is_whole)
    except UnicodeDecodeError:
        return len(data.translate(None, _ASCII_TEXT)) <= len(data) * MOST_LETTERS_BEYOND_ASCII
    return True


def _is_wide_text(head: bytes, *, is_whole: bool) -> bool:
    """UTF-16 or UTF-32 by its byte order mark. Nearly any bytes decode as UTF-16, so the characters must exist."""
    wide = head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff"))
    try:
        text = codecs.getincrementaldecoder("utf-32" if wide else "utf-16")().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return False
    kinds = Counter(unicodedata.category(character) for character in text)
    breaks = sum(text.count(character) for character in "\t\n\v\f\r\x1b")
    strange = kinds["Cn"] + kinds["Co"]
    return kinds["Cc"] <= breaks and strange <= len(text) * MOST_STRANGE_CHARACTERS


def _rest_of_a_character(data: bytes) -> int:
    """How many bytes at the beginning belong to a UTF-8 character that began before it."""
    count = 0
    while count < min(3, len(data)) and 0x80 <= data[count] < 0xC0:
        count += 1
    return count


def _reads_as_python(body: bytes, name: str) -> bool:
    if name.endswith((".md", ".txt", ".rst", ".html", ".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml", ".ipynb")):
        return False
    lines = _PYTHON_LINE.findall(body[:16384])
    return len(lines) >= 2 and any(line.startswith((b"import", b"from")) for line in lines)


def _weak(head: bytes, name: str) -> Format:
    """Formats without a magic number, by the first fields they always have."""
    if name.endswith(".safetensors"):
        return Format.SAFETENSORS
    if head[:1] == b"\x78" and len(head) > 2 and int.from_bytes(head[:2], "big") % 31 == 0:
        return Format.ZLIB
    if head[:5] == b"\x5d\x00\x00\x80\x00" or (head[:3] == b"\x5d\x00\x00" and head[5:13] == b"\xff" * 8):
        return Format.LZMA
    if _is_sentencepiece(head):
        return Format.SENTENCEPIECE
    if _is_onnx(head) or name.endswith(".onnx"):
        return Format.ONNX
    if re.match(rb"\x08\x01\x12|\x0a.{1,3}\x0a.{1,40}\x12", head, re.DOTALL) and name.endswith(".pb"):
        return Format.SAVED_MODEL
    if name.endswith(".msgpack") and (0x80 <= head[0] <= 0x8F or head[0] in (0xDE, 0xDF)):
        return Format.MSGPACK
    return Format.UNKNOWN


def _is_sentencepiece(head: bytes) -> bool:
    """sentencepiece_model.proto: repeated pieces (1), each a text (1), a float (2), at times a type (3)."""
    at, pieces = 0, 0
    while pieces < 3:
        if head[at : at + 1] != b"\x0a":
            return False
        field = _field(head, at)
        if field is None or not _is_piece(field.data):
            return False
        at = field.end
        pieces += 1
    return True


def _is_piece(data: bytes) -> bool:
    numbers: list[int] = []
    at = 0
    while at < len(data):
        field = _field(data, at)
        if field is None or PIECE_FIELDS.get(field.number) != field.wire_type:
            return False
        numbers.append(field.number)
        at = field.end
    return numbers[:1] == [1] and numbers == sorted(set(numbers)) and 2 in numbers


def _is_onnx(head: bytes) -> bool:
    """onnx.proto ModelProto: ir_version (1, small) first, then its other small fields up to the graph (7)."""
    if head[:1] != b"\x08" or len(head) < 4 or not 1 <= head[1] <= 20:
        return False
    at = 2
    while head[at : at + 1] != b"\x3a":
        field = _field(head, at)
        if field is None or ONNX_FIELDS.get(field.number) != field.wire_type:
            return False
        at = field.end
    return True


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a protobuf message that is there as a whole."""

    number: int
    wire_type: int
    data: bytes
    end: int


def _field(data: bytes, at: int) -> _Field | None:
    tag, at = _varint(data, at)
    wire_type = tag & 7
    if wire_type == 0:
        begin, (_, end) = at, _varint(data, at)
    elif wire_type == 2:
        length, begin = _varint(data, at)
        end = begin + length
    elif wire_type in FIXED_BYTES:
        begin, end = at, at + FIXED_BYTES[wire_type]
    else:
        return None
    if at < 0 or not 0 <= begin <= end <= len(data):
        return None
    return _Field(tag >> 3, wire_type, data[begin:end], end)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number and where it ends; an end of -1 if it is cut off."""
    value = 0
    for index in range(10):
        if not 0 <= at + index < len(data):
            return 0, -1
        value |= (data[at + index] & 0x7F) << 7 * index
        if data[at + index] < 0x80:
            return value, at + index + 1
    return 0, -1


def _ends_in_zip(source: ByteSource, kind: Format) -> bool:
    """Zip readers look at the end of a file: a complete archive there makes it two things at once."""
    if kind is Format.ZIP or source.size < 22:
        return False
    tail = source.read(source.size - min(source.size, 4096), 4096)
    if END not in tail:
        return False
    at = find_end(source)
    if at is None:
        return False
    record = source.read(at, 22)
    table_size, table_offset = int.from_bytes(record[12:16], "little"), int.from_bytes(record[16:20], "little")
    ends_here = at + 22 + int.from_bytes(record[20:22], "little") == source.size
    return (
        ends_here
        and table_size >= 46
        and table_offset + table_size <= at
        and source.read(at - table_size, 4) == b"PK\x01\x02"
    )
