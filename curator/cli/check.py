"""`curator check`: whether a build may pull what it names, without pulling any of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from curator.cli.answers import Style, render
from curator.cli.answers.record import Answered, exit_code
from curator.cli.client import Mirror
from curator.cli.wanted import HUB_HOSTS, STANDARD_INPUT, Wanted, each_once, parse_wanted, read_file, read_wanted
from curator.errors import BadInput, ServerUnreachable
from curator.types import RepoKind

PATH = "/api/curator/v1/check"
MOST_AT_ONCE = 500
_LONGEST_POLL_S = 10.0
_LEAST_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """As they stand on the command line."""

    names: Sequence[str]
    file: str | None
    kind: RepoKind
    style: Style
    wait_s: float
    server: str | None
    quiet: bool


def run(options: Options) -> None:
    """Ends with 0: all are allowed, 1: one never is, 2: bad usage, 3: one is held or not judged, 4: no mirror."""
    mirror = Mirror.find(options.server)
    wanted = _wanted(options, mirror)
    rule_set, answers = _ask(mirror, wanted, 0.0)
    lost: ServerUnreachable | None = None
    if options.wait_s > 0:
        try:
            _wait(mirror, answers, options.wait_s, quiet=options.quiet)
        except ServerUnreachable as error:
            lost = error
    answered = [Answered(one, answers[one]) for one in wanted]
    text = render(options.style, answered, rule_set=rule_set, quiet=options.quiet)
    if text:
        print(text)
    code = exit_code(answered)
    # What was found out before the mirror was lost is so; that nothing is blocked is not known.
    if lost is not None and code != 1:
        raise lost
    sys.exit(code)


def _wanted(options: Options, mirror: Mirror) -> list[Wanted]:
    hosts = {*HUB_HOSTS, urlsplit(mirror.url).netloc.lower()}
    wanted = [parse_wanted(name, options.kind, hosts) for name in options.names]
    if options.file is not None:
        text = sys.stdin.read() if options.file == STANDARD_INPUT else read_file(Path(options.file))
        wanted += read_wanted(text, options.file, options.kind, hosts)
    if not wanted:
        said = "no model in it" if options.file is not None else "nothing to check"
        raise BadInput(
            f"{options.file or 'curator check'}: there is {said}: name one, as in `curator check ORG/NAME@REVISION`"
        )
    return each_once(wanted)


def _ask(mirror: Mirror, wanted: Sequence[Wanted], wait_s: float) -> tuple[str, dict[Wanted, dict[str, Any]]]:
    """The digest of the rules in force, and each with its answer. Raises what the mirror says, or that it is lost."""
    answers: dict[Wanted, dict[str, Any]] = {}
    rule_set = ""
    for start in range(0, len(wanted), MOST_AT_ONCE):
        part = wanted[start : start + MOST_AT_ONCE]
        models = [
            {"repository": str(one.repo), "kind": one.repo.kind.value, "revision": one.revision.text, "path": one.path}
            for one in part
        ]
        document = mirror.post(PATH, {"models": models, "wait": wait_s})
        try:
            rule_set = str(document["rule_set"])
            answers |= dict(zip(part, document["models"], strict=True))
        except (KeyError, TypeError, ValueError):
            raise ServerUnreachable(f"{mirror.url} answers, and not as a mirror of this version does") from None
    return rule_set, answers


def _wait(mirror: Mirror, answers: dict[Wanted, dict[str, Any]], wait_s: float, *, quiet: bool) -> None:
    """Ask again about what is being scanned until all of it is judged, or the time is over; updates the answers."""
    ends = time.monotonic() + wait_s
    shown = sys.stderr.isatty() and not quiet
    try:
        while scanned := [one for one, said in answers.items() if said["outcome"] == "scanning"]:
            left_s = ends - time.monotonic()
            if left_s <= 0:
                return
            if shown:
                _progress(answers, scanned, left_s)
            began = time.monotonic()
            answers |= _ask(mirror, scanned, min(left_s, _LONGEST_POLL_S))[1]
            # The mirror waits; one that does not must not be asked without a pause.
            time.sleep(max(min(_LEAST_PAUSE_S - (time.monotonic() - began), ends - time.monotonic()), 0.0))
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _progress(answers: dict[Wanted, dict[str, Any]], scanned: list[Wanted], left_s: float) -> None:
    files = sum(answers[one]["scanned"] for one in scanned)
    total = sum(answers[one]["total"] for one in scanned)
    known = f", {files} of {total} files done" if total else ""
    text = f"{len(scanned)} of {len(answers)} still being scanned{known}; waiting {left_s:.0f} s more at most"
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
