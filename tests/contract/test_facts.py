"""What is known of a repository beside its files, as a reader of the explanation sees it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask, settled

QUICK = {
    "CURATOR_RETRY_FAILED_S": "1",
    "CURATOR_REVISION_TTL_S": "0.1",
    "CURATOR_NOT_FOUND_TTL_S": "0.1",
    "CURATOR_REFRESH_FACTS_S": "1",
}
_RULES = """
schema: curator.rules/1
name: facts
description: Holds what is not as it was.
rules:
  - id: gone
    description: The Hub has taken it down.
    expression: taken_down
    outcome: block
    message: "the Hub does not give it any more"
  - id: not-theirs
    description: The name is somebody else's.
    expression: owner.changed
    outcome: hold
    message: "the name is somebody else's since it was approved"
  - id: not-free
    description: Not for business.
    expression: license.category == 'non-commercial'
    outcome: block
    message: "its licence is {license}"
"""


def facts_of(mirror: MirrorProcess, repo: str, revision: str = "main") -> dict[str, Any]:
    facts: dict[str, Any] = explained(mirror, repo, revision)["facts"]
    return facts


def explained(mirror: MirrorProcess, repo: str, revision: str = "main", kind: str = "model") -> dict[str, Any]:
    reply = ask(mirror.url, f"/api/curator/v1/explain?repo={repo}&revision={revision}&kind={kind}&wait=90")
    assert reply.status == 200, reply.body
    document: dict[str, Any] = reply.json
    return document


def _changes(mirror: MirrorProcess, repo: str) -> list[dict[str, Any]]:
    """What is on the record as decided otherwise than before, the newest first."""
    with sqlite3.connect(f"file:{mirror.data}/curator.db?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        query = "SELECT * FROM audit WHERE action = 'change' AND repo = ? ORDER BY id DESC"
        return [dict(row) for row in database.execute(query, (repo,))]


def until(holds: Callable[[], Any], patience_s: float = 60) -> Any:
    deadline = time.monotonic() + patience_s
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def seen(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that has seen the original before what was made of it."""
    with MirrorProcess(tmp_path_factory.mktemp("facts") / "data", hub.url) as mirror:
        facts_of(mirror, "deepseek-ai/DeepSeek-Nano")
        yield mirror


def test_who_owns_a_repository_and_since_when_is_told(seen: MirrorProcess) -> None:
    facts = facts_of(seen, "deepseek-ai/DeepSeek-Nano")
    assert facts["owner"]["kind"] == "organization"
    assert facts["owner"]["verified"]
    assert facts["owner"]["created_at"] == "2023-10-19T08:00:00Z"
    assert facts["owner"]["followers"] == 74_000
    assert not facts["owner"]["changed"]
    assert facts["unknown"] == []
    assert {one["fact"] for one in facts["sources"]} >= {"owner", "license", "lineage", "hub_scan"}


def test_an_original_is_never_told_to_be_a_copy(seen: MirrorProcess) -> None:
    facts_of(seen, "deepseek-ai-official/DeepSeek-Nano")
    copied = facts_of(seen, "deepseek-ai/DeepSeek-Nano")["copied"]
    assert (copied["card_of"], copied["weights_of"], copied["shape_of"]) == ("", [], [])


def test_a_new_name_with_the_card_and_the_weights_of_another_is_told_as_one(seen: MirrorProcess) -> None:
    facts = facts_of(seen, "deepseek-ai-official/DeepSeek-Nano")
    assert facts["copied"]["card_of"] == "deepseek-ai/DeepSeek-Nano"
    assert facts["copied"]["weights_of"] == ["deepseek-ai/DeepSeek-Nano"]
    assert facts["lookalike"]["score"] >= 0.9
    assert "3 days ago" in facts["lookalike"]["why"]
    assert "same card" in facts["lookalike"]["why"]


def test_a_look_alike_is_compared_with_an_original_that_nobody_here_has_asked_for(at_once: MirrorProcess) -> None:
    with sqlite3.connect(at_once.data / "curator.db") as database:
        query = "SELECT repo FROM snapshots WHERE repo LIKE 'deepseek-ai/%'"
        assert database.execute(query).fetchall() == [], "no other test asks this mirror for it"
    copied = facts_of(at_once, "deepseek-ai-official/DeepSeek-Nano")["copied"]
    assert copied["card_of"] == "deepseek-ai/DeepSeek-Nano"
    assert copied["weights_of"] == ["deepseek-ai/DeepSeek-Nano"]


def test_a_parent_that_is_not_named_is_found_by_tensors_and_tokenizer(seen: MirrorProcess) -> None:
    facts = facts_of(seen, "mallory/homemade")
    assert facts["lineage"]["undeclared"] == ["deepseek-ai/DeepSeek-Nano"]
    assert facts["copied"]["shape_of"] == ["deepseek-ai/DeepSeek-Nano"]
    assert facts["copied"]["card_of"] == ""


def test_a_licence_is_followed_two_steps_back(seen: MirrorProcess) -> None:
    lineage = facts_of(seen, "acme-research/llama-tuned-again")["lineage"]
    assert [(hop["depth"], hop["parent"], hop["state"]) for hop in lineage["hops"]] == [
        (1, "acme-research/llama-tuned", "resolved"),
        (2, "meta-llama/Llama-3.2-1B-Instruct", "resolved"),
        (3, "meta-llama/Llama-3.2-1B", "missing"),
    ]
    assert all(len(hop["commit"]) == 40 for hop in lineage["hops"][:2])
    conflicts = [one for one in lineage["conflicts"] if one["level"] == "conflict"]
    assert any(one["parent"] == "meta-llama/Llama-3.2-1B-Instruct" and one["depth"] == 2 for one in conflicts)
    assert all(one["clause"] and one["cure"] for one in conflicts)


def test_a_cycle_ends_and_is_told(seen: MirrorProcess) -> None:
    lineage = facts_of(seen, "acme-research/cycle-a")["lineage"]
    assert [hop["state"] for hop in lineage["hops"]] == ["resolved", "cycle"]
    assert lineage["unresolved"] == ["acme-research/cycle-a"]


def test_a_parent_that_is_missing_is_a_fact_and_not_a_gap(seen: MirrorProcess) -> None:
    document = explained(seen, "acme-research/orphan")
    assert [hop["state"] for hop in document["facts"]["lineage"]["hops"]] == ["missing"]
    assert document["facts"]["lineage"]["unresolved"] == ["acme-research/never-was"]
    assert document["facts"]["unknown"] == []
    assert document["expires_at"] is None


def test_an_adapter_has_the_model_that_it_adapts_as_its_parent(seen: MirrorProcess) -> None:
    hops = facts_of(seen, "acme-research/lora")["lineage"]["hops"]
    assert [(hop["parent"], hop["relation"], hop["source"]) for hop in hops] == [
        ("acme-research/tiny-bert", "adapter", "adapter_config.json")
    ]


def test_what_only_the_weights_name_as_their_base_is_followed_too(seen: MirrorProcess) -> None:
    hops = facts_of(seen, "acme-research/licensed-gguf")["lineage"]["hops"]
    assert [(hop["parent"], hop["state"], hop["license"]) for hop in hops] == [
        ("acme-research/non-commercial", "resolved", "CC-BY-NC-4.0")
    ]


def test_a_licence_in_the_weights_counts_where_the_card_has_none(seen: MirrorProcess) -> None:
    license_ = facts_of(seen, "acme-research/licensed-gguf")["license"]
    assert license_["category"] == "non-commercial"
    assert [(one["source"], one["license"]) for one in license_["statements"]] == [("gguf", "CC-BY-NC-4.0")]


def test_a_card_and_a_licence_file_that_disagree_are_both_told(seen: MirrorProcess) -> None:
    license_ = facts_of(seen, "acme-research/two-licenses")["license"]
    assert license_["disagrees"]
    assert {(one["source"], one["license"]) for one in license_["statements"]} >= {
        ("card", "MIT"),
        ("file", "Apache-2.0"),
    }


def test_a_licence_that_flips_between_two_commits_is_told(seen: MirrorProcess) -> None:
    first = facts_of(seen, "acme-research/relicensed", "v1")["license"]
    assert (first["expression"], first["before"]) == ("Apache-2.0", "")
    now = facts_of(seen, "acme-research/relicensed")["license"]
    assert (now["expression"], now["before"]) == ("CC-BY-NC-4.0", "Apache-2.0")


def test_data_sets_have_an_owner_and_a_licence_too(seen: MirrorProcess) -> None:
    facts = explained(seen, "acme-data/rows", kind="dataset")["facts"]
    assert facts["license"]["expression"] == "CC-BY-4.0"
    assert facts["owner"]["kind"] == "user"
    assert facts["unknown"] == []


@pytest.fixture
def owner(hub: FixtureHub) -> str:
    """An organisation that no other test knows."""
    name = f"house-{uuid4().hex[:8]}"
    hub.change_owner(name, type="org", created_at="2022-03-01T10:00:00.000Z")
    return name


@pytest.fixture
def theirs(hub: FixtureHub, owner: str) -> str:
    """A model of it."""
    return hub.copy("acme-research/tiny-bert", owner)


def test_an_owner_that_cannot_be_asked_for_is_unknown_for_a_while(
    hub: FixtureHub, at_once: MirrorProcess, theirs: str
) -> None:
    with hub.failing({"path": "/api/organizations/*", "status": 500}):
        document = explained(at_once, theirs)
        assert document["facts"]["unknown"] == ["owner"]
        assert document["expires_at"]
    again = until(lambda: (one := explained(at_once, theirs))["facts"]["unknown"] == [] and one)
    assert again["facts"]["owner"]["kind"] == "organization"
    assert again["expires_at"] is None


def test_an_owner_page_that_cannot_be_read_holds_nothing_up(
    hub: FixtureHub, at_once: MirrorProcess, theirs: str
) -> None:
    with hub.failing({"path": "/api/organizations/*", "status": 200}):
        facts = facts_of(at_once, theirs)
    assert facts["unknown"] == ["owner"]
    assert facts["license"]["expression"] == "Apache-2.0"


def test_a_licence_that_the_hub_tells_otherwise_ends_the_decision_at_the_next_question(
    hub: FixtureHub, at_once: MirrorProcess, theirs: str
) -> None:
    before = explained(at_once, theirs)
    hub.change(theirs, gated="manual")
    after = explained(at_once, theirs)
    assert after["decision"] != before["decision"]
    assert after["facts"]["gated"]


@pytest.fixture(scope="module")
def looks_again(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that asks every second whether the Hub says something else of what it has allowed."""
    folder = tmp_path_factory.mktemp("looks-again")
    (folder / "rules.yaml").write_text(_RULES)
    with MirrorProcess(folder / "data", hub.url, QUICK | {"CURATOR_RULES": str(folder / "rules.yaml")}) as mirror:
        yield mirror


def test_what_the_hub_changes_while_a_commit_stays_is_judged_again(
    hub: FixtureHub, looks_again: MirrorProcess, theirs: str
) -> None:
    mirror, repo = looks_again, f"/api/models/{theirs}"
    sha = settled(mirror.url, repo).json["sha"]
    assert settled(mirror.url, repo).status == 200
    hub.change(theirs, files_with_issues=[{"path": "model.safetensors", "level": "unsafe"}])
    until(lambda: facts_of(mirror, theirs)["hub_scan"] == "unsafe")
    hub.change(theirs, disabled=True)
    reply = until(lambda: (one := ask(mirror.url, f"{repo}/revision/{sha}")).status == 403 and one)
    assert "does not give it any more" in reply.json["error"]
    changes = until(lambda: _changes(mirror, theirs))
    assert "allowed until now" in changes[0]["sentence"]
    assert "blocked" in changes[0]["sentence"]
    hub.change(theirs, disabled=False)
    until(lambda: ask(mirror.url, f"{repo}/revision/{sha}").status == 200)


def test_a_name_that_somebody_else_has_taken_is_held(
    hub: FixtureHub, looks_again: MirrorProcess, owner: str, theirs: str
) -> None:
    assert explained(looks_again, theirs)["outcome"] == "allow"
    hub.change_owner(owner, id="6f" * 12, created_at="2026-11-01T00:00:00.000Z")
    held = until(lambda: (one := explained(looks_again, theirs))["outcome"] == "hold" and one)
    assert held["facts"]["owner"]["changed"]
    assert "another than when it was approved" in held["facts"]["owner"]["why"]
