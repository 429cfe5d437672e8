"""A difference as values: changes by weight, and texts line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Weight(StrEnum):
    """How much a change matters to whoever decides; the first is what he must see."""

    GRAVE = "grave"
    """It can run code, or whose it is has changed."""
    NOTABLE = "notable"
    """It changes what the model is, may be used for, or asks of a machine."""
    SMALL = "small"
    """It is said for completeness."""


ORDER = {weight: at for at, weight in enumerate(Weight)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise."""

    group: str
    """`findings`, `imports`, `code`, `owner`, `licence`, `lineage`, `files`, `config`, `weights`, `requirements`,
    `template`, `card` or `standing`."""
    how: str
    """`added`, `removed` or `changed`."""
    weight: Weight
    sentence: str
    """In plain words; it names what the Hub's users wrote, and is to be escaped where it is shown."""
    path: str = ""
    """The file that it is in; empty where it is of the whole."""
    before: str = ""
    after: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "how": self.how,
            "weight": self.weight.value,
            "sentence": self.sentence,
            "path": self.path or None,
            "before": self.before or None,
            "after": self.after or None,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """Of a text: `added`, `removed`, `same`, or `gap` where lines that are the same are left out."""

    how: str
    text: str
    number: int | None = None
    """In the new text, from 1; of a removed line, in the old one."""

    def as_json(self) -> dict[str, Any]:
        return {"how": self.how, "text": self.text, "number": self.number}


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text that was changed, line by line."""

    path: str
    title: str
    lines: tuple[Line, ...]
    cut: bool = False
    """Whether there is more of it than is shown."""

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "title": self.title,
            "cut": self.cut,
            "lines": [line.as_json() for line in self.lines],
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it, what matters most first."""

    before: str
    """The commit that was approved."""
    after: str
    changes: tuple[Change, ...]
    texts: tuple[TextChange, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be compared, each as a sentence."""
    more: Mapping[str, int] | None = None
    """By group, how many changes are left out here, since there are too many."""

    @property
    def material(self) -> bool:
        """Whether a reviewer has anything to look at."""
        return any(change.weight is not Weight.SMALL for change in self.changes)

    @property
    def sentence(self) -> str:
        """The whole in a line."""
        if not self.changes and not self.texts:
            return "Nothing is otherwise than in the last approved commit."
        if not self.material:
            return f"Nothing material changed since the last approved commit ({_told(self.changes)})."
        grave = [change for change in self.changes if change.weight is Weight.GRAVE]
        notable = len(self.changes) - len(grave) - sum(change.weight is Weight.SMALL for change in self.changes)
        said = [f"{len(grave)} grave"] if grave else []
        said += [f"{notable} notable"] if notable else []
        return f"Since the last approved commit: {' and '.join(said)} change{'s' if len(grave) + notable > 1 else ''}."

    def of(self, weight: str) -> tuple[Change, ...]:
        """Those of a `Weight`."""
        return tuple(change for change in self.changes if change.weight == weight)

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": "curator.difference/1",
            "before": self.before,
            "after": self.after,
            "material": self.material,
            "sentence": self.sentence,
            "changes": [change.as_json() for change in self.changes],
            "texts": [text.as_json() for text in self.texts],
            "unseen": list(self.unseen),
            "more": dict(self.more or {}),
        }


def _told(changes: tuple[Change, ...]) -> str:
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.group] = counts.get(change.group, 0) + 1
    return ", ".join(f"{group}: {count}" for group, count in counts.items()) or "texts only"
