"""For code scanning: SARIF 2.1.0 (OASIS), each result at the line that asks for the repository.

GitHub shows a result only where it has a file: what was named on the command line is put at the first line of a file
called `models`, for want of any other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from curator.cli.answers.record import NO, PACKAGE_VERSION, Answered, Answers, about, exit_code
from curator.cli.wanted import STANDARD_INPUT, Place

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_NOWHERE = Place("models", 1)
_SCORES = {"error": "8.0", "warning": "5.5", "note": "2.0"}
"""On the scale of CVSS, which GitHub sorts by: high from 7.0, medium from 4.0."""
_LINK = re.compile(r"\[(?=[^\]]*\]\()")
_STATES = {
    "blocked-list": "Somebody has put it on this mirror's list of what is blocked.",
    "no-rules": "This mirror has no valid rules, and allows nothing without any.",
    "not-found": "There is no such repository, revision or file.",
    "scanning": "The repository is still being scanned.",
    "not-judged": "The repository could not be judged, so nothing vouches for it.",
    "behind-the-upstream": "The branch is given at another commit than the upstream's.",
}


def render(answers: Answers, *, quiet: bool = False) -> str:
    del quiet
    return json.dumps(log(answers), indent=1)


def log(answers: Answers) -> dict[str, Any]:
    found = [(rule, level, text, one) for one in answers for rule, level, text in _told(one)]
    levels: dict[str, str] = {}
    for rule, level, _, _ in found:
        levels[rule] = min(levels.get(rule, level), level, key=list(_SCORES).index)
    index = {rule: number for number, rule in enumerate(levels)}
    places = dict.fromkeys(_uri(place) for one in answers for place in one.wanted.places or (_NOWHERE,))
    artifacts = {uri: number for number, uri in enumerate(places)}
    not_judged = [one for one in answers if one.outcome in ("scanning", "not-judged")]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Model Curator",
                        "version": PACKAGE_VERSION,
                        "semanticVersion": PACKAGE_VERSION,
                        "rules": [_rule(rule, level, answers) for rule, level in levels.items()],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not not_judged,
                        "exitCode": exit_code(answers),
                        "toolExecutionNotifications": [
                            {
                                "descriptor": {"id": one.outcome},
                                "level": "error",
                                "message": {"text": _text(one.sentence)},
                            }
                            for one in not_judged
                        ],
                    }
                ],
                "artifacts": [{"location": {"uri": uri}} for uri in artifacts],
                "results": [
                    _result(rule, level, text, one, place, index, artifacts)
                    for rule, level, text, one in found
                    for place in one.wanted.places or (_NOWHERE,)
                ],
            }
        ],
    }


def _told(one: Answered) -> Iterator[tuple[str, str, str]]:
    """Rule, level and text of each result: why it is not allowed, and of what is, what somebody should know."""
    said = one.said
    if not one.allowed:
        level = "error" if one.outcome in NO else "warning"
        details = f" Details: {said['details']}" if said["details"] else ""
        for rule in (said["rules"] or [one.outcome])[:1]:
            yield rule, level, one.sentence.rstrip(".") + "." + details
        return
    if said["behind"]:
        yield "behind-the-upstream", "note", said["behind"]["sentence"]
    for path, reason in said["left_out"].items():
        yield reason["rule"], "note", f"{one.wanted}: left out: {about(path, reason)}"
    for reason in said["warnings"]:
        yield reason["rule"], "warning", f"{one.wanted}: {reason['message']}"
    for reason in said["dry_run"]:
        yield reason["rule"], "note", f"{one.wanted}: this would {reason['outcome']} (dry run): {reason['message']}"


def _rule(rule: str, level: str, answers: Answers) -> dict[str, Any]:
    known = answers.rules.get(rule, {})
    meaning = known.get("description") or _STATES.get(rule, f"The mirror's rule {rule}.")
    owner = f" Exceptions are decided by {known['owner']}." if known.get("owner") else ""
    more = "".join(f" {reference}" for reference in known.get("references", ()))
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in rule.split("-")),
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": meaning},
        "help": {
            "text": f"{meaning}{owner} `curator rules explain ORG/NAME` says why, and what would change it; `curator "
            f"request ORG/NAME --reason '...'` asks for an exception.{more}"
        },
        "defaultConfiguration": {"level": level},
        "properties": {"security-severity": _SCORES[level], "tags": ["security"]},
    }


def _result(
    rule: str, level: str, text: str, one: Answered, place: Place, index: dict[str, int], artifacts: dict[str, int]
) -> dict[str, Any]:
    uri = _uri(place)
    # The same repository refused by the same rule is the same alert, on whatever line it stands.
    fingerprint = hashlib.sha256(f"{rule}\0{one.wanted}\0{uri}\0{text if level == 'note' else ''}".encode()).hexdigest()
    return {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": level,
        "message": {"text": _text(text)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri, "index": artifacts[uri]},
                    "region": {"startLine": place.line},
                },
                "logicalLocations": [{"name": str(one.wanted), "kind": "module"}],
            }
        ],
        "partialFingerprints": {"curatorCheck/v1": fingerprint},
        "properties": {
            "repository": one.said["repository"],
            "kind": one.said["kind"],
            "commit": one.said["commit"] or "",
            "outcome": one.outcome,
            "decision": one.said["decision"] or "",
        },
    }


def _text(text: str) -> str:
    """A message in which a publisher's `[words](address)` are words, and no link (SARIF 2.1.0, 3.11.6)."""
    return _LINK.sub(r"\\[", text)


def _uri(place: Place) -> str:
    """As a reference of RFC 3986, relative to the folder one is in where that is so."""
    if place.file == STANDARD_INPUT:
        return "stdin"
    path = Path(place.file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"file://{quote(path.as_posix())}" if path.is_absolute() else quote(path.as_posix())
