from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.front_door import Asked, FrontDoor

behind_a_proxy = pytest.mark.xdist_group("behind a proxy")
"""For tests that use `front`: one process is enough to start it."""

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
            yield Front(door, mirror)


@pytest.fixture(scope="session")
def strict(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that serves nobody without a token, and whose organisation forbids a data set."""
    folder = tmp_path_factory.mktemp("strict")
    rules = folder / "rules.yaml"
    rules.write_text(_FORBID_ROWS)
    variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_RULES": str(rules)}
    with MirrorProcess(folder / "data", hub.url, variables) as mirror:
        yield mirror
