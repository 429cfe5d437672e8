"""Settings and lists that only a name or their first lines tell apart from other text."""

from __future__ import annotations

import re

from scanners.kinds import Format

_LISTS = re.compile(
    r"(?:require|constraint)[\w.-]*\.(?:txt|in|pip|lock)$|^packages\.txt$|^pip-?(?:packages|deps)?\.txt$"
)
_TOML = frozenset({"pipfile", "poetry.lock", "uv.lock", "pdm.lock", "cargo.lock"})
_INI = frozenset(
    {
        "pip.conf",
        ".npmrc",
        ".pypirc",
        ".gitmodules",
        ".gitconfig",
        ".yarnrc",
        ".lfsconfig",
        "autorun.inf",
        "logging.conf",
    }
)
_INI_ENDINGS = (".ini", ".cfg", ".desktop", ".url", ".service")
_INI_SECTION = re.compile(
    rb"^\[(?:Desktop Entry|core|submodule \"[^\"\n]*\"|filter \"[^\"\n]*\"|autorun|InternetShortcut|Unit|Service|"
    rb"global|install|"
    rb"options|metadata|distutils|loggers|handlers|formatters)\]\s*$",
    re.IGNORECASE,
)
_MODELFILE = re.compile(rb"^(?:TEMPLATE|PARAMETER|SYSTEM|ADAPTER|MESSAGE)\s", re.MULTILINE | re.IGNORECASE)
_FROM = re.compile(rb"^FROM\s+\S", re.MULTILINE | re.IGNORECASE)
_OF_PIP = re.compile(
    rb"^(?:(?:-i|-e|-r|-f|--[a-z-]*(?:index-url|find-links|trusted-host|editable|requirement|pre)\b).*|(?:git\+|https?://).*|"
    rb"[A-Za-z0-9][\w.-]*(?:\[[\w, -]*\])?(?:(?:\s*(?:={2,3}|~=|!=|[<>]=?)|\s+(?:={2,3}|~=|!=|[<>]=?)\s+)[\w.*+!-]+.*|"
    rb"\s*@\s*(?:git\+|https?:|file:).*))$"
)
"""White space on both sides of an operator, or on none behind it: `IQ== 0` is base64 and a number."""
_NAME_ONLY = re.compile(rb"^[A-Za-z0-9][\w.-]*(?:\[[\w, -]*\])?$")
_VOCABULARY = re.compile(
    r"\.(?:tiktoken|bpe|vocab|codes|merges|spm|vec|dict)$|^(?:merges|vocab\w*|bpe\.codes|dict|tokens|words|labels?\w*|classes)\.txt$"
)
_JINJA = (b"{%", b"{{")
_OTHER_ENDINGS = (
    ".md",
    ".json",
    ".jsonl",
    ".yaml",
    ".yml",
    ".html",
    ".htm",
    ".py",
    ".csv",
    ".tsv",
    ".xml",
    ".rst",
    ".js",
    ".ts",
    ".toml",
)


def kind_of_settings(body: bytes, name: str) -> Format | None:
    """What a person's settings are, if they are; by the name where that promises something, else by how they begin."""
    # No JSON and no YAML begins so, and it would pass for JSON by its brackets.
    if body.lstrip().startswith(_JINJA) and not name.endswith((".yaml", ".yml", ".md", ".markdown", ".mdx")):
        return Format.TEMPLATE
    if name.endswith((".md", ".markdown", ".mdx")):
        return Format.MARKDOWN if re.match(rb"---[ \t]*\r?\n", body) else None
    if name.endswith(".toml") or name in _TOML:
        return Format.TOML
    if name.endswith(_INI_ENDINGS) or name in _INI or _INI_SECTION.match(body.lstrip().split(b"\n", 1)[0].strip()):
        return Format.INI
    if _LISTS.search(name):
        return Format.REQUIREMENTS
    if name == "modelfile" or name.endswith(".modelfile") or (_FROM.search(body[:4096]) and _MODELFILE.search(body)):
        return Format.MODELFILE
    if not name.endswith(_OTHER_ENDINGS):
        if "template" in name and any(sign in body for sign in _JINJA):
            return Format.TEMPLATE
        if not _VOCABULARY.search(name) and _reads_as_list(body):
            return Format.REQUIREMENTS
    return None


def _reads_as_list(body: bytes) -> bool:
    """A list of packages under another name: most lines are pip's, and some could be nothing else."""
    lines = [line.split(b"#", 1)[0].strip() for line in body[:16384].split(b"\n")[:200]]
    lines = [line for line in lines if line]
    if b"@EXPLICIT" in lines[:20]:
        # Of conda: addresses only.
        return True
    telling = sum(_OF_PIP.match(line) is not None for line in lines)
    names = sum(_NAME_ONLY.match(line) is not None for line in lines)
    return telling >= 1 and telling * 2 >= len(lines) and telling + names >= len(lines) * 0.9
