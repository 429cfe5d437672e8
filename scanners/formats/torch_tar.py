"""PyTorch's oldest format, a tar archive: pickles with the bytes of tensors between them.

Format: torch/serialization.py, `legacy_load`: `storages` and `tensors` each begin with a pickled number and then hold
as many pickled descriptions, each followed by what it describes.
"""

from __future__ import annotations

import struct

from scanners.budget import BudgetSpent, Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.pickle import judge as pickle_judge
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.known.torch_types import STORAGE_ITEM_BYTES
from scanners.formats.pickle.values import Imported, Value
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

MOST_DIMENSIONS = 64


def judge_part(source: ByteSource, part: str, case: Case) -> None:
    """`part` is `storages` or `tensors`."""
    inner = case.inside(part)
    judgement = Judgement()
    window = Window(source)
    broken: str | None = None
    try:
        read = pickle_judge.read_one(window, judgement, inner)
        count, broken = read.value, read.broken
        if broken is None and not isinstance(count, int):
            broken = "does not say how many descriptions follow"
        for _ in range(count if isinstance(count, int) and broken is None else 0):
            read = pickle_judge.read_one(window, judgement, inner)
            broken = read.broken
            if broken is not None:
                break
            _pass_over(window, part, read.value)
        if part == "storages" and broken is None and window.remaining:
            # The views of storages, a pickled list.
            broken = pickle_judge.read_one(window, judgement, inner).broken
    except BudgetSpent:
        pickle_judge.report(judgement, inner)
        raise
    except OutOfBytes:
        inner.add(
            "torch-storage-mismatch", Severity.MEDIUM, "The file ends before the tensors that its pickles describe."
        )
    except Unscannable as reason:
        inner.leave_open(str(reason))
    pickle_judge.report(judgement, inner)
    if broken is not None:
        inner.leave_open(str(pickle_judge.broke_off(judgement, inner, broken)))
    elif window.remaining:
        pickle_judge.trailing(source, window.position, inner)


def _pass_over(window: Window, part: str, described: Value) -> None:
    if not isinstance(described, tuple) or len(described) != 3:
        raise Unscannable("A description of a tensor is not one that PyTorch writes.")
    if part == "tensors":
        (dimensions,) = struct.unpack("<i4x", window.take(8))
        if not 0 <= dimensions <= MOST_DIMENSIONS:
            raise Unscannable(f"A tensor is said to have {dimensions} dimensions.")
        window.skip(16 * dimensions + 8)
        return
    kind = described[2]
    item = STORAGE_ITEM_BYTES.get(kind.name) if isinstance(kind, Imported) else None
    if item is None:
        raise Unscannable("A description of a tensor's bytes does not say what they are.")
    count = int.from_bytes(window.take(8), "little", signed=True)
    if count < 0:
        raise Unscannable("A tensor is said to have a negative size.")
    window.skip(count * item)
