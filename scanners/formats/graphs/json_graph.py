"""Graphs and their tables of contents in JSON: what they name outside of themselves, and what they call.

MXNet's symbols, Paddle's programs since 3.0, the weights of TensorFlow.js, CoreML packages, and arrays of Zarr.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.outside_path import judge_path
from scanners.source import ByteSource

LARGEST = 16 * 1024 * 1024
MARKS_WITHIN = 64 * 1024
DEEPEST = 60
_MARKS = re.compile(rb'"(?:itemInfoEntries|arg_nodes|base_code|weightsManifest|zarr_format|zarr_consolidated_format)"')
_PIR_PYTHON = re.compile(r"(?:[\w.]+\.)?py_?(?:func|layer)_?")
_PIR_CUSTOM = re.compile(r"(?:\d\.)?(?:custom_op|_custom|trt_op)[\w.]*")
_CALLBACKS = frozenset({"_Native", "_NDArray", "_CustomFunction"})


def judge(source: ByteSource, case: Case) -> None:
    """Adds to what is said of the JSON as such; says nothing where it is none of these."""
    if _MARKS.search(source.read(0, MARKS_WITHIN)) is None:
        return
    if source.size > LARGEST:
        case.leave_open(f"It is a graph in JSON of more than {LARGEST // 1024 // 1024} MiB.")
        return
    try:
        document = json.loads(source.read(0, source.size))
    except (ValueError, RecursionError):
        return  # That it is no JSON is said elsewhere.
    if not isinstance(document, dict):
        return
    for key, look in _LOOKS.items():
        if key in document:
            look(document, case)


def _package(document: dict[str, Any], case: Case) -> None:
    entries = document["itemInfoEntries"]
    for entry in entries.values() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            judge_path(str(entry.get("path", "")), case, "The package has a part at")


def _symbol(document: dict[str, Any], case: Case) -> None:
    nodes = document.get("nodes")
    operators = [str(node.get("op")) for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    callbacks = sorted(set(operators) & _CALLBACKS)
    if callbacks:
        case.add(
            "graph-runs-code",
            Severity.HIGH,
            f"The graph has the operator {callbacks[0]!r}, which calls a function by its address in memory.",
            evidence={"operators": callbacks},
        )
    if "Custom" in operators:
        case.add(
            "graph-custom-layer",
            Severity.MEDIUM,
            "The graph has custom operators: Python of the program that loads it.",
            evidence={"operators": ["Custom"]},
        )


def _program(document: dict[str, Any], case: Case) -> None:
    names = {text for text in _texts(document, 0) if len(text) < 200}
    python = sorted(name for name in names if _PIR_PYTHON.fullmatch(name))
    if python:
        case.add(
            "graph-runs-code",
            Severity.HIGH,
            f"The program has the operator {python[0]!r}: running it calls Python.",
            evidence={"operators": python},
        )
    custom = sorted(name for name in names if _PIR_CUSTOM.fullmatch(name))
    if custom:
        case.add(
            "graph-custom-layer",
            Severity.MEDIUM,
            f"The program has the operator {custom[0]!r}, which comes from a library that must be loaded with it.",
            evidence={"operators": custom[:20]},
        )


def _manifest(document: dict[str, Any], case: Case) -> None:
    groups = document["weightsManifest"]
    for group in groups if isinstance(groups, list) else ():
        paths = group.get("paths") if isinstance(group, dict) else None
        for path in paths if isinstance(paths, list) else ():
            judge_path(str(path), case, "The model takes weights from")


def _zarr(document: dict[str, Any], case: Case) -> None:
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("id") == "pickle" or value.get("name") in ("pickle", "numcodecs.pickle"):
                case.add(
                    "graph-runs-code",
                    Severity.HIGH,
                    "The array is packed with pickle: reading it unpickles its chunks.",
                    evidence={"codec": "pickle"},
                )
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _texts(value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)


_LOOKS: dict[str, Callable[[dict[str, Any], Case], None]] = {
    "itemInfoEntries": _package,
    "arg_nodes": _symbol,
    "base_code": _program,
    "weightsManifest": _manifest,
    "zarr_format": _zarr,
    "zarr_consolidated_format": _zarr,
}
