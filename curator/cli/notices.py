"""`curator notices`, by the API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from curator.cli.client import Mirror
from curator.errors import BadInput
from scanners.files import printable

_PATH = "/api/curator/v1/notices"
_CHOSEN = ("ways", "about", "repos", "rhythm", "hour", "utc_offset")


def listed(limit: int, server: str | None, *, unread: bool, as_json: bool) -> None:
    document = Mirror.find(server).get(_PATH, {"limit": str(limit), "unread": str(unread).lower()})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for one in document["notices"]:
        new = " " if one["read_at"] else "*"
        print(f"{new} {one['id']}  {one['at'][:16]}  {printable(one['title'])}")
        for line in one["text"].splitlines():
            print(f"    {printable(line)}")
        if one["link"]:
            print(f"    {one['link']}")
    if not document["notices"]:
        print("You were told of nothing new." if unread else "You were told of nothing so far.")


def read(ids: Sequence[str], server: str | None, *, every: bool, as_json: bool) -> None:
    if bool(ids) == every:
        raise BadInput("Name notices, as `curator notices list` does, or --all")
    document = Mirror.find(server).post(f"{_PATH}/read", {"ids": None if every else list(ids)})
    if as_json:
        print(json.dumps(document))
        return
    print(f"{document['read']} {'notice is' if document['read'] == 1 else 'notices are'} read with this.")


def choices(server: str | None, *, as_json: bool) -> None:
    _print_choices(Mirror.find(server).get(f"{_PATH}/choices", {}), as_json=as_json)


def choose(ways: Sequence[str], wanted: dict[str, Any], server: str | None, *, as_json: bool) -> None:
    """Of what is None or not named, it stays as it is."""
    if not ways and all(value is None for value in wanted.values()):
        raise BadInput(
            "Say what you choose, as in `curator notices choose held=now`: `curator notices choices` has all"
        )
    mirror = Mirror.find(server)
    before = mirror.get(f"{_PATH}/choices", {})
    document = {name: before[name] if wanted.get(name) is None else wanted[name] for name in _CHOSEN}
    document["ways"] = before["ways"] | dict(map(_way, ways))
    _print_choices(mirror.put(f"{_PATH}/choices", document), as_json=as_json)


def test(server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).post(f"{_PATH}/test", {})
    print(json.dumps(document) if as_json else f"A mail to you is on its way ({document['delivery']}).")


def _way(text: str) -> tuple[str, str]:
    subject, between, way = text.partition("=")
    if not between or not subject or not way:
        raise BadInput(f"{text[:80]!a} is no choice: write it as held=now")
    return subject, way


def _print_choices(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for subject, way in document["ways"].items():
        print(f"{subject:<16} {way}")
    about = {"all": "everything", "teams": "your teams", "asked": "what you asked for"}[document["about"]]
    repos = f", only {', '.join(document['repos'])}" if document["repos"] else ""
    before = document["utc_offset"]
    zone = "UTC" if not before else f"UTC{'+' if before > 0 else '-'}{abs(before) // 60:02}:{abs(before) % 60:02}"
    print(f"Of {about}{repos}; the digest comes {document['rhythm']} at {document['hour']:02}:00 {zone}.")
    if not document["chosen"]:
        print("Nothing was chosen: this is what your role suggests.")
