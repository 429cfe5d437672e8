"""joblib's dialect: after each wrapper of an array stand the array's bytes, in the middle of the pickle.

Format: joblib/numpy_pickle.py, `NumpyArrayWrapper.read_array`. An array of objects is a pickle of its own there; any
other is, from joblib 1.2 on, one byte with a number, as many bytes of padding, and then the elements. How long they are
stands in the wrapper's attributes; where these leave a doubt, nobody knows where the pickle goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod

from scanners.budget import Meter
from scanners.formats.pickle.broken import BrokenPickle
from scanners.formats.pickle.imports import canonical
from scanners.formats.pickle.judgement import Judgement
from scanners.formats.pickle.machine import Machine
from scanners.formats.pickle.values import Imported, Made, Pairs, Unknown, Value
from scanners.reading import Window

ATTRIBUTES = frozenset({"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"})
DEEPEST_DTYPE = 8
HAS_OBJECTS = 0x01
"""NumPy's NPY_ITEM_HASOBJECT."""

_CODE = re.compile(r"([biufcmMSUVO?])(\d{0,9})")
_WIDTHS = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 12, 16), "c": (8, 16, 24, 32)} | {
    "m": (8,), "M": (8,), "O": (4, 8)
}  # fmt: skip


def array_skipper(meter: Meter) -> Callable[[Made, Window, Judgement], Value]:
    """What a `Judgement` does where joblib reads an array: the nested pickle is judged, elements are passed over."""

    def skip(wrapper: Made, window: Window, judgement: Judgement) -> Value:
        attributes = wrapper.state
        if not isinstance(attributes, Pairs) or attributes.dropped:
            raise BrokenPickle(f"has an array of joblib that does not say what it is at byte {window.position}")
        given = {name: value for name, value in attributes.values if isinstance(name, str)}
        # An attribute called `read` would take the place of the method that joblib calls.
        if len(given) != len(attributes.values) or not given.keys() <= ATTRIBUTES:
            raise BrokenPickle(
                f"has an array of joblib with attributes that joblib does not write at {window.position}"
            )
        start = window.position
        item, has_objects = _item(given.get("dtype"), 0)
        if has_objects:
            _read_objects(window, judgement, meter)
        else:
            if given.get("numpy_array_alignment_bytes") is not None:
                window.skip(window.byte())
            window.skip(item * prod(_shape(given.get("shape"))))
            judgement.arrays.append((start, window.position))
        return Unknown.ARRAY

    return skip


def _read_objects(window: Window, judgement: Judgement, meter: Meter) -> None:
    # joblib reads it with Python's own unpickler, which knows no wrappers.
    skip, judgement.skip_array = judgement.skip_array, None
    try:
        Machine(window, judgement, meter).run()
    finally:
        judgement.skip_array = skip


def _shape(shape: Value) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not all(type(size) is int and 0 <= size < 1 << 63 for size in shape):
        raise BrokenPickle("has an array of joblib without a shape")
    return shape


def _item(dtype: Value, depth: int) -> tuple[int, bool]:
    """Bytes of one element, and whether there are objects in it. Raises BrokenPickle for what is not understood."""
    match dtype:
        case Made(maker=Imported() as maker, args=(str() as code, *_)) if (
            canonical(maker.module, maker.name) == ("numpy", "dtype") and depth < DEEPEST_DTYPE
        ):
            return _checked(code, dtype.state, depth)
    raise BrokenPickle("has an array of joblib of a type that is not known here")


def _checked(code: str, state: Value, depth: int) -> tuple[int, bool]:
    """The type's code and its state say the same twice: both are read, and must agree."""
    match = _CODE.fullmatch(code.lstrip("<>|="))
    kind, width = (match[1], int(match[2] or 1)) if match is not None else ("", 0)
    size = width * 4 if kind == "U" else width
    known = kind in ("S", "U", "V") or width in _WIDTHS.get(kind, ())
    names: Value = None
    fields: Value = None
    objects = kind == "O"
    if state is not None:
        match state:
            case (int(), str(), None, names, fields, int() as stated, int(), int() as flags, *_):
                objects = objects or bool(flags & HAS_OBJECTS)
                known = known and stated in ((size,) if kind in ("S", "U", "V") else (size, -1))
            case _:
                known = False
    if names is not None or fields is not None:
        known = known and kind == "V" and isinstance(fields, Pairs) and not fields.dropped
        parts = [value for _, value in fields.values] if isinstance(fields, Pairs) else []
        for part in parts:
            if not isinstance(part, tuple) or not part:
                raise BrokenPickle("has an array of joblib of a type that is not known here")
            objects = _item(part[0], depth + 1)[1] or objects
    if not known:
        raise BrokenPickle(f"has an array of joblib of the type {code[:40]!r}, which is not understood")
    return size, objects
