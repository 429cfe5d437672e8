"""What a model is by its tensors, tokenizer and configuration, so that a parent nobody names can be recognised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Kind = Literal["same-model", "same-architecture"]
SMALLEST_WEIGHTS = 1 << 20
"""Bytes; smaller files of the same content say nothing about two repositories."""


@dataclass(frozen=True, slots=True)
class SeenFile:
    """One file of a repository with what its scan noted (`Report.metadata`)."""

    path: str
    size: int
    blob: str
    """`sha256:` or `git-sha1:` and the digits."""
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TensorMap:
    """The tensors of one model, whatever number of shards it comes in. Digests are hex digits."""

    exact: str
    """Names, shapes and element types."""
    shapes: str
    """Names and shapes: the same after a cast."""
    outline: str
    """Shapes of matrices alone: the same under other names, as in GGUF."""
    count: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known; an empty field is unknown and never equal to anything."""

    maps: tuple[TensorMap, ...] = ()
    """The largest first."""
    tokenizers: tuple[str, ...] = ()
    """Digests with their kind, such as `tokenizer.json:4f…`."""
    vocabulary: int = 0
    architecture: str = ""
    """Digest of what the configuration says about size and form."""
    model_type: str = ""

    def keys(self) -> tuple[str, ...]:
        """What others that resemble it have at least one of: for an index."""
        return tuple(sorted({key for one in self.maps for key in (f"shapes:{one.shapes}", f"outline:{one.outline}")}))

    def as_json(self) -> dict[str, Any]:
        """A document that `from_json` reads."""
        return {
            "maps": [[one.exact, one.shapes, one.outline, one.count, one.parameters] for one in self.maps],
            "tokenizers": list(self.tokenizers),
            "vocabulary": self.vocabulary,
            "architecture": self.architecture,
            "model_type": self.model_type,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            maps=tuple(TensorMap(*one) for one in document["maps"]),
            tokenizers=tuple(document["tokenizers"]),
            vocabulary=document["vocabulary"],
            architecture=document["architecture"],
            model_type=document["model_type"],
        )


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How like two models are, and by what, as words that follow "it has"."""

    kind: Kind
    why: str


def fingerprint_of(files: Iterable[SeenFile], documents: Mapping[str, object]) -> Fingerprint:
    """Of a repository: all its files, and its parsed documents (`config.json` is read)."""
    return Fingerprint()


def parameters_of(files: Iterable[SeenFile]) -> int:
    """How many parameters the largest model of the repository has; 0 if unknown."""
    return 0


def resemblance(one: Fingerprint, other: Fingerprint) -> Resemblance | None:
    """How `one` is like `other`; None where what is alike proves nothing."""
    return None


def weights_of(files: Iterable[SeenFile]) -> frozenset[str]:
    """Contents that count when two repositories are asked whether they have the same weights."""
    return frozenset()


def same_weights(one: Iterable[SeenFile], other: Iterable[SeenFile]) -> frozenset[str]:
    """The weights that both have."""
    return weights_of(one) & weights_of(other)
