"""What a call does: its callee and arguments, and the calls that only serve to hide another."""

from __future__ import annotations

import ast
import re
from typing import Any

from scanners.formats.code.arguments import (
    PAYLOAD,
    PROTOTYPES,
    SENDS,
    all_of,
    can_do,
    is_address,
    is_executable,
    sends_inputs,
)
from scanners.formats.code.comprehensions import Comprehensions
from scanners.formats.code.folding import FUNCTIONS, NotFoldable, fold, fold_method
from scanners.formats.code.knowledge import MODULES_THAT_CAN_ALL, START_PLACES, Power, power_of
from scanners.formats.code.record import canonical, is_first
from scanners.formats.code.special import SPECIAL
from scanners.formats.code.values import UNKNOWN, Kind, Unit, Value

DEEPEST_CALL = 4
MOST_TRIED_ALOUD = 100
"""Calls of local functions that are given a module or a function of power."""
LONGEST_BODY = 30
"""Of local functions that are tried for their result; what decodes constants is short."""
MOST_NESTED_SOURCES = 40

_TAGGING = frozenset(
    {Power.DECODE, Power.NETWORK, Power.SOCKET, Power.SECRET, Power.TOKEN, Power.HOST, Power.HUB, Power.UNPICKLE}
)
_HANDLES_OF_PATHS = frozenset(
    {"expanduser", "resolve", "absolute", "as_posix", "joinpath", "__str__", "with_suffix", "with_name"}
)
_SAFE_LOADERS = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "FullLoader", "CFullLoader"})
_WRITES = re.compile(r"[wax+]")
_KEEPS_FUNCTIONS = frozenset({"dict", "list", "tuple", "set", "isinstance", "issubclass", "staticmethod", "classmethod",
    "property", "super", "type", "print", "id", "hasattr", "callable", "len", "str", "repr"})  # fmt: skip
"""Take a function without calling it."""


_SHOWS = frozenset(
    {
        "print", "pprint.pprint", "pprint.pformat", "json.dumps", "json.dump", "str", "repr", "pickle.dumps",
        "pickle.dump", "yaml.dump", "logging.info", "logging.warning", "logging.debug", "logging.error",
        "urllib.parse.urlencode", "sys.stdout.write",
    }
)  # fmt: skip
"""Makes a text of what it is given, or shows it."""
_GOES_ON = frozenset({Power.NETWORK, Power.SOCKET, Power.HUB, Power.NATIVE})


_LISTS_FILES = frozenset({"os.walk", "os.listdir", "os.scandir", "glob.glob", "glob.iglob"})


class Calls(Comprehensions):
    """The `call` of Expressions."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._trying: list[ast.AST] = []
        self.nested_sources = 0
        self._tried_aloud = 0

    def run_source(self, source: str, unit: Unit, node: ast.AST) -> bool:
        """Reads code that stands in a string as code of the unit; False if it is none."""
        raise NotImplementedError

    def assign_attribute(self, base: Value, name: str, value: Value, node: ast.AST, unit: Unit) -> None:
        """`base.name = value`."""
        raise NotImplementedError

    def run_body(self, unit: Unit) -> Value:
        """The result of a local function, tried with its parameters bound."""
        raise NotImplementedError

    def call(self, node: ast.Call, unit: Unit) -> Value:
        base = UNKNOWN
        if isinstance(node.func, ast.Attribute):
            base = self.callee(node.func.value, unit)
            callee = self.attribute_of(base, node.func, unit)
        else:
            callee = self.callee(node.func, unit)
        arguments = [self.evaluate(argument, unit) for argument in node.args]
        keywords = {keyword.arg or "**": self.evaluate(keyword.value, unit) for keyword in node.keywords}
        given = [*arguments, *keywords.values()]
        tags = callee.tags.union(*(value.tags for value in given))
        if any(self._whole_environment(value, node, unit) for value in given):
            tags |= {Power.TOKEN}
            if callee.path in _SHOWS:
                self.note(unit, Power.TOKEN, "os.environ", node, words="the environment is shown", note="shown")
        self._hand_over(callee, given, unit)
        if not self.quiet and any(value.path in ("exec", "eval") for value in given):
            self._run_handed(given, unit, node)
        if callee.path == "operator.attrgetter()" and callee.items and arguments:
            return self.take(arguments[0], callee.items[0], unit, node)
        special = SPECIAL.get(callee.path)
        if special is not None:
            found = special(self, node, unit, arguments, keywords)
            if found is not None:
                return found
        if callee.made_of is not None and "__call__" in callee.made_of.methods:
            return self._call_local(callee.made_of.methods["__call__"], [UNKNOWN, *arguments], keywords, unit, tags)
        if callee.unit is not None:
            return self._call_local(callee.unit, arguments, keywords, unit, tags)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method:
            found = self._method(node, base, method, unit, arguments, tags)
            if found is not None:
                return found
        power = self._note_call(callee, node, unit, arguments, keywords, tags)
        if power in _TAGGING:
            tags |= {power}
        return self._folded(callee, node, unit, arguments, keywords, tags)

    def _note_call(
        self, callee: Value, node: ast.Call, unit: Unit, arguments: list[Value], keywords: dict[str, Value],
        tags: frozenset[Power],
    ) -> Power | None:  # fmt: skip
        path = callee.path
        power = power_of(path)
        if path == "yaml.load":
            loader = keywords.get("Loader") or (arguments[1] if len(arguments) > 1 else UNKNOWN)
            power = None if loader.path.rpartition(".")[2] in _SAFE_LOADERS else Power.UNPICKLE
        elif path == "numpy.load":
            power = Power.UNPICKLE if keywords.get("allow_pickle", UNKNOWN).constant is True else None
        elif path == "torch.load" and keywords.get("weights_only", UNKNOWN).constant is True:
            power = None
        elif keywords.get("trust_remote_code", UNKNOWN).constant is True and path not in ("", "dict"):
            power = Power.REMOTE_CODE
        elif (path == "pickle.loads" and arguments and arguments[0].path == "pickle.dumps()") or (
            path == "compile" and len(arguments) < 2 and not keywords
        ):
            power = None
        if path.startswith(("?computed", "?import.?")):
            power = Power.COMPUTED
        goes_on = "(" in path and not is_first(path)
        if path in PROTOTYPES:
            if not arguments or not is_address(arguments[0]):
                return None
            self.note(unit, Power.NATIVE, f"{path}(address)", node, words="an address in memory", note="address")
            return Power.NATIVE
        if path == "mmap.mmap" and is_executable(keywords.get("prot", UNKNOWN)):
            self.note(unit, Power.NATIVE, "mmap.PROT_EXEC", node, tags=tags)
            return Power.NATIVE
        if power is None or (goes_on and not (power in _GOES_ON and SENDS.search(path))):
            return power
        first = arguments[0] if arguments else next(iter(keywords.values()), UNKNOWN)
        words = first.words
        if power is Power.PROCESS and len(arguments) > 1 and path.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            words = " ".join(value.words for value in arguments if value.words)
        if power in (Power.NETWORK, Power.SOCKET) and not words.startswith(("http", "ftp")):
            words = next((value.words for value in (*arguments, *keywords.values()) if "://" in value.words), words)
        if power is Power.UNPICKLE and isinstance(first.constant, (bytes, bytearray)) and not self.quiet:
            self.pickles.append((bytes(first.constant), self.line_of(node)))
        if power is Power.BUILD_NATIVE:
            words = " ".join(value.words for value in (*arguments, *keywords.values()))
        note = "inputs" if power is Power.NETWORK and sends_inputs(path, words, arguments, keywords) else ""
        if power is Power.EXEC and isinstance(first.constant, str) and not self.quiet:
            note = "read" if self.run_source(first.constant, unit, node) else ""
        if power is Power.WRITE and len(arguments) > 1:
            words = arguments[1].words
        self.note(unit, power, path, node, words=words, tags=tags, note=note)
        return power

    def _folded(
        self, callee: Value, node: ast.Call, unit: Unit, arguments: list[Value], keywords: dict[str, Value],
        tags: frozenset[Power],
    ) -> Value:  # fmt: skip
        """The result, where it can be told."""
        path = f"{callee.path}()" if callee.path else ""
        if callee.path == "chr":
            tags |= {Power.DECODE}
        if callee.path == "os.path.join" and any(value.words for value in arguments):
            parts = [value.words or "*" for value in arguments]
            whole = all(isinstance(value.constant, str) for value in arguments)
            return self._text("/".join(parts), tags, unit, node, is_whole=whole)
        compute = FUNCTIONS.get(callee.path)
        if compute is None and callee.path.endswith((".bytes.fromhex", ".b64decode")):
            compute = FUNCTIONS["bytes.fromhex"]
        if compute is not None and all(value.is_constant for value in arguments):
            try:
                value = self.constant(fold(compute, *(value.constant for value in arguments)), tags, path)
            except NotFoldable:
                return Value(path=path, tags=tags)
            self.look_at_text(unit, value, node)
            return value
        if callee.path == "urllib.request.Request":
            payload = arguments[1:] + [value for name, value in keywords.items() if name in PAYLOAD]
            first = arguments[0] if arguments else keywords.get("url", UNKNOWN)
            inner = frozenset({Power.INPUT}) & frozenset().union(*(value.tags for value in payload))
            return Value(path=path, text=first.words[:4096], tags=(tags - {Power.INPUT}) | inner)
        if callee.path in _LISTS_FILES and arguments:
            return Value(path="?", text=arguments[0].words[:4096], tags=tags)
        if compute is not None and len(arguments) == 1:
            return Value(path=path, text=arguments[0].words[:4096], items=arguments[0].items, tags=tags)
        return Value(path=path, tags=tags)

    def _method(
        self, node: ast.Call, base: Value, name: str, unit: Unit, arguments: list[Value], tags: frozenset[Power]
    ) -> Value | None:  # fmt: skip
        """A method of a constant, a path or a table of names; None if it is none of these."""
        if name in ("__getattribute__", "__getattr__") and arguments and base.path:
            return self.take(base, arguments[-1], unit, node)
        if name in ("get", "pop", "__getitem__") and arguments:
            if base.path in ("sys.modules", "globals()", "locals()", "vars()", "builtins", "os", "os.environ"):
                return self.item(base, arguments[0], unit, node)
            if base.items is not None:
                return self.item(base, arguments[0], unit, node)
        if name == "load_module" and arguments and isinstance(arguments[0].constant, str):
            return Value(path=canonical(arguments[0].constant))
        if base.path == "pathlib.Path()":
            if name in _HANDLES_OF_PATHS:
                joined = "/".join(
                    [base.words or "*", *(value.words or "*" for value in arguments)]
                    if name == "joinpath"
                    else [base.words]
                )
                text = self._text(joined, tags, unit, node, is_whole=base.is_constant)
                return Value(path=base.path, constant=text.constant, text=text.text, tags=tags)
            if name in (
                "write_text",
                "write_bytes",
                "open",
                "read_text",
                "read_bytes",
                "symlink_to",
                "unlink",
                "touch",
            ):
                mode = (
                    arguments[0].words
                    if arguments and name == "open"
                    else ("w" if name in ("write_text", "write_bytes", "symlink_to", "touch") else "r")
                )
                if name == "unlink":
                    self.note(unit, Power.DELETE, "pathlib.Path().unlink", node, words=base.words, tags=tags)
                    return UNKNOWN
                return self.open_file(base, mode, f"pathlib.Path().{name}", node, unit, tags)
        if base.is_constant and all(value.is_constant for value in arguments) and not node.keywords:
            if name == "decode" and arguments:
                tags |= {Power.DECODE}
            elif name in ("join", "replace", "format", "lower", "translate", "swapcase", "strip"):
                tags |= {Power.JOINED}
            try:
                value = self.constant(
                    fold_method(base.constant, name, [value.constant for value in arguments]), tags, "?"
                )
            except NotFoldable:
                return Value(path=f"?.{name}()", tags=tags)
            self.look_at_text(unit, value, node)
            return value
        if name in ("join", "format", "decode", "strip", "replace", "lower") and (base.is_constant or arguments == []):
            words = base.words if name != "join" else (arguments[0].words if arguments else "")
            return Value(path=f"{base.path or '?'}.{name}()", text=words[:4096], tags=tags)
        return None

    def take(self, base: Value, name: Value, unit: Unit, node: ast.AST) -> Value:
        """`getattr(base, name)`."""
        if isinstance(name.constant, str):
            local = self.name(name.constant, unit)
            if local.unit is not None and (not base.path or base.path.startswith(("?", "globals()", "sys.modules"))):
                return local
            found = self.attribute(base, name.constant, unit)
            if power_of(found.path) is not None:
                self.touch(unit, found.path, node, name.tags)
            if base.path in MODULES_THAT_CAN_ALL:
                self.hidden_name(found.path, name, unit, node)
            return Value(path=found.path, constant=found.constant, unit=found.unit, tags=found.tags | name.tags)
        if base.path in MODULES_THAT_CAN_ALL or base.path.startswith("?import"):
            self.note(unit, Power.COMPUTED, f"{base.path}.?", node, called=False, words=base.path, tags=name.tags)
            return Value(path="?computed" if base.path in MODULES_THAT_CAN_ALL else "?import.?", tags=name.tags)
        return Value(path=f"{base.path}.?" if base.path else "?", tags=base.tags | name.tags)

    def open_file(self, where: Value, mode: str, path: str, node: ast.AST, unit: Unit, tags: frozenset[Power]) -> Value:
        if _WRITES.search(mode[:4]):
            self.note(unit, Power.WRITE, path, node, words=where.words, tags=tags)
            return Value(path="?file", text=where.words, tags=tags)
        if START_PLACES.search(where.words):
            self.look_at_text(unit, where, node)
        return Value(path="?file", text=where.words, tags=tags | {Power.READ_FILE})

    def _hand_over(self, callee: Value, given: list[Value], unit: Unit) -> None:
        """A function given to somebody is a function called."""
        if self.quiet or callee.path in _KEEPS_FUNCTIONS:
            return
        for value in given:
            for inner in [value, *(value.items or {}).values()]:
                if inner.unit is not None and inner.unit.kind is Kind.FUNCTION:
                    unit.reaches.add(inner.unit)

    def _run_handed(self, given: list[Value], unit: Unit, node: ast.Call) -> None:
        """`Thread(target=exec, args=("...",))`: the text is run by whoever is given both."""
        for value in given:
            inner = value.constant if isinstance(value.constant, (list, tuple)) else [value.constant]
            for text in inner[:8]:
                if isinstance(text, str):
                    self.run_source(text, unit, node)

    def _call_local(self, target: Unit, arguments: list[Value], keywords: dict[str, Value], unit: Unit,
                    tags: frozenset[Power]) -> Value:  # fmt: skip
        if not self.quiet:
            (unit.makes if target.kind is Kind.CLASS else unit.reaches).add(target)
        if target.kind is Kind.CLASS:
            return Value(path="?", tags=tags, made_of=target)
        body = getattr(target.node, "body", None)
        too_long = isinstance(body, list) and len(body) > LONGEST_BODY
        if too_long or len(self._trying) >= DEEPEST_CALL or target.node in self._trying or self.steps_left < 0:
            return Value(path="?", tags=tags)
        self._trying.append(target.node)
        try:
            if (
                not self.quiet
                and self._tried_aloud < MOST_TRIED_ALOUD
                and any(map(can_do, all_of(arguments, keywords)))
            ):
                # What the function does depends on what it is given: `(lambda m: m.system("..."))(os)`.
                self._tried_aloud += 1
                self._tried(target, arguments, keywords, tags)
            self.quiet += 1
            try:
                return self._tried(target, arguments, keywords, tags)
            finally:
                self.quiet -= 1
        finally:
            self._trying.pop()

    def _tried(self, target: Unit, arguments: list[Value], keywords: dict[str, Value], tags: frozenset[Power]) -> Value:
        """As if it were called with these; unless all is quiet, what it does is noted as its own."""
        own: ast.arguments = target.node.args  # type: ignore[attr-defined]
        trial = Unit(target.name, Kind.FUNCTION, target.node, target.parent)
        trial.names = dict(target.names)
        if not self.quiet:
            trial.deeds, trial.reaches, trial.makes, trial.method_names = (
                target.deeds, target.reaches, target.makes, target.method_names,
            )  # fmt: skip
        for argument, value in zip((*own.posonlyargs, *own.args), arguments, strict=False):
            trial.names[argument.arg] = value
        for name, value in keywords.items():
            trial.names[name] = value
        result = self.run_body(trial)
        return Value(result.path or "?", result.constant, result.text, result.tags | tags, result.unit, result.items)
