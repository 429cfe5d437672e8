"""torch.export's archive (`.pt2`): a graph of operators in JSON, and the bytes of its tensors.

Format: torch/export/pt2_archive/_package.py (torch 2.7 on) and torch/export/__init__.py before. The graph is data, but
for two things: its operators may come from a foreign library, and its symbolic sizes are texts that PyTorch hands to
SymPy, which evaluates them as Python.
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
from scanners.formats.archives.zip_directory import read_directory
from scanners.formats.torch.members import judge_inside
from scanners.source import ByteSource

LARGEST_GRAPH = 64 * 1024 * 1024
RAW = re.compile(r"(.*/)?data/(weights|constants)/(weight|tensor|param|buffer)_\d+\Z")
GRAPH = re.compile(r"(.*/)?(models/[^/]+\.json|serialized_exported_program\.json)\Z")
_SYMBOLIC = re.compile(r"[\w\s+\-*/%(),<>=!&|~^.]{0,4000}\Z")
_ATTRIBUTE = re.compile(r"[A-Za-z_)\]]\w*\s*\.\s*[A-Za-z_]|__")
_TARGET = re.compile(r"torch\.ops\.(\w+)\.(\w+)")


def looks_like(names: list[str]) -> bool:
    """Whether these members make an archive of torch.export."""
    return any(GRAPH.match(name) for name in names) and any(
        name.endswith(("archive_format", "serialized_exported_program.json")) for name in names
    )


def judge(source: ByteSource, case: Case) -> None:
    directory = read_directory(source)
    note(directory.oddities, case)
    for member in directory.members:
        if RAW.match(member.name):
            continue
        if GRAPH.match(member.name):
            judge_inside(source, member, case, _judge_graph)
        else:
            judge_member(source, member, case)


def _judge_graph(content: ByteSource, case: Case) -> None:
    _look(_parsed(content), case)


def _parsed(content: ByteSource) -> Any:
    if content.size > LARGEST_GRAPH:
        raise Unscannable(f"Its graph has {content.size:,} bytes, too many to look at.")
    try:
        return json.loads(content.read(0, content.size))
    except (ValueError, RecursionError) as error:
        raise Unscannable("Its graph is not JSON.") from error


def _look(graph: Any, case: Case) -> None:
    # Its module reads TorchScript, which no other zip waits for.
    from scanners.formats.torch.script import OWN_NAMESPACES

    for key, value in _texts(graph):
        if key == "expr_str" and (_SYMBOLIC.match(value) is None or _ATTRIBUTE.search(value)):
            case.add(
                "torch-export-expression",
                Severity.HIGH,
                f"A symbolic size of the graph is Python, which PyTorch evaluates when it loads it: {value[:80]!r}.",
                evidence={"expression": value[:200]},
            )
        elif key == "target" and (match := _TARGET.match(value)) and match[1] not in OWN_NAMESPACES:
            case.add(
                "torchscript-custom-operator",
                Severity.MEDIUM,
                f"The graph uses {match[1]}::{match[2]}, which comes from a native library that is not PyTorch's.",
                evidence={"operator": f"{match[1]}::{match[2]}"},
            )


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """All texts under a key, wherever they are."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            for key, inner in current.items():
                if isinstance(inner, str):
                    yield key, inner
                else:
                    waiting.append(inner)
        elif isinstance(current, list):
            waiting.extend(current)
