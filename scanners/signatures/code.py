"""Text that is code: by what it is called, for that is how it is run, and by what it reads as."""

from __future__ import annotations

import re

from scanners.kinds import Format

_SCRIPTS = (
    ".sh", ".bash", ".zsh", ".ksh", ".csh", ".fish", ".command", ".bat", ".cmd", ".ps1", ".psm1", ".psd1", ".vbs",
    ".vbe", ".wsf", ".hta", ".js", ".mjs", ".cjs", ".jse", ".rb", ".pl", ".pm", ".lua", ".php", ".tcl", ".awk",
    ".desktop", ".mk", ".reg", ".inf", ".applescript", ".service", ".ts", ".envrc", ".dockerfile", ".containerfile",
)  # fmt: skip
_SCRIPT_NAMES = frozenset(
    {
        "makefile", "gnumakefile", "dockerfile", "containerfile", "justfile", "rakefile", "procfile", "vagrantfile",
        "crontab", ".bashrc", ".profile", ".bash_profile", ".zshrc", ".envrc",
    }
)  # fmt: skip
CODE = frozenset({Format.PYTHON, Format.SCRIPT, Format.NOTEBOOK, Format.PATH_CONFIGURATION, Format.R_SCRIPT})
_PYTHONS = (".py", ".pyw", ".pyi")
_R = (".r", ".jl", ".rprofile")
_PYTHON_LINE = re.compile(
    rb"^(?:import [\w., ]+|from [\w.]+ import [\w.,*( ]+|(?:async )?def \w+\(.*|class \w+[:(].*|if __name__ ==.*)\s*$",
    re.MULTILINE,
)
_IMPORT = re.compile(rb"^[ \t]*(?:import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import[ \t])", re.MULTILINE)
_COMMAND_LINE = re.compile(
    rb"[ \t]*(?:sudo[ \t]+)?(?:(?:curl|wget|bash|sh|rm|echo|export|cd|set|source|python[\d.]*|pip3?|chmod|mkdir|cp|mv"
    rb"|tar|eval|exec|nc|cat|touch|apt-get|apt|git|unzip|if|fi|then|else|elif|for|do|done|while|case|esac|function|trap|nohup|base64"
    rb"|printf|crontab|kill|sleep|exit|return|powershell|pwsh|cmd|iwr|iex|start|call|@echo)\b|\w+=\S*|\./\S+|[}\])]|\w+\s*\(\)\s*\{)"
)
_PLAINLY_SHELL = re.compile(
    rb"^[ \t]{0,40}(?:sudo[ \t]+)?(?:curl|wget)[ \t]+[^|\n]*(?:https?:|\$)"
    rb"|\|[ \t]{0,40}(?:ba|z|da|k)?sh\b|^[ \t]{0,40}(?:rm|chmod|mkdir|cp|mv|tar|nc|bash|sh|set|powershell)"
    rb"[ \t]+-\w+\s|^[ \t]{0,40}(?:export[ \t]+\w+=|eval[ \t]+[\"$`]|source[ \t]+\S*/|@echo off)|/dev/tcp/",
    re.MULTILINE,
)
_PROSE = (".md", ".rst", ".html", ".csv", ".tsv", ".ipynb")


def is_called_code(name: str) -> bool:
    return name.endswith((*_PYTHONS, *_R, *_SCRIPTS)) or name in _SCRIPT_NAMES


def kind_of_code(body: bytes, name: str, *, is_whole: bool) -> Format | None:
    """The kind of a text's beginning, without byte order mark; `is_whole`: there is no more of it."""
    # First, for Python does not care what its first comment says.
    if name.endswith(_PYTHONS):
        return Format.PYTHON
    if body.startswith(b"#!"):
        return Format.PYTHON if b"python" in body.split(b"\n", 1)[0] else Format.SCRIPT
    if name.endswith(".pth") and re.search(rb"^import[ \t]", body, re.MULTILINE):
        return Format.PATH_CONFIGURATION
    if name.endswith(_R):
        return Format.R_SCRIPT
    if is_called_code(name) or name.startswith(("dockerfile.", "containerfile.")):
        return Format.SCRIPT
    is_notebook = b'"cell_type"' in body and b'"nbformat' in body
    if body.lstrip()[:1] == b"{" and (name.endswith(".ipynb") or is_notebook):
        return Format.NOTEBOOK
    if _reads_as_python(body, name, is_whole=is_whole):
        return Format.PYTHON
    return None


def reads_as_shell(body: bytes, name: str) -> bool:
    """Whether a text without a first line that says so is a script: nearly all lines begin as commands do."""
    if name.endswith((*_PROSE, ".json", ".jsonl", ".yaml", ".yml", ".toml", ".cfg", ".ini")):
        return False
    lines = [line for line in body[:16384].split(b"\n") if line.strip() and not line.lstrip().startswith(b"#")]
    if not lines or _PLAINLY_SHELL.search(body[:16384]) is None:
        return False
    commands = sum(_COMMAND_LINE.match(line) is not None for line in lines)
    return commands * 10 >= len(lines) * 8


def _reads_as_python(body: bytes, name: str, *, is_whole: bool) -> bool:
    """Two lines as only code has them; or, if they are fewer or the name speaks against it, all of it parses."""
    if _IMPORT.search(body) is None:
        return False
    lines = _PYTHON_LINE.findall(body[:16384])
    speaks_against = name.endswith((*_PROSE, ".txt", ".json", ".jsonl", ".yaml", ".yml"))
    if not speaks_against and len(lines) >= 2 and any(line.startswith((b"import", b"from")) for line in lines):
        return True
    if not is_whole:
        return False
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
