"""`curator rules trial`: rules that are tried in the background."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from curator.cli.client import Mirror
from curator.cli.drafts import PATH, source_of
from curator.cli.replay import replay_text

_LOOK_EVERY_S = 1.0
_EXIT = {"done": 0, "running": 3}
"""Whatever else became of it is a no."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """As it stands on the command line."""

    file: str | None
    days: float
    catalogue: bool
    against: str | None
    wait_s: float


def begin(wanted: Wanted, server: str | None, *, as_json: bool) -> None:
    mirror = Mirror.find(server)
    document = {
        "source": source_of(wanted.file, mirror),
        "days": wanted.days,
        "catalogue": wanted.catalogue,
        "against": wanted.against,
    }
    trial = mirror.post(f"{PATH}/trials", document)["trial"]
    if wanted.wait_s:
        ends = time.monotonic() + wanted.wait_s
        while trial["state"] == "running" and time.monotonic() < ends:
            time.sleep(min(_LOOK_EVERY_S, max(ends - time.monotonic(), 0.0)))
            trial = _trial(mirror, trial["id"])
        _tell(trial, as_json=as_json)
    elif as_json:
        print(json.dumps(trial, indent=2))
    else:
        print(f"The trial {trial['id']} has begun. What came of it: curator rules trial show {trial['id']}")


def listed(limit: int, server: str | None, *, as_json: bool) -> None:
    document = Mirror.find(server).get(f"{PATH}/trials", {"limit": str(limit)})
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for one in document["trials"]:
        print(f"{one['id']}  {one['state']:<9} {one['digest'][:12]}  {one['begun_at'][:16]} by {one['by']}")
        print(f"    {one['sentence']}")
    if not document["trials"]:
        print("Nothing was tried so far: curator rules trial begin FILE")


def show(trial_id: str, server: str | None, *, as_json: bool) -> None:
    _tell(_trial(Mirror.find(server), trial_id), as_json=as_json)


def cancel(trial_id: str, server: str | None, *, as_json: bool) -> None:
    trial = Mirror.find(server).delete(_path(trial_id))["trial"]
    print(json.dumps(trial, indent=2) if as_json else trial["sentence"])


def _tell(trial: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(trial, indent=2))
    elif trial["result"]:
        print(replay_text(trial["result"]))
    else:
        print(trial["sentence"])
    sys.exit(_EXIT.get(trial["state"], 1))


def _trial(mirror: Mirror, trial_id: str) -> dict[str, Any]:
    found: dict[str, Any] = mirror.get(_path(trial_id), {})["trial"]
    return found


def _path(trial_id: str) -> str:
    return f"{PATH}/trials/{quote(trial_id, safe='')}"
