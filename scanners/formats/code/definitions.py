"""Functions and classes: what runs when they are made, and what only then can be called."""

from __future__ import annotations

import ast
from typing import Any

from scanners.formats.code.calls import Calls
from scanners.formats.code.knowledge import Power, power_of
from scanners.formats.code.values import Kind, Unit, Value

_RUNS_LATER = frozenset({"atexit.register", "signal.signal", "sys.addaudithook", "weakref.finalize", "threading.Timer"})


class Definitions(Calls):
    """Makes a unit of each; the bodies of functions wait until all around them is known."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._waiting: list[Unit] = []

    def _block(self, statements: list[ast.stmt], unit: Unit) -> None:
        raise NotImplementedError

    def _do_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, unit: Unit) -> None:
        name = node.name if unit.kind in (Kind.MODULE, Kind.MAIN) else f"{unit.name}.{node.name}"
        inner = Unit(name[:200], Kind.FUNCTION, node, unit)
        decorators = [self.evaluate(decorator, unit) for decorator in node.decorator_list]
        self.bind_defaults(node.args, inner, unit)
        for annotation in (
            *(argument.annotation for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)),
            node.returns,
        ):
            if annotation is not None and not isinstance(annotation, ast.Constant):
                self.evaluate(annotation, unit)
        unit.names[node.name] = Value(unit=inner)
        if self.quiet:
            return
        self.units.append(inner)
        self._waiting.append(inner)
        if unit.kind is Kind.CLASS:
            unit.methods[node.name] = inner
        for decorator in decorators:
            if decorator.unit is not None:
                self._decorate(decorator.unit, inner, unit)
            if decorator.path in _RUNS_LATER or power_of(decorator.path) in (Power.EXEC, Power.PROCESS):
                unit.reaches.add(inner)

    _do_asyncfunctiondef = _do_functiondef

    def _decorate(self, decorator: Unit, inner: Unit, unit: Unit) -> None:
        """A decorator runs at once; what it decorates only if it calls it, and its wrapper whenever that is called."""
        unit.reaches.add(decorator)
        inner.decorators.add(decorator)
        if decorator.kind is Kind.CLASS:
            unit.makes.add(decorator)
        elif calls_its_parameter(decorator.node):
            (unit.makes if inner.kind is Kind.CLASS else unit.reaches).add(inner)

    def _do_classdef(self, node: ast.ClassDef, unit: Unit) -> None:
        name = node.name if unit.kind in (Kind.MODULE, Kind.MAIN) else f"{unit.name}.{node.name}"
        inner = Unit(name[:200], Kind.CLASS, node, unit)
        decorators = [self.evaluate(decorator, unit) for decorator in node.decorator_list]
        inner.bases = [self.evaluate(base, unit) for base in node.bases]
        keywords = [self.evaluate(keyword.value, unit) for keyword in node.keywords]
        if not self.quiet:
            self.units.append(inner)
            unit.reaches.add(inner)
            # A metaclass makes the class; a base may have a word in it.
            unit.makes |= {value.unit for value in keywords if value.unit is not None and value.unit.kind is Kind.CLASS}
            unit.reaches |= {value.unit for value in keywords if value.unit is not None}
            for base in inner.bases:
                if base.unit is not None:
                    hooks = ("__init_subclass__", "__class_getitem__", "__mro_entries__")
                    unit.reaches |= {base.unit.methods[hook] for hook in hooks if hook in base.unit.methods}
                    inner.methods = {**base.unit.methods, **inner.methods}
                    if any(value.path == "type" for value in base.unit.bases):
                        inner.bases.append(Value(path="type"))
            for decorator in decorators:
                if decorator.unit is not None:
                    self._decorate(decorator.unit, inner, unit)
        self._block(node.body, inner)
        unit.names[node.name] = Value(unit=inner)


def calls_its_parameter(function: ast.AST) -> bool:
    """Whether the function itself, not one inside of it, calls something that it was given."""
    own: ast.arguments = function.args  # type: ignore[attr-defined]
    names = {argument.arg for argument in (*own.posonlyargs, *own.args)}
    body = function.body  # type: ignore[attr-defined]
    waiting: list[ast.AST] = list(body) if isinstance(body, list) else [body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))
    return False
