"""Other rules in force for a while, at a mirror that tests share."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from fixtures.mirror import MirrorProcess
from tests.contract.http import ask

_RULES = "/api/curator/v1/rules"


def publish(mirror: MirrorProcess, source: str) -> None:
    """Bring rules into force, at a mirror that takes them by its API."""
    _by_admin(mirror, _RULES, {"source": source, "reason": "a test"})


@contextlib.contextmanager
def under(mirror: MirrorProcess, source: str) -> Iterator[None]:
    """These rules, and afterwards those that were in force before."""
    before = in_force(mirror)
    publish(mirror, source)
    try:
        yield
    finally:
        _by_admin(mirror, f"{_RULES}/rollback", {"digest": before, "reason": "the test is over"})


def in_force(mirror: MirrorProcess) -> str:
    """The digest of the rules that decide."""
    return str(ask(mirror.url, "/readyz").json["rule_set"])


def _by_admin(mirror: MirrorProcess, path: str, document: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {mirror.admin_token}", "Content-Type": "application/json"}
    reply = ask(mirror.url, path, "POST", headers, json.dumps(document).encode())
    assert reply.status == 200, reply.body
