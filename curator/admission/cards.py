"""What a card declares at its own commit: the front matter of its text."""

from __future__ import annotations

from typing import Any

import yaml

_MOST_LETTERS = 64 << 10
_FENCE = "---"


def card_of(text: str) -> dict[str, Any]:
    """The fields at the head of a card; empty where there are none, or none that can be read."""
    head, body = text[: _MOST_LETTERS + 1].lstrip("\ufeff").replace("\r\n", "\n").partition("\n")[::2]
    if head.strip() != _FENCE:
        return {}
    front, fence, _ = f"\n{body}".partition(f"\n{_FENCE}")
    if not fence or "&" in front:
        # Anchors make much of little, and no honest card has them.
        return {}
    try:
        fields = yaml.load(front, _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return {}
    return {key: value for key, value in fields.items() if isinstance(key, str)} if isinstance(fields, dict) else {}


class _Loader(yaml.SafeLoader):
    """Dates and the like stay text, as they do in the Hub's own JSON."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
