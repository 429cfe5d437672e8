"""`curator session`, by the API."""

from __future__ import annotations

import json
from urllib.parse import quote

from curator.cli.client import Mirror

_PATH = "/api/curator/v1/sessions"


def show(user: str | None, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(_PATH, {"user": user} if user is not None else {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for one in document["sessions"]:
        # A browser may call itself anything.
        print(f"{one['id']}  {one['user']}  by {one['way']}, since {one['began_at']}, ends {one['ends_at']}")
        print(f"    {one['address']}  {ascii(one['user_agent'])[1:-1]}")
    if not document["sessions"]:
        print("Nobody is signed in there.")


def end(session_id: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).delete(f"{_PATH}/{quote(session_id, safe='')}")
    print(json.dumps(document) if as_json else "The session has ended.")
