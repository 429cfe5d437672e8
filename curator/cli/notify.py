"""`curator notify`: what the API says of webhooks and deliveries, and what it does with them."""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from urllib.parse import quote

from curator.cli.client import Mirror
from curator.errors import BadInput

_API = "/api/curator/v1"
_LOOK_EVERY_S = 0.5


def webhooks(server: str | None, *, as_json: bool) -> None:
    """Ends with 1 if one of them takes nothing."""
    document = Mirror.find(server).get(f"{_API}/webhooks", {})
    found = document["webhooks"]
    if as_json:
        print(json.dumps(document, indent=2))
    elif not found:
        print("There is no webhook: make one with `curator notify add NAME URL`.")
    for one in () if as_json else found:
        _print_webhook(one)
    sys.exit(1 if any(one["state"] != "working" for one in found) else 0)


def deliveries(webhook: str | None, state: str | None, limit: int, server: str | None, *, as_json: bool) -> None:
    """Ends with 1 if one of them was given up."""
    mirror = Mirror.find(server)
    query = {"limit": str(limit)}
    if webhook is not None:
        query["webhook"] = _webhook(mirror, webhook)["id"]
    if state is not None:
        query["state"] = state
    document = mirror.get(f"{_API}/deliveries", query)
    found = document["deliveries"]
    if as_json:
        print(json.dumps(document, indent=2))
    elif not found:
        print("Nothing was delivered so far.")
    for one in () if as_json else found:
        _print(one)
    sys.exit(1 if any(one["state"] == "dead" for one in found) else 0)


def add(wanted: dict[str, Any], server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).post(f"{_API}/webhooks", wanted)
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(f"The webhook {document['webhook']['name']} is made. Its secret, shown this once: {document['secret']}")


def show(webhook: str, server: str | None, *, as_json: bool) -> None:
    """Ends with 1 if it takes nothing."""
    found = _webhook(Mirror.find(server), webhook)
    _tell(found, as_json=as_json)
    sys.exit(0 if found["state"] == "working" else 1)


def change(webhook: str, wanted: dict[str, Any], server: str | None, *, as_json: bool) -> None:
    """Of what is None, it stays as it is."""
    if all(value is None for value in wanted.values()):
        raise BadInput("Say what is to be otherwise, as in `curator notify change chat --type model.blocked`")
    mirror = Mirror.find(server)
    before = _webhook(mirror, webhook)
    document = {name: before[name] if value is None else value for name, value in wanted.items()}
    _tell(mirror.put(_path(before["id"]), document)["webhook"], as_json=as_json)


def enable(webhook: str, server: str | None, *, as_json: bool) -> None:
    _tell(Mirror.find(server).post(f"{_path(webhook)}/enable", {})["webhook"], as_json=as_json)


def secret(webhook: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).post(f"{_path(webhook)}/secret", {})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(document["secret"])
    name = document["webhook"]["name"]
    print(f"The secret of {name}, not shown again; for a day the old one is good, too.", file=sys.stderr)


def end(webhook: str, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).delete(_path(webhook))
    print(json.dumps(document, indent=2) if as_json else f"The webhook {document['webhook']['name']} is ended.")


def test(webhook: str, wait_s: float, server: str | None, *, as_json: bool) -> None:
    """Ends with 0 if it was taken, 1 if not, 3 if that is not known yet."""
    mirror = Mirror.find(server)
    hook = _webhook(mirror, webhook)
    delivery = mirror.post(f"{_path(hook['id'])}/test", {})["delivery"]
    give_up_at = time.monotonic() + wait_s
    while True:
        newest = mirror.get(f"{_API}/deliveries", {"webhook": hook["id"], "limit": "50"})["deliveries"]
        found = next((one for one in newest if one["id"] == delivery), None)
        # An attempt counts when it begins, and has an error when it has failed.
        if found is not None and (found["state"] != "waiting" or found["error"]):
            break
        if time.monotonic() > give_up_at:
            print(json.dumps(found, indent=2) if as_json else f"{delivery} is still on its way")
            sys.exit(3)
        time.sleep(_LOOK_EVERY_S)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)
    sys.exit(0 if found["state"] == "sent" else 1)


def replay(
    delivery: str | None,
    webhook: str | None,
    since: str | None,
    server: str | None,
    *,
    delivered: bool,
    as_json: bool,
) -> None:
    mirror = Mirror.find(server)
    if delivery is not None and webhook is None and since is None:
        document = mirror.post(f"{_API}/deliveries/{quote(delivery, safe='')}/replay", {})
        said = f"{document['delivery']} is on its way once more."
    elif delivery is None and webhook is not None and since is not None:
        wanted = {"since": since, "delivered": delivered}
        document = mirror.post(f"{_path(webhook)}/replay", wanted)
        count = document["replayed"]
        said = f"{count} {'notice is' if count == 1 else 'notices are'} on the way once more."
    else:
        raise BadInput("Name one delivery, or a webhook and a day: --webhook NAME --since 2026-11-25")
    print(json.dumps(document, indent=2) if as_json else said)


def _webhook(mirror: Mirror, name: str) -> dict[str, Any]:
    found: dict[str, Any] = mirror.get(_path(name), {})["webhook"]
    return found


def _tell(webhook: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(webhook, indent=2))
    else:
        _print_webhook(webhook)


def _print_webhook(one: dict[str, Any]) -> None:
    types = ", ".join(one["types"]) or "everything"
    repos = f" about {', '.join(one['repos'])}" if one["repos"] else ""
    team = f", for the team {one['team']}" if one["team"] else ""
    why = f"  {one['disabled_why']}" if one["disabled_why"] else ""
    host = one["url"].split("/")[2]
    print(f"{one['id']}  {one['state']:<8}  {one['name']}  {host}  {types}{repos}{team}{why}")


def _path(webhook: str) -> str:
    return f"{_API}/webhooks/{quote(webhook, safe='')}"


def _print(one: dict[str, Any]) -> None:
    attempts = f"{one['attempts']} {'attempt' if one['attempts'] == 1 else 'attempts'}"
    said = one["error"] or (str(one["status"]) if one["status"] else "")
    later = f"  next {one['next_at']}" if one["next_at"] and one["attempts"] else ""
    print(f"{one['id']}  {one['state']:<7}  {one['type']:<18}  {attempts}  {said}{later}  {one['title']}")
