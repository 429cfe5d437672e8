"""What a file is, by its content: magic numbers first, then structure. The name is a hint where content cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

from scanners.formats.archives.zip_ends import CENTRAL, END, LONGEST_TAIL
from scanners.formats.pickle.probe import probe
from scanners.kinds import Format
from scanners.signatures.behind import has_graph_behind, has_hdf5_behind
from scanners.signatures.code import CODE, is_called_code
from scanners.signatures.magic import is_tar
from scanners.signatures.tensorflow import is_record
from scanners.source import ByteSource

HEAD_BYTES = 64 * 1024
LARGEST_SAFETENSORS_HEADER = 100_000_000


@dataclass(frozen=True, slots=True)
class Detected:
    """What it is, and what else it could be read as."""

    format: Format
    also: tuple[Format, ...] = ()
    """What the same bytes can be opened as besides: a picture that is a pickle, too, or ends in a zip archive, or has
    HDF5 behind it."""


def detect(source: ByteSource, name: str) -> Detected:
    if source.size == 0:
        return Detected(Format.EMPTY)
    head = source.read(0, HEAD_BYTES)
    kind = _by_content(source, head, name.lower())
    also = [Format.ZIP] if _ends_in_zip(source, kind) else []
    # A tar archive begins with the name of its first member: any magic number can be a name.
    if kind is not Format.TAR and is_tar(head):
        also.append(Format.TAR)
    if has_hdf5_behind(source, kind, name.lower()):
        also.append(Format.HDF5)
    if has_graph_behind(source, kind, name.lower()):
        also.append(Format.SAVED_MODEL)
    # An unpickler knows no magic numbers: `GIF89a` is a float to it, and what follows is read on.
    if kind not in _NO_SECOND_LOOK and probe(source) is not None:
        also.append(Format.PICKLE)
    return Detected(kind, tuple(also))


_NO_SECOND_LOOK = frozenset({Format.PICKLE, Format.TORCH_LEGACY, Format.ZIP})
"""Known to be pickles, or to begin with what no unpickler of a model gets past (`PK`: an id its loader must find)."""


_HOLDS_FILES = frozenset(
    {
        Format.PICKLE, Format.TORCH_LEGACY, Format.NUMPY, Format.HDF5, Format.ONNX, Format.SAVED_MODEL, Format.MSGPACK,
        Format.TAR, Format.AR, Format.CPIO, Format.SEVEN_ZIP, Format.RAR, Format.ISO, Format.DMG,
        Format.OLE,
    }
)  # fmt: skip
"""An archive a little before their end may be a part of their content."""


def _by_content(source: ByteSource, head: bytes, name: str) -> Format:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06")):
        return Format.ZIP
    # Code is run by its name: `GIF89a = 1` is its first line, and no picture.
    if is_called_code(name):
        from scanners.signatures.content import kind_of_text

        if (kind := kind_of_text(source, head, name)) in CODE:
            return kind
    # A pickle that says so is one, whatever its first text or bytes look like.
    if _is_small_pickle(source, head):
        return Format.PICKLE
    if head[:1] == b"\x80" and (found := probe(source)) is not None:
        return Format.TORCH_LEGACY if found.is_torch_legacy else Format.PICKLE
    # A TFRecord begins with a length, too; its checksum may happen to be the brace.
    if head[8:9] == b"{" and not name.endswith(".safetensors") and is_record(source, head):
        return Format.TF_RECORD
    # Before all else that is weaker: a header of 256 bytes begins as a font does.
    if len(head) > 9 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= LARGEST_SAFETENSORS_HEADER:
        return Format.SAFETENSORS
    # Fetched here: the most frequent kinds are told above, and need not wait for the marks of all others.
    from scanners.signatures.content import kind_of_content

    return kind_of_content(source, head, name)


def _is_small_pickle(source: ByteSource, head: bytes) -> bool:
    """Said by its two ends alone: what a whole small pickle begins and ends with. Only spares such a file the probe.

    The number that old PyTorch files begin with is no such beginning.
    """
    return (
        len(head) == source.size >= 4
        and head[0] == 0x80
        and 2 <= head[1] <= 5
        and head[2] in _FIRST_OPCODES
        and head.endswith(b".")
    )


_FIRST_OPCODES = frozenset(b"\x95}])(cKJMXUBCGN\x8c\x88\x89\x8f")
"""FRAME, and what empty and small values and names begin with."""


def _ends_in_zip(source: ByteSource, kind: Format) -> bool:
    """Zip readers look for a table of contents from the end of a file: one there makes it two things at once."""
    if kind is Format.ZIP or source.size < 22:
        return False
    tail_start = max(0, source.size - LONGEST_TAIL)
    tail = source.read(tail_start, LONGEST_TAIL)
    at = tail.rfind(END)
    while at >= 0:
        reaches_the_end = at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
        if (reaches_the_end or kind not in _HOLDS_FILES) and _is_end(source, tail_start + at, tail[at : at + 22]):
            return True
        at = tail.rfind(END, 0, at)
    return False


def _is_end(source: ByteSource, at: int, record: bytes) -> bool:
    if len(record) < 22:
        return False
    table_size, table_offset = int.from_bytes(record[12:16], "little"), int.from_bytes(record[16:20], "little")
    return table_size >= 46 and table_offset + table_size <= at and source.read(at - table_size, 4) == CENTRAL
