"""TOML, INI and the front matter of Markdown: settings of tools, and what they run or where they fetch from."""

from __future__ import annotations

import configparser
import re
import tomllib

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.code import name_target
from scanners.formats.config.commands import note_command
from scanners.formats.config.walk import judge_document
from scanners.source import ByteSource

_INI_ERRORS = (configparser.Error, AttributeError)
"""The parser of Python trips over a line that goes on where nothing began (AttributeError)."""
LARGEST_SETTINGS = 8 * 1024 * 1024
LONGEST_FRONT_MATTER = 1024 * 1024
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_EVALUATED = re.compile(r"__|\bos\.|\bsubprocess|\bexec\b|\beval\b|\bopen\(|\bimport\b|\bsystem\b")


def judge_toml(source: ByteSource, case: Case) -> None:
    text = _text(source, case)
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        _unreadable("TOML", error, case)
        return
    judge_document(document, case)
    # Only for what names packages.
    from scanners.formats.requirements.manifests import judge_toml_manifest

    judge_toml_manifest(document, case)


def judge_ini(source: ByteSource, case: Case) -> None:
    """setup.cfg, pip.conf, .npmrc, .gitmodules, logging.conf, desktop entries: by their sections."""
    text = _text(source, case)
    try:
        parser = _read_ini(text)
    except _INI_ERRORS as error:
        # Git and others read line by line, and know no lines that go on: the settings among the rest are read so.
        _unreadable("INI", error, case)
        lines = [line.strip() for line in text.splitlines()]
        try:
            parser = _read_ini("\n".join(line for line in lines if line.startswith("[") or "=" in line[1:]))
        except _INI_ERRORS:
            return
    sections = {name: {key: value or "" for key, value in parser.items(name)} for name in parser.sections()}
    # Only for what names packages.
    from scanners.formats.requirements.manifests import judge_ini_manifest

    judge_ini_manifest(sections, case)
    judge_document(sections, case)
    for name, values in sections.items():
        _section(name, values, case)


def _read_ini(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, default_section="\0", inline_comment_prefixes=None
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string("[-]\n" + text.lstrip("\ufeff"))
    return parser


def judge_markdown(source: ByteSource, case: Case) -> None:
    """The settings at the beginning, in YAML; the rest is for people."""
    front = _FRONT.match(source.read(0, LONGEST_FRONT_MATTER).decode("utf-8", "replace"))
    if front is not None:
        # PyYAML is only loaded for what has some.
        from scanners.formats.config.yaml_document import judge_yaml_text

        judge_yaml_text(front[1], case)


def _section(name: str, values: dict[str, str], case: Case) -> None:
    kind = name.split(" ", 1)[0].split('"', 1)[0].strip().lower()
    lowered = {key.strip().lower(): value.strip() for key, value in values.items()}
    runs: list[tuple[str, str, Severity]] = []
    if name.lower() == "desktop entry":
        runs = [(key, "when it is opened", Severity.HIGH) for key in ("exec", "tryexec")]
    elif kind == "autorun":
        runs = [
            (key, "when the disk is opened", Severity.HIGH) for key in ("open", "shellexecute", "shell\\open\\command")
        ]
    elif kind == "service":
        runs = [
            (key, "when the service starts", Severity.MEDIUM) for key in ("execstart", "execstartpre", "execstartpost")
        ]
    elif kind in (
        "core",
        "filter",
        "alias",
        "credential",
        "diff",
        "merge",
        "submodule",
        "include",
        "gpg",
        "sequence",
        "remote",
    ):
        _git(kind, lowered, case)
    elif kind == "internetshortcut" and re.match(r"file:|\\\\|javascript:", lowered.get("url", ""), re.IGNORECASE):
        case.add(
            "config-path-escape",
            Severity.HIGH,
            "The shortcut opens a program or a file.",
            evidence={"path": lowered["url"][:200]},
        )
    elif kind == "lfs" and not re.match(
        r"https://(?:[\w.-]+\.)?(?:huggingface\.co|hf\.co|github\.com)/|$", lowered.get("url", "")
    ):
        case.add(
            "config-path-escape",
            Severity.MEDIUM,
            f"Git takes the large files of the repository from {lowered['url'][:60]!r}.",
            evidence={"key": "lfs.url", "path": lowered["url"][:200]},
        )
    elif name == "-" and case.name.lower() == ".npmrc":
        runs = [(key, "when npm is used here", Severity.HIGH) for key in _NPM_RUNS]
    elif kind.startswith("testenv"):
        runs = [("commands", "with tox", Severity.LOW)]
    for key, when, least in runs:
        if key in lowered:
            note_command(lowered[key], when, case, key=key, least=least)
    # logging.config.fileConfig evaluates these two.
    if kind.startswith(("handler_", "formatter_")) and _EVALUATED.search(
        lowered.get("args", "") + lowered.get("kwargs", "")
    ):
        case.add(
            "config-names-code",
            Severity.CRITICAL,
            "The logging settings hold Python code in their arguments, which the logging module evaluates.",
            evidence={"section": name[:60], "arguments": lowered.get("args", lowered.get("kwargs", ""))[:200]},
        )
    if (
        kind.startswith(("handler_", "formatter_"))
        and "." in lowered.get("class", "")
        and not lowered["class"].startswith(("logging.", "handlers."))
    ):
        name_target(lowered["class"], case, key="class")


_NPM_RUNS = ("script-shell", "shell", "git", "node-options", "onload-script", "init-module", "editor", "viewer")
_GIT_RUNS = (
    "sshcommand",
    "hookspath",
    "fsmonitor",
    "editor",
    "pager",
    "clean",
    "smudge",
    "process",
    "helper",
    "command",
    "textconv",
    "driver",
    "program",
    "gitproxy",
    "uploadpack",
    "receivepack",
)


def _git(kind: str, values: dict[str, str], case: Case) -> None:
    for key in _GIT_RUNS:
        value = values.get(key)
        if (
            value
            and not (kind == "filter" and value.startswith("git-lfs "))
            and value not in ("store", "cache", "osxkeychain", "manager")
        ):
            note_command(value, "when git works on the repository", case, key=f"{kind}.{key}", least=Severity.HIGH)
    for value in values.values():
        if value.startswith("!"):
            note_command(value[1:], "when git works on the repository", case, key=kind, least=Severity.HIGH)
    address = values.get("url", "")
    if (
        re.match(r"ext::|-|file:|fd::", address)
        or values.get("path", "").startswith(("-", "/", ".."))
        or "/../" in values.get("path", "")
    ):
        case.add(
            "config-path-escape",
            Severity.HIGH,
            f"The submodule is taken from {address[:60]!r} into {values.get('path', '')[:40]!r}: git then runs or "
            "overwrites something.",
            evidence={"path": address[:200]},
        )


def _unreadable(kind: str, error: Exception, case: Case) -> None:
    case.add(
        "config-ambiguous",
        Severity.LOW,
        f"The file looks like {kind}, but does not read as it.",
        evidence={"reason": str(error)[:120]},
    )


def _text(source: ByteSource, case: Case) -> str:
    if source.size > LARGEST_SETTINGS:
        case.leave_open(f"It is a settings file of more than {LARGEST_SETTINGS // 1024 // 1024} MiB.")
    return source.read(0, LARGEST_SETTINGS).decode("utf-8-sig", "replace")
