"""What a repository is and how it stands: sizes, languages, moments. What has not the expected form is unknown."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

from curator.admission.seen import count_of
from curator.types import BlobId, RepoFile
from scanners.finding import Report

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

_CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx", "max_seq_len")
"""What the families of models call it in config.json."""
_WITHIN = ("text_config", "llm_config", "language_config", "decoder")
"""Where models of several parts have the configuration of the one that reads."""
_MOST_LANGUAGES = 200


def parameters_of(
    info: Mapping[str, Any], files: Iterable[RepoFile], reports: Mapping[tuple[BlobId, str], Report]
) -> int:
    """How many parameters: as the Hub counts them in safetensors or GGUF, else as the scans of safetensors do; 0 if
    nobody has."""
    for format_ in ("safetensors", "gguf"):
        told = count_of(mapping_of(info.get(format_)).get("total"))
        if told:
            return told
    counted = 0
    for file in files:
        report = reports.get((file.blob, file.name))
        if report is not None and report.format == "safetensors":
            counted += count_of(report.metadata.get("parameters"))
    return count_of(counted)


def context_length_of(info: Mapping[str, Any], texts: Mapping[str, str], reports: Iterable[Report]) -> int:
    """Tokens that it takes at once: by its configuration, else by a GGUF file's metadata; 0 if unknown."""
    config = _document(texts.get("config.json", ""))
    for part in (config, *(mapping_of(config.get(name)) for name in _WITHIN)):
        for name in _CONTEXT:
            if count_of(part.get(name)):
                return count_of(part.get(name))
    told = count_of(mapping_of(info.get("gguf")).get("context_length"))
    return told or max((count_of(report.metadata.get("context_length")) for report in reports), default=0)


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


def _document(text: str) -> dict[str, Any]:
    try:
        return mapping_of(json.loads(text))
    except (ValueError, RecursionError):
        return {}
