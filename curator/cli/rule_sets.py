"""`curator rules publish`, `rollback`, `history`, `show`, `diff` and `status`, which a server does and knows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from curator.cli.client import Mirror
from curator.errors import BadInput
from rules import packs

_AT = "/api/curator/v1/rules"
_SHOWN_DIGITS = 12


def publish(file: Path, reason: str, server: str | None, *, as_json: bool) -> None:
    try:
        source = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file}: it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file}: it is not text in UTF-8") from None
    _told(Mirror.find(server).post(_AT, {"source": source, "reason": reason, "file": str(file)}), as_json=as_json)


def rollback(digest: str, reason: str, server: str | None, *, as_json: bool) -> None:
    _told(Mirror.find(server).post(f"{_AT}/rollback", {"digest": digest, "reason": reason}), as_json=as_json)


def history(limit: int, server: str | None, *, as_json: bool) -> None:
    changes = Mirror.find(server).get(f"{_AT}/history", {"limit": str(limit)})
    if as_json:
        print(json.dumps(changes, indent=2))
        return
    for change in changes:
        print(
            f"{change['at']}  {change['digest'][:_SHOWN_DIGITS]}  {change['name']:<20} {change['author']} "
            f"({change['origin']}): {change['reason']}"
        )


def show(digest: str, server: str | None, *, as_json: bool) -> None:
    if packs.is_pack(digest):
        source = packs.source(digest)
        print(json.dumps({"name": digest, "source": source}, indent=2) if as_json else source.rstrip("\n"))
        return
    document = Mirror.find(server).get(f"{_AT}/sets/{digest}", {})
    print(json.dumps(document, indent=2) if as_json else document["source"].rstrip("\n"))


def diff(one: str, other: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(f"{_AT}/diff", {"a": one, "b": other})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(document["text"])
    print(f"\n{other[:_SHOWN_DIGITS]} {document['sentence']}")


def status(server: str | None, *, as_json: bool) -> None:
    document: dict[str, Any] = Mirror.find(server).get(_AT, {})
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        change = document["in_force"]
        if change is None:
            print("No rules are in force.")
        else:
            print(f"'{change['name']}' ({change['digest'][:_SHOWN_DIGITS]}) is in force since {change['at']}")
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
