"""Keeps what is seen while code is read, within bounds."""

from __future__ import annotations

import ast
import re

from scanners.budget import Meter
from scanners.formats.code.folding import NotFoldable, weight
from scanners.formats.code.knowledge import SAME, SECRET_PLACES, Power, power_of
from scanners.formats.code.values import MISSING, NO_TAGS, Deed, Kind, Unit, Value

MOST_STEPS = 100_000
"""Expressions evaluated only for their result, as in loops that decode constants; then values stay unknown."""
MOST_FOLDED = 32 * 1024 * 1024
MOST_DEEDS = 2_000
LONGEST_SNIPPET = 160
LONGEST_PATH = 300
LONGEST_PLACE, MOST_SPACES = 4096, 3
_INSIDE = re.compile(
    r"^(?!asyncio\b)[\w?.()]+?\._?(os|sys|subprocess|socket|builtins|importlib|shutil|ctypes|pty|pickle|marshal|base64)"
    r"\.(?=\w)"
)
"""A module of the standard library reached through another: `numpy.os.system`."""

_COUNTS_UNCALLED = frozenset(
    {Power.PROCESS, Power.EXEC, Power.SOCKET, Power.UNPICKLE, Power.ESCAPE, Power.TAMPER, Power.NATIVE, Power.INSTALL}
)
"""Where naming it without a call already says something; it is then called by somebody else."""


def canonical(path: str) -> str:
    """One spelling for a thing that has several."""
    path = path[:LONGEST_PATH]
    inside = _INSIDE.match(path)
    if inside is not None:
        path = f"{inside.group(1)}.{path[inside.end() :]}"
    for other, name in SAME.items():
        if path == other or path.startswith(other + "."):
            path = name + path[len(other) :]
            break
    return path.removeprefix("builtins.")


class Record:
    """The units of a file and their deeds."""

    def __init__(self, lines: list[str], meter: Meter) -> None:
        self.meter = meter
        self.lines = lines
        self.module = Unit("module", Kind.MODULE, ast.Module(body=[], type_ignores=[]))
        self.units: list[Unit] = [self.module]
        self.attributes: dict[str, Value] = {}
        """What was kept as `self.<name>`, whatever `self` is."""
        self.imports: set[str] = set()
        self.pickles: list[tuple[bytes, int]] = []
        """Constants that are unpickled, and the line."""
        self.steps_left = MOST_STEPS
        self._steps = 0
        self.folded_left = MOST_FOLDED
        self.quiet = 0
        """Above zero while a function is tried for its result: what it does is noted where it stands."""
        self.nested_line = 0
        """Above zero while code in a string is read: the line of that string."""
        self._seen: set[tuple[int, Power, int, str]] = set()

    def step(self) -> None:
        self._steps += 1
        if self.quiet:
            self.steps_left -= 1
        if self._steps % 1024 == 0:
            self.meter.check_clock()

    def constant(self, value: object, tags: frozenset[Power] = NO_TAGS, path: str = "") -> Value:
        """A value folded from constants; unknown if it or all of them together are too large."""
        try:
            self.folded_left -= weight(value)
        except NotFoldable:
            return Value(path=path, tags=tags)
        if self.folded_left < 0:
            return Value(path=path, tags=tags)
        return Value(path=path, constant=value, tags=tags)

    def line_of(self, node: ast.AST) -> int:
        return self.nested_line or getattr(node, "lineno", 0)

    def snippet(self, node: ast.AST) -> str:
        """The source of an expression, its first line at most."""
        if self.nested_line:
            return ast.unparse(node)[:LONGEST_SNIPPET] if isinstance(node, (ast.Call, ast.Attribute, ast.Name)) else ""
        line = self.lines[node.lineno - 1] if 0 < getattr(node, "lineno", 0) <= len(self.lines) else ""  # type: ignore[attr-defined]
        begin: int = getattr(node, "col_offset", 0)
        end = getattr(node, "end_col_offset", None) if getattr(node, "end_lineno", 0) == node.lineno else None  # type: ignore[attr-defined]
        return line.encode()[begin:end].decode("utf-8", "replace").strip()[:LONGEST_SNIPPET]

    def note(
        self,
        unit: Unit,
        power: Power,
        path: str,
        node: ast.AST,
        *,
        called: bool = True,
        words: str = "",
        tags: frozenset[Power] = NO_TAGS,
        note: str = "",
    ) -> None:
        if self.quiet:
            return
        line = self.line_of(node)
        key = (id(unit), power, line, words[:100])
        if key in self._seen or len(self._seen) > MOST_DEEDS:
            return
        self._seen.add(key)
        unit.deeds.append(Deed(power, path, line, self.snippet(node), called, words[:2000], tags, note))

    def touch(self, unit: Unit, path: str, node: ast.AST, tags: frozenset[Power] = NO_TAGS) -> None:
        """A name is used, but not called here."""
        power = power_of(path)
        if power in _COUNTS_UNCALLED and is_first(path) and ("(" not in path or power is Power.ESCAPE):
            self.note(unit, power, path, node, called=False, tags=tags)

    def look_at_text(self, unit: Unit, value: Value, node: ast.AST) -> None:
        """A constant that names a place of secrets."""
        text = value.constant if value.constant is not MISSING else value.text
        if not isinstance(text, (str, bytes)) or not 3 < len(text) < LONGEST_PLACE:
            return
        shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
        # A sentence only speaks of it.
        found = SECRET_PLACES.search(shown) if shown.count(" ") <= MOST_SPACES else None
        if found is not None:
            self.note(unit, Power.SECRET, found.group(), node, called=False, words=shown[:200])


def is_first(path: str) -> bool:
    """Not merely below something that has a power already: `subprocess.run().stdout`."""
    above = path.rpartition(".")[0]
    return not above or power_of(above) is None
