"""`curator notify mailbox`: where a team is told of what concerns it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from curator.cli.client import Mirror


def show(team: str, server: str | None, *, as_json: bool) -> None:
    _print(Mirror.find(server).get(_path(team), {}), as_json=as_json)


def keep(team: str, wanted: dict[str, Any], server: str | None, *, as_json: bool) -> None:
    _print(Mirror.find(server).put(_path(team), wanted), as_json=as_json)


def end(team: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).delete(_path(team))
    said = f"The team {team} is not told by mail any more; it was {document['mailbox']['address']}."
    print(json.dumps(document, indent=2) if as_json else said)


def test(team: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).post(f"{_path(team)}/test", {})
    said = f"A test is on its way: `curator notify list --deliveries` shows what became of {document['delivery']}."
    print(json.dumps(document, indent=2) if as_json else said)


def _path(team: str) -> str:
    return f"/api/curator/v1/teams/{quote(team, safe='')}/mailbox"


def _print(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
        return
    box = document["mailbox"]
    print(f"The team {box['team']} is told by mail to {box['address']}.")
    for way, when in (("now", "At once"), ("digest", f"In a {box['rhythm']} digest at {box['hour']:02}:00")):
        subjects = [subject for subject, chosen in box["ways"].items() if chosen == way]
        if subjects:
            print(f"{when}: {', '.join(subjects)}")
