"""Calls that are known by name: those that only serve to hide another, and those whose result can be told."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scanners.formats.code.comprehensions import can_be_followed
from scanners.formats.code.folding import FUNCTIONS, NotFoldable, fold
from scanners.formats.code.knowledge import LOADER_VARIABLES, MODULES_THAT_CAN_ALL, Power
from scanners.formats.code.record import canonical
from scanners.formats.code.values import NO_TAGS, UNKNOWN, Kind, Unit, Value

if TYPE_CHECKING:
    from scanners.formats.code.calls import Calls

    Special = Callable[[Calls, ast.Call, Unit, list[Value], dict[str, Value]], Value | None]


_FOR_ANYBODY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  (read, not used)
_SHELL_MAGICS = frozenset({"system", "sx", "sc", "bash", "sh", "script", "cmd", "powershell", "perl", "ruby"})
_ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2}|\\u00[0-9a-fA-F]{2}|\\[0-7]{3}){3}")
"""Letters that nobody writes as their numbers, unless nobody should read them."""


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


def _execute(reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if not arguments:
        return None
    source = arguments[0]
    path = reader.callee(node.func, unit).path
    if _ESCAPED.search(reader.snippet(node)):
        source = Value(source.path, source.constant, source.text, source.tags | {Power.DECODE})
    text = source.words if isinstance(source.constant, (str, bytes, bytearray)) else ""
    if path == "compile":
        reader.note(unit, Power.COMPILE, "compile", node, words=text or source.text, tags=source.tags)
        return Value(path="?code", constant=source.constant, text=source.text, tags=source.tags)
    before = dict(unit.names)
    read = bool(text) and not reader.quiet and reader.run_source(text, unit, node)
    if len(arguments) > 1 and isinstance(arguments[1].items, dict):
        # `exec(code, names)`: what it defines is found there.
        arguments[1].items.update({name: it for name, it in unit.names.items() if before.get(name) is not it})
    note = "read" if read else ("constant" if text else "")
    if source.path == "?code" and note:
        note = "compiled"
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


def _namespace(_r: Calls, _n: ast.Call, _u: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if arguments and arguments[0].path:
        return Value(path=arguments[0].path)
    return Value(path="globals()")


def _environ_get(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]
) -> Value | None:
    return reader.environment(arguments[0], node, unit) if arguments else None


def _partial(_: Calls, _n: ast.Call, _u: Unit, arguments: list[Value], _k: dict[str, Value]) -> Value | None:
    return arguments[0] if arguments else None


def _map(reader: Calls, _n: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if len(arguments) != 2:
        return None
    function, over = arguments
    if function.path.endswith(".__getitem__"):
        return None
    if function.path in ("__import__", "importlib.import_module") and can_be_followed(over):
        modules = [Value(path=canonical(str(name)[:200])) for name in over.constant]
        return Value(items=dict(enumerate(modules)))
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


def _spec(_r: Calls, _n: ast.Call, _u: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    return Value(path="?spec", text=arguments[0].words) if arguments else None


def _from_spec(_r: Calls, _n: ast.Call, _u: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    if arguments and arguments[0].path == "?spec" and arguments[0].text:
        return Value(path=canonical(arguments[0].text))
    return None


def _members(_r: Calls, _n: ast.Call, _u: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    """A table of a module's names is as good as the module."""
    if arguments and arguments[0].path in ("os.environ", "os.environ.items()"):
        return Value(path="dict()<os.environ>", tags=frozenset({Power.TOKEN}))
    return Value(path=arguments[0].path) if arguments and arguments[0].path in MODULES_THAT_CAN_ALL else None


def _targets(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], keywords: dict[str, Value]
) -> Value | None:
    """Configurations that name what is to be called: `{"()": "os.system"}`, `{"_target_": "os.system"}`."""
    waiting: list[Any] = [value.constant for value in (*arguments, *keywords.values()) if value.is_constant]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key, named in value.items():
                if key in ("()", "_target_", "class", "func") and isinstance(named, str):
                    reader.touch(unit, canonical(named), node)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return None


def _magic(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], keywords: dict[str, Value]
) -> Value | None:
    """`get_ipython().run_line_magic("system", "...")`; of most magics there is nothing to say."""
    name = (arguments[0] if arguments else keywords.get("magic_name", UNKNOWN)).words
    rest = [*arguments[1:], *keywords.values()]
    command = "\n".join(value.words for value in rest if value.words)
    if name in _SHELL_MAGICS:
        reader.note(unit, Power.PROCESS, f"get_ipython().{name}", node, words=command)
    elif name in ("pip", "conda", "uv"):
        reader.note(unit, Power.PROCESS, f"get_ipython().{name}", node, words=f"{name} {command}")
    return Value(path="?")


def _dirname(_r: Calls, _n: ast.Call, _u: Unit, arguments: list[Value], _: dict[str, Value]) -> Value | None:
    """The folder of an installed module; of other folders nothing is known that matters."""
    words = arguments[0].words if arguments else ""
    return Value(text=words.rpartition("/")[0]) if words.startswith("site-packages/") else None


def _search_path(
    reader: Calls, node: ast.Call, unit: Unit, arguments: list[Value], _: dict[str, Value]
) -> Value | None:
    words = arguments[-1].words if arguments else ""
    if words.lower().endswith((".zip", ".whl", ".egg", ".bin", ".pyz", ".pt")) or words.startswith(_FOR_ANYBODY):
        reader.note(unit, Power.TAMPER, "sys.path", node, words=words)
    return None


SPECIAL: dict[str, Special] = {
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
    "importlib.util.find_spec": _spec,
    "importlib.util.module_from_spec": _from_spec,
    "inspect.getmembers": _members,
    "dict": _members,
    "logging.config.dictConfig": _targets,
    "hydra.utils.instantiate": _targets,
    "hydra.utils.call": _targets,
    "functools.partial": _partial,
    "map": _map,
    "functools.reduce": _reduce,
    "operator.attrgetter": _attrgetter,
    "operator.methodcaller": _attrgetter,
    "setattr": _setattr,
    "os.path.dirname": _dirname,
    "sys.path.insert": _search_path,
    "sys.path.append": _search_path,
    "get_ipython().run_line_magic": _magic,
    "get_ipython().run_cell_magic": _magic,
    "get_ipython().magic": _magic,
    "IPython.get_ipython().run_line_magic": _magic,
    "IPython.get_ipython().run_cell_magic": _magic,
}
