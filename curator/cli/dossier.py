"""`curator show`: all that a mirror knows of a commit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from curator.admission.explained.words import size
from curator.cli.client import Mirror
from curator.cli.wanted import parse_wanted
from curator.errors import BadInput
from curator.types import RepoKind
from scanners.files import printable

_PATH = "/api/curator/v1/repositories"
_SHA_DIGITS = 40
_THEN = {"allow": "allowed", "block": "blocked", "hold": "held"}


def show(repo: str, kind: str, most: int, server: str | None, *, as_json: bool) -> None:
    wanted = parse_wanted(repo, RepoKind(kind))
    commit = wanted.revision.text
    at = "" if commit == "main" else f"/{commit}"
    if at and (len(commit) != _SHA_DIGITS or not all(digit in "0123456789abcdef" for digit in commit)):
        raise BadInput(f"{commit[:80]!a} is no commit: name one with 40 hex digits, or none for that of main")
    path = f"{_PATH}/{wanted.repo.kind.value}/{quote(str(wanted.repo))}/commits{at}"
    document = Mirror.find(server).get(path, {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    # Much of it is the words of strangers.
    for line in _lines(document, most):
        print(printable(line))


def _lines(document: dict[str, Any], most: int) -> Iterator[str]:
    decision = document["decision"]
    outcome = _THEN[decision["outcome"]]
    holds = "" if document["in_force"] else ", and to be judged anew when somebody asks for it"
    yield f"{document['repository']}@{document['commit']}: {outcome}{holds}"
    for reason in decision["reasons"]:
        yield f"  {reason['rule']} ({reason['outcome']}): {reason['message']}"
    difference = document["difference"]
    yield f"  {difference['sentence']}" if difference else "  No other commit of it was ever approved here."
    for change in difference["changes"][:most] if difference else ():
        yield f"    {change['weight']}: {change['sentence']}"
    findings, files = document["findings"], document["files"]
    yield f"Findings: {len(findings) + document['more_findings']}"
    for one in findings[:most]:
        waived = ", waived" if one["waived_by"] else ""
        yield f"  {one['severity']}: {one['message']} ({one['path']}, {one['rule']}, {one['engine']}{waived})"
    for one in document["engines"]:
        yield f"  {one['name']} {one['version']}: objects to {len(one['objects_to'])} of {one['files']} files"
    states = Counter(one["state"] for one in files)
    yield f"Files: {', '.join(f'{number} {state}' for state, number in states.items()) or 'none'}"
    for one in files[:most]:
        left = f", left out by {one['rule']}" if one["rule"] else ""
        yield f"  {one['path']}  {size(one['size'])}, {one['format']}, {one['verdict']}{left}"
    yield f"Lineage: {_named([one['repository'] for one in document['lineage']['nodes']], most)}"
    yield f"Given to {document['uses']['callers']} callers"
    for use in document["uses"]["newest"][:most]:
        yield f"  {use['actor']}  {use['commit'][:12]}, last {use['last_at']}"
    for word in document["words"][:most]:
        yield f"Word of {word['by']}: {word['what']}, {word['reason']}"
    yield "History:"
    for one in document["history"][:most]:
        why = f", because {one['why']}" if one["why"] else ""
        yield f"  {one['at'][:16]}  {one['commit'][:12]}  {_THEN[one['outcome']]}{why}"


def _named(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most]) or 'nothing is known'}{more}"
