"""What a model is by its tensors, tokenizer and configuration, so that a parent nobody names can be recognised.

The same tensors prove little alone: thousands of models have the shapes of BERT, and were trained from nothing. So it
takes the same tokenizer, too, and what is small or common everywhere is called the same architecture and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Self

from scanners.formats.tensors.tensor_map import joined
from scanners.repository.sizes import SeenFile, models_of, number, parameters_in, sizes_of
from scanners.repository.weights import SMALLEST_WEIGHTS, same_weights, weights_of

__all__ = [
    "SMALLEST_WEIGHTS",
    "Fingerprint",
    "Resemblance",
    "SeenFile",
    "TensorMap",
    "fingerprint_of",
    "resemblance",
    "same_weights",
    "undeclared_parents",
    "weights_of",
]

Kind = Literal["same-model", "same-architecture"]

FEWEST_TENSORS = 10
FEWEST_PARAMETERS = 1_000_000
"""Less is a toy, or a part: a classifier's head, a sampler's table."""
COMMON_BELOW = 400_000_000
"""Parameters up to which people train models of a well-known architecture from nothing; BERT large has 340 million."""
COMMON = re.compile(
    r"albert|(?:m|bio)?bart|(?:distil|mobile|rem|visual_)?bert|clip|convnext(?:v2)?|deberta(?:-v2)?|deit|electra|gpt2|gpt_neox?"
    r"|hubert|longformer|marian|mpnet|m?t5|umt5|resnet|(?:xlm-)?roberta(?:-xl)?|segformer|swin(?:v2)?|vit(?:_mae)?|wav2vec2"
    r"|wavlm|whisper"
)
"""Values of `model_type`: architectures that research trains again and again, at every size."""
MOST_MAPS = 16
_ENOUGH = 4
"""Sizes; fewer are shared by chance."""
_TOKENIZER_FILES = frozenset(
    {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.txt", "vocab.json", "tekken.json"}
)


@dataclass(frozen=True, slots=True)
class TensorMap:
    """The tensors of one model, whatever number of shards it comes in. Digests are hex digits."""

    exact: str
    """Names, shapes and element types; empty for pickles."""
    shapes: str
    """Names and shapes: the same after a cast; empty for pickles."""
    outline: str
    """Shapes of matrices alone: the same under other names, as in GGUF, and in pickles."""
    count: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known; an empty field is unknown and never equal to anything."""

    maps: tuple[TensorMap, ...] = ()
    """The largest first."""
    tokenizers: tuple[str, ...] = ()
    """Digests with their kind, such as `vocabulary:4f…`."""
    vocabulary: int = 0
    architecture: str = ""
    """Digest of what the configuration says about size and form."""
    model_type: str = ""
    packed: bool = False
    """Its weights are packed by a quantisation, so that their tensors need not be those of the original."""

    def keys(self) -> tuple[str, ...]:
        """What others that resemble it have at least one of: for an index."""
        digests = [(form, getattr(one, form)) for one in self.maps for form in ("shapes", "outline")]
        keys = {f"{form}:{digest}" for form, digest in digests if digest}
        if self.architecture:
            keys |= {f"sizes:{self.architecture}:{tokenizer}" for tokenizer in self.tokenizers}
        return tuple(sorted(keys))

    def as_json(self) -> dict[str, Any]:
        """A document that `from_json` reads."""
        return {
            "maps": [[one.exact, one.shapes, one.outline, one.count, one.parameters] for one in self.maps],
            "tokenizers": list(self.tokenizers),
            "vocabulary": self.vocabulary,
            "architecture": self.architecture,
            "model_type": self.model_type,
            "packed": self.packed,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            maps=tuple(TensorMap(*one) for one in document["maps"]),
            tokenizers=tuple(document["tokenizers"]),
            vocabulary=document["vocabulary"],
            architecture=document["architecture"],
            model_type=document["model_type"],
            packed=document["packed"],
        )


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How like two models are, and by what, as words that follow "it has"."""

    kind: Kind
    why: str


def fingerprint_of(files: Iterable[SeenFile], documents: Mapping[str, object]) -> Fingerprint:
    """Of a repository: all its files, and its parsed documents (`config.json` is read)."""
    files = list(files)
    config = documents.get("config.json")
    fields: Mapping[str, object] = config if isinstance(config, dict) else {}
    sizes = sizes_of(files, documents)
    vocabulary = sizes.pop("vocabulary", 0)
    model_type = fields.get("model_type")
    packed = any(isinstance(fields.get(key), dict) for key in ("quantization_config", "quantization"))
    return Fingerprint(
        maps=_maps(files),
        tokenizers=_tokenizers(files),
        vocabulary=vocabulary,
        architecture=sha256(repr(sorted(sizes.items())).encode()).hexdigest()[:32] if len(sizes) >= _ENOUGH else "",
        model_type=model_type[:100] if isinstance(model_type, str) else "",
        packed=packed or any(file.path.lower().endswith(".gguf") for file in files),
    )


def resemblance(one: Fingerprint, other: Fingerprint) -> Resemblance | None:
    """How `one` is like `other`; None where what is alike proves nothing."""
    tokenizer = _same_tokenizer(one, other)
    if tokenizer is False:
        return None
    same_form = bool(one.architecture) and one.architecture == other.architecture
    if one.vocabulary and other.vocabulary and one.vocabulary != other.vocabulary:
        same_form = False
    other_form = bool(one.architecture and other.architecture) and not same_form
    tensors, parameters = _alike(one.maps, other.maps)
    if not tensors and same_form and (one.packed or other.packed):
        tensors = "the same sizes (layers, heads, width), with weights packed by a quantisation,"
        parameters = max((each.parameters for each in (*one.maps, *other.maps)), default=0)
    if not tensors:
        return None
    is_common = parameters < COMMON_BELOW or any(COMMON.fullmatch(each.model_type) for each in (one, other))
    if tokenizer and not is_common and not other_form:
        return Resemblance("same-model", f"{tensors} and the same vocabulary")
    if tokenizer and same_form and is_common:
        return Resemblance(
            "same-architecture",
            f"{tensors}, vocabulary and configuration, as models of a common architecture have without being related",
        )
    if tokenizer is None and not is_common and same_form:
        return Resemblance(
            "same-architecture", f"{tensors} and the same configuration; of a tokenizer nothing is known"
        )
    return None


def undeclared_parents(
    own: Fingerprint, declared: Mapping[str, Fingerprint], others: Mapping[str, Fingerprint]
) -> tuple[tuple[str, Resemblance], ...]:
    """Of `others`, those that it seems to be made from and does not name, by name.

    A base and its instruct version are alike, and so is one generation to the next: where an ancestor that is declared
    explains the likeness, nothing is undeclared.
    """
    if any(_is_model(resemblance(own, one)) for one in declared.values()):
        return ()
    named = {name.casefold() for name in declared}
    found = [(name, resemblance(own, other)) for name, other in sorted(others.items()) if name.casefold() not in named]
    return tuple((name, how) for name, how in found if how is not None and how.kind == "same-model")


def _is_model(found: Resemblance | None) -> bool:
    return found is not None and found.kind == "same-model"


def _alike(one: tuple[TensorMap, ...], other: tuple[TensorMap, ...]) -> tuple[str, int]:
    """What of the tensors is alike, as words, and the size of that model; the most telling and the largest counts.

    Empty and 0 if nothing is.
    """
    for what, words in (
        ("exact", "exactly the same tensors (names, shapes and types)"),
        ("shapes", "the same tensors (names and shapes) in another element type"),
        ("outline", "matrices of the same shapes"),
    ):
        theirs = {getattr(tensors, what): tensors for tensors in other if getattr(tensors, what)}
        for tensors in one:
            enough = tensors.count >= FEWEST_TENSORS and tensors.parameters >= FEWEST_PARAMETERS
            if enough and getattr(tensors, what) in theirs:
                return words, max(tensors.parameters, theirs[getattr(tensors, what)].parameters)
    return "", 0


def _same_tokenizer(one: Fingerprint, other: Fingerprint) -> bool | None:
    """None where they have no kind of digest in common."""
    if set(one.tokenizers) & set(other.tokenizers):
        return True
    kinds = [{digest.partition(":")[0] for digest in tokenizers} for tokenizers in (one.tokenizers, other.tokenizers)]
    return False if kinds[0] & kinds[1] else None


def _maps(files: list[SeenFile]) -> tuple[TensorMap, ...]:
    found: dict[tuple[str, str], TensorMap] = {}
    for group in models_of(files):
        digests = [file.metadata.get("tensor_map") for file in group]
        try:
            exact, shapes, outline = (_joined([one[key] for one in digests]) for key in ("exact", "shapes", "outline"))  # type: ignore[index]
        except (TypeError, KeyError, ValueError):
            continue
        count = sum(number(file.metadata.get("tensors")) for file in group)
        # Twenty quantised copies in one repository are one model.
        found.setdefault((shapes, outline), TensorMap(exact, shapes, outline, count, sum(map(parameters_in, group))))
    return tuple(sorted(found.values(), key=lambda one: (-one.parameters, one.exact))[:MOST_MAPS])


def _joined(digests: list[str]) -> str:
    """Of all shards; empty if one of them has none, as names in a pickle are not known."""
    return joined(digests) if all(digests) else ""


def _tokenizers(files: list[SeenFile]) -> tuple[str, ...]:
    """Of the model itself: the files in the repository's root, and what its GGUF files have."""
    found: set[str] = set()
    for file in files:
        digest = file.metadata.get("vocabulary")
        if isinstance(digest, str) and (file.path == "tokenizer.json" or file.path.endswith(".gguf")):
            found.add(f"vocabulary:{digest[:64]}")
        elif file.path in _TOKENIZER_FILES:
            found.add(f"{file.path}:{file.blob}")
    return tuple(sorted(found))
