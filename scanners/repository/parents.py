"""What a model says it was made from: its card, its tags, and what tools write into its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RELATIONS = ("adapter", "merge", "quantized", "finetune")
"""As the Hub calls them."""
CARD, TAGS = "card", "tags"
DECLARED = frozenset({CARD, TAGS})
"""Sources in which somebody states the parents; the others are files that a tool has written."""


@dataclass(frozen=True, slots=True)
class Parent:
    """One repository that another was made from."""

    repository: str
    """`owner/name`, or a name alone for the oldest repositories."""
    relation: str
    """One of `RELATIONS`, or empty if nothing tells."""
    source: str
    """`card`, `tags`, or the path of the file that says it."""
    revision: str = ""
    """The branch, tag or commit that was used; empty if that is not said."""


def parents_of(
    card: object,
    documents: Mapping[str, object],
    gguf: Mapping[str, Mapping[str, object]],
    tags: Sequence[str] = (),
) -> tuple[Parent, ...]:
    """Each parent once, from the source that is the surest. Garbage names nobody.

    `documents`: path of a file to its parsed content (JSON or YAML), for `DOCUMENTS`. `gguf`: path of a GGUF file to the
    metadata of its report.
    """
    return ()


def datasets_of(card: object, tags: Sequence[str] = ()) -> tuple[str, ...]:
    """The data sets that the card names, as `owner/name` or a name alone."""
    return ()


def wants(path: str) -> bool:
    """Whether `parents_of` reads the document at this path."""
    return False
