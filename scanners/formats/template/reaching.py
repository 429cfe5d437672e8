"""What a template's code reaches for, read from Jinja's own tree: names, attributes, filters, tests, other files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scanners.formats.template import names
from scanners.formats.template.folding import Folder
from scanners.formats.template.names import (
    DUNDER,
    OBJECTS_OF_JINJA,
    OBJECTS_OF_SERVERS,
    PYTHON_INTERNALS,
    WORDS_OF_DUNDERS,
    Reach,
)
from scanners.formats.template.parsing import nodes

_LOOKUP_IN_FORMAT = re.compile(rf"\{{[^{{}}]*[.\[]{DUNDER.pattern}")
_SPACE = re.compile(r"\s")
_BY_ATTRIBUTE = frozenset({"map", "selectattr", "rejectattr", "groupby", "sort", "unique", "sum", "min", "max"})
_COMPUTED = (nodes.Concat, nodes.Add, nodes.Mul, nodes.Mod, nodes.Filter, nodes.Call, nodes.Getitem, nodes.CondExpr)
_STEPS_OF_COMPUTING = (nodes.Concat, nodes.Add, nodes.Mul, nodes.Mod, nodes.Filter, nodes.Call)


@dataclass(frozen=True, slots=True)
class Unusual:
    """Something ordinary chat templates do not use; `is_call_for_code`: no honest template has a reason to."""

    what: str
    line: int
    is_call_for_code: bool = False


def reaches(tree: nodes.Template, folder: Folder) -> Iterator[Reach]:
    """Ways into Python, in no order."""
    for node in tree.find_all(nodes.Expr):
        if isinstance(node, nodes.Getattr):
            if _is_internal_attribute(node.attr) or _is_object(node.node, folder):
                yield Reach(node.attr, line=node.lineno)
        elif isinstance(node, nodes.Getitem):
            yield from _subscript(node, folder)
        elif isinstance(node, nodes.Filter):
            yield from _filter(node, folder)
        elif isinstance(node, nodes.Name) and DUNDER.search(node.name):
            yield Reach(node.name, line=node.lineno)
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            yield from _format(node.node, folder)
        if isinstance(node, _COMPUTED):
            yield from _computed(node, folder)


def unusual(tree: nodes.Template, folder: Folder) -> Iterator[Unusual]:
    """What is neither Jinja's own nor of a loader of models."""
    own = folder.own_names
    for block in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        what = f"a block that brings in another file ({type(block).__name__.lower()})"
        yield Unusual(what, block.lineno, is_call_for_code=True)
    for call in tree.find_all(nodes.Call):
        called = call.node
        if isinstance(called, nodes.Name) and called.name not in names.GLOBALS and called.name not in own:
            harmless = called.name in names.HARMLESS_UNKNOWN_GLOBALS
            yield Unusual(f"a call of {called.name[:60]}()", call.lineno, not harmless)
        elif isinstance(called, nodes.Getattr) and called.attr not in names.METHODS:
            dangerous = called.attr in names.DANGEROUS_METHODS
            if not (isinstance(called.node, nodes.Name) and called.node.name in own and not dangerous):
                yield Unusual(f"a call of .{called.attr[:60]}()", call.lineno, dangerous)
        elif isinstance(called, nodes.Getitem | nodes.Filter | nodes.CondExpr):
            yield Unusual("a call of something it computes", call.lineno, is_call_for_code=True)
    for one in tree.find_all(nodes.Filter):
        if one.name not in names.FILTERS:
            yield Unusual(f"the filter {one.name[:60]!r}", one.lineno)
        elif one.name == "map" and one.args and not folder.values(one.args[0]):
            yield Unusual("a filter whose name is only known when it is rendered", one.lineno)
    for test in tree.find_all(nodes.Test):
        if test.name not in names.TESTS:
            yield Unusual(f"the test {test.name[:60]!r}", test.lineno)


def everything_named(tree: nodes.Template, folder: Folder) -> str:
    """All names and texts of the code, on lines: to see what a way into Python is for."""
    found: list[str] = []
    for node in tree.find_all(nodes.Expr):
        if isinstance(node, nodes.Getattr):
            found.append(node.attr)
        elif isinstance(node, nodes.Name):
            found.append(node.name)
        elif isinstance(node, (nodes.Const, *_COMPUTED)):
            found.extend(str(value)[:200] for value in folder.values(node) if isinstance(value, str))
    return "\n".join(found)


def _subscript(node: nodes.Getitem, folder: Folder) -> Iterator[Reach]:
    if _is_object(node.node, folder) or (isinstance(node.node, nodes.Filter) and _is_object(node.node.node, folder)):
        yield Reach("the inside of one of Jinja's own objects", line=node.lineno)
    values = folder.values(node.arg)
    for value in values:
        if isinstance(value, str) and _is_internal_key(value):
            yield Reach(value, line=node.lineno)
    if not values and isinstance(node.arg, _STEPS_OF_COMPUTING) and _hides_a_name(node.arg, folder):
        yield Reach("a name that is computed", line=node.lineno)


def _format(method: nodes.Getattr, folder: Folder) -> Iterator[Reach]:
    """A format string can look up attributes: one that is computed with a brace in it is made to."""
    if method.attr == "format" and isinstance(method.node, nodes.Concat | nodes.Add | nodes.Filter | nodes.Mod):
        parts = list(method.node.find_all(nodes.Expr))
        pieces = [value for part in parts for value in folder.values(part) if isinstance(value, str)]
        if not folder.values(method.node) and any(re.search(r"\{[^{}]*[.\[]", piece) for piece in pieces):
            yield Reach("a format string that is computed", line=method.lineno)


def _hides_a_name(node: nodes.Expr, folder: Folder) -> bool:
    """Whether a name that is only known when rendered is made of pieces that tell, or of nothing from outside."""
    parts = [node, *node.find_all(nodes.Expr)]
    pieces = [value for part in parts for value in folder.values(part) if isinstance(value, str)]
    if any(piece == "_" or "__" in piece or piece in WORDS_OF_DUNDERS for piece in pieces):
        return True
    outside = [part for part in parts if isinstance(part, nodes.Name) and part.name not in folder.own_names]
    return bool(pieces) and not outside and not any(isinstance(part, nodes.Name) for part in parts)


def _filter(node: nodes.Filter, folder: Folder) -> Iterator[Reach]:
    if _is_object(node.node, folder) and node.name not in ("default", "d", "tojson"):
        yield Reach(f"the inside of one of Jinja's own objects (by {node.name})", line=node.lineno)
    looked_up: list[nodes.Expr] = []
    if node.name == "attr":
        looked_up = node.args[:1]
    elif node.name == "map" and node.args and "attr" in folder.values(node.args[0]):
        looked_up = node.args[1:2]
    elif node.name in ("selectattr", "rejectattr", "groupby"):
        looked_up = node.args[:1]
    if node.name in _BY_ATTRIBUTE:
        looked_up += [keyword.value for keyword in node.kwargs if keyword.key == "attribute"]
    for argument in looked_up:
        values = folder.values(argument)
        named = not node.args or argument is not node.args[0]
        if not values and (node.name == "attr" or named):
            yield Reach("an attribute whose name is only known when it is rendered", line=node.lineno)
        for value in values:
            if isinstance(value, str) and any(_is_internal_attribute(part) for part in value.split(".")):
                yield Reach(value, line=node.lineno)


def _computed(node: nodes.Expr, folder: Folder) -> Iterator[Reach]:
    for value in folder.values(node):
        hidden = DUNDER.search(value) if isinstance(value, str) else None
        # A sentence only speaks of it, unless it is a format string.
        if hidden is not None and (_SPACE.search(value) is None or _LOOKUP_IN_FORMAT.search(value)):
            yield Reach(hidden.group(), line=node.lineno)


def _is_object(node: nodes.Node | None, folder: Folder) -> bool:
    if not isinstance(node, nodes.Name) or node.name in folder.own_names:
        return False
    return (
        node.name in OBJECTS_OF_JINJA
        or node.name in ("range", "raise_exception", "strftime_now")
        or (node.name in OBJECTS_OF_SERVERS)
    )


def _is_internal_attribute(name: str) -> bool:
    return name in PYTHON_INTERNALS or (name.startswith("_") and "__" in name)


def _is_internal_key(name: str) -> bool:
    return DUNDER.search(name) is not None or name in PYTHON_INTERNALS or name.startswith("_TemplateReference__")
