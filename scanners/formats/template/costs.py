"""Templates made to take time or memory without end: loops and repetitions, as far as numbers tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanners.formats.template.folding import Folder
from scanners.formats.template.parsing import nodes

MOST_ROUNDS = 1_000_000
"""Rounds of all nested loops together, by numbers in the template itself; a chat has some hundred messages."""
LONGEST_TEXT = 10_000_000
_WIDTH = re.compile(r"(?:%|:)[^%{}\w]*[<>^=]?0?(\d{6,})")
_WIDENING = frozenset({"center", "indent", "batch", "slice"})
_PADDING = frozenset({"ljust", "rjust", "center", "zfill", "expandtabs"})


def costs(tree: nodes.Template, folder: Folder) -> Iterator[tuple[str, int]]:
    """What is excessive, and its line."""
    yield from _loops(tree, 1, folder)
    for node in tree.find_all(nodes.Expr):
        if isinstance(node, nodes.Mul | nodes.Pow) and (
            _largest(node, folder) > LONGEST_TEXT or _repeats(node, folder)
        ):
            yield "a repetition by a huge number", node.lineno
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            wide = _WIDTH.search(node.value)
            if wide is not None and int(wide[1][:18]) > LONGEST_TEXT:
                yield "a format with a huge width", node.lineno
        elif isinstance(node, nodes.Call):
            name = node.node.attr if isinstance(node.node, nodes.Getattr) else getattr(node.node, "name", "")
            padded = name in _PADDING or name == "lipsum"
            if padded and any(_largest(one, folder) > 100_000 for one in _arguments(node)):
                yield f"{name}() by a huge number", node.lineno
            elif name == "range" and _rounds(node, folder) > MOST_ROUNDS:
                yield "a range of huge length", node.lineno
        elif isinstance(node, nodes.Filter) and node.name in _WIDENING:
            wide_by = max((_largest(one, folder) for one in _arguments(node)), default=0)
            if wide_by > 1_000_000:
                yield f"{node.name} by a huge number", node.lineno
    for loop in tree.find_all(nodes.For):
        for assignment in loop.find_all(nodes.Assign):
            if _doubles(assignment):
                yield "a text that is doubled in a loop", assignment.lineno
    for macro in tree.find_all(nodes.Macro):
        calls = [call for call in macro.find_all(nodes.Call) if getattr(call.node, "name", "") == macro.name]
        if calls and not any(True for _ in macro.find_all((nodes.If, nodes.CondExpr, nodes.For))):
            yield f"a macro that calls itself without end ({macro.name[:40]})", macro.lineno


def _loops(node: nodes.Node, rounds: int, folder: Folder) -> Iterator[tuple[str, int]]:
    stack = [(node, rounds)]
    while stack:
        one, so_far = stack.pop()
        if isinstance(one, nodes.For):
            inside = so_far * max(1, _rounds(one.iter, folder))
            if inside > MOST_ROUNDS and inside > so_far:
                yield "loops of a huge number of rounds", one.lineno
                continue
            stack.extend((child, inside) for child in one.body)
        else:
            stack.extend((child, so_far) for child in one.iter_child_nodes())


def _rounds(node: nodes.Expr | nodes.Node, folder: Folder) -> int:
    """How long a sequence is by the numbers in it; 0 if that is not known."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
        ends = [max((v for v in folder.values(one) if isinstance(v, int)), default=None) for one in node.args]
        if not ends or ends[0] is None:
            return 0
        start, stop = (0, ends[0]) if len(ends) == 1 else (ends[0], ends[1])
        if stop is None:
            return 0
        step = ends[2] if len(ends) > 2 else 1
        return max(0, abs(stop - start) // max(1, abs(step or 1)))
    if isinstance(node, nodes.Filter):
        return _rounds(node.node, folder) if node.node is not None else 0
    return max((len(value) for value in folder.values(node) if isinstance(value, str | tuple | dict)), default=0)


def _largest(node: nodes.Expr, folder: Folder) -> int:
    return max((abs(value) for value in folder.values(node) if isinstance(value, int)), default=0)


def _repeats(node: nodes.BinExpr, folder: Folder) -> bool:
    """A text or list times a number."""
    return not any(isinstance(value, int) for value in folder.values(node)) and _length(node, folder, 0) > LONGEST_TEXT


def _length(node: nodes.Node, folder: Folder, depth: int) -> int:
    """Of the text or list it comes to, as far as numbers tell; 1 if nothing is known."""
    lengths = [len(value) for value in folder.values(node) if isinstance(value, str | tuple)]
    if lengths or depth > 20:
        return max(lengths, default=1)
    if isinstance(node, nodes.Mul):
        left, right = _largest(node.left, folder), _largest(node.right, folder)
        return max(1, left or _length(node.left, folder, depth + 1)) * max(
            1, right or _length(node.right, folder, depth + 1)
        )
    if isinstance(node, nodes.Concat | nodes.Add):
        return sum(_length(part, folder, depth + 1) for part in node.iter_child_nodes())
    return 1


def _doubles(assignment: nodes.Assign) -> bool:
    target = assignment.target
    wanted = (
        ("ns", target.name, target.attr) if isinstance(target, nodes.NSRef) else ("name", getattr(target, "name", ""))
    )
    if not isinstance(assignment.node, nodes.Concat | nodes.Add | nodes.Mul):
        return False
    count = 0
    for node in assignment.node.find_all(nodes.Expr):
        if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
            count += ("ns", node.node.name, node.attr) == wanted
        elif isinstance(node, nodes.Name):
            count += ("name", node.name) == wanted
    return count >= 2


def _arguments(node: nodes.Call | nodes.Filter) -> list[nodes.Expr]:
    return [*node.args, *(keyword.value for keyword in node.kwargs)]
