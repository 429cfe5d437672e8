"""What the tests of ways around curation share.

Each known way is closed, and nothing of it reaches the Hub. The numbers in the names of tests are those of the list
that the project keeps of such ways; those of clients that do not ask the mirror at all are for a firewall, and
docs/security.md names the hosts.
"""

from __future__ import annotations

import json
from typing import Any

from fixtures.hub.process import FixtureHub
from tests.contract.http import Reply, ask
from tests.contract.repositories import REPOS

CLEAN = "acme-research/tiny-bert"
EVIL = "mallory/shell-in-a-pickle"
PARTLY = "acme-research/both-formats"
PAYLOAD = REPOS / "models" / EVIL / "main" / "pytorch_model.bin"

_BY_NOW = {f"/api/models/{repo}/revision/main" for repo in (CLEAN, EVIL)}


def heard(hub: FixtureHub, since: int) -> list[dict[str, Any]]:
    """What the Hub was asked since a mark, but for what a branch stands for by now, which is no file's business."""
    return [entry for entry in hub.requests(since=since) if entry["path"] not in _BY_NOW]


def sha_of(hub: FixtureHub, repo: str) -> str:
    return str(ask(hub.url, f"/api/models/{repo}").json["sha"])


def refused(reply: Reply) -> bool:
    """Whether it was a refusal in words, without a byte of a file and without a way to one."""
    text = reply.body.decode()
    said = json.loads(text).get("error") if reply.headers["content-type"].startswith("application/json") else text
    return reply.status in {403, 404, 405} and bool(said) and "location" not in reply.headers
