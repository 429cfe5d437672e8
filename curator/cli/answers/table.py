"""For people: one repository a line, the worst first, and below it what is to be known."""

from __future__ import annotations

from dataclasses import replace

from curator.cli.answers.record import Answered, Answers, rank, summary
from scanners.files import printable

_ASKED_FOR = ("blocked", "held")
"""What somebody may have an exception from."""


def render(answers: Answers, *, quiet: bool = False) -> str:
    shown = [one for one in answers if not (quiet and one.allowed)]
    shown.sort(key=lambda one: rank(one.outcome))
    width = max((len(one.outcome) for one in shown), default=0)
    lines: list[str] = []
    for one in shown:
        places = ", ".join(map(str, one.wanted.places))
        commit = one.said["commit"]
        at = f" at {commit[:12]}" if commit and one.wanted.revision.text != commit else ""
        named = f"{one.outcome:<{width}}  {one.wanted}{at}" + (f"  ({places})" if places else "")
        lines.append(printable(named))
        said = [one.sentence] if one.sentence else []
        lines += [f"{'':<{width}}  {printable(text)}" for text in [*said, *one.remarks]]
        if not one.allowed and one.said["details"]:
            lines.append(f"{'':<{width}}  {one.said['details']}")
        if one.outcome in _ASKED_FOR:
            lines.append(f"{'':<{width}}  for an exception: curator request {_request(one)} --reason '...'")
    if not quiet or shown:
        lines.append(summary(answers))
    return "\n".join(lines)


def _request(one: Answered) -> str:
    """What it is asked for by: the repository, and not one file of it."""
    wanted = replace(one.wanted, path=None)
    kind = wanted.repo.kind.value
    name = str(wanted).removeprefix(wanted.repo.kind.url_prefix)
    return printable(name if kind == "model" else f"{name} --repo-type {kind}")
