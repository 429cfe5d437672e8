"""The verdict on one chat template: a Jinja program that a loader renders, often without a sandbox (CVE-2024-34359)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanners.case import Case
from scanners.finding import Confidence, Severity
from scanners.formats.template.names import RUNS_CODE, Reach
from scanners.formats.template.tokens import first_reach, without_comments
from scanners.source import ByteSource

LONGEST_TEMPLATE = 256 * 1024
"""Without its comments, what is read as Jinja; of a longer one only its tokens are looked at."""
LARGEST_TEMPLATE = 2 * 1024 * 1024
EXCERPT_LENGTH = 120
MOST_INSTRUCTIONS = 8
_GO = re.compile(
    r"\{\{-?\s*(?:\.[A-Z]|range\b|if\s+(?:\.|and\b|or\b|eq\b|not\b|ne\b|gt\b|len\b)|end\b|template\b|define\b|with\s+\.|\$\w+\s*:=)"
)
"""A template of Go, as ollama has them: rendered by a language without a way out."""


def judge_template(text: str, case: Case, *, key: str | None = None) -> None:
    """Notes what is wrong with a template. `key` says which template of a file it is."""
    case.meter.check_clock()
    named: dict[str, Any] = {} if key is None else {"key": key[:200]}
    if len(text) > LONGEST_TEMPLATE:
        if len(text) > LARGEST_TEMPLATE:
            case.leave_open(f"It has a chat template of more than {LARGEST_TEMPLATE // 1024 // 1024} MiB.")
        text = without_comments(text[:LARGEST_TEMPLATE])
        if len(text) > LONGEST_TEMPLATE:
            _judge_long(text, case, named)
            return
    if "{{" not in text and "{%" not in text and "{#" not in text:
        _judge_words(text, case, named)
        return
    reach = first_reach(text)
    # Jinja is only loaded for files that have templates.
    from scanners.formats.template.folding import Folder
    from scanners.formats.template.parsing import Unreadable, parse
    from scanners.formats.template.reaching import everything_named, reaches, unusual

    try:
        tree = parse(text)
    except Unreadable as problem:
        if reach is None and _GO.search(text) and "{%" not in text:
            _judge_words(text, case, named)
            return
        if reach is not None:
            _note_reach(text, reach, RUNS_CODE.search(text) is not None, case, named)
        case.add(
            "template-unreadable",
            Severity.MEDIUM,
            f"The chat template is not valid Jinja ({problem}): what a loader makes of it is not known.",
            line=problem.line,
            evidence={"reason": str(problem), **named},
        )
        _judge_words(text, case, named)
        return
    try:
        folder = Folder(tree)
        if reach is None:
            reach = min(reaches(tree, folder), key=lambda one: one.line or 0, default=None)
        if reach is not None:
            runs = RUNS_CODE.search(everything_named(tree, folder)) is not None
            _note_reach(text, reach, runs, case, named)
        else:
            for other in unusual(tree, folder):
                _note_unusual(other.what, other.line, other.is_call_for_code, case, named)
        _judge_costs(tree, folder, case, named)
        _judge_instructions(text, tree, folder, case, named)
    except RecursionError:
        case.leave_open("It has a chat template nested too deep to be followed.")
        return
    if folder.spent:
        case.leave_open("It has a chat template whose expressions take too many steps to follow.")


def judge_template_file(source: ByteSource, case: Case) -> None:
    judge_template(source.read(0, LARGEST_TEMPLATE).decode("utf-8", "replace"), case)
    if source.size > LARGEST_TEMPLATE:
        case.leave_open(f"It is a chat template of more than {LARGEST_TEMPLATE // 1024 // 1024} MiB.")


def _judge_long(text: str, case: Case, named: Mapping[str, Any]) -> None:
    """By its tokens and words, to the end; what its expressions come to stays open."""
    reach = first_reach(text)
    if reach is not None:
        _note_reach(text, reach, RUNS_CODE.search(text) is not None, case, named)
    for at in range(0, len(text), LONGEST_TEMPLATE):
        case.meter.check_clock()
        _judge_words(text[at : at + LONGEST_TEMPLATE + 1000], case, named)
    case.leave_open(f"It has a chat template of more than {LONGEST_TEMPLATE // 1024:,} KiB.")


def judge_words(text: str, case: Case, subject: str = "text for assistants") -> None:
    """A text that is written for assistants to obey, such as AGENTS.md."""
    _judge_words(text[:LONGEST_TEMPLATE], case, {}, subject)


def _note_reach(text: str, reach: Reach, runs: bool, case: Case, named: Mapping[str, Any]) -> None:
    at = reach.at
    if at is None:
        # Only the line is known; the excerpt begins with it.
        lines = text.split("\n")
        number = min(reach.line or 1, len(lines))
        line, excerpt = number, "\n".join(lines[number - 1 :])[:EXCERPT_LENGTH]
    else:
        begin = max(0, at - EXCERPT_LENGTH // 2)
        line, excerpt = text.count("\n", 0, at) + 1, text[begin : begin + EXCERPT_LENGTH]
    case.add(
        "template-dunder-access",
        Severity.CRITICAL if runs else Severity.HIGH,
        f"The chat template reaches for Python internals ({reach.what[:60]}): a loader that renders it outside a "
        "sandbox runs code of the template's choice.",
        line=line,
        evidence={"reaches_for": reach.what[:100], "excerpt": excerpt, **named},
    )


def _note_unusual(what: str, line: int, calls: bool, case: Case, named: Mapping[str, Any]) -> None:
    case.add(
        "template-unusual",
        Severity.HIGH if calls else Severity.MEDIUM,
        f"The chat template has {what}, which chat templates have no use for"
        + (": with a loader that provides it, code or files of its choice are reached." if calls else "."),
        line=line,
        evidence={"what": what, **named},
    )


def _judge_costs(tree: Any, folder: Any, case: Case, named: Mapping[str, Any]) -> None:
    from scanners.formats.template.costs import costs

    first = next(iter(costs(tree, folder)), None)
    if first is not None:
        what, line = first
        case.add(
            "template-exhausts",
            Severity.HIGH,
            f"The chat template has {what}: rendering it takes the time or memory of whoever loads the model.",
            line=line,
            evidence={"what": what, **named},
        )


def _judge_instructions(text: str, tree: Any, folder: Any, case: Case, named: Mapping[str, Any]) -> None:
    from scanners.formats.template.instructions import hides, instructions

    found = [*instructions(tree, folder), *hides(text)]
    _note_instructions(found, case, named)


def _judge_words(text: str, case: Case, named: Mapping[str, Any], subject: str = "chat template") -> None:
    from scanners.formats.template.instructions import hides, says

    _note_instructions([*says(text, 1), *hides(text)], case, named, subject)


def _note_instructions(found: list[Any], case: Case, named: Mapping[str, Any], subject: str = "chat template") -> None:
    seen: set[str] = set()
    for one in sorted(found, key=lambda one: -one.severity.rank):
        if one.why in seen or len(seen) >= MOST_INSTRUCTIONS:
            continue
        seen.add(one.why)
        case.add(
            "template-hidden-instructions",
            one.severity,
            f"The {subject} {one.why}, which its user does not see.",
            confidence=Confidence.LIKELY,
            line=one.line,
            evidence={"why": one.why, "excerpt": one.excerpt, **named},
        )
