"""`curator waive` and `curator waivers`: what a decision rests on is passed over for a while, knowingly."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curator.cli.client import Mirror
from curator.types import RepoId, RepoKind, Revision

PATH = "/api/curator/v1/waivers"
_EXIT = {"allow": 0, "block": 1, "hold": 3}
_THEN = {"allow": "allowed", "block": "blocked", "hold": "held"}
_MOST_FILES = 3


@dataclass(frozen=True, slots=True)
class Options:
    """As they stand on the command line."""

    target: str
    kind: str
    rules: Sequence[str]
    findings: Sequence[str]
    files: Sequence[str]
    reason: str
    until: str | None
    teams: Sequence[str]
    projects: Sequence[str]
    preview: bool
    server: str | None
    as_json: bool


def give(options: Options) -> None:
    """Ends with 0: the commit is allowed with it, 1: it is blocked all the same, 3: it is held all the same."""
    name, _, revision = options.target.partition("@")
    wanted = {
        "repository": str(RepoId.parse(name, RepoKind(options.kind))),
        "kind": options.kind,
        "revision": Revision.parse(revision or "main").text,
        "rules": list(options.rules),
        "findings": list(options.findings),
        "files": list(options.files),
        "reason": options.reason,
        "until": options.until,
        "teams": list(options.teams),
        "projects": list(options.projects),
        "preview": options.preview,
    }
    document = Mirror.find(options.server).post(PATH, wanted)
    plan = document["plan"]
    if options.as_json:
        print(json.dumps(document, indent=2))
    else:
        _print_plan(document, plan)
    sys.exit(_EXIT[plan["outcome_then"]])


def show(server: str | None, repo: str | None, *, every: bool, as_json: bool) -> None:
    mirror = Mirror.find(server)
    query = {"state": "all" if every else "active", "limit": "500", **({"repo": repo} if repo else {})}
    found = all_pages(mirror, PATH, query, "waivers")
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        files = f"{len(one['fingerprints'])} finding{'s' if len(one['fingerprints']) != 1 else ''}"
        print(
            f"{one['id']}  {one['state']:<7} {ending(one)}  {one['repository']}  {files} of {', '.join(one['rules'])}"
        )
        print(f"    for {for_whom(one['scope'])}, by {one['by']}: {one['reason']}")


def show_one(waiver_id: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(f"{PATH}/{waiver_id}", {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    one, uses = document["waiver"], document["uses"]
    print(f"{one['id']}  {one['state']}, {ending(one)}")
    print(f"  first wanted in {one['repository']}, for {for_whom(one['scope'])}, by {one['by']}: {one['reason']}")
    print(f"  answers {', '.join(one['rules'])}; decision {one['decision']}")
    print(f"  used by {uses['decisions']} decisions, which {uses['downloads']} downloads rest on")
    for use in uses["newest"]:
        print(f"    {use['at']}  {use['repository']}@{use['commit']}  {use['outcome']}, decision {use['decision']}")


def end(waiver_id: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).delete(f"{PATH}/{waiver_id}")
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(f"The waiver {waiver_id} is over. {anew(document['reopened'])}")


def all_pages(mirror: Mirror, path: str, query: dict[str, str], name: str) -> list[dict[str, Any]]:
    """Everything of a list that comes in pages."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = mirror.get(path, query | after)
        found += page[name]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def for_whom(scope: dict[str, list[str]]) -> str:
    """A scope in words."""
    teams = "" if scope["teams"] == ["*"] else f"team {', '.join(scope['teams'])}"
    projects = "" if scope["projects"] == ["*"] else f"project {', '.join(scope['projects'])}"
    return " in ".join(part for part in (teams, projects) if part) or "everybody"


def ending(word: dict[str, Any]) -> str:
    """When it ends, or did."""
    if word["ended_at"]:
        return f"ended {word['ended_at'][:10]} by {word['ended_by']}"
    return f"until {word['expires_at'][:16].replace('T', ' ')}" if word["expires_at"] else "without an end"


def anew(reopened: dict[str, int]) -> str:
    """How many decisions are made anew, as a sentence."""
    count = reopened["decisions"]
    if not count:
        return "No decision made so far is concerned."
    commits = reopened["commits"]
    return (
        f"{count} decision{'s' if count > 1 else ''} about {commits} commit{'s' if commits > 1 else ''} "
        f"{'are' if count > 1 else 'is'} made anew."
    )


def _print_plan(document: dict[str, Any], plan: dict[str, Any]) -> None:
    waiver = document.get("waiver")
    if waiver is None:
        print("Only a preview: no waiver is given.")
    else:
        print(f"Waiver {waiver['id']} {ending(waiver)}, for {for_whom(waiver['scope'])}")
    for one in plan["covers"]:
        files = ", ".join(one["files"][:_MOST_FILES]) + (" ..." if len(one["files"]) > _MOST_FILES else "")
        rests = "all of it" if one["covered"] == one["rests_on"] else f"{one['covered']} of {one['rests_on']} findings"
        print(f"  covers {one['rule']} ({one['outcome']}), {rests}{': ' + files if files else ''}")
    if plan["elsewhere"]:
        others = plan["elsewhere"]
        more = f" and {len(others) - _MOST_FILES} more" if len(others) > _MOST_FILES else ""
        print(f"  covers the same content in other repositories, too: {', '.join(others[:_MOST_FILES])}{more}")
    for reason in plan["still"]:
        print(f"  still  {reason['rule']} ({reason['outcome']}): {reason['message']}")
    if waiver is not None:
        print(anew(document["reopened"]))
    will = "will be" if waiver is not None else "would be"
    print(f"{plan['repository']}@{plan['commit']} {will} {_THEN[plan['outcome_then']]}.")
