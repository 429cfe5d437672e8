"""PaddlePaddle programs (`__model__`, `.pdmodel`): protobuf of `framework.proto`, a list of operators and their values.

Operators come from Paddle's own library. `py_func` calls a Python function that the loading process has registered;
others read and write files by a path in the program, or talk to other machines.
"""

from __future__ import annotations

import re
from collections import Counter

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.shared.outside_path import judge_path
from scanners.formats.shared.payload_text import judge_text
from scanners.formats.shared.protobuf_walk import Message, Shape, Walk
from scanners.source import ByteSource

SHAPES = {
    "program": Shape(inside={1: "block", 4: "version"}),
    "version": Shape(numbers={1: "version"}),
    "block": Shape(inside={3: "variable", 4: "operator"}, numbers={1: "number"}),
    "variable": Shape(texts={1: "name"}),
    "operator": Shape(texts={3: "type"}, inside={4: "attribute"}),
    "attribute": Shape(texts={1: "name", 5: "text", 8: "text"}),
}
CALLS_PYTHON = frozenset({"py_func", "pyfunc", "py_layer", "python", "run_python"})
FILES = frozenset({"load", "save", "load_combine", "save_combine", "checkpoint_notify", "create_custom_reader"})
NETWORK = re.compile(r"(?:send|recv|listen_and_serv|fl_listen_and_serv|gen_\w*_id|fetch_barrier|send_barrier|prefetch"
                     r"|heter_\w+|distributed_\w+|pull_\w+|push_\w+|ssh\w*|http\w*)")  # fmt: skip
CUSTOM = re.compile(r"custom\w*|.*_custom_op|\w*(?:exec|shell|system|command|script|eval)\w*", re.IGNORECASE)
PATHS = frozenset({"file_path", "filename", "file_name", "dir", "dirname", "path", "model_file", "lib", "library"})
MOST_SHOWN = 20


def judge(source: ByteSource, case: Case) -> None:
    program = _Program(case)
    try:
        Walk(source, case, SHAPES, "Paddle program", program.note).run("program")
    finally:
        program.tell()
    if not program.blocks:
        raise Unscannable("It looks like a Paddle program, but there is no block in it.")


class _Program:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.blocks = 0
        self.operators: Counter[str] = Counter()
        self.attributes: list[Message] = []
        """Those of the operator that is being read: they end before it does."""

    def note(self, message: Message) -> None:
        if message.kind == "block":
            self.blocks += 1
        elif message.kind == "attribute":
            if message.texts.get("text"):
                self.attributes.append(message)
        elif message.kind == "operator":
            self._operator(message)
            self.attributes.clear()
        if len(self.operators) > 10_000:
            raise Unscannable("Its Paddle program has more than 10,000 kinds of operators.")

    def _operator(self, message: Message) -> None:
        kind = message.text("type")
        self.operators[kind] += 1
        for attribute in self.attributes:
            name = attribute.text("name")
            if name == "op_callstack":
                continue  # Lines of the source that made it, written by Paddle itself.
            for text in attribute.texts["text"]:
                if kind in FILES or name in PATHS:
                    judge_path(text, self.case, f"The operator {kind[:60]!r} has the path", offset=message.begin)
                judge_text(text, self.case, place=f"the attribute {name[:60]!r} of {kind[:60]!r}")

    def tell(self) -> None:
        python = sorted(self.operators.keys() & CALLS_PYTHON)
        if python:
            self.case.add(
                "graph-runs-code",
                Severity.HIGH,
                f"The program has the operator {python[0]!r}: running it calls Python.",
                evidence={"operators": python},
            )
        self._note([name for name in self.operators if NETWORK.fullmatch(name)], "talks to other machines")
        self._note([name for name in self.operators if CUSTOM.fullmatch(name) and name not in CALLS_PYTHON],
                   "is not Paddle's own and comes from a library that must be loaded with it")  # fmt: skip
        self._note([name for name in self.operators if name in FILES], "reads or writes files when it runs")

    def _note(self, names: list[str], does: str) -> None:
        if names:
            self.case.add(
                "graph-custom-layer",
                Severity.MEDIUM,
                f"The program has the operator {names[0][:80]!r}, which {does}.",
                evidence={"operators": sorted(name[:200] for name in names)[:MOST_SHOWN]},
            )
