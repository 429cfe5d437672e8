"""What the expressions of a template come to, as far as that can be told without rendering it.

Texts put together from pieces are what this is for: concatenation, joins, formats, slices, reversals, replacements,
and variables, loops and macros that carry the pieces. Every value is bounded, and so is the work.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from html import unescape
from typing import Any

from scanners.formats.template.parsing import nodes

Value = Any
"""A text, a whole number, a tuple of values, or a dict of texts to values."""

MOST_VALUES = 12
"""Ways one expression can come out that are followed."""
LONGEST_TEXT = 4096
MOST_STEPS = 60_000
DEEPEST = 120
LARGEST_NUMBER = 10**15
_WIDE = re.compile(r"\d{5,}|\*")
"""A width in a format string that would blow up the text, or one given elsewhere."""
_LOOKUP_IN_FORMAT = re.compile(r"\{[^{}]*[.\[]")
_TEXT_METHODS = frozenset(
    {"lower", "upper", "strip", "lstrip", "rstrip", "title", "capitalize", "swapcase", "casefold", "split", "rsplit"}
    | {"splitlines", "removeprefix", "removesuffix", "replace", "join", "format", "partition", "rpartition"}
)


class Folder:
    """Of one template; `spent` says that it was too much work to follow to the end."""

    def __init__(self, tree: nodes.Template) -> None:
        self.spent = False
        self._steps = 0
        self._known: dict[int, tuple[Value, ...]] = {}
        self._bound: dict[str, list[Callable[[int], Iterable[Value]]]] = defaultdict(list)
        self._macros: dict[str, nodes.Macro] = {}
        self.sources: dict[str, list[nodes.Node]] = defaultdict(list)
        """What each name of the template's own is set to."""
        for node in tree.find_all(nodes.Macro):
            self._macros[node.name] = node
        for statement in tree.find_all((nodes.Assign, nodes.AssignBlock, nodes.For, nodes.With, nodes.Macro)):
            self._bind_statement(statement)
        for call in tree.find_all(nodes.Call):
            self._bind_call(call)

    @property
    def own_names(self) -> set[str]:
        """Names the template itself gives a meaning."""
        return set(self._bound) | set(self._macros)

    def values(self, node: nodes.Node, depth: int = 0) -> tuple[Value, ...]:
        """All that it may come to, as far as known; nothing if it is only known when rendered."""
        key = id(node)
        if key in self._known:
            return self._known[key]
        self._steps += 1
        if self._steps > MOST_STEPS or depth > DEEPEST:
            self.spent = True
            return ()
        self._known[key] = ()  # A variable set from itself.
        found: list[Value] = []
        fold = getattr(self, f"_fold_{type(node).__name__.lower()}", None)
        if fold is not None:
            # What Python itself refuses to do to these values is not known.
            try:
                for value in fold(node, depth + 1):
                    if _fits(value) and value not in found:
                        found.append(value)
                    if len(found) >= MOST_VALUES:
                        break
            except (TypeError, ValueError, LookupError, OverflowError, ArithmeticError, AttributeError):
                found = []
        self._known[key] = tuple(found)
        return self._known[key]

    # What gives names their values.

    def _bind_statement(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Assign):
            self._bind(node.target, node.node)
        elif isinstance(node, nodes.AssignBlock) and isinstance(node.target, nodes.Name):
            self._bound[node.target.name].append(lambda depth, body=node.body: self._of_block(body, depth))  # type: ignore[misc]
        elif isinstance(node, nodes.For):
            if isinstance(node.target, nodes.Name):
                self._bound[node.target.name].append(lambda depth, of=node.iter: self._each(of, depth))  # type: ignore[misc]
            elif isinstance(node.target, nodes.Tuple):
                for index, one in enumerate(node.target.items):
                    if isinstance(one, nodes.Name):
                        self._bound[one.name].append(
                            lambda depth, of=node.iter, at=index: self._each_part(of, at, depth)  # type: ignore[misc]
                        )
        elif isinstance(node, nodes.With):
            for target, value in zip(node.targets, node.values, strict=False):
                self._bind(target, value)
        elif isinstance(node, nodes.Macro):
            for argument in node.args:
                self._bound[argument.name] += []
            for argument, default in zip(reversed(node.args), reversed(node.defaults), strict=False):
                self._bind(argument, default)

    def _bind_call(self, call: nodes.Call) -> None:
        macro = self._macros.get(call.node.name) if isinstance(call.node, nodes.Name) else None
        if macro is None:
            return
        for argument, value in zip(macro.args, call.args, strict=False):
            self._bind(argument, value)
        for keyword in call.kwargs:
            self._bound[keyword.key].append(lambda depth, value=keyword.value: self.values(value, depth))  # type: ignore[misc]

    def _bind(self, target: nodes.Node, value: nodes.Node) -> None:
        if isinstance(target, nodes.Name):
            self.sources[target.name].append(value)
            self._bound[target.name].append(lambda depth: self.values(value, depth))
            if isinstance(value, nodes.Call) and isinstance(value.node, nodes.Name) and value.node.name == "namespace":
                for keyword in value.kwargs:
                    self._bind(nodes.NSRef(target.name, keyword.key), keyword.value)
        elif isinstance(target, nodes.NSRef):
            self._bound[f"{target.name}.{target.attr}"].append(lambda depth: self.values(value, depth))
        elif isinstance(target, nodes.Tuple) and isinstance(value, nodes.Tuple | nodes.List):
            for one, item in zip(target.items, value.items, strict=False):
                self._bind(one, item)

    def _each(self, node: nodes.Node, depth: int) -> Iterable[Value]:
        for value in self.values(node, depth):
            if isinstance(value, str | tuple | dict):
                yield from list(value)[:MOST_VALUES]

    def _each_part(self, node: nodes.Node, index: int, depth: int) -> Iterable[Value]:
        for one in self._each(node, depth):
            if isinstance(one, str | tuple) and len(one) > index:
                yield one[index]

    def _of_block(self, body: list[nodes.Node], depth: int) -> Iterable[Value]:
        parts = [part for node in body if isinstance(node, nodes.Output) for part in node.nodes]
        yield from self._joined(parts, depth)

    # What each kind of expression comes to.

    def _fold_const(self, node: nodes.Const, _: int) -> Iterable[Value]:
        if isinstance(node.value, str):
            yield node.value[:LONGEST_TEXT]
        elif isinstance(node.value, int):
            yield node.value

    def _fold_templatedata(self, node: nodes.TemplateData, _: int) -> Iterable[Value]:
        yield node.data[:LONGEST_TEXT]

    def _fold_name(self, node: nodes.Name, depth: int) -> Iterable[Value]:
        for source in self._bound.get(node.name, ()):
            yield from source(depth)

    def _fold_getattr(self, node: nodes.Getattr, depth: int) -> Iterable[Value]:
        if isinstance(node.node, nodes.Name):
            for source in self._bound.get(f"{node.node.name}.{node.attr}", ()):
                yield from source(depth)
        for value in self.values(node.node, depth):
            if isinstance(value, dict) and node.attr in value:
                yield value[node.attr]

    def _fold_list(self, node: nodes.List, depth: int) -> Iterable[Value]:
        known = [self.values(item, depth) for item in node.items[:64]]
        yield tuple(values[0] if values else "\ufffd" for values in known)
        yield from (tuple(row) for row in _rows(known))

    _fold_tuple = _fold_list

    def _fold_dict(self, node: nodes.Dict, depth: int) -> Iterable[Value]:
        pairs = [(self.values(pair.key, depth), self.values(pair.value, depth)) for pair in node.items[:64]]
        yield {keys[0]: values[0] if values else "\ufffd" for keys, values in pairs if keys and _is_key(keys[0])}

    def _fold_condexpr(self, node: nodes.CondExpr, depth: int) -> Iterable[Value]:
        yield from self.values(node.expr1, depth)
        if node.expr2 is not None:
            yield from self.values(node.expr2, depth)

    def _fold_or(self, node: nodes.Or, depth: int) -> Iterable[Value]:
        yield from self.values(node.left, depth)
        yield from self.values(node.right, depth)

    _fold_and = _fold_or

    def _fold_concat(self, node: nodes.Concat, depth: int) -> Iterable[Value]:
        yield from self._joined(node.nodes, depth)

    def _fold_add(self, node: nodes.Add, depth: int) -> Iterable[Value]:
        for left in self.values(node.left, depth):
            for right in self.values(node.right, depth):
                yield left + right

    def _fold_sub(self, node: nodes.Sub, depth: int) -> Iterable[Value]:
        for left in self.values(node.left, depth):
            for right in self.values(node.right, depth):
                yield left - right

    def _fold_neg(self, node: nodes.Neg, depth: int) -> Iterable[Value]:
        yield from (-value for value in self.values(node.node, depth))

    def _fold_mul(self, node: nodes.Mul, depth: int) -> Iterable[Value]:
        for left in self.values(node.left, depth):
            for right in self.values(node.right, depth):
                number, other = (left, right) if isinstance(left, int) else (right, left)
                if isinstance(other, int) or len(other) * number <= LONGEST_TEXT:
                    yield number * other

    def _fold_pow(self, node: nodes.Pow, depth: int) -> Iterable[Value]:
        for left in self.values(node.left, depth):
            for right in self.values(node.right, depth):
                if isinstance(left, int) and isinstance(right, int):
                    small = abs(left) <= 1 or 0 <= right * abs(left).bit_length() <= 64
                    yield left**right if small else LARGEST_NUMBER

    def _fold_floordiv(self, node: nodes.FloorDiv, depth: int) -> Iterable[Value]:
        for left in self.values(node.left, depth):
            for right in self.values(node.right, depth):
                yield left // right

    def _fold_mod(self, node: nodes.Mod, depth: int) -> Iterable[Value]:
        for left in self.values(node.left, depth):
            for right in self.values(node.right, depth):
                if isinstance(left, int) or not _WIDE.search(left):
                    yield left % right

    def _fold_getitem(self, node: nodes.Getitem, depth: int) -> Iterable[Value]:
        for value in self.values(node.node, depth):
            if isinstance(node.arg, nodes.Slice):
                parts = (node.arg.start, node.arg.stop, node.arg.step)
                known = [(None,) if part is None else self.values(part, depth) for part in parts]
                if all(known) and not isinstance(value, dict):
                    yield value[slice(*(one[0] for one in known))]
            else:
                yield from (value[index] for index in self.values(node.arg, depth))

    def _fold_filter(self, node: nodes.Filter, depth: int) -> Iterable[Value]:
        if node.node is None:
            return
        arguments = [self.values(argument, depth) for argument in node.args]
        arguments += [self.values(keyword.value, depth) for keyword in node.kwargs]
        if not all(arguments):
            return
        for value in self.values(node.node, depth):
            for row in _rows(arguments):
                yield from _filtered(node.name, value, row)

    def _fold_call(self, node: nodes.Call, depth: int) -> Iterable[Value]:
        if isinstance(node.node, nodes.Name) and node.node.name == "dict":
            known = {keyword.key: self.values(keyword.value, depth) for keyword in node.kwargs}
            yield {key: values[0] if values else "\ufffd" for key, values in known.items()}
        elif isinstance(node.node, nodes.Name) and node.node.name in self._macros:
            yield from self._of_block(self._macros[node.node.name].body, depth)
        elif isinstance(node.node, nodes.Getattr):
            arguments = [self.values(argument, depth) for argument in node.args]
            if not all(arguments) or node.kwargs:
                return
            for value in self.values(node.node.node, depth):
                for row in _rows(arguments):
                    yield from _method(node.node.attr, value, row)

    def _joined(self, parts: list[nodes.Expr] | list[nodes.Node], depth: int) -> Iterable[Value]:
        known = [self.values(part, depth) for part in parts[:64]]
        if known and all(known):
            yield from ("".join(str(piece) for piece in row) for row in _rows(known))


def _rows(columns: list[tuple[Value, ...]]) -> Iterable[list[Value]]:
    """Each way to take one of every column, the first few of them."""
    rows: list[list[Value]] = [[]]
    for column in columns:
        rows = [[*row, value] for row in rows for value in column][:MOST_VALUES]
    return rows


def _fits(value: Value) -> bool:
    if isinstance(value, int):
        return abs(value) <= LARGEST_NUMBER
    return isinstance(value, str | tuple | dict) and len(value) <= LONGEST_TEXT


def _is_key(value: Value) -> bool:
    return isinstance(value, str | int)


def _filtered(name: str, value: Value, arguments: list[Value]) -> Iterable[Value]:
    first = arguments[0] if arguments else None
    if name == "join":
        yield str(first or "").join(str(one) for one in value)
    elif name == "reverse":
        yield value[::-1]
    elif name in ("string", "safe", "e", "escape", "forceescape"):
        yield str(value)
    elif name == "trim":
        yield value.strip(first) if first is not None else value.strip()
    elif name in ("first", "last"):
        items = list(value)
        yield items[0 if name == "first" else -1]
    elif name == "list":
        yield tuple(value)
    elif name in ("length", "count"):
        yield len(value)
    elif name == "int":
        yield int(value)
    elif name in ("lower", "upper", "capitalize", "title"):
        yield getattr(str(value), name)()
    elif name == "replace":
        yield from _method("replace", value, arguments)
    elif name == "format":
        if not _WIDE.search(value):
            yield value % tuple(arguments)
    elif name in ("default", "d"):
        yield value
        yield first
    elif name == "map" and isinstance(first, str):
        yield tuple(part for one in value for part in _filtered(first, one, arguments[1:]))
    elif name == "striptags":
        yield _without_marks(value)
    elif name == "items" and isinstance(value, dict):
        yield tuple(value.items())
    elif name in ("sort", "unique"):
        yield tuple(sorted(value) if name == "sort" else dict.fromkeys(value))


def _without_marks(value: str) -> str:
    """As MarkupSafe strips tags: entities become what they stand for."""
    return " ".join(unescape(re.sub(r"<[^<>]{0,200}>", "", value)).split())


def _method(name: str, value: Value, arguments: list[Value]) -> Iterable[Value]:
    if isinstance(value, dict) and name in ("keys", "values", "items", "get"):
        result = getattr(value, name)(*arguments)
        yield result if name == "get" else tuple(result)
    if not isinstance(value, str):
        return
    if name in ("unescape", "striptags"):
        yield _without_marks(value)
    elif name == "encode":
        # Bytes are kept as the text they are.
        yield value
    elif name == "decode":
        yield value.encode("latin-1").decode("unicode_escape") if "escape" in str(arguments) else value
    elif name == "translate" and isinstance(arguments[0], dict):
        yield value.translate(arguments[0])
    if name not in _TEXT_METHODS:
        return
    if name == "format" and (_WIDE.search(value) or _LOOKUP_IN_FORMAT.search(value)):
        return
    if name == "replace" and (len(value) + 1) * len(str(arguments[1])) > 1_000_000:
        return
    if name == "join":
        arguments = [[str(one) for one in arguments[0]]]
    result = getattr(value, name)(*arguments)
    yield tuple(result) if isinstance(result, list) else result
