"""A mirror with people in it and something to decide about, for the pages of review and requests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.database.engine import Database
from curator.people.roles import Role
from curator.people.tokens import FIRST, NewToken, create_token, make_token
from curator.people.users import NewUser, make_user
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from rules.circumstances import Audience
from tests.contract.http import Reply, ask, settled

RULES = """
schema: curator.rules/1
name: reviewed
description: Nothing of unknown publishers before somebody has looked, and nothing unsafe.
branches: strict
rules:
  - id: unsafe-file
    description: Unsafe files are not served.
    when: {file_verdict: [unsafe]}
    outcome: block
    owner: model-risk
    message: "{file} is unsafe: {finding}"
  - id: unknown-publisher
    description: Models of publishers that nobody knows wait for a look.
    when: {publisher_known: false}
    outcome: hold
    owner: reviewers
    message: "nobody has looked at {repository} yet"
  - id: data-wants-two
    description: Data wants two people.
    applies_to: {kinds: [dataset]}
    when: {publisher_known: false}
    outcome: hold
    owner: data-office
    approvers: 2
    message: "the data of {repository} is to be seen by two"
"""
TINY = "acme-research/tiny-bert"
GGUF = "acme-research/tiny-gguf"
BAD = "mallory/shell-in-a-pickle"
ROWS = "acme-data/rows"


@dataclass(frozen=True)
class House:
    mirror: MirrorProcess
    tokens: dict[str, str]
    """By name."""

    @property
    def url(self) -> str:
        return self.mirror.url

    def headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[name]}", "Content-Type": "application/json"}

    def pull(self, name: str, path: str) -> Reply:
        return settled(self.url, path, headers=self.headers(name))

    def api(self, name: str, path: str, body: dict[str, Any] | None = None, method: str = "") -> Reply:
        method = method or ("POST" if body is not None else "GET")
        sent = json.dumps(body).encode() if body is not None else None
        return ask(self.url, f"/api/curator/v1{path}", method, self.headers(name), sent)

    def waiting(self, repo: str) -> dict[str, Any]:
        """The line of the queue, once the mirror has noticed; what is blocked waits there when somebody has asked."""
        if repo == BAD and not self.api("reva", f"/review?repo={repo}").json["items"]:
            # Tests of one module may run in several processes, each with a mirror of its own.
            self.api("dev", "/requests", {"repository": repo, "reason": "A test of the till, it never leaves the lab"})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            items = self.api("reva", f"/review?repo={repo}").json["items"]
            if items:
                return dict(items[0])
            time.sleep(0.1)
        raise AssertionError(f"{repo} is not in the queue")


@contextmanager
def house(hub: FixtureHub, data: Path) -> Iterator[House]:
    data.mkdir(parents=True, exist_ok=True)
    rules = data / "rules.yaml"
    rules.write_text(RULES)
    with MirrorProcess(data / "data", hub.url, {"CURATOR_RULES": str(rules)}) as mirror:
        database = Database(f"sqlite:///{data}/data/curator.db")
        tokens = {
            name: create_token(database, name, role, audience)
            for name, role, audience in (
                ("dev", Role.DEVELOPER, Audience("shop", "till")),
                ("eve", Role.DEVELOPER, Audience("risk")),
                ("anna", Role.AUDITOR, Audience()),
            )
        }
        with database.write() as session:
            for name, home in (("reva", Audience()), ("rolf", Audience()), ("ruth", Audience("model-risk"))):
                # Rules that want several people want accounts.
                make_user(session, NewUser(login=name, role=Role.REVIEWER, home=home), FIRST)
                new = NewToken(name="laptop", role=Role.REVIEWER, owner=name)
                tokens[name] = make_token(session, new, FIRST)[1]
        database.close()
        yield House(mirror, tokens)
