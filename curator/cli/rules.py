"""`curator rules`: what is wrong with a file of rules, and what the rules in force say of a repository."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from curator.admission.explained import explanation_text
from curator.cli import screen
from curator.cli.client import ask_server
from curator.cli.packs import rules_file
from curator.cli.wanted import parse_wanted
from curator.errors import BadInput
from curator.policy.vocabulary import vocabulary
from curator.types import RepoKind
from rules.lint import doubts
from rules.model import PolicyError, load_policy
from rules.schema import rules_schema

_EXIT = {"allow": 0, "block": 1, "hold": 3}


def check(file: Path, *, as_json: bool, quiet: bool) -> None:
    file = rules_file(file)
    try:
        policy = load_policy(file)
    except PolicyError as error:
        problems = [problem.as_json() for problem in error.problems]
        document = {"problems": problems, "warnings": []}
        print(json.dumps(document) if as_json else error, file=None if as_json else sys.stderr)
        sys.exit(1)
    doubtful = doubts(policy, vocabulary(), str(file))
    if as_json:
        print(json.dumps({"problems": [], "warnings": [one.as_json() for one in doubtful]}))
        return
    for one in doubtful:
        print(f"{one.file}:{one.place.line}:{one.place.column}: warning: {one.sentence}", file=sys.stderr)
    if not quiet:
        count = len(doubtful)
        said = "nothing wrong" if not count else f"nothing wrong, {count} warning{'s' if count > 1 else ''}"
        rules = f"{len(policy.rules)} rule{'s' if len(policy.rules) != 1 else ''}"
        print(f"{file}: {rules}, {said}")


def schema() -> None:
    print(json.dumps(rules_schema(), indent=2))


def explain(
    repo: str | None, decision: str | None, kind: str, server: str | None, audience: dict[str, str], *, as_json: bool
) -> None:
    """What is decided about a repository now, or what a decision of any time said."""
    if decision is not None:
        if repo is not None:
            raise BadInput("Name a repository or --decision, and not both: a decision is about one already")
        if not (decision.isascii() and decision.isalnum()):
            raise BadInput(f"{decision[:80]!a} is not the id of a decision: it stands in refusals, after /-/decisions/")
        document: dict[str, Any] = ask_server(server, f"/api/curator/v1/decisions/{decision}", {})
    elif repo is not None:
        wanted = parse_wanted(repo, RepoKind(kind))
        query = {"repo": str(wanted.repo), "kind": wanted.repo.kind.value, "revision": wanted.revision.text}
        document = ask_server(server, "/api/curator/v1/explain", query | audience)
    else:
        raise BadInput("Name a repository, as in `curator rules explain ORG/NAME@main`, or a decision with --decision")
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print(explanation_text(document, screen.width(), screen.paint()), end="")
    sys.exit(_EXIT[document["outcome"]])
