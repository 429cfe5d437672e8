"""PyTorch's format before 1.6: five pickles after one another, then the bytes of the tensors.

Format: torch/serialization.py, `_legacy_save`: a magic number, the protocol version, what machine it was, the object,
the keys of the storages; then for each key the number of elements (8 bytes, little endian) and the elements.
"""

from __future__ import annotations

from collections import Counter

from scanners.budget import BudgetSpent
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.pickle import judge as pickle_judge
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.known.torch_types import STORAGE_DTYPES, STORAGE_ITEM_BYTES
from scanners.formats.pickle.values import ITEMS_KEPT, Items, Value
from scanners.formats.tensors.tensor_map import outline_of
from scanners.reading import OutOfBytes, Window
from scanners.source import ByteSource

PICKLES = 5


def judge(source: ByteSource, case: Case) -> None:
    judgement = Judgement()
    window = Window(source)
    broken: str | None = None
    keys: Value = None
    try:
        for _ in range(PICKLES):
            outcome = pickle_judge.read_one(window, judgement, case)
            keys, broken = outcome.value, outcome.broken
            if broken is not None:
                break
    except BudgetSpent:
        pickle_judge.report(judgement, case)
        raise
    pickle_judge.report(judgement, case)
    if broken is not None:
        raise pickle_judge.broke_off(judgement, case, broken)
    sizes: Counter[str] = Counter()
    for cls, count in judgement.storages.values():
        sizes[STORAGE_DTYPES.get(cls, cls)] += count
    case.fact("parameters", dict(sorted(sizes.items())))
    case.fact("tensors", len(judgement.storages))
    if judgement.matrices:
        case.fact("tensor_map", outline_of(size for _, _, size in judgement.matrices))
    _skip_storages(source, window, judgement, keys, case)


def _skip_storages(source: ByteSource, window: Window, judgement: Judgement, keys: Value, case: Case) -> None:
    """Each storage takes what its key's class says; what is left over belongs to nobody."""
    if not isinstance(keys, Items):
        case.add("torch-storage-mismatch", Severity.MEDIUM, "The list of tensor data after the pickles is not a list.")
        return
    try:
        # Long lists are kept only in part: then the known storages, whose order does not change the sum.
        complete = keys.dropped == 0 and len(keys.values) <= ITEMS_KEPT
        if complete:
            for key in keys.values:
                _skip_one(window, judgement, key)
        else:
            expected = sum(8 + count * STORAGE_ITEM_BYTES[cls] for cls, count in judgement.storages.values())
            window.skip(expected)
    except OutOfBytes:
        case.add(
            "torch-storage-mismatch", Severity.MEDIUM, "The file ends before the tensors that its pickle describes."
        )
        return
    if window.remaining:
        pickle_judge.trailing(source, window.position, case)


def _skip_one(window: Window, judgement: Judgement, key: Value) -> None:
    cls, count = judgement.storages.get(key, ("UntypedStorage", 0)) if isinstance(key, str) else ("UntypedStorage", 0)
    stated = int.from_bytes(window.take(8), "little", signed=True)
    window.skip(max(stated, count, 0) * STORAGE_ITEM_BYTES[cls])
