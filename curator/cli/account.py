"""`curator account`, by the API."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import quote

from curator.cli.client import Mirror
from curator.cli.token import read_grace
from curator.cli.waive import all_pages
from curator.errors import BadInput

_PATH = "/api/curator/v1/account"
_TOKENS = f"{_PATH}/tokens"


def show(server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(_PATH, {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    user, token = document["user"], document["token"]
    audience = "/".join(filter(None, (document["team"], document["project"]))) or "nobody in particular"
    print(f"{user['login']}, as {document['role']}, for {audience}")
    print(f"Teams: {', '.join(user['teams']) or '-'}")
    if token:
        print(f"By the token {token['name']}, {_end(token)}.")


def change(wanted: dict[str, str | None], server: str | None, *, as_json: bool) -> None:
    document = {name: value for name, value in wanted.items() if value is not None}
    if not document:
        raise BadInput("Say what is to be otherwise, as in `curator account change --team search`")
    changed = Mirror.find(server).patch(_PATH, document)
    if as_json:
        print(json.dumps(changed, indent=2))
        return
    user = changed["user"]
    home = "/".join(filter(None, (user["team"], user["project"])))
    print(f"{user['login']} ({user['full_name'] or 'no name'}) asks for {home or 'nobody in particular'}.")


def tokens(server: str | None, *, every: bool, as_json: bool) -> None:
    found = [one for one in _tokens(Mirror.find(server)) if every or one["state"] == "active"]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        used = f"used {one['last_used_at'][:10]}" if one["last_used_at"] else "not used yet"
        of = "/".join(filter(None, (one["team"], one["project"])))
        print(f"{one['id']}  {one['name']:<24} {one['role']:<9} {one['state']:<8} {_end(one)}, {used}  {of}".rstrip())
    if not found:
        print("You have no tokens: curator account create-token NAME")


def create(wanted: dict[str, str | None], server: str | None, *, as_json: bool) -> None:
    _print_made(Mirror.find(server).post(_TOKENS, wanted), as_json=as_json)


def rotate(name: str, grace: str, server: str | None, *, as_json: bool) -> None:
    hours = read_grace(grace).total_seconds() / 3_600
    mirror = Mirror.find(server)
    path = f"{_TOKENS}/{_id(mirror, name)}/rotate"
    _print_made(mirror.post(path, {"grace_hours": hours}), as_json=as_json)


def revoke(name: str, server: str | None, *, as_json: bool) -> None:
    mirror = Mirror.find(server)
    document = mirror.delete(f"{_TOKENS}/{_id(mirror, name)}")
    print(json.dumps(document) if as_json else f"The token {document['token']['name']!r} is valid no longer.")


def _tokens(mirror: Mirror) -> list[dict[str, Any]]:
    return all_pages(mirror, _TOKENS, {"limit": "200"}, "tokens")


def _id(mirror: Mirror, name: str) -> str:
    """Of the one valid token that is called so. Raises `BadInput`."""
    found = [one for one in _tokens(mirror) if one["state"] == "active" and name in {one["name"], one["id"]}]
    if len(found) == 1:
        return quote(str(found[0]["id"]), safe="")
    if found:
        raise BadInput(f"You have {len(found)} tokens named {name!a}: name one by its id (`curator account tokens`)")
    raise BadInput(f"You have no valid token named {name[:80]!a}: `curator account tokens` lists them")


def _end(token: dict[str, Any]) -> str:
    return f"ends {token['expires_at'][:10]}" if token["expires_at"] else "no end"


def _print_made(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made, indent=2))
        return
    print(made["secret"])
    # Beside the token, which scripts read.
    print(f"The token {made['token']['name']}: {_end(made['token'])}, not shown again.", file=sys.stderr)
