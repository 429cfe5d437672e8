"""What a GGUF file says of itself, by the few keys that everyone wants to know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanners.case import Case
from scanners.formats.shared.vocabulary import digest
from scanners.formats.tensors.gguf_types import FILE_TYPES, GUESSED_FILE_TYPE

LONGEST_FACT = 1000
MOST_BASE_MODELS = 20
"""Facts of base models, a few to each."""
KEPT_TEXTS = {
    "general.architecture": "architecture",
    "general.name": "name",
    "general.license": "license",
    "general.license.name": "license_name",
    "general.license.link": "license_link",
    "general.source.repo_url": "source",
    "general.source.huggingface.repository": "source",
}
"""Keys, and what they are called among the facts."""
SIZES = {
    "embedding_length": "hidden",
    "block_count": "layers",
    "attention.head_count": "heads",
    "attention.head_count_kv": "key heads",
}
"""What the architecture's own keys say of its form, and what configurations call it here (`repository/sizes.py`)."""
_BASE_MODEL = re.compile(r"general\.base_model\.\d+\.(?:name|organization|version|repo_url|url|doi)")


@dataclass(slots=True)
class Facts:
    """Gathered key by key; of a key that comes twice the first value counts."""

    has_template: bool = False
    _values: dict[str, str | int] = field(default_factory=dict)
    _base_models: dict[str, str] = field(default_factory=dict)
    _tokens: tuple[str, int] | None = None
    """Digest and number."""

    def note_text(self, key: str, value: str) -> None:
        value = value[:LONGEST_FACT]
        if _BASE_MODEL.fullmatch(key) and len(self._base_models) < MOST_BASE_MODELS:
            self._base_models.setdefault(key.removeprefix("general.base_model."), value)
        elif key in KEPT_TEXTS:
            self._values.setdefault(key, value)

    def note_tokens(self, first: list[bytes], count: int) -> None:
        if self._tokens is None:
            self._tokens = (digest(first), count)

    def note_number(self, key: str, value: int) -> None:
        if key == "general.file_type" or key.partition(".")[2] in {"context_length", *SIZES}:
            self._values.setdefault(key, value)

    def tell(self, case: Case) -> None:
        architecture = self._values.get("general.architecture")
        for key, name in (KEPT_TEXTS | {f"{architecture}.context_length": "context_length"}).items():
            if key in self._values:
                case.fact(name, self._values[key])
        sizes = {name: self._values.get(f"{architecture}.{key}") for key, name in SIZES.items()}
        if any(sizes.values()):
            case.fact("sizes", {name: size for name, size in sizes.items() if size is not None})
        kind = self._values.get("general.file_type")
        if isinstance(kind, int):
            case.fact("quantization", FILE_TYPES.get(kind & ~GUESSED_FILE_TYPE, str(kind)))
        if self._base_models:
            case.fact("base_models", self._by_model())
        if self._tokens is not None:
            case.fact("vocabulary", self._tokens[0])
            case.fact("tokens", self._tokens[1])
        case.fact("chat_template", self.has_template)

    def _by_model(self) -> list[dict[str, str]]:
        """`{"name": ..., "repo_url": ...}` for each, in the order of their numbers."""
        models: dict[int, dict[str, str]] = {}
        for key, value in self._base_models.items():
            number, what = key.split(".", 1)
            models.setdefault(int(number[:9]), {})[what] = value
        return [model for _, model in sorted(models.items())]
