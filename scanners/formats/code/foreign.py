"""Statements of JavaScript, VBScript, Ruby, Perl, Lua, R and PHP that start programs or run hidden code."""

# One pattern a line: a table is read line by line.
# ruff: noqa: E501

from __future__ import annotations

import re

from scanners.finding import Severity
from scanners.formats.code.commands import OVERLAP, WINDOW, Command


def _statement(pattern: str, severity: Severity, what: str) -> Command:
    return Command(re.compile(pattern, re.IGNORECASE), severity, what)


HIGH, MEDIUM = Severity.HIGH, Severity.MEDIUM

STATEMENTS: tuple[Command, ...] = (
    _statement(r"(?:eval|Function|setTimeout)\s*\(\s*(?:atob|unescape|decodeURIComponent|Buffer\.from|String\.fromCharCode)\s*\(", HIGH, "runs code that is decoded first"),
    _statement(r"\beval\s*\(\s*(?:gzinflate|base64_decode|str_rot13|gzuncompress)|\beval\s+(?:unpack|decode_base64|pack)|load(?:string)?\s*\(\s*\(?\s*[\"'][^\"']*\\\d{2,3}", HIGH, "runs code that is decoded first"),
    _statement(r"require\s*\(\s*[\"'](?:node:)?child_process[\"']\s*\)|from\s+[\"'](?:node:)?child_process[\"']|\bchild_process\s*\.\s*(?:exec|spawn|fork)", HIGH, "starts other programs"),
    _statement(r"\b(?:Deno|Bun)\.(?:run|Command|spawn)\b|\bexecSync\s*\(|\bspawnSync\s*\(", HIGH, "starts other programs"),
    _statement(r"require\s*\(\s*[\"'](?:node:)?(?:net|dgram)[\"']\s*\)|\bnet\.(?:connect|Socket|createConnection)\s*\(", HIGH, "opens a connection of its own"),
    _statement(r"WScript\.Shell|Shell\.Application|MSXML2\.(?:Server)?XMLHTTP|ADODB\.Stream|ActiveXObject|GetObject\s*\(\s*[\"']winmgmts", HIGH, "starts programs through Windows"),
    _statement(r"\bos\.execute\s*\(|\bio\.popen\s*\(", HIGH, "starts other programs"),
    _statement(r"\b(?:shell_exec|passthru|proc_open|pcntl_exec|popen)\s*\(|\bsystem2?\s*\(\s*[\"'$]|^\s*system\s+[\"']|\bIO\.popen\b|\bKernel\.(?:system|exec)|\bOpen3\.|%x[({\[]|^\s*exec\s+[\"']", HIGH, "starts other programs"),
    _statement(r"\bTCPSocket\.(?:new|open)|\bIO::Socket|\buse\s+Socket\b|\bsocket\.tcp\s*\(", HIGH, "opens a connection of its own"),
    _statement(r"process\.env\b[^\n]*(?:fetch|http|axios|request)|(?:fetch|axios\.post)\s*\([^\n]*process\.env\b", MEDIUM, "may send the environment to another place"),
    _statement(r"\bnew\s+Function\s*\(|\beval\s*\(", MEDIUM, "runs text as code"),
    _statement(r"document\.cookie|\.kernel\.execute|navigator\.sendBeacon", MEDIUM, "reaches for what the browser keeps"),
    _statement(r"source\s*\(\s*[\"']https?://|devtools::(?:source_url|install_github)|remotes::install", MEDIUM, "fetches code and runs it"),
)  # fmt: skip


def worst_statement(line: str) -> Command | None:
    """As `worst_command`, for these languages."""
    found: Command | None = None
    for begin in range(0, max(1, len(line) - OVERLAP), WINDOW - OVERLAP):
        piece = line[begin : begin + WINDOW]
        for statement in STATEMENTS:
            if (found is None or statement.severity.rank > found.severity.rank) and statement.pattern.search(piece):
                found = statement
        if found is not None and found.severity is HIGH:
            break
    return found
