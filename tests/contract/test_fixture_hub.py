"""The stand-in for huggingface.co behaves as the real one is known to: else no test in front of it means anything."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlsplit

import pytest

from fixtures.hub.process import FixtureHub
from tests.contract.http import ask
from tests.contract.repositories import WEIGHTS

RESOLVE = "/acme-research/tiny-bert/resolve/main/model.safetensors"


def test_a_large_file_redirects_to_a_second_origin_with_all_that_clients_read(hub: FixtureHub) -> None:
    head = ask(hub.url, RESOLVE, "HEAD")
    assert head.status == 302
    assert len(head.headers["x-repo-commit"]) == 40
    assert head.headers["x-linked-etag"].strip('"') == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert head.headers["x-linked-size"] == str(WEIGHTS.stat().st_size)
    assert {"x-xet-hash", "x-xet-refresh-route", "link"} <= head.headers.keys()
    link = urlsplit(head.headers["location"])
    assert f"{link.scheme}://{link.netloc}" == hub.cdn_url
    assert ask(hub.cdn_url, f"{link.path}?{link.query}").body == WEIGHTS.read_bytes()


def test_a_signed_link_is_good_for_its_file_and_time_alone(hub: FixtureHub) -> None:
    link = urlsplit(ask(hub.url, RESOLVE, "HEAD").headers["location"])
    assert ask(hub.cdn_url, f"{link.path}?{link.query.replace('Signature=', 'Signature=0')}").status == 403
    with FixtureHub("--link-ttl-s", "-1") as hasty:
        link = urlsplit(ask(hasty.url, RESOLVE, "HEAD").headers["location"])
        assert ask(hasty.cdn_url, f"{link.path}?{link.query}").status == 403


def test_links_may_be_too_old_from_one_request_to_the_next(own_hub: FixtureHub) -> None:
    def link() -> str:
        url = urlsplit(ask(own_hub.url, RESOLVE, "HEAD").headers["location"])
        return f"{url.path}?{url.query}"

    own_hub.faults({"origin": "cdn", "times": 1, "expires_links": True})
    early = link()
    assert [ask(own_hub.cdn_url, early).status for _ in range(2)] == [200, 403]
    assert ask(own_hub.cdn_url, link()).status == 200


def test_a_small_file_is_served_by_the_hub_itself_under_its_git_id(hub: FixtureHub) -> None:
    first = ask(hub.url, "/acme-research/tiny-bert/resolve/main/config.json")
    assert first.status == 307
    assert first.headers["location"].startswith("/api/resolve-cache/models/acme-research/tiny-bert/")
    answer = ask(hub.url, first.headers["location"])
    assert answer.status == 200
    blob = b"blob %d\0" % len(answer.body) + answer.body
    assert answer.headers["etag"].strip('"') == hashlib.sha1(blob, usedforsecurity=False).hexdigest()


def test_a_long_tree_comes_in_pages_that_lead_on(hub: FixtureHub) -> None:
    path = "/api/models/acme-research/many-files/tree/main?recursive=true"
    seen: list[str] = []
    pages = 0
    while path:
        answer = ask(hub.url, path)
        seen += [entry["path"] for entry in answer.json]
        pages += 1
        link = answer.headers.get("link", "")
        path = link[link.index("<") + 1 : link.index(">")].removeprefix(hub.url) if 'rel="next"' in link else ""
    assert pages > 1
    assert len(seen) == len(set(seen)) > 20


def test_a_search_filters_sorts_and_leads_on_with_its_query(hub: FixtureHub) -> None:
    first = ask(hub.url, "/api/models?search=ACME&filter=license:apache-2.0&sort=downloads&limit=2")
    counts = [item["downloads"] for item in first.json]
    assert len(counts) == 2
    assert counts == sorted(counts, reverse=True)
    assert first.headers["link"].startswith(f"<{hub.url}/api/models?search=ACME&filter=license%3Aapache-2.0&sort=")
    assert "cursor=2" in first.headers["link"]
    assert set(ask(hub.url, "/api/models?search=tiny-bert&expand=likes").json[0]) == {"_id", "id", "likes"}


def test_a_history_comes_in_pages_and_says_how_long_it_is(hub: FixtureHub) -> None:
    page = ask(hub.url, "/api/models/acme-research/tiny-bert/commits/main?limit=1")
    assert [commit["title"] for commit in page.json] == ["Say more in the card"]
    assert page.headers["x-total-count"] == "2"
    assert 'rel="next"' in page.headers["link"]


def test_it_has_every_other_way_to_the_bytes_that_the_real_one_has(hub: FixtureHub) -> None:
    sha256 = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    repo = "acme-research/tiny-bert"
    assert sha256.encode() in ask(hub.url, f"/{repo}/raw/main/model.safetensors").body
    batch = json.dumps({"objects": [{"oid": sha256, "size": 1}]}).encode()
    answer = ask(hub.url, f"/{repo}.git/info/lfs/objects/batch", "POST", body=batch)
    link = urlsplit(answer.json["objects"][0]["actions"]["download"]["href"])
    assert ask(hub.cdn_url, f"{link.path}?{link.query}").body == WEIGHTS.read_bytes()
    assert "git-upload-pack" in ask(hub.url, f"/{repo}/info/refs?service=git-upload-pack").body.decode()
    assert ask(hub.url, f"/api/models/{repo}/xet-read-token/main").json["casUrl"] == hub.cdn_url
    assert ask(hub.url, "/api/datasets/acme-data/rows/parquet").json["default"]["train"]
    assert ask(hub.url, "/v2/acme-research/tiny-gguf/manifests/latest").json["layers"]
    assert ask(hub.url, f"/api/models/{repo}/compare/a..b").status == 200
    shards = ask(hub.url, "/api/models/acme-research/sharded/safetensors-metadata/model.safetensors.index.json")
    assert len(shards.json["headers"]) == 2


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/models/nobody/nothing", 401, "RepoNotFound"),
        ("/api/models/acme-research/tiny-bert/revision/nowhere", 404, "RevisionNotFound"),
        ("/acme-research/tiny-bert/resolve/main/nothing.bin", 404, "EntryNotFound"),
        ("/meta-llama/Llama-3.2-1B-Instruct/resolve/main/config.json", 401, "GatedRepo"),
    ],
)
def test_what_is_missing_or_gated_is_told_in_the_hubs_codes(hub: FixtureHub, path: str, status: int, code: str) -> None:
    answer = ask(hub.url, path)
    assert (answer.status, answer.headers.get("x-error-code")) == (status, code)


def test_a_gated_file_opens_for_who_accepted_the_terms_and_nobody_else(hub: FixtureHub) -> None:
    path = "/meta-llama/Llama-3.2-1B-Instruct/resolve/main/config.json"
    statuses = [
        ask(hub.url, path, headers={"Authorization": f"Bearer {token}"}).status
        for token in ("hf_fixture_reader_that_accepted_the_terms_1", "hf_fixture_reader_that_accepted_nothing_002")
    ]
    assert statuses == [200, 403]


def test_a_branch_moves_and_the_old_commit_stays(own_hub: FixtureHub) -> None:
    before = ask(own_hub.url, "/api/models/acme-research/tiny-bert").json["sha"]
    other = ask(own_hub.url, "/api/models/acme-research/tiny-bert/revision/v1.0").json["sha"]
    assert other != before
    own_hub.move_branch("acme-research/tiny-bert", "main", other)
    assert ask(own_hub.url, "/api/models/acme-research/tiny-bert").json["sha"] == other
    assert ask(own_hub.url, f"/api/models/acme-research/tiny-bert/revision/{before}").json["sha"] == before


def test_a_copy_has_what_the_original_has_and_a_fate_of_its_own(hub: FixtureHub) -> None:
    repo = "acme-research/tiny-bert"
    copy = hub.copy(repo, "somebody")
    info, original = (ask(hub.url, f"/api/models/{name}").json for name in (copy, repo))
    assert copy.startswith("somebody/tiny-bert-")
    assert (info["sha"], info["siblings"]) == (original["sha"], original["siblings"])
    hub.change(copy, disabled=True)
    assert ask(hub.url, f"/api/models/{copy}").status == 403
    assert ask(hub.url, f"/api/models/{repo}").status == 200
    assert ask(hub.url, "/api/models?search=somebody").json == []
    assert [one["id"] for one in ask(hub.url, f"/api/models?search={copy}").json] == [copy]
