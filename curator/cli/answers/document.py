"""For programs: `curator.check/1`."""

from __future__ import annotations

import json

from curator.cli.answers.record import Answers, exit_code, worst

SCHEMA = "curator.check/1"


def render(answers: Answers, *, quiet: bool = False) -> str:
    """All of them, whatever was asked to be left out for people."""
    del quiet
    document = {
        "schema": SCHEMA,
        "outcome": worst(answers),
        "exit_code": exit_code(answers),
        "rule_set": answers.rule_set,
        "rules": dict(answers.rules),
        "models": [
            one.said | {"where": [{"file": place.file, "line": place.line} for place in one.wanted.places]}
            for one in answers
        ],
    }
    return json.dumps(document, indent=1)
