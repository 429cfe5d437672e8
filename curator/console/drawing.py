"""The lineage as a picture: where its boxes and lines are; the template draws them, and escapes every label."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from curator.admission.dossier.said import Lineage, Node
from curator.console.hostile import plain

_BOX, _HEIGHT = 216, 54
_ACROSS, _DOWN = 84, 18
_MARGIN = 6
_LONGEST = 26


@dataclass(frozen=True, slots=True)
class Box:
    """A repository; measures in pixels of the picture."""

    x: int
    y: int
    name: str
    whole: str
    note: str
    """Its licence, or why nothing is known of it."""
    level: str
    own: bool
    shown: bool
    """Whether the mirror could ask for it."""


@dataclass(frozen=True, slots=True)
class Line:
    """From a box to the one that it was made from."""

    path: str
    x: int
    y: int
    label: str
    level: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    words: str
    """The same in a sentence or two, for whoever does not see it."""


def drawn(lineage: Lineage) -> Drawing:
    """The repository stands on the left, and each column is a step further back."""
    columns: dict[int, list[Node]] = defaultdict(list)
    for node in lineage.nodes:
        columns[node.depth].append(node)
    tallest = max(len(nodes) for nodes in columns.values())
    height = tallest * (_HEIGHT + _DOWN) - _DOWN + 2 * _MARGIN
    places: dict[str, tuple[int, int]] = {}
    boxes: list[Box] = []
    for column, depth in enumerate(sorted(columns)):
        nodes = columns[depth]
        above = (height - len(nodes) * (_HEIGHT + _DOWN) + _DOWN) // 2
        for row, node in enumerate(nodes):
            place = (_MARGIN + column * (_BOX + _ACROSS), above + row * (_HEIGHT + _DOWN))
            places[node.repo.lower()] = place
            boxes.append(_box(node, *place))
    levels = {node.repo.lower(): node.level for node in lineage.nodes}
    lines = [
        _line(places[edge.child.lower()], places[edge.parent.lower()], edge.relation, levels[edge.parent.lower()])
        for edge in lineage.edges
    ]
    width = len(columns) * (_BOX + _ACROSS) - _ACROSS + 2 * _MARGIN
    return Drawing(width, height, tuple(boxes), tuple(lines), _words(lineage))


def _box(node: Node, x: int, y: int) -> Box:
    note = node.licence or "no licence known"
    if node.state != "resolved":
        note = f"{node.state}, licence not known" if not node.licence else f"{node.state}, {node.licence}"
    return Box(
        x,
        y,
        _short(plain(node.repo)),
        plain(node.repo),
        _short(plain(note)),
        node.level,
        node.depth == 0,
        node.state == "resolved",
    )


def _line(child: tuple[int, int], parent: tuple[int, int], relation: str, level: str) -> Line:
    middle = _HEIGHT // 2
    x1, y1 = child[0] + _BOX, child[1] + middle
    x2, y2 = parent[0], parent[1] + middle
    if x2 <= x1:
        # Back to one that stands before it, in a circle: below both of them.
        x1, x2 = child[0] + _BOX // 2, parent[0] + _BOX // 2
        y1, y2 = child[1] + _HEIGHT, parent[1] + _HEIGHT
        low = max(y1, y2) + _DOWN
        return Line(f"M{x1} {y1}C{x1} {low} {x2} {low} {x2} {y2}", (x1 + x2) // 2, low - 2, relation[:16], level)
    half = (x1 + x2) // 2
    return Line(f"M{x1} {y1}C{half} {y1} {half} {y2} {x2} {y2}", half, (y1 + y2) // 2 - 5, relation[:16], level)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[1 - _LONGEST // 2 :]}"


def _words(lineage: Lineage) -> str:
    own, *others = lineage.nodes
    if not others:
        return f"{plain(own.repo)} names nothing that it was made from."
    against = [node for node in others if node.level == "conflict"]
    said = f"{plain(own.repo)} goes back to {len(others)} {'repository' if len(others) == 1 else 'repositories'}"
    if against:
        said += f"; its licence conflicts with that of {', '.join(plain(node.repo) for node in against[:3])}"
    return f"{said}. The table below says the same."
