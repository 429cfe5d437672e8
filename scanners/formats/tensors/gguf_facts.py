"""What a GGUF file says of itself, by the few keys that everyone wants to know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanners.case import Case
from scanners.formats.tensors.gguf_types import FILE_TYPES, GUESSED_FILE_TYPE

LONGEST_FACT = 1000
MOST_BASE_MODELS = 20
"""Facts of base models, a few to each."""
_BASE_MODEL = re.compile(r"general\.base_model\.\d+\.(?:name|organization|version|repo_url|url|doi)")


@dataclass(slots=True)
class Facts:
    """Gathered key by key; of a key that comes twice the first value counts."""

    has_template: bool = False
    _values: dict[str, str | int] = field(default_factory=dict)
    _base_models: dict[str, str] = field(default_factory=dict)

    def note_text(self, key: str, value: str) -> None:
        value = value[:LONGEST_FACT]
        if _BASE_MODEL.fullmatch(key) and len(self._base_models) < MOST_BASE_MODELS:
            self._base_models.setdefault(key.removeprefix("general.base_model."), value)
        elif key in ("general.architecture", "general.name", "general.license"):
            self._values.setdefault(key, value)

    def note_number(self, key: str, value: int) -> None:
        if key == "general.file_type" or key.endswith(".context_length"):
            self._values.setdefault(key, value)

    def tell(self, case: Case) -> None:
        architecture = self._values.get("general.architecture")
        for name, key in (
            ("architecture", "general.architecture"),
            ("name", "general.name"),
            ("license", "general.license"),
            ("context_length", f"{architecture}.context_length"),
        ):
            if key in self._values:
                case.fact(name, self._values[key])
        kind = self._values.get("general.file_type")
        if isinstance(kind, int):
            case.fact("quantization", FILE_TYPES.get(kind & ~GUESSED_FILE_TYPE, str(kind)))
        if self._base_models:
            case.fact("base_models", self._by_model())
        case.fact("chat_template", self.has_template)

    def _by_model(self) -> list[dict[str, str]]:
        """`{"name": ..., "repo_url": ...}` for each, in the order of their numbers."""
        models: dict[int, dict[str, str]] = {}
        for key, value in self._base_models.items():
            number, what = key.split(".", 1)
            models.setdefault(int(number[:9]), {})[what] = value
        return [model for _, model in sorted(models.items())]
