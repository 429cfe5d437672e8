"""What the steps of a lineage come to for each ancestor: how far up, by way of whom, and what is between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scanners.repository.license import License
from scanners.repository.lineage import Hop, Lineage, State

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A repository that the model goes back to."""

    name: str
    depth: int
    """Of the shortest way; 1: a parent."""
    by_way_of: tuple[str, ...]
    """Those in between on that way, the nearest to the model first."""
    state: State
    license: License | None
    only_added_to: bool
    """On every way the model is an adapter: it holds none of the ancestor's weights."""
    only_quantized: bool
    """On every way there are quantised copies alone."""
    own: bool
    """It belongs to the model's own owner."""

    @property
    def where(self) -> str:
        number = _NUMBERS[self.depth] if self.depth < len(_NUMBERS) else str(self.depth)
        way = f" by way of {', '.join(self.by_way_of)}" if self.by_way_of else ""
        return f"{number} hop{'' if self.depth == 1 else 's'} up{way}"


def ancestors_of(lineage: Lineage) -> tuple[Ancestor, ...]:
    """Each once, the nearest first; what a cycle leads back to is told by its state."""
    root = lineage.root.casefold()
    nearest: dict[str, Hop] = {}
    for hop in lineage.hops:
        nearest.setdefault(hop.parent.casefold(), hop)
    nearest.pop(root, None)
    ways = _ways(lineage, root)
    owner = root.partition("/")[0]
    found = [
        Ancestor(
            name=hop.parent,
            depth=hop.depth,
            by_way_of=_between(hop, nearest, root),
            state=hop.state,
            license=hop.license,
            only_added_to=ways[name].added if name in ways else False,
            only_quantized=ways[name].copied if name in ways else False,
            own="/" in root and name.startswith(owner + "/"),
        )
        for name, hop in nearest.items()
    ]
    back = next((hop for hop in lineage.hops if hop.state is State.CYCLE and hop.parent.casefold() == root), None)
    if back is not None:
        found.append(
            Ancestor(back.parent, back.depth, _between(back, nearest, root), back.state, None, False, False, True)
        )
    return tuple(sorted(found, key=lambda one: (one.depth, one.name.casefold())))


def _between(hop: Hop, nearest: Mapping[str, Hop], root: str) -> tuple[str, ...]:
    names: list[str] = []
    while hop.child.casefold() != root and len(names) < hop.depth:
        names.append(hop.child)
        below = nearest.get(hop.child.casefold())
        if below is None:
            break
        hop = below
    return tuple(reversed(names))


@dataclass(frozen=True, slots=True)
class _Ways:
    """What holds on all ways to an ancestor."""

    added: bool
    copied: bool


def _ways(lineage: Lineage, root: str) -> dict[str, _Ways]:
    ways = {root: _Ways(added=False, copied=True)}
    # A hop may be told before all that leads to its child is; what holds can only become less, so this ends.
    changed = True
    while changed:
        changed = False
        for hop in lineage.hops:
            child, parent = hop.child.casefold(), hop.parent.casefold()
            below = ways.get(child)
            if hop.state is State.CYCLE or below is None:
                continue
            added = hop.relation == "adapter" if child == root else below.added
            copied = below.copied and hop.relation == "quantized"
            known = ways.get(parent, _Ways(added, copied))
            joined = _Ways(known.added and added, known.copied and copied)
            if ways.get(parent) != joined:
                ways[parent], changed = joined, True
    return ways
