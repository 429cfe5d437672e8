from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.front_door import Asked, FrontDoor
from tests.contract.repositories import MINILM, judge

BELOW_A_PATH = (
    "models/acme-research/tiny-bert",
    "models/acme-research/tiny-bert/revision/v1.0",
    "models/acme-research/odd-names",
    "models/acme-research/many-files",
    "models/acme-research/tiny-gguf",
    "models/acme-research/turned",
    "models/mallory/shell-in-a-pickle",
    f"models/{MINILM}",
    "datasets/acme-data/rows",
)
WITH_A_TOKEN = ("models/acme-research/tiny-bert", "models/acme-research/tiny-gguf", "datasets/acme-data/rows")
"""What tests ask of these mirrors."""

UPSTREAM_TOKEN = "hf_fixture_reader_that_accepted_nothing_002"
"""Of an account that the stand-in Hub knows, and that may have nothing more than anybody."""

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

_ASKS = {"CURATOR_REVISION_TTL_S": "0.001", "CURATOR_NOT_FOUND_TTL_S": "0.001", "CURATOR_RETRY_FAILED_S": "1"}


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


@pytest.fixture(scope="session")
def shared_front(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    data = tmp_path_factory.mktemp("front") / "data"
    with FrontDoor("/hf") as door, MirrorProcess(data, hub.url, {"CURATOR_PUBLIC_URL": door.url}) as mirror:
        door.target = mirror.local_url
        judge(mirror.local_url, BELOW_A_PATH)
        yield Front(door, mirror)


@pytest.fixture
def front(shared_front: Front) -> Front:
    """A mirror behind a reverse proxy, at `http://host/hf/`; the proxy has seen nothing yet."""
    shared_front.door.forget()
    return shared_front


@pytest.fixture(scope="session")
def strict(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that serves nobody without a token, and whose organisation forbids a data set."""
    folder = tmp_path_factory.mktemp("strict")
    rules = folder / "rules.yaml"
    rules.write_text(_FORBID_ROWS)
    variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_RULES": str(rules)}
    with MirrorProcess(folder / "data", hub.url, variables) as mirror:
        judge(mirror.url, WITH_A_TOKEN, mirror.admin_token)
        yield mirror


@pytest.fixture(scope="session")
def at_once(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that asks the Hub at every question, and tells nobody of a commit for longer than one answer.

    Tests work on copies of repositories there (`hub.copy`), and may publish rules for a while (`publishing.under`).
    """
    variables = _ASKS | {"CURATOR_BRANCH_SESSION_S": "0"}
    with MirrorProcess(tmp_path_factory.mktemp("at-once") / "data", hub.url, variables) as mirror:
        yield mirror


@pytest.fixture(scope="session")
def in_sessions(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """The same, but each program goes on with the commit that it was told of."""
    with MirrorProcess(tmp_path_factory.mktemp("in-sessions") / "data", hub.url, _ASKS) as mirror:
        yield mirror


@pytest.fixture(scope="session")
def otherwise(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror whose administrators have chosen otherwise: Spaces are served, and nobody searches."""
    variables = {
        "CURATOR_SEARCH": "off",
        "CURATOR_SPACES": "true",
        "CURATOR_CONTACT": "https://wiki.example/ai",
        "CURATOR_UPSTREAM_TOKEN": UPSTREAM_TOKEN,
    }
    with MirrorProcess(tmp_path_factory.mktemp("otherwise") / "data", hub.url, variables) as mirror:
        yield mirror
