"""`curator rules`: what is wrong with a file of rules, and what the rules in force say of a repository."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from curator.admission.explain import explanation_text
from curator.cli.client import ask_server
from curator.errors import BadInput
from curator.policy.vocabulary import vocabulary
from curator.types import RepoId, RepoKind, Revision
from rules.lint import doubts
from rules.model import PolicyError, load_policy
from rules.schema import rules_schema

_EXIT = {"allow": 0, "block": 1, "hold": 3}


def check(file: Path, *, as_json: bool, quiet: bool) -> None:
    if not file.is_file():
        raise BadInput(f"{file}: there is no such file")
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


def explain(repo: str, kind: str, server: str | None, *, as_json: bool) -> None:
    name, _, revision = repo.partition("@")
    parsed = RepoId.parse(name, RepoKind(kind))
    asked = Revision.parse(revision or "main")
    query = {"repo": str(parsed), "kind": kind, "revision": asked.text}
    document: dict[str, Any] = ask_server(server, "/api/curator/v1/explain", query)
    print(json.dumps(document, indent=2) if as_json else explanation_text(document))
    sys.exit(_EXIT[document["outcome"]])
