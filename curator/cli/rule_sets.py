"""`curator rules publish`, `rollback`, `history`, `show`, `diff` and `status`, which a server does and knows."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from curator.admission.explained.words import moment
from curator.cli.client import Mirror
from curator.cli.packs import rules_text
from curator.errors import BadInput
from curator.policy.rule_sets import compared
from rules import packs

_AT = "/api/curator/v1/rules"
_SHOWN_DIGITS = 12
_PAGE = 500
_LONGEST_NAME = 64
_DIGITS = re.compile(r"[0-9a-f]{8,64}", re.ASCII)


def publish(file: Path, reason: str, server: str | None, *, as_json: bool) -> None:
    source = rules_text(file)
    _told(Mirror.find(server).post(_AT, {"source": source, "reason": reason, "file": str(file)}), as_json=as_json)


def rollback(digest: str, reason: str, server: str | None, *, as_json: bool) -> None:
    _told(Mirror.find(server).post(f"{_AT}/rollback", {"digest": digest, "reason": reason}), as_json=as_json)


def history(limit: int, server: str | None, *, as_json: bool) -> None:
    mirror, changes, after = Mirror.find(server), list[dict[str, Any]](), dict[str, str]()
    while len(changes) < limit:
        page = mirror.get(f"{_AT}/history", {"limit": str(min(limit - len(changes), _PAGE))} | after)
        changes += page["changes"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    if as_json:
        print(json.dumps(changes, indent=2))
        return
    for change in changes:
        print(
            f"{moment(change['at'])}  {change['digest'][:_SHOWN_DIGITS]}  {change['name']:<20} {change['author']} "
            f"({change['origin']}): {change['reason']}"
        )


def show(name: str, server: str | None, *, as_json: bool) -> None:
    if packs.is_pack(name):
        source = packs.source(name)
        print(json.dumps({"name": name, "source": source}, indent=2) if as_json else source.rstrip("\n"))
        return
    document = _kept(name, server)
    print(json.dumps(document, indent=2) if as_json else document["source"].rstrip("\n"))


def diff(one: str, other: str, server: str | None, *, as_json: bool) -> None:
    """Of two sets of rules, each a file, a pack, or rules that are or were in force."""
    document = compared(*_source(one, server), *_source(other, server)).as_json()
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(document["text"])
    print(f"\n{other if len(other) < _LONGEST_NAME else other[:_SHOWN_DIGITS]} {document['sentence']}")


def _source(name: str, server: str | None) -> tuple[str, str]:
    """The text of rules, and what they are called."""
    if packs.is_pack(name):
        return packs.source(name), name
    if not _DIGITS.fullmatch(name):
        return rules_text(Path(name)), name
    document = _kept(name, server)
    return document["source"], document["digest"][:_SHOWN_DIGITS]


def _kept(name: str, server: str | None) -> dict[str, Any]:
    """Rules that are or were in force. Raises `BadInput`."""
    if not _DIGITS.fullmatch(name):
        raise BadInput(
            f"{name[:80]!r} is neither a pack ({', '.join(packs.PACKS)}) nor the digest of rules: `curator rules "
            "history` shows those, and the first 8 digits are enough"
        )
    document: dict[str, Any] = Mirror.find(server).get(f"{_AT}/sets/{name}", {})
    return document


def status(server: str | None, *, as_json: bool) -> None:
    document: dict[str, Any] = Mirror.find(server).get(_AT, {})
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        change = document["in_force"]
        if change is None:
            print("No rules are in force.")
        else:
            print(f"'{change['name']}' ({change['digest'][:_SHOWN_DIGITS]}) is in force since {moment(change['at'])}")
            print(f"by {change['author']}, from {change['origin']}: {change['reason']}")
        if document["source"]:
            print(f"The rules come from {document['source']}, which is watched.")
        for kind in ("problem", "note"):
            if document[kind]:
                print(f"{kind}: {document[kind]}")
        if document["judged_anew"]:
            print(document["judged_anew"]["sentence"])
    if document["problem"]:
        sys.exit(1)


def _told(change: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(change, indent=2))
        return
    print(f"The rules '{change['name']}' ({change['digest'][:_SHOWN_DIGITS]}) are in force.")
    if change["before"]:
        before = change["before"][:_SHOWN_DIGITS]
        print(
            f"What was asked for of late is judged anew: `curator rules status`. Back: curator rules rollback {before}"
        )
