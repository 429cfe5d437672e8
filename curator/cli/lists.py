"""`curator approve`, `curator block`, `curator lists` and `curator collections`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from curator.cli.client import Mirror
from curator.cli.waive import all_pages, anew, ending, for_whom

PATH = "/api/curator/v1/lists"


@dataclass(frozen=True, slots=True)
class Options:
    """As they stand on the command line."""

    effect: str
    targets: Sequence[str]
    kind: str | None
    reason: str
    until: str | None
    teams: Sequence[str]
    projects: Sequence[str]
    server: str | None
    as_json: bool


def put(options: Options) -> None:
    wanted = {
        "effect": options.effect,
        "targets": list(options.targets),
        "kind": options.kind,
        "reason": options.reason,
        "until": options.until,
        "teams": list(options.teams),
        "projects": list(options.projects),
    }
    document = Mirror.find(options.server).post(PATH, wanted)
    if options.as_json:
        print(json.dumps(document, indent=2))
        return
    for entry in document["entries"]:
        said = "Approved" if entry["effect"] == "approve" else "Blocked"
        print(f"{said}: {entry['what']}, for {for_whom(entry['scope'])}, {ending(entry)}  (entry {entry['id']})")
        if entry["collection"]:
            print(f"  {', '.join(entry['repositories'])}")
    for note in document["notes"]:
        print(f"  {note}")
    print(anew(document["reopened"]))
    for one in document["still"]:
        verb = "blocked" if one["outcome"] == "block" else "held"
        print(f"{one['repository']}@{one['commit']} stays {verb} by the rule {one['rule']}: {one['message']}")


def show(server: str | None, effect: str | None, repo: str | None, *, every: bool, as_json: bool) -> None:
    query = {
        "state": "all" if every else "active",
        "limit": "500",
        **({"effect": effect} if effect else {}),
        **({"repo": repo} if repo else {}),
    }
    found = all_pages(Mirror.find(server), PATH, query, "entries")
    if as_json:
        print(json.dumps(found))
        return
    for entry in found:
        _print(entry)


def show_one(entry_id: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(f"{PATH}/{quote(entry_id, safe='')}", {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    entry = document["entry"]
    _print(entry)
    print(f"    made {entry['created_at'][:16]}{_seconded(entry['seconded_by'])}")
    for name in ("repositories", "commits", "contents"):
        for one in entry[name]:
            print(f"    {one}")
    if entry["incident"]:
        print(f"    It is of an incident: curator incident show {entry['incident']}")


def end(entry_id: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).delete(f"{PATH}/{quote(entry_id, safe='')}")
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(f"The entry {entry_id} is over. {anew(document['reopened'])}")


def _print(entry: dict[str, Any]) -> None:
    print(f"{entry['id']}  {entry['state']:<7} {entry['effect']:<7} {entry['what']}  {ending(entry)}")
    kinds = ", ".join(f"{kind}s" for kind in entry["kinds"])
    print(f"    {kinds} for {for_whom(entry['scope'])}, by {entry['by']}: {entry['reason']}")


def _seconded(people: Sequence[str]) -> str:
    return f", and {', '.join(people)} agreed" if people else ""


def show_collections(*, as_json: bool) -> None:
    from curator.policy.collections import collections

    found = [one.as_json() for one in collections().values()]
    if as_json:
        print(json.dumps(found))
        return
    for one in found:
        print(f"{one['name']:<22} {one['description']}: {', '.join(one['repositories'])}")
