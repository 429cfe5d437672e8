"""What a repository is and how it stands: sizes, languages, moments. What has not the expected form is unknown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from curator.admission.seen import count_of
from scanners.repository import sizes
from scanners.repository.fingerprints import SeenFile

__all__ = [
    "context_length_of",
    "count_of",
    "languages_of",
    "mapping_of",
    "moment_of",
    "parameters_of",
    "text_of",
    "texts_of",
]

_MOST_LANGUAGES = 200


def parameters_of(info: Mapping[str, Any], files: Sequence[SeenFile]) -> int:
    """How many parameters: as the Hub counts them in safetensors or GGUF, else as the scans do; 0 if nobody has."""
    told = (count_of(mapping_of(info.get(format_)).get("total")) for format_ in ("safetensors", "gguf"))
    return next((one for one in told if one), 0) or count_of(sizes.parameters_of(files))


def context_length_of(info: Mapping[str, Any], files: Sequence[SeenFile], documents: Mapping[str, object]) -> int:
    """Tokens that it takes at once: by its configuration, or GGUF metadata; 0 if unknown."""
    return count_of(sizes.context_length_of(files, documents)) or count_of(
        mapping_of(info.get("gguf")).get("context_length")
    )


def languages_of(card: Mapping[str, Any]) -> tuple[str, ...]:
    """As the card names them, in small letters."""
    named = (one.strip().lower() for one in texts_of(card.get("language")))
    return tuple(dict.fromkeys(one for one in named if one))[:_MOST_LANGUAGES]


def mapping_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def texts_of(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def moment_of(value: Any) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return None
