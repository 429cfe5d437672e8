"""What a repository names as what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curator.errors import BadInput
from curator.types import RepoId, RepoKind

_MOST = 16


@dataclass(frozen=True, slots=True)
class Parent:
    """One repository that is named, by what, and as what."""

    repo: RepoId
    relation: str = ""
    source: str = "card"


def parents_of(card: Mapping[str, Any], texts: Mapping[str, str] = {}) -> tuple[Parent, ...]:
    """The parents that the card and the documents of a repository name, each once; names that are none are left out."""
    relation = card.get("base_model_relation")
    relation = relation if isinstance(relation, str) else ""
    named = [(name, relation, "card") for name in _texts(card.get("base_model"))]
    adapter = _document(texts.get("adapter_config.json", ""))
    named += [(name, "adapter", "adapter_config.json") for name in _texts(adapter.get("base_model_name_or_path"))]
    found: dict[RepoId, Parent] = {}
    for name, said, source in named[:_MOST]:
        try:
            repo = RepoId.parse(name.strip(), RepoKind.MODEL)
        except BadInput:
            continue
        found.setdefault(repo, Parent(repo, said, source))
    return tuple(found.values())


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
