"""Reads Python source as a whole: statement by statement, in order, nothing run."""

from __future__ import annotations

import ast
import unicodedata
from typing import Any

from scanners.budget import Meter
from scanners.formats.code.calls import MOST_NESTED_SOURCES
from scanners.formats.code.comprehensions import TURNS_NOTED, can_be_followed
from scanners.formats.code.definitions import Definitions
from scanners.formats.code.knowledge import LOADER_VARIABLES, Power, power_of
from scanners.formats.code.record import canonical
from scanners.formats.code.values import UNKNOWN, Kind, Unit, Value, more_telling

LONGEST_NESTED_SOURCE = 256 * 1024
_GUARDED = (
    "builtins", "os", "sys", "subprocess", "pickle", "importlib", "ssl", "torch.load", "torch.serialization",
    "safetensors", "huggingface_hub", "transformers.dynamic_module_utils", "transformers.utils.hub", "socket", "open",
    "numpy.load", "json.loads", "hashlib", "hmac",
    "transformers.AutoModel", "transformers.AutoConfig", "transformers.AutoTokenizer", "transformers.PreTrainedModel",
)  # fmt: skip
"""What code that only computes never replaces."""
_GRAVELY_GUARDED = ("builtins", "os.", "subprocess", "pickle", "torch", "open")
_OFTEN_SET = frozenset(
    f"sys.{name}"
    for name in (
        "path", "stdout", "stderr", "argv", "dont_write_bytecode", "tracebacklimit", "excepthook", "displayhook", "ps1",
        "modules",
    )
) | {"os.environ"}  # fmt: skip


class Reader(Definitions):
    """After `read`, `units` hold what each part of the code does."""

    def __init__(self, lines: list[str], meter: Meter) -> None:
        super().__init__(lines, meter)
        self._returned: list[Value] = []
        self.hooks: set[Unit] = set()
        """Functions put in the place of others: run when those are."""

    def read(self, tree: ast.Module) -> None:
        self.module.names["__file__"] = Value(text="__file__")
        self.module.names["__name__"] = UNKNOWN
        self._block(tree.body, self.module)
        self._finish()

    def _finish(self) -> None:
        # In their order: what `__init__` keeps as `self.x` is known in what follows.
        while self._waiting:
            unit = self._waiting.pop(0)
            self._block(unit.node.body, unit)  # type: ignore[attr-defined]

    def run_source(self, source: str, unit: Unit, node: ast.AST) -> bool:
        self.nested_sources += 1
        if self.nested_sources > MOST_NESTED_SOURCES or len(source) > LONGEST_NESTED_SOURCE:
            return False
        try:
            tree = ast.parse(source.lstrip())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        before, self.nested_line = self.nested_line, self.line_of(node)
        try:
            self._block(tree.body, unit)
            while self._waiting and self._waiting[-1].parent is unit:
                inner = self._waiting.pop()
                self._block(inner.node.body, inner)  # type: ignore[attr-defined]
        finally:
            self.nested_line = before
        return True

    def run_body(self, unit: Unit) -> Value:
        if isinstance(unit.node, ast.Lambda):
            return self.evaluate(unit.node.body, unit)
        outer, self._returned = self._returned, []
        try:
            self._block(unit.node.body, unit)  # type: ignore[attr-defined]
            found = UNKNOWN
            for value in self._returned:
                found = more_telling(found, value)
            return found
        finally:
            self._returned = outer

    def _block(self, statements: list[ast.stmt], unit: Unit) -> None:
        for statement in statements:
            if self.quiet and self.steps_left < 0:
                return
            self.step()
            method: Any = getattr(self, f"_do_{type(statement).__name__.lower()}", None)
            if method is not None:
                method(statement, unit)
            else:
                self._all_inside(statement, unit)
            if isinstance(statement, ast.Return) and self.quiet:
                return

    def _all_inside(self, node: ast.AST, unit: Unit) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.evaluate(child, unit)
            elif isinstance(child, ast.stmt):
                self._block([child], unit)
            else:
                self._all_inside(child, unit)

    def _do_expr(self, node: ast.Expr, unit: Unit) -> None:
        # A text that nothing takes is a comment.
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.evaluate(node.value, unit)

    def _do_return(self, node: ast.Return, unit: Unit) -> None:
        value = self.evaluate(node.value, unit)
        if self.quiet:
            self._returned.append(value)
        elif value.unit is not None and value.unit.kind is Kind.FUNCTION and value.unit.parent is unit:
            unit.returns.add(value.unit)

    def _do_import(self, node: ast.Import, unit: Unit) -> None:
        for alias in node.names:
            self.imports.add(alias.name)
            if alias.asname:
                unit.names[alias.asname] = Value(path=canonical(alias.name))
            else:
                top = alias.name.split(".")[0]
                unit.names[top] = Value(path=canonical(top))

    def _do_importfrom(self, node: ast.ImportFrom, unit: Unit) -> None:
        module = "." * node.level + (node.module or "")
        self.imports.add(module)
        for alias in node.names:
            if alias.name == "*":
                unit.stars.append(module)
            else:
                name = unicodedata.normalize("NFKC", alias.name)
                value = Value(path=canonical(f"{module}.{name}") if node.level == 0 else f"?{name}")
                unit.names[alias.asname or name] = value

    def _do_assign(self, node: ast.Assign, unit: Unit) -> None:
        value = self.evaluate(node.value, unit)
        for target in node.targets:
            self._assign(target, value, unit)

    def _do_annassign(self, node: ast.AnnAssign, unit: Unit) -> None:
        if not isinstance(node.annotation, ast.Constant):
            self.evaluate(node.annotation, unit)
        if node.value is not None:
            self._assign(node.target, self.evaluate(node.value, unit), unit)

    def _do_augassign(self, node: ast.AugAssign, unit: Unit) -> None:
        value = self.evaluate(node.value, unit)
        if isinstance(node.target, ast.Name):
            before = self.name(node.target.id, unit)
            unit.names[node.target.id] = self._operate(type(node.op).__name__, before, value, unit, node)
        else:
            self.evaluate(node.target, unit)
            if isinstance(node.target, ast.Attribute):
                base = self.callee(node.target.value, unit)
                self.touch(unit, canonical(f"{base.path}.{node.target.attr}"), node)

    def _assign(self, target: ast.expr, value: Value, unit: Unit) -> None:
        if isinstance(target, ast.Attribute):
            base = self.callee(target.value, unit)
            self.assign_attribute(base, target.attr, value, target, unit)
        elif isinstance(target, ast.Subscript):
            self._assign_item(target, value, unit)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self.bind(target, value, unit)
            for part in target.elts:
                if isinstance(part, (ast.Attribute, ast.Subscript)):
                    self._assign(part, UNKNOWN, unit)
        else:
            self.bind(target, value, unit)

    def assign_attribute(self, base: Value, name: str, value: Value, node: ast.AST, unit: Unit) -> None:
        if base.unit is not None and base.unit.kind is Kind.CLASS:
            base.unit.names[name] = value
            if value.unit is not None and not self.quiet:
                base.unit.methods.setdefault(name, value.unit)
            return
        if name == "__code__":
            self.note(unit, Power.TAMPER, "__code__", node, words="__code__ = ...", note="replaced")
            return
        if not base.path or base.path.startswith("?"):
            self.attributes[name] = value
            return
        path = f"builtins.{name}" if base.path == "builtins" else canonical(f"{base.path}.{name}")
        if value.unit is not None and not self.quiet:
            self.hooks.add(value.unit)
        if "(" not in path and path not in _OFTEN_SET and _is_guarded(path):
            grave = power_of(path) is Power.TAMPER or path.startswith(_GRAVELY_GUARDED)
            if grave or value.unit is not None or value.path.endswith("_create_unverified_context"):
                self.note(unit, Power.TAMPER, path, node, words=f"{path} = ...", note="replaced")

    def _assign_item(self, target: ast.Subscript, value: Value, unit: Unit) -> None:
        base = self.callee(target.value, unit)
        key = self.evaluate(target.slice, unit)
        name = key.constant if isinstance(key.constant, str) else ""
        if base.path == "sys.modules" and name:
            self.note(unit, Power.TAMPER, f"sys.modules[{name!r}]", target, note="modules")
        elif base.path == "os.environ" and name in LOADER_VARIABLES:
            self.note(unit, Power.TAMPER, f"os.environ[{name!r}]", target, words=value.words, note="environment")
        elif base.path in ("globals()", "locals()") and name:
            unit.names[name] = value
        elif base.path in ("builtins", "os", "sys", "subprocess") and name:
            self.note(unit, Power.TAMPER, f"{base.path}.{name}", target, note="replaced")
        elif base.items is not None and isinstance(base.items, dict) and name:
            base.items[name] = value

    def _do_if(self, node: ast.If, unit: Unit) -> None:
        if _is_main(node.test):
            main = Unit("__main__", Kind.MAIN, node, unit)
            if not self.quiet:
                self.units.append(main)
            self._block(node.body, main)
            # What it defines is there for the functions, too.
            for name, value in main.names.items():
                unit.names.setdefault(name, value)
            self._block(node.orelse, unit)
            return
        # `elif` nests: one after another, so that no depth is spent on a long chain.
        branch: ast.If = node
        while True:
            self.evaluate(branch.test, unit)
            self._either(branch.body, unit)
            if len(branch.orelse) == 1 and isinstance(branch.orelse[0], ast.If) and not _is_main(branch.orelse[0].test):
                branch = branch.orelse[0]
                continue
            self._either(branch.orelse, unit)
            return

    def _either(self, statements: list[ast.stmt], unit: Unit) -> None:
        """A block that may or may not run: of the two values a name may have, the more telling is kept."""
        if not statements:
            return
        before = dict(unit.names)
        self._block(statements, unit)
        for name, value in unit.names.items():
            old = before.get(name)
            if old is not None and old is not value:
                unit.names[name] = more_telling(value, old) if value.constant is not None else old

    def _do_try(self, node: ast.Try, unit: Unit) -> None:
        self._block(node.body, unit)
        for handler in node.handlers:
            self.evaluate(handler.type, unit)
            self._either(handler.body, unit)
        self._block(node.orelse, unit)
        self._block(node.finalbody, unit)

    _do_trystar = _do_try

    def _do_for(self, node: ast.For | ast.AsyncFor, unit: Unit) -> None:
        over = self.evaluate(node.iter, unit)
        before = dict(unit.names)
        self.bind(
            node.target,
            self._each(over)
            if not can_be_followed(over) or not over.constant
            else Value(constant=next(iter(over.constant))),
            unit,
        )
        self._block(node.body, unit)
        if can_be_followed(over) and len(over.constant) > 1:
            unit.names = before
            for turn, element in enumerate(over.constant):
                self.bind(node.target, Value(constant=element, tags=over.tags), unit)
                self.quiet += turn >= TURNS_NOTED
                try:
                    self._block(node.body, unit)
                finally:
                    self.quiet -= turn >= TURNS_NOTED
                if self.steps_left < 0:
                    break
        self._block(node.orelse, unit)

    _do_asyncfor = _do_for

    def _do_while(self, node: ast.While, unit: Unit) -> None:
        self.evaluate(node.test, unit)
        self._either(node.body, unit)
        self._block(node.orelse, unit)

    def _do_with(self, node: ast.With | ast.AsyncWith, unit: Unit) -> None:
        for item in node.items:
            value = self.evaluate(item.context_expr, unit)
            if item.optional_vars is not None:
                self._assign(item.optional_vars, value, unit)
        self._block(node.body, unit)

    _do_asyncwith = _do_with


def _is_guarded(path: str) -> bool:
    return any(path == guarded or path.startswith(guarded + ".") for guarded in _GUARDED)


def _is_main(test: ast.expr) -> bool:
    """`__name__ == "__main__"`."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = [test.left, test.comparators[0]]
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )
