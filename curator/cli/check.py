"""`curator check`: whether a build may pull what it names, without pulling any of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from curator.cli.answers import Style, render
from curator.cli.answers.record import Answered, Answers, exit_code
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
    output: Path | None
    """Where it is written, while people read the table."""
    wait_s: float
    audience: dict[str, str]
    """`team` and `project`, where they are not to be those of the token."""
    server: str | None
    quiet: bool


def run(options: Options) -> None:
    """Ends with 0: all are allowed, 1: one never is, 2: bad usage, 3: one is held or not judged, 4: no mirror."""
    mirror = Mirror.find(options.server)
    wanted = _wanted(options, mirror)
    told = _Told(options.audience)
    _ask(mirror, wanted, 0.0, told)
    lost: ServerUnreachable | None = None
    if options.wait_s > 0:
        try:
            _wait(mirror, told, options.wait_s, quiet=options.quiet)
        except ServerUnreachable as error:
            lost = error
    answers = Answers(tuple(Answered(one, told.models[one]) for one in wanted), told.rule_set, told.rules)
    style = options.style
    if options.output is not None:
        _keep(render(style, answers, quiet=options.quiet), options.output)
        style = Style.TABLE
    text = render(style, answers, quiet=options.quiet)
    if text:
        print(text)
    code = exit_code(answers)
    # What was found out before the mirror was lost is so; that nothing is blocked is not known.
    if lost is not None and code != 1:
        raise lost
    sys.exit(code)


def _keep(text: str, file: Path) -> None:
    try:
        file.write_text(f"{text}\n" if text else "", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}") from None


def _wanted(options: Options, mirror: Mirror) -> list[Wanted]:
    hosts = {*HUB_HOSTS, urlsplit(mirror.url).netloc.lower()}
    for name in options.names:
        if Path(name).is_dir() and ("/" not in name or name.startswith((".", "/"))):
            raise BadInput(
                f"{name} is a folder: list the models that it uses in a file, one a line, and name that with --file"
            )
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


@dataclass(slots=True)
class _Told:
    """What the mirror has said so far."""

    audience: dict[str, str]
    """For whom it is asked."""
    rule_set: str = ""
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[Wanted, dict[str, Any]] = field(default_factory=dict)

    @property
    def scanned(self) -> list[Wanted]:
        """What there will be another answer about."""
        return [one for one, said in self.models.items() if said["outcome"] == "scanning"]


def _ask(mirror: Mirror, wanted: Sequence[Wanted], wait_s: float, told: _Told) -> None:
    """Have these answered, or answered anew. Raises what the mirror says, or that there is none."""
    for start in range(0, len(wanted), MOST_AT_ONCE):
        part = wanted[start : start + MOST_AT_ONCE]
        models = [
            {"repository": str(one.repo), "kind": one.repo.kind.value, "revision": one.revision.text, "path": one.path}
            for one in part
        ]
        document = mirror.post(PATH, {"models": models, "wait": wait_s} | told.audience)
        try:
            told.rule_set = str(document["rule_set"] or "")
            told.rules |= document["rules"]
            told.models |= zip(part, document["models"], strict=True)
        except (KeyError, TypeError, ValueError):
            raise ServerUnreachable(f"{mirror.url} answers, and not as a mirror of this version does") from None


def _wait(mirror: Mirror, told: _Told, wait_s: float, *, quiet: bool) -> None:
    """Ask again about what is being scanned until all of it is judged, or the time is over."""
    ends = time.monotonic() + wait_s
    shown = sys.stderr.isatty() and not quiet
    try:
        while scanned := told.scanned:
            left_s = ends - time.monotonic()
            if left_s <= 0:
                return
            if shown:
                _progress(told, scanned, left_s)
            began = time.monotonic()
            _ask(mirror, scanned, min(left_s, _LONGEST_POLL_S), told)
            # The mirror waits; one that does not must not be asked without a pause.
            time.sleep(max(min(_LEAST_PAUSE_S - (time.monotonic() - began), ends - time.monotonic()), 0.0))
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _progress(told: _Told, scanned: list[Wanted], left_s: float) -> None:
    files = sum(told.models[one]["scanned"] for one in scanned)
    total = sum(told.models[one]["total"] for one in scanned)
    known = f", {files} of {total} files done" if total else ""
    text = f"{len(scanned)} of {len(told.models)} still being scanned{known}; waiting {left_s:.0f} s more at most"
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
