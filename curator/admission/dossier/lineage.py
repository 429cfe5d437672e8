"""The lineage in the facts as a graph."""

from __future__ import annotations

from curator.admission.dossier.said import Edge, Lineage, Node
from rules.facts import Facts

MOST_NODES = 24
_LEVELS = ("", "gap", "duty", "warning", "conflict")


def lineage(facts: Facts) -> Lineage:
    """The repository and its ancestors, the nearest first; the farthest are left out where there are too many."""
    own = facts.repository
    conflicts: dict[str, list[tuple[str, str]]] = {}
    for one in facts.lineage.conflicts:
        conflicts.setdefault(one.parent.lower(), []).append((one.level, f"{one.clause} {one.cure}".strip()))
    nodes = {
        own.lower(): Node(own, 0, facts.license.expression, facts.license.category.value, "resolved"),
    }
    edges: list[Edge] = []
    for hop in sorted(facts.lineage.hops, key=lambda hop: (hop.depth, hop.child, hop.parent)):
        key = hop.parent.lower()
        if key not in nodes:
            against = conflicts.get(key, [])
            level = max((one for one, _ in against), key=_level, default="")
            nodes[key] = Node(
                hop.parent,
                hop.depth,
                hop.license,
                hop.category.value,
                hop.state,
                tuple(sentence for _, sentence in against),
                level,
            )
        edge = Edge(hop.child, hop.parent, hop.relation)
        if edge not in edges:
            edges.append(edge)
    shown = dict(list(nodes.items())[:MOST_NODES])
    kept = [edge for edge in edges if edge.child.lower() in shown and edge.parent.lower() in shown]
    return Lineage(tuple(shown.values()), tuple(kept), len(nodes) - len(shown))


def _level(level: str) -> int:
    return _LEVELS.index(level) if level in _LEVELS else 0
