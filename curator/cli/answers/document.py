"""For programs: `curator.check/1`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from curator.cli.answers.record import Answered, exit_code, worst

SCHEMA = "curator.check/1"


def render(answered: Sequence[Answered], *, rule_set: str, quiet: bool = False) -> str:
    """All of them, whatever was asked to be left out for people."""
    del quiet
    document = {
        "schema": SCHEMA,
        "outcome": worst(answered),
        "exit_code": exit_code(answered),
        "rule_set": rule_set,
        "models": [
            one.said | {"where": [{"file": place.file, "line": place.line} for place in one.wanted.places]}
            for one in answered
        ],
    }
    return json.dumps(document, indent=1)
