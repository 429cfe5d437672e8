"""Comprehensions, and those over constants followed to their result: `"".join(chr(c) for c in [...])`."""

from __future__ import annotations

import ast

from scanners.formats.code.expressions import Expressions
from scanners.formats.code.knowledge import Power
from scanners.formats.code.values import NO_TAGS, Kind, Unit, Value

TURNS_NOTED = 8
"""Of a loop over constants whose every turn may do something of its own."""
MOST_TURNS = 4096
"""Of a loop over constants that is followed for its result."""


class Comprehensions(Expressions):
    """The comprehensions of Expressions."""

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, unit: Unit) -> Value:
        inner = Unit(unit.name, Kind.FUNCTION, node, unit)
        inner.deeds, inner.reaches, inner.makes, inner.method_names = (
            unit.deeds, unit.reaches, unit.makes, unit.method_names,
        )  # fmt: skip
        first = self.evaluate(node.generators[0].iter, unit)
        self.bind(node.generators[0].target, self._each(first), inner)
        for generator in node.generators[1:]:
            self.bind(generator.target, self._each(self.evaluate(generator.iter, inner)), inner)
        for generator in node.generators:
            for test in generator.ifs:
                self.evaluate(test, inner)
        element = self.evaluate(node.elt, inner)
        tags = first.tags | element.tags
        if len(node.generators) == 1 and not node.generators[0].ifs:
            folded = self._turns(first, node.generators[0].target, node.elt, inner)
            if folded is not None and all(value.is_constant for value in folded):
                return self.constant([value.constant for value in folded], tags)
            if folded is not None:
                return Value(items=dict(enumerate(folded)), tags=tags)
        return Value(path=element.path if element.path.startswith("?") else "", tags=tags)

    _on_listcomp = _on_setcomp = _on_generatorexp = _comprehension

    def _on_dictcomp(self, node: ast.DictComp, unit: Unit) -> Value:
        inner = Unit(unit.name, Kind.FUNCTION, node, unit, deeds=unit.deeds, reaches=unit.reaches, makes=unit.makes)
        tags = NO_TAGS
        for generator in node.generators:
            value = self.evaluate(generator.iter, inner)
            if self._whole_environment(value, node, unit):
                tags |= {Power.TOKEN}
            tags |= value.tags
            self.bind(generator.target, self._each(value), inner)
            for test in generator.ifs:
                self.evaluate(test, inner)
        return Value(tags=tags | self.evaluate(node.key, inner).tags | self.evaluate(node.value, inner).tags)

    def _turns(self, over: Value, target: ast.expr, body: ast.expr, inner: Unit) -> list[Value] | None:
        """A comprehension over constants, followed to its result."""
        if not can_be_followed(over):
            return None
        found: list[Value] = []
        is_short = len(over.constant) <= TURNS_NOTED
        self.quiet += not is_short
        try:
            for element in over.constant:
                self.bind(target, Value(constant=element), inner)
                value = self.evaluate(body, inner)
                if not value.is_constant and not is_short:
                    return None
                found.append(value)
        finally:
            self.quiet -= not is_short
        return found


def can_be_followed(over: Value) -> bool:
    """Constants to loop over, and few enough."""
    return isinstance(over.constant, (str, bytes, bytearray, list, tuple, range)) and len(over.constant) <= MOST_TURNS
