"""Statements of JavaScript, VBScript, Ruby, Perl, Lua, PHP and R that start programs or run hidden code."""

# One pattern a line: a table is read line by line.
# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from scanners.finding import Severity
from scanners.formats.code.commands import OVERLAP, WINDOW, Command


def _statement(pattern: str, severity: Severity, what: str) -> Command:
    return Command(re.compile(pattern, re.IGNORECASE), severity, what)


HIGH, MEDIUM = Severity.HIGH, Severity.MEDIUM

_JAVASCRIPT = (
    _statement(r"(?:\beval|\bFunction|setTimeout|runIn\w*Context)\s*\(\s*(?:atob|unescape|decodeURIComponent|Buffer\.from|String\.fromCharCode)\s*\(", HIGH, "runs code that is decoded first"),
    _statement(r"\beval\s*\(\s*(?:await\s+)?\(?\s*(?:await\s+)?(?:fetch|axios|require\s*\(\s*[\"']https?)", HIGH, "runs code that is fetched first"),
    _statement(r"(?:require|import)\s*\(\s*[\"'](?:node:)?child_process[\"']\s*\)|from\s*[\"'](?:node:)?child_process[\"']|\bchild_process\s*\.\s*(?:exec|spawn|fork)", HIGH, "starts other programs"),
    _statement(r"\bDeno\.(?:run|Command)\b|\bBun\.spawn|\bexecSync\s*\(|\bspawnSync\s*\(", HIGH, "starts other programs"),
    _statement(r"(?:require|import)\s*\(\s*[\"'](?:node:)?(?:net|dgram)[\"']\s*\)(?!\s*\.isIP)|from\s*[\"'](?:node:)?(?:net|dgram)[\"']", HIGH, "opens a connection of its own"),
    _statement(r"JSON\.stringify\s*\(\s*process\.env\s*\)|(?:body|data)\s*:\s*process\.env\b(?!\.)", HIGH, "may send the environment to another place"),
    _statement(r"readFile(?:Sync)?\s*\([^)]{0,80}(?:\.ssh|\.aws|\.npmrc|id_rsa|/etc/(?:passwd|shadow)|huggingface/token)", HIGH, "reads keys, tokens or histories"),
    _statement(r"\.kernel\.execute\s*\(", HIGH, "runs Python in a notebook's kernel"),
    _statement(r"(?:fetch|sendBeacon|\.src\s*=)[^;\n]{0,80}document\.cookie", MEDIUM, "sends what the browser keeps to another place"),
)  # fmt: skip

_WINDOWS = (
    _statement(r"WScript\.Shell|Shell\.Application|MSXML2\.(?:Server)?XMLHTTP|ADODB\.Stream|ActiveXObject|GetObject\s*\(\s*[\"']winmgmts", HIGH, "starts programs through Windows"),
)  # fmt: skip

_PROGRAMS = (
    _statement(r"\bos\.execute\s*\(|\bio\.popen\s*\(", HIGH, "starts other programs"),
    _statement(r"\b(?:shell_exec|passthru|proc_open|pcntl_exec|popen)\s*\(|\bsystem2?\s*\(|\bexec\s*\(\s*[\"'$@]|\brun\s*\(\s*(?:pipeline\s*\(\s*)?`|^\s*(?:system|exec)\s+[\"'$@]|\bIO\.popen\b|\bKernel\.(?:system|exec)|\bOpen3\.|%x[({\[]|\bqx[({/]|=\s*`[^`]+`", HIGH, "starts other programs"),
    _statement(r"\beval\s*\(\s*(?:gzinflate|base64_decode|str_rot13|gzuncompress|\$_(?:GET|POST|REQUEST))|\beval\s*\(?\s*(?:unpack|decode_base64|Base64|MIME)|load(?:string)?\s*\(\s*[\"'][^\"']*\\\d{2,3}", HIGH, "runs code that is decoded first"),
    _statement(r"\bTCPSocket\.(?:new|open)|\bIO::Socket|\buse\s+Socket\b|\bsocket\.tcp\s*\(|\bfsockopen\s*\(|\bsocketConnection\s*\(", HIGH, "opens a connection of its own"),
    _statement(r"\bsource\s*\(\s*[\"']https?://|devtools::(?:source_url|install_github)|remotes::install|eval\s*\(\s*parse\s*\(", MEDIUM, "fetches code or runs text as code"),
)  # fmt: skip

_OF: Mapping[str, tuple[Command, ...]] = MappingProxyType(
    {
        **dict.fromkeys((".js", ".mjs", ".cjs", ".ts"), _JAVASCRIPT),
        **dict.fromkeys((".jse", ".hta", ".wsf", ".vbs", ".vbe"), _JAVASCRIPT + _WINDOWS),
        **dict.fromkeys((".rb", ".pl", ".pm", ".lua", ".php", ".tcl", ".awk", ".r", ".jl"), _PROGRAMS),
    }
)
_INTERPRETERS = (("node", _JAVASCRIPT), ("deno", _JAVASCRIPT), ("ruby", _PROGRAMS), ("perl", _PROGRAMS), ("lua", _PROGRAMS), ("php", _PROGRAMS), ("Rscript", _PROGRAMS))  # fmt: skip


def statements_of(name: str, first_line: str) -> tuple[Command, ...] | None:
    """What to look for in a script of this name; None for one of a shell."""
    dot = name.rfind(".")
    found = _OF.get(name[dot:].lower()) if dot >= 0 else None
    if found is None and first_line.startswith("#!"):
        found = next((statements for word, statements in _INTERPRETERS if word in first_line), None)
    return found


def worst_statement(line: str, statements: tuple[Command, ...]) -> Command | None:
    """As `worst_command`, for another language."""
    found: Command | None = None
    for begin in range(0, max(1, len(line) - OVERLAP), WINDOW - OVERLAP):
        piece = line[begin : begin + WINDOW]
        for statement in statements:
            if (found is None or statement.severity.rank > found.severity.rank) and statement.pattern.search(piece):
                found = statement
        if found is not None and found.severity is HIGH:
            break
    return found
