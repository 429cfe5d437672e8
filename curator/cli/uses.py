"""`curator uses`, by the API."""

from __future__ import annotations

import json
from typing import Any

from curator.cli.client import Mirror
from curator.errors import BadInput

_API = "/api/curator/v1"
_A_PAGE = 500


def show(repo: str, kind: str, most: int, server: str | None, *, refused: bool, as_json: bool) -> None:
    """Ask page by page, and print as many as are wanted."""
    name, _, commit = repo.partition("@")
    if refused and not commit:
        raise BadInput("Name the commit whose refusals you want: REPO@ followed by its 40 hex digits")
    what = "asked" if refused else "uses"
    mirror = Mirror.find(server)
    found: list[dict[str, Any]] = []
    query = {"repo": name, "kind": kind} | ({"commit": commit} if commit else {})
    after: str | None = ""
    while after is not None and len(found) < most:
        asked = query | {"limit": str(min(_A_PAGE, most - len(found)))} | ({"after": after} if after else {})
        document = mirror.get(f"{_API}/{what}", asked)
        found += document[what]
        after = document["next"]
    if as_json:
        print(json.dumps({what: found, "more": after is not None}, indent=2))
        return
    for one in found:
        of = "/".join(filter(None, (one["team"], one["project"]))) or "-"
        how_much = f"{one['times']} times" if refused else f"{one['files']} files, {one['bytes']} bytes"
        print(f"{one['actor']:<24} {of:<24} {one['commit'][:12]}  {how_much}, last {one['last_at']}")
    if not found:
        print("Nobody asked for it in vain." if refused else "Nobody was given files of it.")
    elif after is not None:
        print(f"There are more: name how many with --most (these are {len(found)}).")
