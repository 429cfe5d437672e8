"""A digest of the tensors of a file, by which two models can be compared without their weights.

Each digest is a sum of one number for each tensor, so that it does not depend on the order, and those of the shards of
a model add up to that of the whole. It is made to recognise, not to withstand: whoever wants to be taken for no other
model need only rename a tensor.
"""

from __future__ import annotations

# What hashlib gives out as its own; hashlib itself takes milliseconds to load, for OpenSSL.
from _blake2 import blake2b
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_BYTES = 16
_MODULUS = 1 << 8 * _BYTES
SMALLEST_MATRIX = 2
"""Dimensions; vectors (norms, biases, tables) come and go when a model is converted."""


@dataclass(slots=True)
class TensorMap:
    """Grows tensor by tensor."""

    _exact: int = 0
    _shapes: int = 0
    _outline: int = 0
    _of_types: dict[str, int] = field(default_factory=dict)
    _of_forms: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, dtype: str, shape: list[int]) -> None:
        """One tensor, with its element type and sizes as the format has them."""
        number = _number(f"{name}\0{shape}")
        factor = self._of_types.get(dtype)
        if factor is None:
            factor = self._of_types[dtype] = _number(dtype) | 1
        self._shapes += number
        self._exact += number * factor
        if len(shape) >= SMALLEST_MATRIX:
            self.add_matrix(shape)

    def add_matrix(self, shape: Iterable[int]) -> None:
        """A tensor of which no name is known; the digests that are over names are then not to be told."""
        # Formats differ in which size comes first.
        form = str(sorted(shape))
        known = self._of_forms.get(form)
        if known is None:
            known = self._of_forms[form] = _number(form)
        self._outline += known

    @property
    def outline(self) -> str:
        """Of the matrices alone."""
        return _digits(self._outline)

    def facts(self) -> dict[str, str]:
        """`exact`: names, shapes and types; `shapes`: without types; `outline`: shapes of matrices. Hex digits."""
        return {
            "exact": _digits(self._exact),
            "shapes": _digits(self._shapes),
            "outline": self.outline,
        }


def outline_of(shapes: Iterable[Iterable[int]]) -> dict[str, str]:
    """What is to be told of tensors in a pickle, whose names are not known by the time their shapes are."""
    tensor_map = TensorMap()
    for shape in shapes:
        tensor_map.add_matrix(shape)
    return {"exact": "", "shapes": "", "outline": tensor_map.outline}


def joined(digests: Sequence[str]) -> str:
    """The digest of a model in shards, from those of the shards. Raises ValueError for what is none."""
    return _digits(sum(int(one, 16) for one in digests))


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest(), "big")


def _digits(number: int) -> str:
    return f"{number % _MODULUS:0{2 * _BYTES}x}"
