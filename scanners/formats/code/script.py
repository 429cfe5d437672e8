"""Scripts for shells and other interpreters, Makefiles and Dockerfiles, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scanners.budget import Unscannable
from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.code.commands import Command, worst_command
from scanners.formats.code.dockerfile import NAME, as_shell
from scanners.formats.code.foreign import statements_of, worst_statement
from scanners.formats.code.knowledge import SECRET_PLACES
from scanners.source import ByteSource

LARGEST_SCRIPT = 8 * 1024 * 1024
MOST_FINDINGS = 8
_HOOKS = re.compile(
    r"^(?:applypatch-msg|pre-applypatch|post-applypatch|pre-commit|pre-merge-commit|prepare-commit-msg|commit-msg"
    r"|post-commit|pre-rebase|post-checkout|post-merge|pre-push|pre-receive|update|post-receive|post-update"
    r"|post-rewrite|pre-auto-gc|fsmonitor-watchman|post-index-change)$"
)
"""Names that git looks for in `.git/hooks` (githooks(5))."""
_CHECKPOINTS = (".bin", ".pt", ".pth", ".ckpt", ".keras", ".npz", ".mar", ".nemo", ".pt2", ".mlpackage", ".model")
_COMMENT = re.compile(r"^\s*(?:#(?!!)|//|::|rem\s|--\s|;)", re.IGNORECASE)


def judge(source: ByteSource, case: Case) -> None:
    """A whole script."""
    case.add("script-code", Severity.LOW, "The file is a script: it runs when somebody starts it.")
    if source.size > LARGEST_SCRIPT:
        raise Unscannable(f"It is a script of more than {LARGEST_SCRIPT // 1024 // 1024} MiB.")
    data = source.read(0, source.size)
    text = data.decode("utf-8", "replace")
    lines = re.split(r"\r\n|\r|\n", text)
    _note_place(case)
    if NAME.search(case.name):
        lines = list(as_shell(lines))
    judge_lines(lines, case, statements=statements_of(case.name, lines[0]))
    if case.name.lower().endswith(".desktop"):
        started = next((line for line in lines if line.startswith("Exec=")), None)
        if started is not None:
            case.add(
                "script-dangerous-command",
                Severity.MEDIUM,
                f"The file is a launcher: opened on a desktop, it starts {started[5:65]!r}.",
                evidence={"command": started[:300]},
            )


def _note_place(case: Case) -> None:
    """Where it lies says who starts it: git at a commit, or nobody who only loads a model."""
    if _HOOKS.match(case.name) is not None and case.depth == 0:
        case.add(
            "script-dangerous-command",
            Severity.MEDIUM,
            f"The file is called as a hook of git ({case.name[:40]}): in its folder, git runs it by itself.",
            confidence=Confidence.LIKELY,
            evidence={"name": case.name[:100]},
        )
    elif case.container.lower().endswith(_CHECKPOINTS):
        case.add(
            "script-dangerous-command",
            Severity.MEDIUM,
            "A script lies among the parts of a checkpoint, where no library puts one.",
            confidence=Confidence.LIKELY,
        )


def judge_lines(lines: Iterable[str], case: Case, *, statements: tuple[Command, ...] | None = None) -> None:
    """Lines of commands; `statements`: what to look for instead, in another language than a shell's."""
    kept: list[str] = []
    noted: set[tuple[str, Severity]] = set()
    for number, line in enumerate(_whole_lines(lines), 1):
        if number % 256 == 0:
            case.meter.check_clock()
        if not line.strip() or _COMMENT.match(line):
            kept.append("")
            continue
        kept.append(line)
        found = worst_command(line) if statements is None else worst_statement(line, statements)
        if found is not None:
            _note(found, line, number, noted, case)
        if len(noted) >= MOST_FINDINGS:
            return
    if statements is None and not any(severity is Severity.HIGH for _, severity in noted):
        _across_lines(kept, noted, case)


def _across_lines(kept: list[str], noted: set[tuple[str, Severity]], case: Case) -> None:
    """What takes several lines: fetched in one, made executable or started in the next."""
    text = "\n".join(kept)
    for begin in range(0, max(1, len(text) - 400), 1600):
        case.meter.check_clock()
        piece = text[begin : begin + 2000]
        found = worst_command(piece)
        if found is not None:
            _note(found, piece.strip(), text.count("\n", 0, begin) + 1, noted, case)
            if found.severity is Severity.HIGH:
                return


def _note(found: Command, line: str, number: int, noted: set[tuple[str, Severity]], case: Case) -> None:
    if (found.what, found.severity) in noted:
        return
    noted.add((found.what, found.severity))
    match = found.pattern.search(line)
    excerpt = line[max(0, match.start() - 20) : match.start() + 160] if match is not None else line[:160]
    secret = SECRET_PLACES.search(line)
    case.add(
        "script-dangerous-command",
        found.severity,
        f"The script has a command that {found.what}: {' '.join(excerpt.split())[:80]}.",
        confidence=Confidence.LIKELY,
        line=number,
        evidence={"command": excerpt[:300]} | ({"secret": secret.group()[:80]} if secret is not None else {}),
    )


def _whole_lines(lines: Iterable[str]) -> Iterable[str]:
    """Lines that end in a backslash, a caret or a backtick go on in the next; the number stays that of the first."""
    open_line = ""
    skipped = 0
    for line in lines:
        if line.endswith(("\\", "^")) and len(open_line) < 8000 and not _COMMENT.match(line):
            open_line += line[:-1] + " "
            skipped += 1
            continue
        yield open_line + line
        for _ in range(skipped):
            yield ""
        open_line, skipped = "", 0
    if open_line:
        yield open_line
