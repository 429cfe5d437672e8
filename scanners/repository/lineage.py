"""The walk from a model up to what it was made from, and what that was made from.

Pure: whoever walks brings a way to look a repository up. Breadth first, so that the nearest parents are seen even where
the walk is cut; bounded, whatever is declared; and the order in which parents are declared changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from scanners.repository.license import License
from scanners.repository.parents import DECLARED, Parent

MOST_DEPTH = 8
"""A parent is at depth 1."""
MOST_HOPS = 32


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

    @property
    def ancestors(self) -> tuple[str, ...]:
        """All that it goes back to, each once, the nearest first; also those that could not be looked up."""
        named = {hop.parent.casefold(): hop.parent for hop in reversed(self.hops) if hop.state is not State.CYCLE}
        return tuple(reversed(named.values()))

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Ancestors that are missing, private, out of reach for now, part of a cycle or too far up."""
        return tuple(dict.fromkeys(hop.parent for hop in self.hops if hop.state is not State.RESOLVED))


Lookup = Callable[[str, str], Node | Absent]
"""Repository and revision (empty: its main branch) to what is there."""


def walk(root: Node, lookup: Lookup, *, most_depth: int = MOST_DEPTH, most_hops: int = MOST_HOPS) -> Lineage:
    """Goes up from `root`; each repository is looked up once, by the revision that is named first."""
    seen: dict[str, Node | Absent] = {root.repository.casefold(): root}
    above: dict[str, set[str]] = {}
    """Who was found over whom; kept free of cycles."""
    depths = {root.repository.casefold(): 0}
    waiting = deque([root])
    hops: list[Hop] = []
    while waiting:
        child = waiting.popleft()
        depth = depths[child.repository.casefold()] + 1
        for parent in _in_order(child):
            if len(hops) >= most_hops:
                return Lineage(
                    root.repository, tuple(hops), f"More than {most_hops} steps are declared; no more were followed."
                )
            if depth > most_depth:
                hops.append(_hop(child, parent, depth, State.TOO_DEEP))
                continue
            key = parent.repository.casefold()
            if key not in seen:
                seen[key] = lookup(parent.repository, parent.revision)
            found = seen[key]
            if isinstance(found, Absent):
                hops.append(_hop(child, parent, depth, State(found.value)))
                continue
            below, name = child.repository.casefold(), found.repository.casefold()
            if name == below and parent.source not in DECLARED:
                continue  # Under its old name: files go on saying what it was called when they were written.
            seen.setdefault(name, found)
            state = State.CYCLE if _leads_to(above, name, below) else State.RESOLVED
            hops.append(_hop(child, parent, depth, state, found))
            if state is State.RESOLVED:
                above.setdefault(below, set()).add(name)
                if name not in depths:
                    depths[name] = depth
                    waiting.append(found)
    deep = any(hop.state is State.TOO_DEEP for hop in hops)
    return Lineage(
        root.repository,
        tuple(hops),
        f"It goes back more than {most_depth} steps; no more were followed." if deep else "",
    )


def _in_order(child: Node) -> list[Parent]:
    """Each parent once, in an order of our own; a file that names its own repository names no parent."""
    own = child.repository.casefold()
    kept = [one for one in child.parents if one.source in DECLARED or one.repository.casefold() != own]
    return sorted(
        kept, key=lambda one: (one.source not in DECLARED, one.repository.casefold(), one.relation, one.revision)
    )


def _hop(child: Node, parent: Parent, depth: int, state: State, found: Node | None = None) -> Hop:
    return Hop(
        child=child.repository,
        parent=found.repository if found else parent.repository,
        relation=parent.relation,
        source=parent.source,
        depth=depth,
        state=state,
        commit=found.commit if found else "",
        license=found.license if found else None,
    )


def _leads_to(above: dict[str, set[str]], start: str, goal: str) -> bool:
    """Whether going up from `start` one comes by `goal`."""
    waiting, met = [start], {start}
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        fresh = above.get(name, set()) - met
        met |= fresh
        waiting.extend(fresh)
    return False
