"""`curator review`: what waits, and a reviewer's answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from curator.cli.client import Mirror

PATH = "/api/curator/v1/review"
_MOST = 8
"""Of each kind on a screen; JSON has all."""
_THEN = {"allow": "allowed", "block": "blocked", "hold": "held"}


@dataclass(frozen=True, slots=True)
class Options:
    """As they stand on the command line."""

    answer: str
    items: Sequence[str]
    reason: str
    reach: str | None = None
    rules: Sequence[str] = ()
    until: str | None = None
    teams: Sequence[str] = ()
    projects: Sequence[str] = ()
    partly: bool = False
    preview: bool = False
    server: str | None = None
    as_json: bool = False

    def shown_as(self, *, as_json: bool) -> Self:
        return replace(self, as_json=as_json)


def show(query: dict[str, str], server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(PATH, query)
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for one in document["items"]:
        late = "  OVERDUE" if one["overdue"] else ""
        score = f"{one['hours']:.0f} h x {one['people']} x {one['risk']} = {one['score']:.0f}"
        print(f"{one['id']}  {one['outcome']:<8}  {one['repository']}@{one['commit'][:12]}  {score}{late}")
        print(f"    {', '.join(one['rules'])}{_who(one)}")
    if document["next"]:
        print(f"{document['total'] - len(document['items'])} more wait: narrow it down, or raise --limit.")


def groups(by: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(f"{PATH}/groups", {"by": by})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for one in document["groups"]:
        waits = f"{one['lines']} {'waits' if one['lines'] == 1 else 'wait'}"
        print(f"{one['name']:<40} {waits}, risk {one['risk']}, since {one['since'][:10]}  ({_people(one['people'])})")
    if not document["groups"]:
        print("Nothing waits.")


def show_one(item: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(f"{PATH}/{item}", {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    one = document["item"]
    print(f"{one['repository']}@{one['commit']}  {one['outcome']}{_who(one)}")
    if not one["waits"] and one["closed_by"]:
        print(f"It was {one['closed_as']} by {one['closed_by']}.")
    for reason in document["reasons"]:
        if reason["standing"] == "enforced":
            print(f"  {reason['rule']} ({reason['outcome']}): {reason['message']}")
    for request in document["requests"]:
        for asker in request["requesters"]:
            print(f"  {asker['name']} wants it: {asker['reason']}")
    difference = document["difference"]
    # What follows names what strangers wrote.
    print(f"  {difference['sentence'] if difference else 'No other commit of it was ever approved here.'}")
    for change in difference["changes"][:_MOST] if difference else ():
        print(f"    {change['weight']}: {_plain(change['sentence'])}")
    for found in document["findings"][:_MOST]:
        print(f"  {found['severity']}: {_plain(found['message'])} ({_plain(found['path'])}, {found['engine']})")
    for use in document["uses"][:_MOST]:
        print(f"  {use['actor']} uses {use['commit'][:12]}")
    if document["proposal"]:
        proposal = document["proposal"]
        print(f"  {proposal['agreed'][0]} approves it, another must agree: curator review second {proposal['id']}")


def answer(options: Options) -> None:
    """Ends with 0, or with 3 where another person must agree."""
    wanted = {
        "answer": options.answer,
        "items": [{"id": item} for item in options.items],
        "reach": options.reach,
        "teams": list(options.teams),
        "projects": list(options.projects),
        "rules": list(options.rules),
        "reason": options.reason,
        "until": options.until,
        "partly": options.partly,
        "preview": options.preview,
    }
    document = Mirror.find(options.server).post(f"{PATH}/answers", wanted)
    if options.as_json:
        print(json.dumps(document, indent=2))
    else:
        for plan in document["plans"]:
            _print_plan(plan)
        _print_done(document["done"])
    if options.preview:
        print("Only a preview: nothing was done.", file=sys.stderr)
    sys.exit(3 if any(one["proposal"] for one in document["done"]) else 0)


def second(proposal: str | None, reason: str, server: str | None, *, agrees: bool, as_json: bool) -> None:
    mirror = Mirror.find(server)
    if proposal is None:
        found = mirror.get(f"{PATH}/proposals", {"limit": "200"})["proposals"]
        if as_json:
            print(json.dumps(found))
            return
        for one in found:
            print(f"{one['id']}  {one['repository']}  {', '.join(one['rules'])}  by {', '.join(one['agreed'])}")
            print(f"    {one['verdict']['reason']}")
        return
    document = mirror.post(f"{PATH}/proposals/{proposal}", {"agrees": agrees, "reason": reason})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    _print_done(document["done"])


def _print_plan(plan: dict[str, Any]) -> None:
    print(f"{plan['repository']}@{plan['commit'][:12]} would be {_THEN[plan['outcome_then']]}.")
    for sentence in plan["does"]:
        print(f"  {sentence}")
    for reason in plan["still"]:
        print(f"  still  {reason['rule']} ({reason['outcome']}): {reason['message']}")
    if plan["needs"] > 1:
        print(f"  {', '.join(plan['rules_that_need_several'])} wants {plan['needs']} people to agree")


def _print_done(done: Sequence[dict[str, Any]]) -> None:
    for one in done:
        print(one["said"])
        if one["proposal"] and one["proposal"]["state"] == "open":
            print(f"  somebody else confirms it: curator review second {one['proposal']['id']}")


def _plain(text: str) -> str:
    """In one line, with what would move the cursor or turn the text left out."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _who(one: dict[str, Any]) -> str:
    asked = f", {one['requests']} asked" if one["requests"] else ""
    return f"  ({_people(one['people'])}{asked})"


def _people(number: int) -> str:
    return f"{number} {'person waits' if number == 1 else 'people wait'}"
