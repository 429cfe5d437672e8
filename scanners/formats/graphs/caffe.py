"""Caffe networks: `.caffemodel` (protobuf of `caffe.proto`) and `.prototxt` (its text form).

A layer of the type `Python` imports a module and calls a class of it, by the names in the file.
"""

from __future__ import annotations

import re

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.outside_path import is_library, judge_path, leads_outside
from scanners.formats.shared.payload_text import WORTH_READING, judge_text
from scanners.formats.shared.protobuf_walk import Message, Shape, Walk
from scanners.source import ByteSource

SHAPES = {
    "net": Shape(texts={1: "name"}, inside={100: "layer", 2: "old layer"}),
    "layer": Shape(texts={1: "name", 2: "type"}, inside={130: "python", 107: "data", 112: "hdf5", 115: "image"}),
    "old layer": Shape(texts={4: "name"}),
    "python": Shape(texts={1: "module", 2: "class", 3: "parameters"}),
    "data": Shape(texts={1: "source"}),
    "hdf5": Shape(texts={1: "source", 2: "source"}),
    "image": Shape(texts={1: "source"}),
}
LARGEST_TEXT = 4 * 1024 * 1024
_PYTHON_LAYER = re.compile(r"""\btype\s{0,40}:\s{0,40}["']?(?:Python|PYTHON)["']?(?![\w])|\bpython_param\s{0,40}\{""")
_MODULE = re.compile(r"""\bmodule\s{0,40}:\s{0,40}["']([^"'\n]{1,200})["']""")
_TEXTS = re.compile(r"""\b(\w{1,64})\s{0,40}:\s{0,40}(?:"((?:[^"\\]|\\.){1,4096})"|'((?:[^'\\]|\\.){1,4096})')""")


def judge_model(source: ByteSource, case: Case) -> None:
    seen: set[str] = set()

    def note(message: Message) -> None:
        seen.add(message.kind)
        if message.kind == "python":
            _note_python(case, message.text("module"), message.text("class"), offset=message.begin)
            judge_text(message.text("parameters"), case, place="the parameters of a Python layer")
        elif message.kind == "layer" and message.text("type") == "Python":
            _note_python(case, "", "", offset=message.begin)

    Walk(source, case, SHAPES, "Caffe model", note).run("net")
    if not seen & {"layer", "old layer"}:
        raise Unscannable("It looks like a Caffe model, but there is no layer in it.")


def judge_text_form(source: ByteSource, case: Case) -> None:
    text = source.read(0, LARGEST_TEXT).decode("utf-8", "replace")
    found = _PYTHON_LAYER.search(text)
    if found is not None:
        module = _MODULE.search(text)
        _note_python(
            case, module.group(1) if module is not None else "", "", line=text.count("\n", 0, found.start()) + 1
        )
    for match in _TEXTS.finditer(text):
        value = match.group(2) or match.group(3) or ""
        if is_library(value) and leads_outside(value):
            judge_path(value, case, "The network names the library")
        if WORTH_READING.search(value):
            judge_text(value, case, place=f"the field {match.group(1)[:60]!r}")
    if source.size > LARGEST_TEXT:
        case.leave_open(f"It is a network in text of more than {LARGEST_TEXT // 1024 // 1024} MiB.")


def _note_python(case: Case, module: str, of: str, *, offset: int | None = None, line: int | None = None) -> None:
    case.add(
        "graph-runs-code",
        Severity.HIGH,
        f"The network has a Python layer: loading it imports {module[:80] or 'a module'!r} and runs what is in it.",
        offset=offset,
        line=line,
        evidence={"module": module[:200], "class": of[:200]},
    )
