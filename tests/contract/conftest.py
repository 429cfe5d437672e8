from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.front_door import Asked, FrontDoor
from tests.contract.http import ask

EVERYDAY = (
    "acme-research/tiny-bert",
    "acme-research/odd-names",
    "acme-research/both-formats",
    "acme-research/tiny-gguf",
    "mallory/shell-in-a-pickle",
    "sentence-transformers/all-MiniLM-L6-v2",
)
"""Repositories that most tests of clients pull."""

_FORBID_ROWS = """
schema: curator.rules/1
name: strict
description: Forbids a data set.
rules:
  - id: no-rows
    description: These rows are not for us.
    applies_to:
      repositories: [acme-data/rows]
    when:
      publisher_known: false
    outcome: block
    message: "these rows are not for us"
"""


@dataclass(frozen=True)
class Front:
    """A mirror that clients reach at a path of another server."""

    door: FrontDoor
    mirror: MirrorProcess

    @property
    def url(self) -> str:
        return self.door.url

    @property
    def mirror_url(self) -> str:
        """The mirror itself, for whoever stands beside it."""
        return self.door.target

    @property
    def no_way_around(self) -> dict[str, str]:
        """Variables that make a client ask the front door for other hosts too, which writes them down."""
        origin = self.door.origin
        return {"HTTP_PROXY": origin, "HTTPS_PROXY": origin, "NO_PROXY": "127.0.0.1", "NODE_USE_ENV_PROXY": "1"}

    def about(self, repo: str) -> list[Asked]:
        """What was asked of a repository, in order."""
        return [asked for asked in self.door.requests if repo in asked.path]

    def forget(self) -> None:
        self.door.requests.clear()
        self.door.strayed.clear()


@pytest.fixture(scope="session")
def front(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A mirror behind a reverse proxy, at `http://host/hf/`."""
    with FrontDoor("/hf") as door, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        door.target = f"http://127.0.0.1:{port}"
        data = tmp_path_factory.mktemp("front") / "data"
        with MirrorProcess(data, hub.url, {"CURATOR_PUBLIC_URL": door.url}, port=port) as mirror:
            judged(door.target)
            yield Front(door, mirror)


@pytest.fixture(scope="session")
def strict(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that serves nobody without a token, and whose organisation forbids a data set."""
    folder = tmp_path_factory.mktemp("strict")
    rules = folder / "rules.yaml"
    rules.write_text(_FORBID_ROWS)
    variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_RULES": str(rules)}
    with MirrorProcess(folder / "data", hub.url, variables) as mirror:
        judged(mirror.url, mirror.admin_token)
        yield mirror


@pytest.fixture(scope="session")
def everyday(mirror: MirrorProcess) -> None:
    """A mirror that has decided: what a test waits for is the client."""
    judged(mirror.url)


def judged(url: str, token: str | None = None) -> None:
    """Wait until a mirror has decided about the everyday repositories, however busy the machine is."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for repo in EVERYDAY:
        while b"is being scanned" in (answer := ask(url, f"/api/models/{repo}", headers=headers)).body:
            pass
        assert answer.status in {200, 403}, answer.body
