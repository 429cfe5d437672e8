"""Commands in configurations of tools: what runs when a folder is opened, a package installed, an agent started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.config.reading import pairs_of
from scanners.formats.config.shell import Weight, weight_of


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BY_ITSELF = frozenset(
    {"preinstall", "install", "postinstall", "prepare", "prepublish", "preprepare", "postprepare", "prerestart"}
)
_HONEST = (
    r"(?:husky(?: install)?|patch-package|node-gyp(?:-build)?(?: rebuild)?|prebuild-install|"
    r"tsc(?: -\S+)*|tshy|"
    r"(?:npm|pnpm|yarn|bun) (?:run )?[\w:-]+|is-ci|lerna bootstrap|ngcc|electron-builder install-app-deps|"
    r"tsup|rollup -c|"
    r"simple-git-hooks|lefthook install|prisma generate|nuxt prepare|svelte-kit sync|rimraf [\w./-]+|true|exit 0|"
    r"echo '[\w ]*'|opencollective(?:-postinstall)?)"
)
_HONEST_SCRIPT = re.compile(rf"^{_HONEST}(?:\s*(?:&&|\|\|)\s*{_HONEST})*$")
_OF_CONTAINERS = (
    "initializeCommand",
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
)
_EVENTS = _names(
    """PreToolUse PostToolUse PostToolUseFailure Notification UserPromptSubmit Stop SubagentStop SubagentStart
    PreCompact SessionStart SessionEnd PermissionRequest Setup beforeShellExecution afterShellExecution
    beforeMCPExecution afterMCPExecution beforeReadFile afterFileEdit beforeSubmitPrompt afterAgentResponse stop
    sessionStart sessionEnd preToolUse postToolUse BeforeTool AfterTool BeforeAgent AfterAgent"""
)


def judge_commands(value: dict[str, Any], keys: frozenset[str], case: Case) -> None:
    """Looks at one object of a configuration; `keys` are its keys."""
    for key in keys & {"mcpServers", "mcp_servers", "servers", "context_servers"}:
        _servers(value[key], key, case)
    if isinstance(value.get("scripts"), dict) and (keys & _OF_PACKAGES or case.name.lower() == "package.json"):
        _scripts(value["scripts"], case)
    if isinstance(value.get("tasks"), list):
        _tasks(value["tasks"], case)
    if isinstance(value.get("hooks"), dict):
        _hooks(value["hooks"], case)
    for key in keys & {"apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "otelHeadersHelper"}:
        _note(str(value[key]), None, "when the assistant asks for a key", case, key=key, least=Severity.HIGH)
    if value.get("enableAllProjectMcpServers") in (True, "true") or value.get("defaultMode") == "bypassPermissions":
        tell(
            "The configuration has an assistant trust whatever this repository brings along.",
            Severity.MEDIUM,
            "trust",
            case,
        )
    if "allow" in keys and isinstance(value["allow"], list):
        free = [
            one for one in value["allow"] if isinstance(one, str) and re.fullmatch(r"Bash(?:\(\*?:?\*?\))?|\*", one)
        ]
        if free:
            tell(
                "The configuration lets an assistant run every command without asking.", Severity.MEDIUM, free[0], case
            )
    for key in keys & set(_OF_CONTAINERS):
        when = (
            "on this machine when the folder is opened" if key == "initializeCommand" else "when the container is made"
        )
        for line in lines_of(value[key]):
            _note(line, None, when, case, key=key, least=Severity.HIGH if key == "initializeCommand" else Severity.LOW)
    for key, one in pairs_of(value):
        _editor_setting(key, one, case)


_OF_PACKAGES = frozenset(
    {"name", "version", "dependencies", "devDependencies", "main", "type", "license", "private", "description"}
)


def note_command(
    line: str,
    when: str,
    case: Case,
    *,
    key: str,
    least: Severity = Severity.LOW,
    most: Severity | None = None,
) -> None:
    """Notes a command that a tool runs by itself."""
    _note(line, None, when, case, key=key, least=least, most=most)


def _servers(servers: Any, key: str, case: Case) -> None:
    listed = servers.values() if isinstance(servers, dict) else servers if isinstance(servers, list) else []
    for server in listed:
        if not isinstance(server, dict):
            continue
        if isinstance(server.get("config"), dict):
            server = {**server, **server["config"]}  # noqa: PLW2901 - tiny-agents nests it
        command, address = server.get("command"), server.get("url") or server.get("serverUrl") or server.get("httpUrl")
        arguments = server.get("args")
        if isinstance(command, str):
            listed_arguments = [str(one) for one in arguments] if isinstance(arguments, list) else []
            _note(command, listed_arguments, "when an assistant starts its tools", case, key=key, least=Severity.MEDIUM)
        elif isinstance(command, list):
            _note(
                str(command[0]) if command else "",
                [str(one) for one in command[1:]],
                "when an assistant starts its tools",
                case,
                key=key,
                least=Severity.MEDIUM,
            )
        if (isinstance(address, str) and re.match(r"(?:https?|wss?)://", address) and key != "servers") or (
            isinstance(address, str) and key == "servers" and server.get("type") in ("http", "sse", "streamable-http")
        ):
            local = re.match(r"\w+://(?:localhost|127\.|\[::1\])", address)
            tell(
                f"The configuration has an assistant use the tools of {address[:80]}.",
                Severity.LOW if local else Severity.MEDIUM,
                address[:200],
                case,
            )
        for name in (server.get("env") or {}) if isinstance(server.get("env"), dict) else ():
            if name in (
                "LD_PRELOAD",
                "LD_LIBRARY_PATH",
                "DYLD_INSERT_LIBRARIES",
                "NODE_OPTIONS",
                "PYTHONSTARTUP",
                "PYTHONPATH",
                "BASH_ENV",
            ):
                tell(
                    f"The configuration sets {name} for a tool, which makes it load other code.",
                    Severity.HIGH,
                    name,
                    case,
                )


def _scripts(scripts: dict[str, Any], case: Case) -> None:
    for name, line in pairs_of(scripts):
        if not isinstance(line, str):
            continue
        if name in _BY_ITSELF:
            honest = _HONEST_SCRIPT.match(line.strip()) is not None
            _note(
                line,
                None,
                "when the package is installed",
                case,
                key=name,
                least=Severity.LOW if honest else Severity.MEDIUM,
            )
        elif weight_of(line) is Weight.DANGEROUS and name in ("start", "test", "build", "dev"):
            _note(line, None, f"with `npm {name}`", case, key=name, most=Severity.MEDIUM)


def _tasks(tasks: list[Any], case: Case) -> None:
    for task in tasks:
        if not isinstance(task, dict) or not isinstance(task.get("command"), str | list):
            continue
        options = task.get("runOptions")
        by_itself = isinstance(options, dict) and options.get("runOn") == "folderOpen"
        for line in lines_of(task["command"]):
            arguments = task.get("args")
            listed = (
                [str(one.get("value", "")) if isinstance(one, dict) else str(one) for one in arguments]
                if isinstance(arguments, list)
                else None
            )
            when = "as soon as an editor opens the folder" if by_itself else "when somebody starts this task"
            _note(
                line,
                listed,
                when,
                case,
                key="tasks",
                least=Severity.HIGH if by_itself else Severity.LOW,
                most=None if by_itself else Severity.MEDIUM,
            )


def _hooks(hooks: dict[str, Any], case: Case) -> None:
    for event, entries in pairs_of(hooks):
        if event not in _EVENTS:
            continue
        stack = list(entries) if isinstance(entries, list) else [entries]
        while stack:
            entry = stack.pop()
            if not isinstance(entry, dict):
                continue
            if isinstance(entry.get("command"), str):
                arguments = [str(one) for one in entry["args"]] if isinstance(entry.get("args"), list) else None
                _note(
                    entry["command"],
                    arguments,
                    f"at each {event} of an assistant",
                    case,
                    key="hooks",
                    least=Severity.HIGH,
                )
            if isinstance(entry.get("hooks"), list):
                stack.extend(entry["hooks"])


def _editor_setting(key: str, value: Any, case: Case) -> None:
    if "." not in key:
        return
    if key == "task.allowAutomaticTasks" and value in ("on", True):
        tell("The settings let an editor run the folder's tasks by itself.", Severity.MEDIUM, key, case)
    elif re.search(
        r"(?:defaultInterpreterPath|pythonPath|\.executable|executablePath|\.path|serverPath|gopath|binaryPath|shellPath|\.command)$",
        key,
    ) and isinstance(value, str):
        if value.startswith(("./", "${workspaceFolder}", "../", "${workspaceRoot}")) and "venv" not in value:
            tell(
                f"The settings have an editor run {value[:80]!r}, a program of this folder.",
                Severity.HIGH,
                f"{key}: {value}"[:200],
                case,
            )
    elif key.startswith(
        (
            "terminal.integrated.profiles",
            "terminal.integrated.automationProfile",
            "terminal.integrated.env",
            "terminal.integrated.shellArgs",
        )
    ):
        for text in _texts(value):
            if weight_of(text) is Weight.DANGEROUS:
                tell("The settings have each terminal of the editor run a command.", Severity.HIGH, text[:200], case)
                return
        if (
            isinstance(value, dict)
            and {"LD_PRELOAD", "PROMPT_COMMAND", "BASH_ENV", "NODE_OPTIONS", "DYLD_INSERT_LIBRARIES"} & value.keys()
        ):
            tell("The settings have each terminal of the editor load other code.", Severity.HIGH, key, case)


def _note(
    command: str,
    arguments: list[str] | None,
    when: str,
    case: Case,
    *,
    key: str,
    least: Severity = Severity.LOW,
    most: Severity | None = None,
) -> None:
    line = " ".join([command, *(arguments or [])]).strip()
    if not line:
        return
    weight = weight_of(command, arguments)
    severity = Severity.HIGH if weight is Weight.DANGEROUS else least
    if most is not None and severity.rank > most.rank:
        severity = most
    case.add(
        "config-runs-command",
        severity,
        f"The configuration has a tool run {line[:80]!r} {when}.",
        evidence={"key": key, "command": line[:300]},
    )


def tell(sentence: str, severity: Severity, what: str, case: Case) -> None:
    case.add("config-runs-command", severity, sentence, evidence={"what": what})


def lines_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if all(isinstance(one, str) for one in value):
            yield " ".join(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from lines_of(one)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
