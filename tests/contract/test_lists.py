"""Branches, histories, searches and metadata, as real clients ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import VERSIONS, Client
from tests.contract.http import Reply, ask, settled
from tests.contract.repositories import WEIGHTS

BLOCKED = "mallory/shell-in-a-pickle"
each_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def client(version: str, mirror: MirrorProcess, tmp_path: Path) -> Client:
    return Client(version, mirror.url, tmp_path / "home")


@each_version
def test_the_branches_and_tags_are_told_and_no_pull_request_is(client: Client) -> None:
    refs = client.call("refs", repo_id="acme-research/tiny-bert", include_pull_requests=True).value
    assert [branch["name"] for branch in refs["branches"]] == ["main", "dev"]
    assert [tag["ref"] for tag in refs["tags"]] == ["refs/tags/v1.0"]
    assert refs["pull_requests"] == []
    info = client.call("info", repo_id="acme-research/tiny-bert").value
    assert refs["branches"][0]["target_commit"] == info["sha"]


@each_version
def test_the_branches_of_a_blocked_repository_are_refused_with_the_reason(client: Client) -> None:
    answer = client.call("refs", repo_id=BLOCKED)
    assert answer.error == "GatedRepoError"
    assert "blocked by the rule unsafe-file" in answer.message


@each_version
def test_a_history_arrives_whole_over_many_pages(client: Client) -> None:
    titles = ["Take that back", "Improve the weights", "Add the model"]
    commits = client.call("commits", repo_id="acme-research/turned", formatted=True).value
    assert [commit["title"] for commit in commits] == titles, "the Hub tells of two on a page"
    older = client.call("commits", repo_id="acme-research/tiny-bert", revision="v1.0").value
    assert [commit["title"] for commit in older] == ["Add the model"]


def test_a_page_of_history_leads_on_at_our_own_address_and_says_how_long_it_is(mirror: MirrorProcess) -> None:
    path = "/api/models/acme-research/tiny-bert/commits/main?limit=1&expand[]=formatted"
    first = ask(mirror.url, path)
    assert [commit["title"] for commit in first.json] == ["Say more in the card"]
    assert first.headers["x-total-count"] == "2"
    second = ask(mirror.url, following(mirror, first))
    assert [commit["title"] for commit in second.json] == ["Add the model"]
    assert second.json[0]["formatted"]["title"] == "Add the model"
    assert "link" not in second.headers


@each_version
def test_a_search_goes_through_all_pages_and_never_to_the_hub(
    version: str, mirror: MirrorProcess, hub: FixtureHub, tmp_path: Path
) -> None:
    client = Client(version, mirror.url, tmp_path / "home", mirror.admin_token)
    # The Hub does not mind the case; the mirror remembers for a while what a search found, as it was written.
    word = dict(zip(VERSIONS, ("Acme", "aCme", "acMe", "acmE"), strict=True))[version]
    arguments = {"search": word, "sort": "downloads", "filter": "license:apache-2.0"}
    if version in {"0.23", "0.36"}:
        arguments["direction"] = "-1"
    mark = hub.mark()
    found = client.call("models", **arguments)
    assert found.error is None, found.message
    ids = [model["id"] for model in found.value]
    assert len(ids) == len(set(ids)) > 4
    assert "acme-research/tiny-bert" in ids
    assert "acme-research/non-commercial" not in ids
    asked = hub.requests(since=mark, about=f"search={word}")
    assert len(asked) > 2, "the Hub tells of two on a page"
    assert all(entry["agent"].startswith("model-curator/") for entry in asked), "it is the mirror that asks"
    assert not [entry for entry in asked if entry["authorized"]]


def test_a_search_offers_no_way_to_the_bytes(mirror: MirrorProcess) -> None:
    reply = ask(mirror.url, "/api/models?full=true&config=true")
    assert reply.json[0]["siblings"]
    assert b"xet" not in reply.body.lower()


@each_version
def test_what_is_blocked_is_marked_in_a_search(client: Client) -> None:
    found = client.call("models", search="in-a-pickle", full=True).value
    model = next(model for model in found if model["id"] == BLOCKED)
    assert "curator:blocked" in model["tags"]
    clean = client.call("models", search="tiny-bert").value
    assert not [tag for tag in clean[0]["tags"] if tag.startswith("curator:")]


@each_version
def test_datasets_and_tags_are_listed(client: Client) -> None:
    assert [one["id"] for one in client.call("datasets", author="acme-data").value] == ["acme-data/rows"]
    tags = client.call("tags")
    assert "license:apache-2.0" in str(tags.value)


def test_a_marked_item_says_the_rule_and_the_decision(mirror: MirrorProcess) -> None:
    items = ask(mirror.url, "/api/models?search=shell-in").json
    assert items[0]["curator"]["outcome"] == "block"
    assert items[0]["curator"]["rule"] == "unsafe-file"
    page = ask(mirror.url, f"/-/decisions/{items[0]['curator']['decision']}")
    assert page.body.startswith(b"mallory/shell-in-a-pickle@")


def test_a_search_leads_on_at_our_own_address_with_its_whole_query(mirror: MirrorProcess) -> None:
    query = "search=acme&filter=license%3Aapache-2.0&sort=likes&limit=2"
    first = ask(mirror.url, f"/api/models?{query}")
    path = following(mirror, first)
    assert path.startswith(f"/api/models?{query}&cursor=")
    assert not {one["id"] for one in first.json} & {one["id"] for one in ask(mirror.url, path).json}


def test_what_is_blocked_is_hidden_by_a_setting(hub: FixtureHub, tmp_path: Path) -> None:
    with MirrorProcess(tmp_path / "data", hub.url, {"CURATOR_SEARCH": "hide"}) as mirror:
        before = ask(mirror.url, "/api/models?search=pickle").json
        assert BLOCKED in [item["id"] for item in before], "what was never judged is shown as it is"
        assert settled(mirror.url, f"/api/models/{BLOCKED}").status == 403
        after = ask(mirror.url, "/api/models?search=pickle").json
        assert BLOCKED not in [item["id"] for item in after]


def test_searching_can_be_switched_off_in_words(otherwise: MirrorProcess, tmp_path: Path) -> None:
    answer = Client("2.4", otherwise.url, tmp_path / "home").call("models", search="x")
    assert answer.error == "HfHubHTTPError"
    assert "Searching is switched off at this mirror" in answer.message


@dataclass(frozen=True)
class Alone:
    """A mirror whose Hub is down, and what it told of branches and tags before."""

    mirror: MirrorProcess
    refs: Any


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    folder, model = tmp_path_factory.mktemp("alone"), "/api/models/acme-research/tiny-bert"
    with (
        FixtureHub() as hub,
        MirrorProcess(folder / "data", hub.url, {"CURATOR_REVISION_TTL_S": "0.01"}) as mirror,
    ):
        for repo in ("acme-research/tiny-bert", "acme-research/sharded", BLOCKED):
            settled(mirror.url, f"/api/models/{repo}")
        for revision in ("main", "dev", "v1.0", "refs%2Fheads%2Fmain"):
            assert settled(mirror.url, f"{model}/revision/{revision}").status == 200
        refs = ask(mirror.url, f"{model}/refs").json
        hub.stop()
        yield Alone(mirror, refs)


def test_with_the_hub_down_what_is_known_is_listed_and_that_is_said(alone: Alone) -> None:
    url = alone.mirror.url
    found = ask(url, "/api/models?search=ACME&sort=downloads&limit=5")
    assert [item["id"] for item in found.json] == ["acme-research/sharded", "acme-research/tiny-bert"]
    assert "The Hub cannot be reached" in found.headers["x-hf-warning"]
    blocked = ask(url, "/api/models?author=mallory")
    assert [item["tags"][-1] for item in blocked.json] == ["curator:blocked"]
    history = ask(url, "/api/models/acme-research/tiny-bert/commits/main")
    assert "could not be reached" in history.json["error"]


def test_with_the_hub_down_branches_and_tags_are_listed_as_what_they_are(alone: Alone) -> None:
    reply = ask(alone.mirror.url, "/api/models/acme-research/tiny-bert/refs")
    assert "The Hub cannot be reached" in reply.headers["x-hf-warning"]
    down = reply.json
    assert sorted(branch["name"] for branch in down["branches"]) == ["dev", "main"]
    assert down["tags"] == alone.refs["tags"]
    assert [tag["ref"] for tag in down["tags"]] == ["refs/tags/v1.0"]


@each_version
def test_asked_for_by_name_the_hub_tells_more(client: Client) -> None:
    if client.version == "0.23":
        pytest.skip("it knows no expand")
    info = client.call(
        "info", repo_id="acme-research/tiny-gguf", expand=["gguf", "downloadsAllTime", "sha", "siblings"]
    )
    assert info.error is None, info.message
    assert info.value["gguf"]["architecture"] == "llama"
    assert info.value["downloads_all_time"] == 12_000
    assert [one["rfilename"] for one in info.value["siblings"]] == ["README.md", "tiny-Q4_K_M.gguf"]


@each_version
def test_the_metadata_of_safetensors_files_is_read_through_ranges(client: Client) -> None:
    one = client.call("metadata", repo_id="acme-research/tiny-bert").value
    assert one["parameter_count"] == {"F32": 20 * 8 + 8 * 8 + 8}
    many = client.call("metadata", repo_id="acme-research/sharded").value
    assert many["sharded"] is True
    assert many["parameter_count"] == one["parameter_count"]


def test_the_metadata_of_all_shards_comes_in_one_answer(mirror: MirrorProcess, tmp_path: Path) -> None:
    client = Client("2.4", mirror.url, tmp_path / "home")
    shards = client.call("shards", repo_id="acme-research/sharded")
    assert shards.error is None, shards.message
    assert shards.value["parameter_count"] == {"F32": 20 * 8 + 8 * 8 + 8}
    assert shards.value["metadata"] == {"total_size": 928}
    refused = client.call("shards", repo_id=BLOCKED)
    assert refused.error == "GatedRepoError"


@each_version
def test_a_check_of_access_is_the_verdict(client: Client) -> None:
    if client.version == "0.23":
        pytest.skip("it has no such check")
    assert client.call("auth", repo_id="acme-research/tiny-bert").error is None
    assert client.call("auth", repo_id=BLOCKED).error == "GatedRepoError"


@each_version
def test_the_file_system_lists_globs_and_opens(client: Client) -> None:
    folder = client.call("folder", path="acme-research/tiny-bert")
    assert "acme-research/tiny-bert/model.safetensors" in folder.value
    found = client.call("glob", path="datasets/acme-data/rows/*.parquet")
    assert found.value == ["datasets/acme-data/rows/rows.parquet"]
    content = client.call("open", path="acme-research/tiny-bert/model.safetensors")
    assert bytes.fromhex(content.value) == WEIGHTS.read_bytes()


def following(mirror: MirrorProcess, reply: Reply) -> str:
    """The path of the next page, which must be the mirror's."""
    link = reply.headers["link"]
    address = link[link.index("<") + 1 : link.index(">")]
    assert link.endswith('>; rel="next"')
    assert address.startswith(f"{mirror.url}/")
    return address.removeprefix(mirror.url)
