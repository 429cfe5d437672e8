"""What tests of lineages share: a family of repositories written down as a table, and the walk through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from scanners.repository.conflicts import Conflict, conflicts_of
from scanners.repository.license import License, license_of
from scanners.repository.license_list import CATEGORIES, known_licenses
from scanners.repository.lineage import Absent, Lineage, Node, walk
from scanners.repository.parents import Parent


def licensed(value: str | Sequence[str]) -> License:
    """A licence, or several that hold together, by our ids; empty: none is declared."""
    ids = (value,) if isinstance(value, str) else tuple(value)
    entries = [known_licenses()[one] for one in ids if one]
    if not entries:
        return license_of({})
    category = max((entry.category for entry in entries), key=CATEGORIES.index)
    return License(ids, " AND ".join(entry.spdx for entry in entries), category)


@dataclass(frozen=True)
class Family:
    """Repositories with their licences, and who was made from whom."""

    licenses: Mapping[str, str | Sequence[str]]
    parents: Mapping[str, tuple[tuple[str, str], ...]]
    """Name to parents, each with the relation."""
    absent: Mapping[str, Absent]

    def node(self, name: str) -> Node:
        parents = tuple(Parent(parent, relation, "card") for parent, relation in self.parents.get(name, ()))
        return Node(name, "0123456789" * 4, licensed(self.licenses[name]), parents)

    def lookup(self, name: str, revision: str = "") -> Node | Absent:
        if name not in self.licenses:
            return self.absent.get(name, Absent.MISSING)
        return self.node(name)

    def walk(self, name: str, **limits: int) -> Lineage:
        return walk(self.node(name), self.lookup, **limits)

    def walk_from(self, root: Node) -> Lineage:
        return walk(root, self.lookup)

    def conflicts(self, name: str, **others: Any) -> tuple[Conflict, ...]:
        return conflicts_of(licensed(self.licenses[name]), self.walk(name), **others)


def line(*members: tuple[str, str | Sequence[str]], relation: str = "finetune") -> Family:
    """From the model up, each made from the next."""
    names = [name for name, _ in members]
    parents = {child: ((parent, relation),) for child, parent in pairwise(names)}
    return Family(dict(members), parents, {})


def merged(name: str, license_: str | Sequence[str], *parents: tuple[str, str], relation: str = "merge") -> Family:
    """One model made from several."""
    return Family({name: license_, **dict(parents)}, {name: tuple((parent, relation) for parent, _ in parents)}, {})
