from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.front_door import Asked, FrontDoor
from tests.contract.http import ask
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

_SHARED = ("guarded_by_two", "guarded", "in_sessions", "at_once", "otherwise", "strict", "shared_front", "mirror")

_ASKS = {"CURATOR_REVISION_TTL_S": "0.001", "CURATOR_NOT_FOUND_TTL_S": "0.001", "CURATOR_RETRY_FAILED_S": "1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let files that share a mirror follow each other: pytest's processes take what is left of each other in pieces,
    and each of them starts the mirrors of its pieces."""
    here = [number for number, item in enumerate(items) if item.path.is_relative_to(Path(__file__).parent)]
    uses: dict[Path, set[str]] = {}
    for number in here:
        uses.setdefault(items[number].path, set()).update(_shared_by(items[number]))
    ordered = sorted(
        (items[number] for number in here), key=lambda item: [name not in uses[item.path] for name in _SHARED]
    )
    for number, item in zip(here, ordered, strict=True):
        items[number] = item


def _shared_by(item: pytest.Item) -> set[str]:
    """Mirrors of the session that a test uses; a file may have one of its own under such a name."""
    assert isinstance(item, pytest.Function)
    found = item._fixtureinfo.name2fixturedefs
    return {name for name in _SHARED if name in found and found[name][-1].scope == "session"}


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
    """A mirror that serves nobody without a token, whose organisation forbids a data set, and that believes a proxy
    which is not there."""
    folder = tmp_path_factory.mktemp("strict")
    rules = folder / "rules.yaml"
    rules.write_text(_FORBID_ROWS)
    variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_RULES": str(rules), "FORWARDED_ALLOW_IPS": "192.0.2.1"}
    with MirrorProcess(folder / "data", hub.url, variables) as mirror:
        judge(mirror.url, WITH_A_TOKEN, mirror.admin_token)
        yield mirror


@pytest.fixture(scope="session")
def at_once(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that asks the Hub at every question, and tells nobody of a commit for longer than one answer.

    Tests work on copies of repositories there (`hub.copy`), come from addresses of their own (`X-Forwarded-For`), and
    may publish rules for a while (`publishing.under`).
    """
    variables = _ASKS | {"CURATOR_BRANCH_SESSION_S": "0", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
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


@pytest.fixture(scope="session")
def guarded(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that serves nobody without a token, behind a proxy that says who calls: so that each test has people and
    addresses of its own."""
    variables = {"CURATOR_ANONYMOUS": "no", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    with MirrorProcess(tmp_path_factory.mktemp("guarded") / "data", hub.url, variables) as mirror:
        yield mirror


@pytest.fixture(scope="session")
def guarded_by_two(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror of two processes, with a few teams, that serves nobody without a token; rules are published there for a
    while."""
    variables = {"CURATOR_ANONYMOUS": "no", "CURATOR_SERVER_PROCESSES": "2", "CURATOR_SECOND_OPINIONS": "false"}
    with MirrorProcess(tmp_path_factory.mktemp("guarded-by-two") / "data", hub.url, variables) as mirror:
        headers = {"Authorization": f"Bearer {mirror.admin_token}", "Content-Type": "application/json"}
        made = [("teams", {"name": team}) for team in ("red", "red-1", "blue")]
        made.append(("projects", {"team": "blue", "name": "p"}))
        for path, document in made:
            reply = ask(mirror.url, f"/api/curator/v1/{path}", "POST", headers, json.dumps(document).encode())
            assert reply.status == 201, reply.body
        yield mirror
