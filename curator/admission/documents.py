"""The small documents of a repository, read: the fields at the head of its card, its configurations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from curator.admission.snapshots import Snapshot

_MOST_LETTERS = 64 << 10
_FENCE = "---"
README = "README.md"


@lru_cache(maxsize=64)
def card_of(text: str) -> dict[str, Any]:
    """The fields at the head of a card; empty where there are none, or none that can be read. Not to be changed."""
    head, body = text[: _MOST_LETTERS + 1].lstrip("\ufeff").replace("\r\n", "\n").partition("\n")[::2]
    if head.strip() != _FENCE:
        return {}
    front, fence, _ = f"\n{body}".partition(f"\n{_FENCE}")
    fields = _yaml(front) if fence else None
    return {key: value for key, value in fields.items() if isinstance(key, str)} if isinstance(fields, dict) else {}


def card_in(snapshot: Snapshot, texts: Mapping[str, str]) -> dict[str, Any]:
    """What the card declares: at the commit itself where its text could be had, else as the Hub tells it."""
    told = snapshot.info.get("cardData")
    return card_of(texts.get(README, "")) or (told if isinstance(told, dict) else {})


def tags_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The Hub's tags."""
    tags = snapshot.info.get("tags")
    return tuple(one for one in tags if isinstance(one, str)) if isinstance(tags, list) else ()


def documents_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """What is JSON or YAML of these, by path; what cannot be read is left out."""
    read: dict[str, Any] = {}
    for path, text in texts.items():
        if path.endswith(".json"):
            try:
                read[path] = json.loads(text)
            except (ValueError, RecursionError):
                continue
        elif path.endswith((".yml", ".yaml")) and (found := _yaml(text[:_MOST_LETTERS])) is not None:
            read[path] = found
    return read


_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C where there is one: a card's tables of results take the other a second."""


def _yaml(text: str) -> Any:
    try:
        # Anchors make much of little, and no honest document of these has them.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, _Base)):
            return None
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return None


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Dates and the like stay text, as they do in the Hub's own JSON; what says one thing twice cannot be read."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(set(keys)):
            # One reader takes the first and another the last, so that each may be told another licence.
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
