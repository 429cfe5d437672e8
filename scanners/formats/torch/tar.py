"""PyTorch's first format (before 0.1.10): a tar of four members, each of them pickles with raw bytes between.

Format: torch/serialization.py, `_load` with its legacy branch. `sys_info` and `pickle` are one pickle each; `storages`
and `tensors` begin with how many follow, and each of these is a pickle and then bytes: a storage its number of elements
(8) and the elements, a tensor its dimensions (4, and 4 unused), its sizes and strides (8 each) and where it begins
(8). In `pickle`, an id is the number of a storage or a tensor. `torch.load` still reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.formats.pickle import judge as pickle_judge
from scanners.formats.pickle.imports import canonical
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.known.torch_types import STORAGE_ITEM_BYTES
from scanners.formats.pickle.values import Imported, Unknown, Value
from scanners.reading import OutOfBytes, SliceSource, Window
from scanners.source import ByteSource

BLOCK = 512
MEMBERS = frozenset({"sys_info", "pickle", "tensors", "storages"})
MOST_MEMBERS = 64
MOST_DIMENSIONS = 64


@dataclass(slots=True)
class _NumberedIds(Judgement):
    """Ids are numbers here, of what the other members hold."""

    def persistent(self, identifier: Value, offset: int) -> Value:
        if isinstance(identifier, int) or (isinstance(identifier, str) and identifier.isdigit()):
            return Unknown.NUMBER
        return Judgement.persistent(self, identifier, offset)


def looks_like(source: ByteSource) -> bool:
    """Whether a tar's first members are those of PyTorch."""
    try:
        return len(MEMBERS & {name for name, _ in _members(source)}) >= 2
    except Unscannable:
        return False


def judge_part(content: ByteSource, name: str, case: Case) -> None:
    """Judges one of the four members by what it must be, whatever else it looks like."""
    inner = case
    try:
        inner = case.inside(name)
        window, judgement = Window(content), _NumberedIds()
        try:
            broken = _read(name, window, judgement, inner)
        finally:
            pickle_judge.report(judgement, inner)
        if broken is not None:
            raise pickle_judge.broke_off(judgement, inner, broken)
        if window.remaining:
            pickle_judge.trailing(content, window.position, inner)
    except BudgetSpent:
        raise
    except Unscannable as reason:
        inner.leave_open(str(reason))


def _read(name: str, window: Window, judgement: Judgement, case: Case) -> str | None:
    """All of one member; gives why it broke off."""
    first = pickle_judge.read_one(window, judgement, case)
    skip: Callable[[Window, Value], None] | None = {"storages": _skip_storage, "tensors": _skip_tensor}.get(name)
    if first.broken is not None or skip is None:
        return first.broken
    if not isinstance(first.value, int):
        return "does not say how many follow"
    try:
        for _ in range(first.value):
            read = pickle_judge.read_one(window, judgement, case)
            if read.broken is not None:
                return read.broken
            skip(window, read.value)
        if name == "storages" and window.remaining:
            # The views: which storage is a part of which.
            return pickle_judge.read_one(window, judgement, case).broken
    except OutOfBytes as end:
        return f"ends before its data does: {end}"
    return None


def _skip_storage(window: Window, value: Value) -> None:
    match value:
        case (_, _, Imported() as cls) if item := STORAGE_ITEM_BYTES.get(canonical(cls.module, cls.name)[1]):
            window.skip(int.from_bytes(window.take(8), "little") * item)
        case _:
            raise OutOfBytes("a storage is of a type that is not known")


def _skip_tensor(window: Window, _: Value) -> None:
    dimensions = struct.unpack("<i4x", window.take(8))[0]
    if not 0 <= dimensions <= MOST_DIMENSIONS:
        raise OutOfBytes(f"a tensor has {dimensions} dimensions")
    window.skip(16 * dimensions + 8)


def _members(source: ByteSource) -> Iterator[tuple[str, ByteSource]]:
    """Names and contents of the regular members, as the old ustar headers say."""
    at = 0
    for _ in range(MOST_MEMBERS):
        header = source.read(at, BLOCK)
        if len(header) < BLOCK or not header.strip(b"\0"):
            return
        name = header[:100].split(b"\0", 1)[0].decode("utf-8", "replace").removeprefix("./")
        try:
            size = int(header[124:136].strip(b"\0 ") or b"0", 8)
        except ValueError:
            raise Unscannable(f"The size of the member {name[:100]!r} is not a number.") from None
        if size < 0 or at + BLOCK + size > source.size:
            raise Unscannable(f"The member {name[:100]!r} reaches beyond the end of the archive.")
        if header[156:157] in (b"0", b"\0"):
            yield name, SliceSource(source, at + BLOCK, size)
        at += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
    raise Unscannable(f"It has more than {MOST_MEMBERS} members, which PyTorch's old archives do not.")
