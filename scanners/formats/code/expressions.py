"""Evaluates expressions without running them: names to what they resolve to, constants folded, the rest unknown."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Callable
from typing import Any

from scanners.formats.code.folding import NotFoldable, fold_operator
from scanners.formats.code.knowledge import BUILTINS, Power, power_of
from scanners.formats.code.record import Record, canonical
from scanners.formats.code.values import (
    GIVEN,
    NO_TAGS,
    UNKNOWN,
    Kind,
    Unit,
    Value,
    is_scalar,
    more_telling,
    part_of,
)

WHOLE_ENVIRONMENT = frozenset(
    {"os.environ", "os.environ.copy()", "os.environ.items()", "os.environ.values()", "dict()<os.environ>"}
)

_PATH = "pathlib.Path()"
_WORTH_HIDING = frozenset(
    {Power.PROCESS, Power.EXEC, Power.COMPILE, Power.SOCKET, Power.UNPICKLE, Power.NATIVE, Power.INSTALL}
)


class Expressions(Record):
    """`evaluate` and what it needs; calls are a matter of their own."""

    def call(self, node: ast.Call, unit: Unit) -> Value:
        raise NotImplementedError

    def evaluate(self, node: ast.expr | None, unit: Unit) -> Value:
        """What is known of it; notes what it does."""
        if node is None:
            return UNKNOWN
        self.step()
        if self.steps_left < 0 and self.quiet:
            return UNKNOWN
        method: Callable[[Any, Unit], Value] | None = getattr(self, f"_on_{type(node).__name__.lower()}", None)
        if method is not None:
            return method(node, unit)
        tags = NO_TAGS
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                tags |= self.evaluate(child, unit).tags
        return Value(tags=tags)

    def callee(self, node: ast.expr, unit: Unit) -> Value:
        """As `evaluate`, of what is about to be called: the name itself is noted with its call."""
        if isinstance(node, ast.Name):
            return self._name(node, unit)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, unit)
        return self.evaluate(node, unit)

    def _on_name(self, node: ast.Name, unit: Unit) -> Value:
        value = self._name(node, unit)
        if value.path and isinstance(node.ctx, ast.Load):
            self.touch(unit, value.path, node, value.tags)
        return value

    def _name(self, node: ast.Name, unit: Unit) -> Value:
        return self.name(node.id, unit)

    def name(self, name: str, unit: Unit) -> Value:
        name = unicodedata.normalize("NFKC", name) if not name.isascii() else name
        found = unit.look_up(name)
        if found is not None:
            return found
        if name == "__builtins__":
            return Value(path="builtins")
        if name in BUILTINS:
            return Value(path=name)
        for module in unit.module_stars():
            path = canonical(f"{module}.{name}")
            if power_of(path) is not None:
                return Value(path=path)
        return UNKNOWN

    def _on_attribute(self, node: ast.Attribute, unit: Unit) -> Value:
        value = self._attribute(node, unit)
        if value.path and isinstance(node.ctx, ast.Load):
            self.touch(unit, value.path, node, value.tags)
        return value

    def _attribute(self, node: ast.Attribute, unit: Unit) -> Value:
        return self.attribute_of(self.callee(node.value, unit), node, unit)

    def attribute_of(self, base: Value, node: ast.Attribute, unit: Unit) -> Value:
        """The attribute that `node` names, of a base that is evaluated already."""
        name = unicodedata.normalize("NFKC", node.attr) if not node.attr.isascii() else node.attr
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls") and name in self.attributes:
            return self.attributes[name]
        return self.attribute(base, name, unit)

    def attribute(self, base: Value, name: str, unit: Unit) -> Value:
        """`base.name`, however it is spelled."""
        if base.unit is not None and base.unit.kind is Kind.CLASS:
            own = base.unit.names.get(name)
            if own is not None:
                return own
        if base.made_of is not None:
            method = base.made_of.methods.get("run" if name == "start" and "run" in base.made_of.methods else name)
            if method is not None and not self.quiet:
                # A property runs when it is read; a method that is named is called or handed on.
                unit.reaches.add(method)
            return Value(path=f"?.{name}", tags=base.tags) if method is None else Value(path="?", unit=method)
        if base.path == _PATH and name in ("parent", "parents"):
            return base
        if base.path in ("", "?") or base.path.startswith("?"):
            unit.method_names.add(name)
        if name == "__dict__" and base.path:
            return base
        text = "site-packages/__init__.py" if name == "__file__" and base.path else ""
        return Value(path=canonical(f"{base.path or '?'}.{name}"), text=text, tags=base.tags)

    def _on_constant(self, node: ast.Constant, unit: Unit) -> Value:
        value = Value(constant=node.value)
        self.look_at_text(unit, value, node)
        return value

    def _on_joinedstr(self, node: ast.JoinedStr, unit: Unit) -> Value:
        tags, parts, whole = NO_TAGS, [], True
        for part in node.values:
            value = self.evaluate(part.value if isinstance(part, ast.FormattedValue) else part, unit)
            tags |= value.tags
            is_plain = value.is_constant and not (isinstance(part, ast.FormattedValue) and part.format_spec)
            whole = whole and is_plain
            parts.append(
                str(value.constant)[: 1 << 20] if is_plain and is_scalar(value.constant) else value.text or "*"
            )
            if value.path in WHOLE_ENVIRONMENT:
                self.note(unit, Power.TOKEN, "os.environ", node, words="the environment is shown", note="shown")
        if whole and len(parts) > 1:
            tags |= {Power.JOINED}
        return self._text("".join(parts)[: 1 << 20], tags, unit, node, is_whole=whole)

    def _text(self, text: str, tags: frozenset[Power], unit: Unit, node: ast.AST, *, is_whole: bool) -> Value:
        value = self.constant(text, tags) if is_whole else Value(text=text[:4096], tags=tags)
        self.look_at_text(unit, value, node)
        return value

    def _on_binop(self, node: ast.BinOp, unit: Unit) -> Value:
        # A long sum leans to the left: its terms one after another, so that no depth is spent on it.
        chain: list[ast.BinOp] = []
        leaf: ast.expr = node
        while isinstance(leaf, ast.BinOp):
            chain.append(leaf)
            leaf = leaf.left
        value = self.evaluate(leaf, unit)
        for step in reversed(chain):
            value = self._operate(type(step.op).__name__, value, self.evaluate(step.right, unit), unit, step)
        return value

    def _operate(self, operator: str, left: Value, right: Value, unit: Unit, node: ast.AST) -> Value:
        tags = left.tags | right.tags | ({Power.DECODE} if operator == "BitXor" else NO_TAGS)
        if operator == "Div" and (_PATH in (left.path, right.path) or isinstance(left.constant, str)):
            joined = f"{left.words or '*'}/{right.words or '*'}"
            whole = left.is_constant and right.is_constant
            value = self._text(joined, tags, unit, node, is_whole=whole)
            return Value(path=_PATH, constant=value.constant, text=value.text, tags=tags)
        if left.is_constant and right.is_constant:
            if isinstance(left.constant, (str, bytes)):
                tags |= {Power.JOINED}
            try:
                folded = self.constant(fold_operator(operator, left.constant, right.constant), tags)
            except NotFoldable:
                return Value(tags=tags)
            self.look_at_text(unit, folded, node)
            return folded
        if operator in ("Add", "Mod") and (left.words or right.words):
            words = f"{left.words or '*'}{right.words or '*'}" if operator == "Add" else left.words
            return self._text(words[:4096], tags, unit, node, is_whole=False)
        return Value(tags=tags)

    def _on_unaryop(self, node: ast.UnaryOp, unit: Unit) -> Value:
        value = self.evaluate(node.operand, unit)
        if isinstance(value.constant, int):
            if isinstance(node.op, ast.USub):
                return Value(constant=-value.constant)
            if isinstance(node.op, ast.Invert):
                return Value(constant=~value.constant)
        return Value(tags=value.tags)

    def _on_ifexp(self, node: ast.IfExp, unit: Unit) -> Value:
        self.evaluate(node.test, unit)
        body, other = self.evaluate(node.body, unit), self.evaluate(node.orelse, unit)
        return more_telling(body, other)

    def _on_boolop(self, node: ast.BoolOp, unit: Unit) -> Value:
        found = UNKNOWN
        for value in [self.evaluate(part, unit) for part in node.values]:
            found = more_telling(found, value)
        return found

    def _on_namedexpr(self, node: ast.NamedExpr, unit: Unit) -> Value:
        value = self.evaluate(node.value, unit)
        unit.names[node.target.id] = value
        return value

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, unit: Unit) -> Value:
        if all(isinstance(element, ast.Constant) and isinstance(element.value, (int, float)) for element in node.elts):
            # Tables of numbers are long, and there is nothing in them to look at.
            numbers = [element.value for element in node.elts if isinstance(element, ast.Constant)]
            return self.constant(tuple(numbers) if isinstance(node, ast.Tuple) else numbers)
        values = [self.evaluate(element, unit) for element in node.elts]
        tags = NO_TAGS.union(*(value.tags for value in values))
        if all(value.is_constant for value in values):
            constants = [value.constant for value in values]
            return self.constant(tuple(constants) if isinstance(node, ast.Tuple) else constants, tags)
        return Value(items=dict(enumerate(values)), tags=tags)

    _on_list = _on_tuple = _on_set = _sequence

    def _on_dict(self, node: ast.Dict, unit: Unit) -> Value:
        items: dict[Any, Value] = {}
        tags = NO_TAGS
        for key, element in zip(node.keys, node.values, strict=True):
            name, value = self.evaluate(key, unit), self.evaluate(element, unit)
            if key is None:
                self._whole_environment(value, element, unit)
            tags |= value.tags | name.tags
            if is_scalar(name.constant):
                items[name.constant] = value
        if len(items) == len(node.keys) and all(value.is_constant for value in items.values()):
            folded = self.constant({key: value.constant for key, value in items.items()}, tags)
            return Value(constant=folded.constant, items=items, tags=tags)
        return Value(items=items, tags=tags)

    def _whole_environment(self, value: Value, node: ast.AST, unit: Unit) -> bool:
        """Whether all of the environment is given away, which is noted."""
        if value.path not in WHOLE_ENVIRONMENT:
            return False
        self.note(unit, Power.TOKEN, "os.environ", node, words="the whole environment")
        return True

    def _on_subscript(self, node: ast.Subscript, unit: Unit) -> Value:
        base = self.callee(node.value, unit)
        if isinstance(node.slice, ast.Slice):
            bounds = [self.evaluate(part, unit) for part in (node.slice.lower, node.slice.upper, node.slice.step)]
            plain = [bound.constant if bound.is_constant else None for bound in bounds]
            if base.is_constant and all(part is None or isinstance(part, int) for part in plain):
                try:
                    tags = base.tags | (
                        {Power.DECODE} if plain[2] not in (None, 1) and len(base.words) > 3 else NO_TAGS
                    )
                    return self.constant(base.constant[slice(*plain)], tags)
                except (TypeError, ValueError, KeyError):
                    return Value(tags=base.tags)
            return Value(tags=base.tags)
        return self.item(base, self.evaluate(node.slice, unit), unit, node)

    def item(self, base: Value, key: Value, unit: Unit, node: ast.AST) -> Value:
        """`base[key]`: also of the tables that Python keeps its names in."""
        name = key.constant
        if base.path in ("sys.modules", "globals()", "locals()", "vars()") and isinstance(name, str):
            if base.path == "sys.modules":
                return Value(path=canonical(name)) if name != "__main__" else Value(path="globals()")
            found = self.name(name, unit)
            self.hidden_name(found.path, key, unit, node)
            return found
        if base.path in ("builtins", "os", "sys", "subprocess", "shutil", "socket", "importlib", "pickle", "ctypes"):
            if isinstance(name, str):
                found = self.attribute(base, name, unit)
                self.hidden_name(found.path, key, unit, node)
                return found
            self.note(unit, Power.COMPUTED, base.path, node, words=base.path, tags=key.tags)
            return Value(path="?computed", tags=key.tags)
        if base.path == "os.environ":
            return self.environment(key, node, unit)
        if name == "__builtins__":
            self.note(unit, Power.ESCAPE, f"{base.path or '?'}['__builtins__']", node, called=False)
            return Value(path="builtins")
        if base.items is not None and is_scalar(name):
            return base.items.get(name, Value(tags=base.tags))
        if base.is_constant and is_scalar(name):
            try:
                return self.constant(base.constant[name], base.tags)
            except (TypeError, LookupError):
                return Value(tags=base.tags)
        path = f"{base.path}[]" if base.path.startswith("?") else base.path
        return Value(path=path, tags=base.tags | key.tags)

    def hidden_name(self, path: str, name: Value, unit: Unit, node: ast.AST) -> None:
        """Notes a name of power that is put together from pieces, so that no search finds it."""
        if not name.tags & {Power.JOINED, Power.DECODE}:
            return
        if power_of(path) in _WORTH_HIDING or path.removeprefix("builtins.") in ("__import__", "getattr", "open"):
            self.note(unit, Power.COMPUTED, path, node, called=False, words=path, tags=frozenset({Power.DECODE}))

    def environment(self, key: Value, node: ast.AST, unit: Unit) -> Value:
        """One variable of the environment."""
        from scanners.formats.code.knowledge import TOKEN_NAMES

        name = str(key.constant) if key.is_constant else ""
        if name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
            return Value(constant="~")
        if TOKEN_NAMES.search(name):
            self.note(unit, Power.TOKEN, f"os.environ[{name!r}]", node, words=name)
            return Value(tags=frozenset({Power.TOKEN}))
        return Value(path="?", tags=frozenset({Power.HOST}) if name in ("USER", "HOSTNAME", "USERNAME") else NO_TAGS)

    def _on_call(self, node: ast.Call, unit: Unit) -> Value:
        return self.call(node, unit)

    def _on_await(self, node: ast.Await, unit: Unit) -> Value:
        return self.evaluate(node.value, unit)

    def _on_starred(self, node: ast.Starred, unit: Unit) -> Value:
        return self.evaluate(node.value, unit)

    def _on_lambda(self, node: ast.Lambda, unit: Unit) -> Value:
        # What it does counts where it stands: it is there to be called.
        inner = Unit("lambda", Kind.FUNCTION, node, unit)
        self.bind_defaults(node.args, inner, unit)
        inner.deeds, inner.reaches, inner.makes, inner.method_names = (
            unit.deeds, unit.reaches, unit.makes, unit.method_names,
        )  # fmt: skip
        self.evaluate(node.body, inner)
        return Value(unit=inner)

    def bind_defaults(self, arguments: ast.arguments, inner: Unit, unit: Unit) -> None:
        """Parameters are unknown, but for what they are when nobody says otherwise."""
        positional = [*arguments.posonlyargs, *arguments.args]
        for argument in (*positional, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if argument is not None:
                inner.names[argument.arg] = UNKNOWN if argument.arg in ("self", "cls") else GIVEN
        first = len(positional) - len(arguments.defaults)
        for argument, default in zip(positional[first:], arguments.defaults, strict=True):
            inner.names[argument.arg] = self.evaluate(default, unit)
        for argument, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            inner.names[argument.arg] = self.evaluate(given, unit)

    def _each(self, value: Value) -> Value:
        """Any one of what is looped over."""
        if value.items:
            return next(iter(value.items.values()))
        tags = value.tags | ({Power.TOKEN} if value.path in WHOLE_ENVIRONMENT else NO_TAGS)
        return Value(path="?" if value.path else "", text=value.text, tags=tags)

    def bind(self, target: ast.expr, value: Value, unit: Unit) -> None:
        """`target = value`, without a word about what that changes."""
        if isinstance(target, ast.Name):
            unit.names[unicodedata.normalize("NFKC", target.id)] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for index, part in enumerate(target.elts):
                self.bind(part, part_of(value, index), unit)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, Value(tags=value.tags), unit)
