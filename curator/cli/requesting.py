"""`curator request`: a developer asks for an exception, and sees what became of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curator.cli.client import Mirror
from curator.cli.waive import all_pages
from curator.errors import BadInput
from curator.types import RepoId, RepoKind, Revision

PATH = "/api/curator/v1/requests"
_WAITS = frozenset({"open", "asked-back", "second"})
_GOOD = frozenset({"approved", "overtaken"})


@dataclass(frozen=True, slots=True)
class Options:
    """As they stand on the command line."""

    target: str | None
    decision: str | None
    kind: str
    reason: str
    rules: Sequence[str]
    files: Sequence[str]
    until: str | None
    team: str | None
    project: str | None
    server: str | None
    as_json: bool


def ask(options: Options) -> None:
    """Ends with 3, since it waits; with 0 if it is allowed by now."""
    if not options.reason.strip():
        raise BadInput("Say what it is wanted for: --reason '...' (reviewers read it)")
    wanted: dict[str, Any] = {
        "kind": options.kind,
        "reason": options.reason,
        "rules": list(options.rules),
        "files": list(options.files),
        "until": options.until,
        "team": options.team,
        "project": options.project,
    }
    if options.decision:
        wanted["decision"] = options.decision
    elif options.target:
        name, _, revision = options.target.partition("@")
        wanted["repository"] = str(RepoId.parse(name, RepoKind(options.kind)))
        wanted["revision"] = Revision.parse(revision or "main").text
    else:
        raise BadInput("Name the repository that you want: curator request ORG/NAME --reason '...'")
    _say(Mirror.find(options.server).post(PATH, wanted), as_json=options.as_json)


def status(request_id: str | None, server: str | None, *, as_json: bool) -> None:
    """How a request stands: by its id, the newest about a repository, or the newest of all."""
    mirror = Mirror.find(server)
    if request_id is not None and "/" not in request_id:
        _say(mirror.get(f"{PATH}/{request_id}", {}), as_json=as_json)
        return
    found = mirror.get(PATH, {"limit": "1", **({"repo": request_id} if request_id else {})})["requests"]
    if not found:
        raise BadInput(f"You have not asked for {request_id or 'anything'}: curator request ORG/NAME --reason '...'")
    _say(mirror.get(f"{PATH}/{found[0]['id']}", {}), as_json=as_json)


def show(server: str | None, *, every: bool, mine: bool, as_json: bool) -> None:
    query = {"state": "all" if every else "waiting", "mine": str(mine).lower(), "limit": "200"}
    found = all_pages(Mirror.find(server), PATH, query, "requests")
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        print(f"{one['id']}  {one['state']:<10}  {one['repository']}  {', '.join(one['rules'])}")
        print(f"    {one['sentence']}")


def reply(request_id: str, said: str, server: str | None, *, as_json: bool) -> None:
    _say(Mirror.find(server).post(f"{PATH}/{request_id}/replies", {"said": said}), as_json=as_json)


def withdraw(request_id: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).delete(f"{PATH}/{request_id}")
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(f"You want {document['request']['repository']} no longer. {document['request']['sentence']}.")


def _say(document: dict[str, Any], *, as_json: bool) -> None:
    request = document["request"]
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        joined = " (with others of your team who have asked before)" if document["joined"] else ""
        print(f"{request['repository']}: {request['sentence'].rstrip('.')}.{joined}")
        print(f"  request {request['id']}, about {', '.join(request['rules'])}: {document['page']}")
    sys.exit(3 if request["state"] in _WAITS else 0 if request["state"] in _GOOD else 1)
