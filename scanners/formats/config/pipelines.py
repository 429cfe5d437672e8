"""Commands in YAML of tools that run things: workflows of services, containers, stages, hooks of commits."""

from __future__ import annotations

import re
from typing import Any

from scanners.case import Case
from scanners.finding import Severity
from scanners.formats.code.commands import worst_command
from scanners.formats.config.commands import lines_of, note_command, tell
from scanners.formats.config.shell import Weight, weight_of

MOST_TEXT = 256 * 1024
_PRIVILEGED = ("pull_request_target", "workflow_run", "issue_comment", "issues", "discussion")
_OF_A_STRANGER = re.compile(
    r"github\.event\.(?:pull_request\.(?:head|title|body)|issue\.(?:title|body)|comment\.body|discussion\.(?:title|body))"
    r"|github\.head_ref|refs/pull/"
)

_ATTACK = re.compile(
    r"/dev/(?:tcp|udp)/|\bbash\s+-i\b|base64\s+(?:-d|--decode)[^\n]*\|\s*(?:ba)?sh|\b(?:curl|wget)\b[^\n]*(?:secrets\.|\benv\b)"
)


_INSTALLERS = re.compile(
    r"https://(?:astral\.sh|sh\.rustup\.rs|install\.python-poetry\.org|get\.docker\.com|deb\.nodesource\.com|"
    r"(?:raw\.)?github(?:usercontent)?\.com|get\.pnpm\.io|bun\.sh|deno\.land|uploader\.codecov\.io|codecov\.io|"
    r"pre-commit\.com|huggingface\.co|hf\.co|pixi\.sh|micro\.mamba\.pm|packagecloud\.io|get\.helm\.sh|ollama\.com)[/\s\"']"
)
_FETCHED = re.compile(r"\b(?:curl|wget)\b([^\n|]{0,300})\|\s*(?:sudo\s+)?(?:ba|z)?sh\b")


def judge_pipeline(document: dict[str, Any], case: Case) -> None:
    """YAML of tools that run things: workflows, services, stages."""
    jobs = document.get("jobs")
    _note_foreign_code(document, case)
    if isinstance(jobs, dict):
        for job in jobs.values():
            steps = job.get("steps") if isinstance(job, dict) else None
            for step in steps if isinstance(steps, list) else []:
                if isinstance(step, dict) and isinstance(step.get("run"), str):
                    note_command(
                        step["run"],
                        "when a service builds the repository",
                        case,
                        key="run",
                        most=_of_service(step["run"]),
                    )
    yarn = document.get("yarnPath")
    if isinstance(yarn, str):
        usual = re.fullmatch(r"(?:\./)?\.yarn/releases/yarn-[\w.-]+\.c?js", yarn) is not None
        least = Severity.LOW if usual else Severity.HIGH
        note_command(yarn, "whenever yarn is started here", case, key="yarnPath", least=least)
    _any_command(document, case)
    services = document.get("services")
    if isinstance(services, dict):
        for service in services.values():
            if isinstance(service, dict):
                _service(service, case)
    for group in ("script", "before_script", "after_script"):
        for line in lines_of(document.get(group)):
            note_command(line, "when a service builds the repository", case, key=group, most=_of_service(line))
    repositories = document.get("repos")
    for repository in repositories if isinstance(repositories, list) else []:
        for hook in (repository.get("hooks") or []) if isinstance(repository, dict) else []:
            if isinstance(hook, dict) and isinstance(hook.get("entry"), str) and repository.get("repo") == "local":
                note_command(hook["entry"], "at each commit", case, key="entry")
    stages = document.get("stages")
    for stage in stages.values() if isinstance(stages, dict) else []:
        for line in lines_of(stage.get("cmd")) if isinstance(stage, dict) else []:
            note_command(line, "when the pipeline is run", case, key="cmd")
    entries = document.get("entry_points")
    for entry in entries.values() if isinstance(entries, dict) else []:
        if isinstance(entry, dict) and isinstance(entry.get("command"), str):
            note_command(entry["command"], "when the project is run", case, key="command")


def _note_foreign_code(document: dict[str, Any], case: Case) -> None:
    """A workflow with the repository's rights that runs what anybody proposes (a "pwn request")."""
    # YAML 1.1 reads the key `on` as true.
    triggers = next((value for key, value in document.items() if key in ("on", True)), None)
    if not any(trigger in str(triggers) for trigger in _PRIVILEGED):
        return
    jobs = document.get("jobs")
    text = str(jobs)[:MOST_TEXT] if isinstance(jobs, dict) else ""
    found = _OF_A_STRANGER.search(text)
    if found is not None:
        tell(
            "The workflow runs with the repository's rights what a stranger proposes.",
            Severity.MEDIUM,
            found.group()[:200],
            case,
        )


def _any_command(document: dict[str, Any], case: Case) -> None:
    """A dangerous command under whatever tool's name for one, such as those of Kubernetes."""
    stack: list[Any] = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value.values())
            for key in ("command", "entrypoint", "cmd", "exec", "args", "script"):
                for line in lines_of(value.get(key)) if not isinstance(value.get(key), dict) else ():
                    if weight_of(line) is Weight.DANGEROUS:
                        note_command(line, "when it is started", case, key=key, most=Severity.MEDIUM)
        elif isinstance(value, list):
            stack.extend(value)


def _of_service(line: str) -> Severity:
    """What runs on a service's machine is no danger here; what is plainly an attack still is one on somebody."""
    command = worst_command(line)
    is_attack = _ATTACK.search(line) is not None or (
        command is not None and command.severity.rank >= Severity.HIGH.rank
    )
    fetched = _FETCHED.search(line)
    unknown = fetched is not None and _INSTALLERS.search(fetched[1] + " ") is None
    return Severity.MEDIUM if is_attack or unknown else Severity.LOW


def _service(service: dict[str, Any], case: Case) -> None:
    volumes = (
        [
            one if isinstance(one, str) else str(one.get("source", "")) + ":"
            for one in service.get("volumes") or []
            if isinstance(one, str | dict)
        ]
        if isinstance(service.get("volumes"), list)
        else []
    )
    wide = [
        one
        for one in volumes
        if re.match(r"/:|/var/run/docker\.sock|/etc\b|/root\b|~/?:|\$\{?HOME\}?/?:|~?/\.ssh", one)
    ]
    if service.get("privileged") in (True, "true") or wide or service.get("pid") == "host":
        tell(
            "The service would run with the rights of the machine it is on, or with its files.",
            Severity.MEDIUM,
            wide[0][:200] if wide else "privileged",
            case,
        )
    for key in ("command", "entrypoint"):
        command = service.get(key)
        line = " ".join(str(one) for one in command) if isinstance(command, list) else command
        if isinstance(line, str):
            note_command(line, "when the services are started", case, key=key)
