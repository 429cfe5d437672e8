"""The walk from a model up to what it was made from, and what that was made from.

Pure: whoever walks brings a way to look a repository up. Breadth first, so that the nearest parents are seen even where
the walk is cut; bounded, whatever is declared; and the order in which parents are declared changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from scanners.repository.license import License
from scanners.repository.parents import DECLARED, Parent, may_be_a_folder

MOST_DEPTH = 8
"""A parent is at depth 1."""
MOST_HOPS = 96
"""A merge of merges has thirty; what is named beyond is told, and not followed."""
_MOST_LEFT = 500


class State(StrEnum):
    """What became of a hop; those other than resolved and cycle leave a licence unknown."""

    RESOLVED = "resolved"
    MISSING = "missing"
    PRIVATE = "private"
    UNREACHABLE = "unreachable"
    CYCLE = "cycle"
    TOO_DEEP = "too-deep"


class Absent(StrEnum):
    """Why a repository cannot be looked up. A gated one can: its card and licence are there for all to read."""

    MISSING = "missing"
    PRIVATE = "private"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Node:
    """A repository at a commit, as far as its lineage goes."""

    repository: str
    """As the Hub calls it now: an old name leads to the new one."""
    commit: str
    license: License
    parents: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """One step up; `commit` is empty and `license` None unless the parent could be looked up."""

    child: str
    parent: str
    relation: str
    source: str
    depth: int
    state: State
    commit: str = ""
    license: License | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """All hops that were walked, the nearest first."""

    root: str
    hops: tuple[Hop, ...] = ()
    cut: str = ""
    """Why not all of it was walked, as a sentence; empty if it was."""
    left: tuple[str, ...] = ()
    """Who is named beyond `MOST_HOPS`: ancestors of whom nothing else is known."""

    @property
    def ancestors(self) -> tuple[str, ...]:
        """All that it goes back to, each once, the nearest first; also those that could not be looked up."""
        named = {name.casefold(): name for name in reversed(self.left)}
        named |= {hop.parent.casefold(): hop.parent for hop in reversed(self.hops) if hop.state is not State.CYCLE}
        nearest = dict.fromkeys(hop.parent.casefold() for hop in self.hops if hop.state is not State.CYCLE)
        return tuple(named[name] for name in dict.fromkeys((*nearest, *(name.casefold() for name in self.left))))

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Ancestors that are missing, private, out of reach for now, part of a cycle, too far up or too many."""
        return tuple(dict.fromkeys((*(hop.parent for hop in self.hops if hop.state is not State.RESOLVED), *self.left)))


Lookup = Callable[[str, str], Node | Absent]
"""Repository and revision (empty: its main branch) to what is there."""


def walk(root: Node, lookup: Lookup, *, most_depth: int = MOST_DEPTH, most_hops: int = MOST_HOPS) -> Lineage:
    """Goes up from `root`; each repository is looked up once, by the revision that is named first."""
    walked = _Walk(root, lookup)
    while walked.waiting:
        child = walked.waiting.popleft()
        depth = walked.depths[child.repository.casefold()] + 1
        for parent in _in_order(child):
            if walked.has(child, parent):
                continue
            if len(walked.hops) >= most_hops:
                walked.waiting.appendleft(child)
                return walked.done(f"More than {most_hops} steps are declared; no more were followed.")
            walked.take(child, parent, depth, follow=depth <= most_depth)
    deep = any(hop.state is State.TOO_DEEP for hop in walked.hops)
    return walked.done(f"It goes back more than {most_depth} steps; no more were followed." if deep else "")


@dataclass(slots=True)
class _Walk:
    """One walk under way. Names are compared in lower case."""

    root: Node
    lookup: Lookup
    hops: list[Hop] = field(default_factory=list)
    waiting: deque[Node] = field(default_factory=deque)
    depths: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, Node | Absent] = field(default_factory=dict)
    """By every name that somebody goes by."""
    _above: dict[str, set[str]] = field(default_factory=dict)
    """Whom each was made from; kept free of cycles."""
    _taken: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._seen[self.root.repository.casefold()] = self.root
        self.depths[self.root.repository.casefold()] = 0
        self.waiting.append(self.root)

    def has(self, child: Node, parent: Parent) -> bool:
        """Whether this step was taken, under whatever name."""
        return (child.repository.casefold(), self._name(parent)) in self._taken

    def take(self, child: Node, parent: Parent, depth: int, *, follow: bool) -> None:
        below = child.repository.casefold()
        if not follow:
            self._add(child, parent, depth, State.TOO_DEEP, None)
            return
        asked = parent.repository.casefold()
        if asked not in self._seen:
            self._seen[asked] = self.lookup(parent.repository, parent.revision)
        found = self._seen[asked]
        if isinstance(found, Absent):
            if found is Absent.MISSING and may_be_a_folder(parent.source):
                return
            self._add(child, parent, depth, State(found.value), None)
            return
        name = found.repository.casefold()
        if self.has(child, parent) or (name == below and parent.source not in DECLARED):
            return  # Under an old name: files go on saying what it was called when they were written.
        self._seen.setdefault(name, found)
        if self._leads_to(name, below):
            self._add(child, parent, depth, State.CYCLE, found)
            return
        self._add(child, parent, depth, State.RESOLVED, found)
        self._above.setdefault(below, set()).add(name)
        if name not in self.depths:
            self.depths[name] = depth
            self.waiting.append(found)

    def done(self, cut: str) -> Lineage:
        left: dict[str, None] = {}
        for child in self.waiting:
            for parent in _in_order(child):
                if not self.has(child, parent) and len(left) < _MOST_LEFT:
                    left[parent.repository] = None
        return Lineage(self.root.repository, tuple(self.hops), cut, tuple(left))

    def _add(self, child: Node, parent: Parent, depth: int, state: State, found: Node | None) -> None:
        self._taken.add((child.repository.casefold(), self._name(parent)))
        self.hops.append(
            Hop(
                child=child.repository,
                parent=found.repository if found else parent.repository,
                relation=parent.relation,
                source=parent.source,
                depth=depth,
                state=state,
                commit=found.commit if found else "",
                license=found.license if found else None,
            )
        )

    def _name(self, parent: Parent) -> str:
        """What it is called now, as far as that is known."""
        asked = parent.repository.casefold()
        found = self._seen.get(asked)
        return found.repository.casefold() if isinstance(found, Node) else asked

    def _leads_to(self, start: str, goal: str) -> bool:
        """Whether going up from `start` one comes by `goal`."""
        waiting, met = [start], {start}
        while waiting:
            name = waiting.pop()
            if name == goal:
                return True
            fresh = self._above.get(name, set()) - met
            met |= fresh
            waiting.extend(fresh)
        return False


def _in_order(child: Node) -> list[Parent]:
    """Each parent once, in an order of our own; a file that names its own repository names no parent."""
    own = child.repository.casefold()
    kept = [one for one in child.parents if one.source in DECLARED or one.repository.casefold() != own]
    return sorted(
        kept, key=lambda one: (one.source not in DECLARED, one.repository.casefold(), one.relation, one.revision)
    )
