"""Fallback, strict, offline: what a mirror serves when its Hub is away, or must not be asked."""

from __future__ import annotations

import time
from pathlib import Path

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client
from tests.contract.http import Reply, ask, settled
from tests.contract.repositories import MINILM

TINY = "/api/models/acme-research/tiny-bert"
CONFIG = "/acme-research/tiny-bert/resolve/{}/config.json"


def admitted(mirror: MirrorProcess, path: str) -> Reply:
    reply = settled(mirror.url, path)
    assert reply.status == 200, reply.body
    return reply


def test_in_fallback_what_is_known_is_served_at_once_while_the_hub_is_left_alone(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    settings = {"CURATOR_REVISION_TTL_S": "0.01", "CURATOR_BREAKER_FAILURES": "2", "CURATOR_BREAKER_OPEN_S": "600"}
    settings |= {"CURATOR_BRANCH_SESSION_S": "0"}
    with MirrorProcess(tmp_path / "data", own_hub.url, settings) as mirror:
        sha = admitted(mirror, TINY).json["sha"]
        own_hub.faults({"status": 500})
        mark = own_hub.mark()
        for _ in range(3):
            for name in ("tiny-bert", "tiny-torch"):
                ask(mirror.url, f"/api/models/acme-research/{name}")
        assert admitted(mirror, TINY).json["sha"] == sha
        assert len(own_hub.requests(since=mark)) == 2, "after two failures the Hub is asked no more"
        unknown = ask(mirror.url, "/api/models/acme-research/gpt2-mini")
        assert unknown.status == 403
        assert "left alone since" in unknown.json["error"]


def test_strict_serves_a_branch_only_as_the_hub_confirms_it_and_a_commit_always(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    settings = {"CURATOR_UPSTREAM_MODE": "strict", "CURATOR_REVISION_TTL_S": "0.5", "CURATOR_BRANCH_SESSION_S": "0"}
    with MirrorProcess(tmp_path / "data", own_hub.url, settings) as mirror:
        sha = admitted(mirror, TINY).json["sha"]
        admitted(mirror, CONFIG.format("main"))
        own_hub.stop()
        time.sleep(0.6)
        for path in (TINY, CONFIG.format("main")):
            refused = ask(mirror.url, path)
            assert refused.status == 403
            assert "The Hub could not be reached" in refused.json["error"]
            assert (
                "this mirror is strict and serves main only as the Hub has just confirmed it, so name the commit "
                in (refused.json["error"])
            )
            assert f"main was last {sha}" in refused.json["error"]
        assert ask(mirror.url, f"{TINY}/revision/{sha}").status == 200
        assert ask(mirror.url, CONFIG.format(sha)).status == 200


def test_offline_serves_what_is_in_the_cache_says_what_is_not_and_never_asks_the_hub(
    own_hub: FixtureHub, tmp_path: Path
) -> None:
    with MirrorProcess(tmp_path / "data", own_hub.url) as mirror:
        sha = admitted(mirror, TINY).json["sha"]
        admitted(mirror, f"/api/models/{MINILM}")
    mark = own_hub.mark()
    offline = MirrorProcess(
        tmp_path / "data", own_hub.url, {"CURATOR_UPSTREAM_MODE": "offline", "CURATOR_REVISION_TTL_S": "0.01"}
    )
    with offline as mirror:
        assert ask(mirror.url, TINY).json["sha"] == sha
        assert ask(mirror.url, f"{TINY}/tree/main?expand=true&recursive=true").status == 200
        folder = Client("2.4", mirror.url, tmp_path / "home").snapshot("acme-research/tiny-bert")
        assert (folder / "config.json").is_file()
        unknown = ask(mirror.url, "/api/models/acme-research/tiny-torch")
        cold = Client("2.4", mirror.url, tmp_path / "cold").call("file", repo_id=MINILM, filename="model.safetensors")
    for said in (unknown.json["error"], cold.message):
        assert "is not in this mirror's cache, and this mirror is offline: ask its administrator" in said
    assert "model.safetensors in sentence-transformers/all-MiniLM-L6-v2" in cold.message
    assert own_hub.requests(since=mark) == []


def test_a_mode_that_there_is_not_ends_the_start(own_hub: FixtureHub) -> None:
    from tests.contract.clients import curator

    done = curator("serve", "--port", "0", "--upstream", own_hub.url, CURATOR_UPSTREAM_MODE="online")
    assert done.returncode == 2
    assert done.stderr.startswith("curator: CURATOR_UPSTREAM_MODE is 'online': Input should be 'fallback', 'strict' or")
