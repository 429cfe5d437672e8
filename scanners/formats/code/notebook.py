"""Jupyter notebooks: their cells as one program, their magics as commands, their saved outputs as web pages.

Source of the layout: nbformat 4 (cells with `cell_type`, `source`, `outputs`) and 3 (`worksheets`, `input`).
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.code.commands import Command
from scanners.formats.code.foreign import statements_of
from scanners.formats.code.python import judge_text, note_unparsable
from scanners.formats.code.reach import Moment
from scanners.formats.code.script import judge_lines
from scanners.formats.code.text import Source
from scanners.source import ByteSource

LARGEST_NOTEBOOK = 16 * 1024 * 1024
MOST_CODE = 1024 * 1024
_SHELL_LINE = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?!+(.*)$")
_MAGIC_LINE = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?%+(\w+)\s*(.*)$")
_SHELL_CELLS = frozenset({"bash", "sh", "script", "cmd", "system", "sx", "perl", "ruby", "powershell", "pwsh", "zsh"})
_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "python", "python3", "prun", "memit", "debug", "skip", "px"})
_WEB_CELLS = frozenset({"javascript", "js", "html", "HTML", "svg", "SVG"})
_SCRIPT_CELLS = frozenset({"javascript", "js"})
_KEPT_MAGICS = frozenset({"system", "sx", "sc"})
_LOOKS = re.compile(
    r"(?:ls|pwd|cd|cat|head|tail|echo \$|nvidia-smi|pip3?|conda|git|which|wc|du|df|nproc|date|find|python3? --)\b"
)
_SHELL_MAGICS = frozenset({"system", "sx", "sc", "bash", "sh"})
_SHELLS = ("bash", "sh", "zsh", "fish", "ksh", "calysto_bash", "powershell", "pwsh", ".net-powershell")
_BROWSERS = ("javascript", "typescript", "node", "deno", "jslab", "tslab")
_PYTHONS = ("python", "ipython", "sage", "conda", "venv", "xpython", "pyodide")
_HELP = re.compile(r"^\s*\?{1,2}[\w.]+\s*$|^\s*[\w.]+\?{1,2}\s*$")
_ACTIVE = re.compile(
    r"<script\b|javascript:|<iframe\b|<object\b|<embed\b|\son(?:error|load|click|mouseover|focus)\s*=", re.IGNORECASE
)
_GRAVE = re.compile(
    r"kernel\.execute|document\.cookie|localStorage|XMLHttpRequest|\bfetch\s*\(|navigator\.sendBeacon|\beval\s*\(|\batob\s*\("
    r"|WebSocket\s*\(|\.execute\s*\(|\son(?:error|load)\s*=|<iframe[^>]+src\s*=\s*[\"']?(?:https?:)?//|<script[^>]+src\s*=\s*[\"']?(?:https?:)?//",
    re.IGNORECASE,
)
_LIBRARIES = re.compile(
    r"plotly|bokeh|altair|vega|requirejs|jupyter-widgets|cdn\.jsdelivr\.net|youtube\.com/embed|colab|pyLDAvis|shap|google\.com|huggingface\.co|hf\.space|wandb",
    re.IGNORECASE,
)


def judge(source: ByteSource, case: Case) -> None:
    if source.size > LARGEST_NOTEBOOK:
        raise Unscannable(f"It is a notebook of more than {LARGEST_NOTEBOOK // 1024 // 1024} MiB.")
    case.add("notebook-code", Severity.LOW, "The file is a notebook: its cells run when somebody runs them.")
    try:
        document = json.loads(source.read(0, source.size))
    except RecursionError as error:
        raise Unscannable("It is a notebook nested too deep to be read.") from error
    except ValueError as error:
        case.add("code-unparsable", Severity.MEDIUM, "The file is called a notebook, but is no JSON that can be read.")
        raise Unscannable("It is a notebook that is no JSON.") from error
    cells = list(_cells(document))
    program: list[str] = []
    commands: list[str] = []
    foreign: list[str] = []
    kept: list[str] = []
    for cell in cells:
        if cell.get("cell_type") == "code":
            if "Javascript(" in _source_of(cell):
                _judge_web(_source_of(cell), case, is_script=True)
            own = _sort_lines(_source_of(cell), commands, kept)
            if _language(document).lower().startswith(_PYTHONS):
                _add_cell(own, program, case)
            else:
                foreign.extend(own)
        for content, is_script in _web_contents(cell):
            _judge_web(content, case, is_script=is_script)
    if sum(map(len, program)) > MOST_CODE:
        case.leave_open(f"Its cells are more than {MOST_CODE // 1024:,} KiB of code.")
        return
    judge_lines(commands, case)
    _note_kept(kept, case)
    judge_lines(foreign, case, statements=_statements_of(_language(document).lower()))
    if any(line.strip() for line in program):
        judge_text(Source("\n".join(program), program), case, latest=Moment.USE)


def _add_cell(lines: list[str], program: list[str], case: Case) -> None:
    """A cell that is no Python does not keep the others from being read: people leave such cells behind."""
    text = "\n".join(lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        note_unparsable(text, "a cell of it is no Python", case, otherwise=Severity.LOW)
        lines = [""] * len(lines)
    program.extend(lines)


def _language(document: Any) -> str:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    return str(spec.get("language") or spec.get("name") or "python") if isinstance(spec, dict) else "python"


def _cells(document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        return
    sheets = document.get("worksheets")
    for holder in [document, *(sheets if isinstance(sheets, list) else [])]:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from (cell for cell in cells or () if isinstance(cell, dict)) if isinstance(cells, list) else ()


def _text(value: Any) -> str:
    return "".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _statements_of(language: str) -> tuple[Command, ...] | None:
    """What to look for in the cells of a language that is not Python; None for one of a shell."""
    if language.startswith(_SHELLS):
        return None
    return statements_of("cells.js" if language.startswith(_BROWSERS) else "cells.jl", "")


def _source_of(cell: dict[str, Any]) -> str:
    return _text(cell.get("source", cell.get("input", "")))


def _magic_of(text: str) -> str:
    """The name of the magic that takes the whole cell; empty if there is none."""
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return first[2:].strip().split(" ")[0] if first.startswith("%%") else ""


def _note_kept(kept: list[str], case: Case) -> None:
    """People write `!ls`; magics that keep what a command prints are seldom, and easily read over."""
    started = next((line for line in kept if line.strip() and not _LOOKS.match(line.strip())), None)
    if started is not None:
        case.add(
            "script-dangerous-command",
            Severity.MEDIUM,
            f"The notebook has a magic that runs {started.strip()[:60]!r} and keeps what it prints.",
            confidence=Confidence.LIKELY,
            evidence={"command": started.strip()[:300]},
        )


def _sort_lines(text: str, commands: list[str], kept: list[str]) -> list[str]:
    """The Python of one cell; its commands go to the others, with a `pass` where they stood."""
    program: list[str] = []
    lines = text.split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%"):
        magic = _magic_of(text)
        if magic in _SHELL_CELLS:
            commands.extend(lines[1:])
            kept.extend(lines[1:] if magic in _KEPT_MAGICS else ())
            return []
        if magic in ("writefile", "file"):
            # What it writes is there to be run by the next cell.
            commands.extend(lines[1:] if first.endswith((".sh", ".bash", ".bat", ".ps1")) else ())
        if magic not in _PYTHON_CELLS:
            return []
        lines = ["" if line.strip() == first else line for line in lines]
    open_command = False
    for line in lines:
        shell, magic_line = _SHELL_LINE.match(line), _MAGIC_LINE.match(line)
        if open_command:
            commands.append(line)
            program.append("")
            open_command = line.endswith("\\")
        elif shell is not None and not line.lstrip().startswith(("!=",)):
            commands.append(shell.group(2))
            program.append(f"{shell.group(1)}pass")
            open_command = line.endswith("\\")
        elif magic_line is not None:
            if magic_line.group(2) in _SHELL_MAGICS:
                commands.append(magic_line.group(3))
                kept.extend([magic_line.group(3)] if magic_line.group(2) in _KEPT_MAGICS else ())
            elif magic_line.group(2) in ("pip", "conda", "uv"):
                commands.append(f"{magic_line.group(2)} {magic_line.group(3)}")
            elif magic_line.group(2) in ("run", "load") and "://" in magic_line.group(3):
                commands.append(f"python <(curl {magic_line.group(3)})")
            rest = magic_line.group(3) if magic_line.group(2) in ("time", "timeit") else "pass"
            program.append(magic_line.group(1) + (rest or "pass"))
        else:
            program.append("" if _HELP.match(line) else line)
    return program


def _web_contents(cell: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """What a browser is given to show, and whether it is a script as a whole."""
    if cell.get("cell_type") in ("markdown", "raw", "html"):
        yield _text(cell.get("source", "")), False
    elif (magic := _magic_of(text := _source_of(cell))) in _WEB_CELLS:
        yield text.partition("\n")[2], magic in _SCRIPT_CELLS
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        for kind, content in data.items() if isinstance(data, dict) else ():
            if kind in ("text/html", "image/svg+xml", "text/markdown"):
                yield _text(content), False
            elif kind in ("application/javascript", "text/javascript"):
                yield _text(content), True


def _judge_web(content: str, case: Case, *, is_script: bool) -> None:
    if not is_script and _ACTIVE.search(content) is None:
        return
    grave = _GRAVE.search(content)
    runs_python = "kernel.execute" in content
    ordinary = grave is None or (not runs_python and _LIBRARIES.search(content) is not None)
    severity = Severity.HIGH if runs_python else Severity.LOW if ordinary else Severity.MEDIUM
    what = "that runs Python in the reader's kernel" if runs_python else "that can act in the reader's browser"
    case.add(
        "notebook-active-output",
        severity,
        f"The notebook carries web content {what} when it is shown as trusted.",
        confidence=Confidence.LIKELY,
        evidence={"excerpt": content[max(0, grave.start() - 40) : grave.start() + 120] if grave else content[:120]},
    )
