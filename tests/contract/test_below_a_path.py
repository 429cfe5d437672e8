"""The mirror below a path of its host, as one service among others (`HF_ENDPOINT=http://host/hf`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from fixtures.ports import HeldPort
from tests.contract.clients import NO_XET, VERSIONS, Client, hf_command
from tests.contract.conftest import BELOW_A_PATH, Front
from tests.contract.http import ask
from tests.contract.outcomes import record_client
from tests.contract.repositories import TINY, content, judge


@pytest.fixture(scope="module")
def in_place(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that gets the path with each request, from a proxy that leaves it on or from none."""
    data = tmp_path_factory.mktemp("in-place") / "data"
    with HeldPort() as port:
        public = f"http://127.0.0.1:{port.number}/hf"
        with MirrorProcess(data, hub.url, {"CURATOR_PUBLIC_URL": public}, port.number) as mirror:
            judge(mirror.url, BELOW_A_PATH)
            yield mirror


def works(client: Client) -> None:
    """A model, listings that go on over many pages, and a refusal that says where its reason stands."""
    assert content(client.snapshot("acme-research/tiny-bert")) == content(TINY / "first") | content(TINY / "main")
    tree = client.call("tree", repo_id="acme-research/many-files", recursive=True).value
    assert len([entry for entry in tree if "size" in entry]) == 65
    assert len(client.call("commits", repo_id="acme-research/turned").value) == 3
    found = client.call("models", search="tiny-")
    assert {"acme-research/tiny-bert", "acme-research/tiny-torch"} <= {model["id"] for model in found.value}
    refused = client.call("snapshot", repo_id="mallory/shell-in-a-pickle")
    assert refused.error == "GatedRepoError"
    assert f"Details: {client.endpoint}/-/decisions/" in refused.message


@pytest.mark.parametrize("version", [*VERSIONS, NO_XET])
def test_every_client_works_where_a_proxy_takes_the_path_off_and_asks_nobody_else(
    version: str, front: Front, tmp_path: Path
) -> None:
    client = Client(version, front.url, tmp_path / "home", variables=front.no_way_around)
    works(client)
    assert front.door.strayed == [], "all that it asked was asked of the mirror"
    record_client("huggingface_hub", client.release, "prefix", "works")
    record_client("huggingface_hub", client.release, "listing", "`list_models`")


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_the_oldest_and_the_newest_work_where_the_path_is_left_on(
    version: str, in_place: MirrorProcess, tmp_path: Path
) -> None:
    assert in_place.url.endswith("/hf")
    works(Client(version, in_place.url, tmp_path / "home"))


def test_hf_download_works_where_the_path_is_left_on(in_place: MirrorProcess, tmp_path: Path) -> None:
    done = hf_command(in_place.url, tmp_path, "download", "acme-research/tiny-bert", "config.json")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("way", ["taken off", "left on"])
def test_each_link_begins_with_the_path(way: str, request: pytest.FixtureRequest) -> None:
    below = request.getfixturevalue("front" if way == "taken off" else "in_place")
    host = below.url.removesuffix("/hf")
    assert ask(host, "/hf/healthz").json == {"status": "alive"}
    search = ask(host, "/hf/api/models?search=acme")
    assert search.headers["link"].startswith(f"<{below.url}/api/models?")
    history = ask(host, "/hf/api/models/acme-research/tiny-bert/commits/main?limit=1")
    assert history.headers["link"].startswith(f"<{below.url}/api/models/acme-research/tiny-bert/commits/")
    page = ask(host, "/hf/acme-research/tiny-bert").body.decode()
    assert page.endswith(f"{below.url}/-/models/acme-research/tiny-bert\n")
    assert ask(host, "/hf/-/models/acme-research/tiny-bert").status == 200
    assert f"HF_ENDPOINT={below.url}" in ask(host, "/hf/").body.decode()
