"""Exceptions from the command that is refused to the same command that works: the real client, commands and mirror."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from tests.browser.review_house import BAD, GGUF, ROWS, TINY, House
from tests.browser.review_house import house as housed
from tests.contract.clients import Client, curator

MANY = "acme-research/many-files"


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with housed(hub, tmp_path_factory.mktemp("requests")) as house:
        yield house


def told(house: House, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of one of them."""
    return curator(*arguments, CURATOR_URL=house.url, CURATOR_TOKEN=house.tokens[name])


def document(house: House, name: str, *arguments: str) -> Any:
    return json.loads(told(house, name, *arguments, "--format", "json").stdout)


def test_who_is_refused_asks_by_a_command_and_the_same_call_works_when_it_is_approved(
    house: House, tmp_path: Path
) -> None:
    client = Client("2.4", house.url, tmp_path / "home")
    call = {"repo_id": BAD, "token": house.tokens["dev"]}
    house.pull("dev", f"/api/models/{BAD}")
    answer = client.call("snapshot", **call)
    assert answer.error == "GatedRepoError"
    assert f"{house.url}/-/requests/new?decision=" in answer.message
    assert f"or curator request {BAD} and quote request" in answer.message

    asked = told(house, "dev", "request", BAD, "--reason", "a test of the till", "--until", "30d")
    assert asked.returncode == 3, asked.stderr
    assert f"{BAD}: It waits for a reviewer since" in asked.stdout
    request = document(house, "dev", "request", "list")[0]
    assert f"{house.url}/-/requests/{request['id']}" in asked.stdout
    assert request["rules"] == ["unknown-publisher", "unsafe-file"]

    item = house.waiting(BAD)
    assert BAD in told(house, "reva", "review", "list").stdout
    preview = told(house, "reva", "review", "approve", item["id"], "--reason", "read", "--preview")
    assert preview.returncode == 0, preview.stderr
    assert "would be allowed" in preview.stdout
    assert "passes over what unsafe-file says of pytorch_model.bin: this very content" in preview.stdout
    assert client.call("snapshot", **call).error == "GatedRepoError", "a preview opens nothing"
    done = told(house, "reva", "review", "approve", item["id"], "--reason", "read by hand", "--team", "shop")
    assert done.returncode == 0, done.stderr

    assert client.call("snapshot", **call).error is None
    status = told(house, "dev", "request", "--status", request["id"])
    assert status.returncode == 0
    assert "reva has approved it: run the same command again" in status.stdout
    other = Client("2.4", house.url, tmp_path / "eve")
    assert other.call("snapshot", repo_id=BAD, token=house.tokens["eve"]).error == "GatedRepoError"
    again = told(house, "dev", "request", BAD, "--reason", "once more")
    assert (again.returncode, "is allowed: there is nothing to ask for" in again.stderr) == (0, True)

    with sqlite3.connect(house.mirror.data / "curator.db") as connection:
        rows = connection.execute(
            "SELECT action, outcome, actor, subject FROM audit WHERE action IN ('request', 'answer') AND repo = ?",
            (BAD,),
        ).fetchall()
    assert [(action, outcome, actor) for action, outcome, actor, _ in rows] == [
        ("request", "ask", "dev"),
        ("answer", "approve", "reva"),
    ]
    assert rows[0][3] == rows[1][3]


def test_a_rejection_tells_why_and_ends_with_1(house: House) -> None:
    house.pull("eve", f"/api/models/{MANY}")
    assert told(house, "eve", "request", MANY, "--reason", "to look at it").returncode == 3
    item = house.waiting(MANY)
    told(house, "reva", "review", "ask", item["id"], "--reason", "for which project?")
    status = told(house, "eve", "request", MANY, "--status")
    assert (status.returncode, "reva asks: for which project?" in status.stdout) == (3, True)
    request = document(house, "eve", "request", "list")[0]
    assert told(house, "eve", "request", "reply", request["id"], "for none").returncode == 3
    assert told(house, "reva", "review", "reject", item["id"], "--reason", "take tiny-bert").returncode == 0
    status = told(house, "eve", "request", MANY, "--status")
    assert (status.returncode, "reva has rejected it: take tiny-bert" in status.stdout) == (1, True)
    assert house.pull("eve", f"/api/models/{MANY}").status == 403


def test_what_wants_two_people_is_not_opened_by_one_by_whatever_door(house: House) -> None:
    house.pull("dev", f"/api/datasets/{ROWS}")
    assert told(house, "dev", "request", ROWS, "--repo-type", "dataset", "--reason", "tests").returncode == 3
    item = house.waiting(ROWS)
    waived = told(house, "reva", "waive", ROWS, "--repo-type", "dataset", "--reason", "x", "--until", "9d")
    assert waived.returncode == 2
    assert "data-wants-two wants 2 different people" in waived.stderr
    listed = told(house, "reva", "approve", ROWS, "--repo-type", "dataset", "--reason", "x", "--until", "9d")
    assert "wants 2 different people" in listed.stdout + listed.stderr
    assert house.pull("dev", f"/api/datasets/{ROWS}").status == 403

    proposed = told(house, "reva", "review", "approve", item["id"], "--reason", "seen")
    assert proposed.returncode == 3, proposed.stderr
    assert "so another must agree" in proposed.stdout
    assert house.pull("dev", f"/api/datasets/{ROWS}").status == 403
    (proposal,) = document(house, "rolf", "review", "second")
    own = told(house, "reva", "review", "second", proposal["id"], "--agree")
    assert (own.returncode, "the rule wants another person" in own.stderr) == (2, True)
    assert told(house, "rolf", "review", "second", proposal["id"], "--agree").returncode == 0
    assert house.pull("dev", f"/api/datasets/{ROWS}").status == 200


def test_of_two_reviewers_at_once_one_answers_and_the_other_is_told(house: House) -> None:
    house.pull("dev", f"/api/models/{TINY}")
    item = house.waiting(TINY)

    def answer(name: str) -> Any:
        body = {"answer": "reject", "items": [{"id": item["id"], "decision": item["decision"]}], "reason": "no"}
        return house.api(name, "/review/answers", body)

    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(answer, ("reva", "rolf")))
    assert sorted(reply.status for reply in replies) == [200, 409]
    late = next(reply for reply in replies if reply.status == 409)
    assert f"{TINY} was left as it is by " in late.json["error"]


def test_each_sees_and_does_only_what_is_his(house: House) -> None:
    house.pull("dev", f"/api/models/{GGUF}")
    house.pull("eve", f"/api/models/{GGUF}")
    asked = house.api("dev", "/requests", {"repository": GGUF, "reason": "mine"})
    assert asked.status == 201
    request = asked.json["request"]
    assert house.api("eve", f"/requests/{request['id']}").status == 404
    assert [one["id"] for one in house.api("eve", "/requests?mine=false").json["requests"]].count(request["id"]) == 0
    assert house.api("dev", "/review").status == 403
    assert house.api("dev", "/review/answers", {"answer": "approve", "items": [], "reason": "x"}).status == 403
    assert house.api("anna", "/review").status == 200
    assert house.api("anna", "/requests", {"repository": GGUF, "reason": "x"}).status == 403
    assert house.api("dev", "/requests", {"repository": GGUF, "reason": "x", "team": "risk"}).status == 403
    for path, body, status in (
        ("/requests", {"repository": GGUF, "reason": "  "}, 422),
        ("/requests", {"repository": "a b", "reason": "x"}, 400),
        ("/requests", {"reason": "x"}, 422),
        ("/requests", {"decision": "0" * 32, "reason": "x"}, 422),
        ("/requests", {"repository": GGUF, "reason": "x", "until": "yesterday"}, 422),
    ):
        reply = house.api("dev", path, body)
        assert (reply.status, reply.json["exit_code"]) == (status, 2), reply.body
    assert house.api("reva", "/review?after=x").status == 400
    assert house.api("reva", "/review/nothing").status == 404
