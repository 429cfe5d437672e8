"""skops files: a zip whose `schema.json` says how to build each object, and the arrays beside it.

skops asks its user to name the types he trusts before it loads others than its own. So the types are read here as
skops would read them, and with them what its check has been tricked with (CVE-2025-54412, CVE-2025-54413).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.archives.zip_archive import judge_member, note
from scanners.formats.archives.zip_directory import open_member, read_directory
from scanners.formats.shared.outside_path import judge_path
from scanners.formats.shared.payload_text import judge_text
from scanners.source import ByteSource

SCHEMA = "schema.json"
LARGEST_SCHEMA = 24 * 1024 * 1024
MOST_SHOWN = 20

NODES = frozenset(
    {
        "ObjectNode", "DictNode", "DefaultDictNode", "ListNode", "SetNode", "TupleNode", "FunctionNode", "PartialNode",
        "TypeNode", "SliceNode", "JsonNode", "BytesNode", "BytearrayNode", "MethodNode", "NdArrayNode",
        "MaskedArrayNode", "RandomStateNode", "RandomGeneratorNode", "DTypeNode", "OperatorFuncNode",
        "SparseMatrixNode", "TreeNode", "LossNode", "SGDNode", "CachedNode", "QuantileForestNode", "ReduceNode",
        "ConstructorFromReduceNode", "_DictWithDeprecatedKeysNode",
    }
)  # fmt: skip
"""Of skops 0.1 to 0.16."""
OWN_MODULES = re.compile(r"(?:sklearn|numpy|scipy)(?:\.\w+)*|_loss|sklearn\._loss\.\w+")
OWN_BUILTINS = frozenset(
    {
        "bool", "bytes", "bytearray", "complex", "dict", "float", "frozenset", "int", "list", "set", "slice", "str",
        "tuple", "type", "range", "NoneType", "object", "ellipsis",
    }
)  # fmt: skip
OWN_TYPES = frozenset(
    {
        ("collections", "OrderedDict"), ("collections", "defaultdict"), ("collections", "Counter"),
        ("functools", "partial"), ("datetime", "datetime"), ("datetime", "timedelta"), ("types", "NoneType"),
        ("types", "FunctionType"), ("types", "BuiltinFunctionType"), ("types", "MethodType"), ("decimal", "Decimal"),
        ("pathlib", "PosixPath"), ("pathlib", "Path"), ("uuid", "UUID"), ("json", "str"),
    }
)  # fmt: skip
RUNS_CODE = re.compile(
    r"(?:os|posix|nt|posixpath|subprocess|_posixsubprocess|sys|shutil|socket|pty|runpy|importlib|imp|ctypes|code|codeop"
    r"|commands|pickle|_pickle|cPickle|dill|cloudpickle|marshal|joblib|webbrowser|pdb|bdb|timeit|trace|profile|cProfile"
    r"|pip|pkgutil|multiprocessing|threading|signal|platform|asyncio|urllib|http|ftplib|smtplib|requests|tempfile|glob"
    r"|builtins|__builtin__|types|inspect|gc|torch|tensorflow|nt|io|_io|linecache|fileinput|zipfile|tarfile)(?:\..*)?"
)
RUNS_IN_NUMPY = re.compile(
    r"numpy(?:\.\w+)*\.(?:load|fromfile|loadtxt|genfromtxt|fromregex|save\w*|memmap|DataSource|runstring|exec_command)"
    r"|numpy\.(?:testing|f2py|distutils)\..*|scipy\.io\..*|sklearn\.(?:datasets|externals)\..*|sklearn\.utils\._testing.*"
)
METHOD_CALLERS = frozenset({"methodcaller", "call"})


def judge(source: ByteSource, case: Case) -> None:
    directory = read_directory(source)
    note(directory.oddities, case)
    for member in directory.members:
        if member.name == SCHEMA:
            if member.size > LARGEST_SCHEMA:
                case.leave_open(f"Its schema has {member.size:,} bytes, too many to look at.")
                continue
            content = open_member(source, member, [], case.meter.spend_unpacked)
            _judge_schema(content.read(0, content.size), case.at(SCHEMA if case.member is None else case.member))
        else:
            judge_member(source, member, case)


def _judge_schema(data: bytes, case: Case) -> None:
    try:
        schema = json.loads(data)
    except (ValueError, RecursionError) as error:
        case.add("format-malformed", Severity.MEDIUM, "The schema of the skops file is not JSON.",
                 evidence={"format": "skops"})  # fmt: skip
        raise Unscannable("Its schema is not JSON.") from error
    unknown: set[str] = set()
    for node in _nodes(schema):
        unknown |= _judge_node(node, case)
    if unknown:
        case.add(
            "skops-unknown-type",
            Severity.MEDIUM,
            f"The skops file needs {min(unknown)[:80]!r}, which skops loads only for who trusts it.",
            evidence={"types": sorted(name[:200] for name in unknown)[:MOST_SHOWN]},
        )
    case.fact("skops_version", str(schema.get("_skops_version", ""))[:40] if isinstance(schema, dict) else "")


def _nodes(document: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document that names a loader or a class, however deep."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "__loader__" in value or "__class__" in value or "__module__" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _judge_node(node: dict[str, Any], case: Case) -> set[str]:
    """Notes what is dangerous in a node; gives the names of types that a user has to trust."""
    loader = str(node.get("__loader__", ""))
    module, name = str(node.get("__module__", "")), str(node.get("__class__", ""))
    content = node.get("content")
    full = f"{module}.{name}"
    unknown: set[str] = set()
    if loader not in NODES:
        _danger(case, full, f"is built by {loader[:60]!r}, a loader that skops does not have", Severity.MEDIUM)
    file = node.get("file")
    if isinstance(file, str):
        judge_path(file, case, "The schema takes an array from")
    if loader == "JsonNode" and isinstance(content, str):
        judge_text(content, case, place="a value of the schema")
    names = [(module, name)]
    if isinstance(content, dict) and ("module_path" in content or "function" in content):
        names.append((str(content.get("module_path", "")), str(content.get("function", ""))))
    for of, what in names:
        if _runs_code(of, what):
            _danger(case, f"{of}.{what}", "runs code or reaches out when it is called", Severity.HIGH)
        elif not _is_own(of, what):
            unknown.add(f"{of}.{what}")
    if loader == "OperatorFuncNode":
        if module != "operator":
            _danger(case, full, "pretends to be an operator, so that the check of types passes it by", Severity.HIGH)
        elif name in METHOD_CALLERS:
            _danger(case, full, "calls or reads whatever attribute it is given", Severity.HIGH)
        else:
            unknown.add(full)
    elif loader == "MethodNode" and isinstance(content, dict):
        unknown |= _judge_method(content, full, case)
    elif loader in ("TreeNode", "LossNode", "SGDNode", "CachedNode") and not module.startswith("sklearn"):
        _danger(case, full, f"is built by {loader}, which only serves classes of scikit-learn", Severity.HIGH)
    if "__reduce__" in node and not _is_own(module, name):
        _danger(case, full, "is built by calling it with arguments from the file", Severity.HIGH)
    return unknown


def _judge_method(content: dict[str, Any], full: str, case: Case) -> set[str]:
    """A method of an object: the name is looked up on whatever object the file gives."""
    func, of = str(content.get("func", "")), content.get("obj")
    owner = ""
    if isinstance(of, dict):
        owner = f"{of.get('__module__', '')}.{of.get('__class__', '')}"
    if func.startswith("_") or "." in func:
        _danger(case, f"{owner}.{func}", "reaches for the inside of an object", Severity.HIGH)
    elif owner not in ("", full):
        _danger(case, f"{owner}.{func}", f"says it is of {full!r}, so that the check of types sees another one",
                Severity.HIGH)  # fmt: skip
    return {f"{owner or full}.{func}"}


def _runs_code(module: str, name: str) -> bool:
    if module == "builtins":
        return name not in OWN_BUILTINS
    if (module, name) in OWN_TYPES:
        return False
    return (
        RUNS_CODE.fullmatch(module) is not None
        or RUNS_IN_NUMPY.fullmatch(f"{module}.{name}") is not None
        or re.search(r"(?:^|\.)__\w+__", name) is not None
    )


def _is_own(module: str, name: str) -> bool:
    return (
        (module == "builtins" and name in OWN_BUILTINS)
        or (module, name) in OWN_TYPES
        or module == "operator"
        or OWN_MODULES.fullmatch(module) is not None
    )


def _danger(case: Case, what: str, does: str, severity: Severity) -> None:
    case.add(
        "skops-dangerous-type",
        severity,
        f"The skops file uses {what[:100]!r}, which {does}.",
        evidence={"type": what[:200]},
    )
