"""What a call does: its callee and arguments, and the calls that only serve to hide another."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from scanners.formats.code.expressions import Expressions, can_be_followed
from scanners.formats.code.folding import FUNCTIONS, NotFoldable, fold, fold_method
from scanners.formats.code.knowledge import LOADER_VARIABLES, MODULES_THAT_CAN_ALL, START_PLACES, Power, power_of
from scanners.formats.code.record import canonical, is_first
from scanners.formats.code.values import NO_TAGS, UNKNOWN, Kind, Unit, Value

DEEPEST_CALL = 4
LONGEST_BODY = 30
"""Of local functions that are tried for their result; what decodes constants is short."""
MOST_NESTED_SOURCES = 40

_TAGGING = frozenset(
    {Power.DECODE, Power.NETWORK, Power.SOCKET, Power.SECRET, Power.TOKEN, Power.HOST, Power.HUB, Power.UNPICKLE}
)
_HANDLES_OF_PATHS = frozenset(
    {"expanduser", "resolve", "absolute", "as_posix", "joinpath", "__str__", "with_suffix", "with_name"}
)
_SAFE_LOADERS = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader"})
_WRITES = re.compile(r"[wax+]")
_KEEPS_FUNCTIONS = frozenset({"dict", "list", "tuple", "set", "isinstance", "issubclass", "staticmethod", "classmethod",
    "property", "super", "type", "print", "id", "hasattr", "callable", "len", "str", "repr"})  # fmt: skip
"""Take a function without calling it."""


_GOES_ON = frozenset({Power.NETWORK, Power.SOCKET, Power.HUB, Power.NATIVE})
_SENDS = re.compile(
    r"\.(?:get|post|put|patch|delete|head|request|stream|send\w*|connect(?:_ex)?|urlopen|open|login|stor\w+|upload\w*"
    r"|create_\w+|push_to_hub|delete_\w+|exec_command|[A-Z]\w+|system|popen|exec\w*|dlopen|mprotect|ptrace)$"
)
"""What is done with a connection or a library once it is there."""


class Calls(Expressions):
    """The `call` of Expressions."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._trying: list[ast.AST] = []
        self.nested_sources = 0

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
        self._hand_over(callee, given, unit)
        if callee.path == "operator.attrgetter()" and callee.items and arguments:
            return self.take(arguments[0], callee.items[0], unit, node)
        special = _SPECIAL.get(callee.path)
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
        return self._folded(callee, node, unit, arguments, tags)

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
        if power is None or (goes_on and not (power in _GOES_ON and _SENDS.search(path))):
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
        note = "destination" if power is Power.WRITE and len(arguments) > 1 else ""
        if note:
            words = arguments[1].words
        self.note(unit, power, path, node, words=words, tags=tags, note=note)
        return power

    def _folded(
        self, callee: Value, node: ast.Call, unit: Unit, arguments: list[Value], tags: frozenset[Power]
    ) -> Value:
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
            found = self.attribute(base, name.constant, unit)
            if power_of(found.path) is not None:
                self.touch(unit, found.path, node, name.tags)
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
        self.quiet += 1
        try:
            return self._tried(target, arguments, keywords, tags)
        finally:
            self.quiet -= 1
            self._trying.pop()

    def _tried(self, target: Unit, arguments: list[Value], keywords: dict[str, Value], tags: frozenset[Power]) -> Value:
        own: ast.arguments = target.node.args  # type: ignore[attr-defined]
        trial = Unit(target.name, Kind.FUNCTION, target.node, target.parent)
        trial.names = dict(target.names)
        for argument, value in zip((*own.posonlyargs, *own.args), arguments, strict=False):
            trial.names[argument.arg] = value
        for name, value in keywords.items():
            trial.names[name] = value
        result = self.run_body(trial)
        return Value(result.path or "?", result.constant, result.text, result.tags | tags, result.unit, result.items)


Special = Callable[[Calls, ast.Call, Unit, list[Value], dict[str, Value]], Value | None]


def _getattr(reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    return reader.take(arguments[0], arguments[1], unit, node) if len(arguments) > 1 else None


def _object_getattr(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]
) -> Value | None:
    return reader.take(arguments[0], arguments[1], unit, node) if len(arguments) > 1 else None


def _import(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], keywords: dict[str, Value]
) -> Value | None:
    first = arguments[0] if arguments else keywords.get("name", UNKNOWN)
    if isinstance(first.constant, str):
        name = first.constant
        reader.imports.add(name)
        whole = (
            len(arguments) > 3
            or "fromlist" in keywords
            or not (isinstance(node.func, ast.Name) and node.func.id == "__import__")
        )
        return Value(path=canonical(name if whole else name.split(".")[0]), tags=first.tags)
    if first.text.startswith(".") or len(arguments) > 1 or first.text.split(".")[0].isidentifier():
        # Of a package it names: `import_module(f".modeling_{name}", "transformers.models")`.
        return Value(path="?")
    reader.note(unit, Power.COMPUTED, "importlib.import_module", node, words="a module", tags=first.tags)
    return Value(path="?import", tags=first.tags)


def _resolve(reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if arguments and isinstance(arguments[0].constant, str):
        path = canonical(arguments[0].constant.replace(":", "."))
        reader.touch(unit, path, node, arguments[0].tags)
        return Value(path=path)
    reader.note(unit, Power.COMPUTED, "pkgutil.resolve_name", node, words="a name")
    return Value(path="?computed")


def _execute(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], keywords: dict[str, Value]
) -> Value | None:
    if not arguments:
        return None
    source = arguments[0]
    path = reader.callee(node.func, unit).path
    text = source.words if isinstance(source.constant, (str, bytes, bytearray)) else ""
    if path == "compile":
        reader.note(unit, Power.COMPILE, "compile", node, words=text or source.text, tags=source.tags)
        return Value(path="?code", constant=source.constant, text=source.text, tags=source.tags)
    read = bool(text) and not reader.quiet and reader.run_source(text, unit, node)
    note = "read" if read else ("constant" if text else "")
    reader.note(unit, Power.EXEC, path, node, words=text or source.text, tags=source.tags, note=note)
    if path == "eval" and text:
        found = _result_of_expression(reader, text, unit)
        if found is not None:
            return found
    return Value(path="?", tags=source.tags)


def _result_of_expression(reader: Calls, text: str, unit: Unit) -> Value | None:
    """What `eval("os.system")` gives."""
    try:
        expression = ast.parse(text.strip()[:2000], mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    reader.quiet += 1
    try:
        return reader.evaluate(expression, unit)
    finally:
        reader.quiet -= 1


def _open(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], keywords: dict[str, Value]
) -> Value | None:
    where = arguments[0] if arguments else keywords.get("file", UNKNOWN)
    mode = arguments[1] if len(arguments) > 1 else keywords.get("mode", UNKNOWN)
    return reader.open_file(where, mode.words or "r", "open", node, unit, where.tags)


def _path(reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    joined = "/".join(value.words or "*" for value in arguments)
    text = reader._text(joined, NO_TAGS, unit, node, is_whole=all(value.is_constant for value in arguments))  # noqa: SLF001
    return Value(path="pathlib.Path()", constant=text.constant, text=text.text)


def _home(*_: Any) -> Value:
    return Value(path="pathlib.Path()", constant="~")


def _namespace(reader: Calls, node: ast.Call, _u: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if arguments and arguments[0].path:
        return Value(path=arguments[0].path)
    return Value(path="globals()")


def _environ_get(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]
) -> Value | None:
    return reader.environment(arguments[0], node, unit) if arguments else None


def _partial(_: Calls, _n: ast.Call, unit: Unit, arguments: list[Value], _k: dict[str, Value]) -> Value | None:
    return arguments[0] if arguments else None


def _map(reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if len(arguments) != 2:
        return None
    function, over = arguments
    if function.path.endswith(".__getitem__"):
        return None
    compute = FUNCTIONS.get(function.path)
    found: list[Any] = []
    if can_be_followed(over):
        for element in over.constant:
            if compute is not None:
                try:
                    found.append(fold(compute, element))
                except NotFoldable:
                    return None
            elif function.unit is not None and function.unit.kind is Kind.FUNCTION:
                value = reader._call_local(function.unit, [Value(constant=element)], {}, unit, NO_TAGS)  # noqa: SLF001
                if not value.is_constant:
                    return None
                found.append(value.constant)
            else:
                return None
        return reader.constant(found, over.tags | ({Power.DECODE} if function.path in ("chr", "") else NO_TAGS))
    return None


def _reduce(reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if len(arguments) == 3 and arguments[0].path == "getattr" and isinstance(arguments[1].constant, (list, tuple)):
        value = arguments[2]
        for name in arguments[1].constant:
            value = reader.take(value, Value(constant=name), unit, node)
        return value
    return None


def _attrgetter(_: Calls, _n: ast.Call, _u: Unit, arguments: list[Value], _k: dict[str, Value]) -> Value | None:
    return Value(path="operator.attrgetter()", items=dict(enumerate(arguments[:1])))


def _setattr(reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if len(arguments) > 2 and isinstance(arguments[1].constant, str):
        reader.assign_attribute(arguments[0], arguments[1].constant, arguments[2], node, unit)
    return None


def _environ_set(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]
) -> Value | None:
    if len(arguments) > 1 and arguments[0].words in LOADER_VARIABLES:
        reader.note(unit, Power.TAMPER, f"os.environ[{arguments[0].words!r}]", node, words=arguments[1].words)
    return None


_SPECIAL: dict[str, Special] = {
    "getattr": _getattr,
    "object.__getattribute__": _object_getattr,
    "type.__getattribute__": _object_getattr,
    "inspect.getattr_static": _getattr,
    "__import__": _import,
    "importlib.import_module": _import,
    "importlib.__import__": _import,
    "importlib._bootstrap._gcd_import": _import,
    "pkgutil.resolve_name": _resolve,
    "pydoc.locate": _resolve,
    "hydra.utils.get_method": _resolve,
    "hydra.utils.get_class": _resolve,
    "exec": _execute,
    "eval": _execute,
    "compile": _execute,
    "open": _open,
    "io.open": _open,
    "codecs.open": _open,
    "aiofiles.open": _open,
    "pathlib.Path": _path,
    "pathlib.PosixPath": _path,
    "pathlib.PurePath": _path,
    "pathlib.Path.home": _home,
    "pathlib.Path().home": _home,
    "globals": _namespace,
    "locals": _namespace,
    "vars": _namespace,
    "os.getenv": _environ_get,
    "os.environ.get": _environ_get,
    "os.environ.setdefault": _environ_set,
    "os.putenv": _environ_set,
    "functools.partial": _partial,
    "map": _map,
    "functools.reduce": _reduce,
    "operator.attrgetter": _attrgetter,
    "operator.methodcaller": _attrgetter,
    "setattr": _setattr,
}
