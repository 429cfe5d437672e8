"""Something that was served turns bad: every client that has it is stopped, and everybody who has it is found."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import VERSIONS, Client, curator
from tests.contract.http import Reply, ask, settled
from tests.contract.repositories import TINY, judge
from tests.contract.test_notices import by_admin, call, person

TINY_BERT, BOTH, TUNED, AGAIN, GGUF = (
    "acme-research/tiny-bert",
    "acme-research/both-formats",
    "acme-research/llama-tuned",
    "acme-research/llama-tuned-again",
    "acme-research/tiny-gguf",
)
WHY = "the publisher's account was stolen, advisory 17"
each_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    with MirrorProcess(tmp_path_factory.mktemp("house") / "data", hub.url) as mirror:
        judge(mirror.url, tuple(f"models/{repo}" for repo in (TINY_BERT, BOTH, TUNED, AGAIN, GGUF)))
        yield mirror


@pytest.fixture(scope="module")
def dora(house: MirrorProcess) -> str:
    by_admin(house, "POST", "/teams", {"name": "trading"})
    return person(house, "dora", "developer", "trading")


def block(mirror: MirrorProcess, subject: str) -> str:
    return str(by_admin(mirror, "POST", "/incidents", {"subject": subject, "reason": WHY})["incident"]["id"])


def lift(mirror: MirrorProcess, incident: str) -> None:
    by_admin(mirror, "POST", f"/incidents/{incident}/lift", {"reason": "the advisory was wrong"})


def sees(mirror: MirrorProcess, path: str, find: Any) -> Any:
    """What somebody with the administrator's token sees once it is there: it follows the record by a second."""
    deadline = time.monotonic() + 60
    while True:
        document = by_admin(mirror, "GET", path)
        if found := find(document):
            return found
        assert time.monotonic() < deadline, document
        time.sleep(0.1)


def refused(reply: Reply) -> None:
    assert (reply.status, reply.headers["x-error-code"]) == (404, "RevisionNotFound")
    assert WHY in reply.headers["x-error-message"]
    assert "curator incident affected --purge" in reply.headers["x-error-message"]


@each_version
def test_a_client_that_holds_the_files_is_stopped_and_goes_on_when_it_is_lifted(
    version: str, house: MirrorProcess, dora: str, tmp_path: Path
) -> None:
    client = Client(version, house.url, tmp_path / "home", dora)
    folder = client.snapshot(TINY_BERT)
    incident = block(house, TINY_BERT)
    try:
        for answer in (
            client.call("file", repo_id=TINY_BERT, filename="config.json"),
            client.call("file", repo_id=TINY_BERT, filename="model.safetensors"),
            client.call("snapshot", repo_id=TINY_BERT),
        ):
            assert answer.error == "RevisionNotFoundError", (answer.value, answer.message)
            assert f"{TINY_BERT} was withdrawn after it had been served: {WHY}" in answer.message
            assert f"/-/incidents/{incident}" in answer.message
        # What is pinned and cached asks nobody: these must be told by hand, and the incident says who they are.
        pinned = client.call("file", repo_id=TINY_BERT, filename="config.json", revision=folder.name)
        assert pinned.error is None
    finally:
        lift(house, incident)
    settled(house.url, f"/api/models/{TINY_BERT}")
    assert client.snapshot(TINY_BERT) == folder


def test_the_answer_is_the_same_before_during_and_after_the_new_judgement(house: MirrorProcess, dora: str) -> None:
    headers = {"Authorization": f"Bearer {dora}"}
    paths = [f"/{TINY_BERT}/resolve/main/config.json", f"/api/models/{TINY_BERT}", f"/api/models/{TINY_BERT}/tree/main"]
    for path in paths:
        assert ask(house.url, path, headers=headers).status == 200
    incident = block(house, TINY_BERT)
    try:
        began = time.monotonic()
        while time.monotonic() < began + 2:
            for path in paths:
                refused(ask(house.url, path, headers=headers))
                refused(ask(house.url, path))
    finally:
        lift(house, incident)
    for path in paths:
        assert settled(house.url, path).status == 200


def test_a_content_is_not_served_in_whatever_repository_it_is(house: MirrorProcess) -> None:
    digest = hashlib.sha256((TINY / "first" / "model.safetensors").read_bytes()).hexdigest()
    preview = by_admin(house, "GET", f"/incidents/preview?subject={digest}")
    assert preview["known"]
    incident = block(house, digest)
    try:
        for repo in (TINY_BERT, BOTH):
            refused(ask(house.url, f"/{repo}/resolve/main/model.safetensors"))
            refused(ask(house.url, f"/{repo}/resolve/main/config.json"))
        assert settled(house.url, f"/api/models/{TUNED}").status == 200
        # One that nobody had asked for before: it is judged, found to have it, and refused in the same way.
        late = settled(house.url, "/api/models/acme-research/gpt2-mini")
        assert late.status == 404, late.headers
        refused(late)
    finally:
        lift(house, incident)
    assert settled(house.url, f"/api/models/{BOTH}").status == 200


def test_a_commit_is_withdrawn_although_the_branch_has_moved_on(house: MirrorProcess) -> None:
    first = by_admin(house, "GET", f"/incidents/preview?subject={TINY_BERT}")["subject"]
    sha = ask(house.url, f"/api/models/{TINY_BERT}").json["sha"]
    older = settled(house.url, f"/api/models/{TINY_BERT}/revision/v1.0").json["sha"]
    assert first["repository"] == TINY_BERT
    incident = block(house, f"{TINY_BERT}@{older}")
    try:
        refused(ask(house.url, f"/{TINY_BERT}/resolve/{older}/config.json"))
        assert settled(house.url, f"/api/models/{TINY_BERT}").json["sha"] == sha
    finally:
        lift(house, incident)


def test_a_registry_refuses_it_too(house: MirrorProcess) -> None:
    manifest = f"/v2/{GGUF}/manifests/latest"
    known = ask(house.url, manifest)
    assert known.status == 200
    blob = f"/v2/{GGUF}/blobs/{known.json['layers'][0]['digest']}"
    assert ask(house.url, blob).status == 200
    incident = block(house, f"{GGUF.partition('/')[0]}/*")
    try:
        for path in (manifest, blob):
            answer = ask(house.url, path)
            assert answer.status == 403
            assert WHY in answer.json["errors"][0]["message"]
    finally:
        lift(house, incident)


def test_who_has_it_is_said_and_told_and_says_that_it_is_gone(house: MirrorProcess, dora: str) -> None:
    headers = {"Authorization": f"Bearer {dora}", "User-Agent": "unknown/None; hf_hub/2.4.0; python/3.11"}
    assert settled(house.url, f"/api/models/{TUNED}").status == 200
    assert ask(house.url, f"/{TUNED}/resolve/main/README.md", headers=headers).status == 200
    hit = sees(house, f"/incidents/preview?subject={TUNED}", lambda one: one["hit"]["people"] and one)
    assert hit["hit"]["teams"][0]["team"] == "trading"
    assert hit["users"][0]["address"] == "127.0.0.1"
    assert "hf_hub/2.4.0" in hit["users"][0]["user_agent"]
    assert AGAIN in [one["repository"] for one in hit["descendants"]]
    incident = block(house, TUNED)
    try:
        refused(ask(house.url, f"/{TUNED}/resolve/main/README.md", headers=headers))
        again = sees(house, f"/incidents/{incident}", lambda one: one["again"]["people"] and one["again"])
        assert (again["people"], again["hosts"], again["newest"][0]["actor"]) == (1, 1, "dora")
        notices = sees(house, f"/incidents/{incident}/notices", lambda one: one["notices"])
        assert {one["audience"] for one in notices} >= {"overseers", "team:trading"}
        mine = call(house, dora, "GET", "/incidents?state=open").json["incidents"]
        assert [one["id"] for one in mine] == [incident]
        told = call(house, dora, "GET", "/notices").json["notices"]
        assert any(f"Not allowed any more: {TUNED} is withdrawn" == one["title"] for one in told)
        assert all("is blocked" not in one["title"] for one in told), "of one incident there is one notice"
        reply = call(house, dora, "POST", f"/incidents/{incident}/teams", {"said": "clean", "note": "both laptops"})
        assert reply.json["team"]["state"] == "cleaned"
        assert call(house, dora, "POST", f"/incidents/{incident}/teams", {"said": "clean", "team": "x"}).status == 403
        whole = by_admin(house, "GET", f"/incidents/{incident}")
        assert [step["step"] for step in whole["history"]] == ["open", "clean"]
    finally:
        lift(house, incident)
    sees(
        house,
        f"/incidents/{incident}/notices",
        lambda one: [x for x in one["notices"] if x["type"] == "model.released"],
    )


def test_two_cannot_open_the_same_and_a_list_does_not_let_it_back(house: MirrorProcess) -> None:
    incident = block(house, TUNED)
    try:
        second = call(house, house.admin_token, "POST", "/incidents", {"subject": TUNED, "reason": "again"})
        assert second.status == 409
        assert incident in second.json["error"]
        entry = by_admin(house, "GET", f"/incidents/{incident}")["incident"]["entry"]
        kept = call(house, house.admin_token, "DELETE", f"/lists/{entry}")
        assert kept.status == 422
        assert f"curator incident lift {incident}" in kept.json["error"]
        put = {"effect": "approve", "targets": [TUNED], "reason": "we want it", "until": "30d"}
        by_admin(house, "POST", "/lists", put)
        refused(ask(house.url, f"/{TUNED}/resolve/main/README.md"))
    finally:
        lift(house, incident)


def test_a_developers_cache_is_looked_through_and_cleaned(house: MirrorProcess, dora: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    client = Client("2.4", house.url, home, dora)
    folder = client.snapshot(TINY_BERT)
    other = client.snapshot(TUNED)
    outside = tmp_path / "outside.bin"
    outside.write_bytes(b"mine")
    (folder / "link-out").symlink_to(outside)
    variables = {"HF_HOME": str(home), "CURATOR_URL": house.url, "CURATOR_TOKEN": dora}
    assert curator("incident", "affected", **variables).returncode == 0
    incident = block(house, TINY_BERT)
    try:
        found = curator("incident", "affected", **variables)
        assert found.returncode == 1, found.stderr
        assert TINY_BERT in found.stdout
        assert TUNED not in found.stdout
        assert folder.exists()
        asked = curator("incident", "affected", "--purge", "--yes", **variables)
        assert asked.returncode == 0, asked.stderr
        assert not folder.exists()
        assert not list((home / "hub").glob("models--acme-research--tiny-bert/blobs/*"))
        assert outside.read_bytes() == b"mine"
        assert other.exists()
        assert client.call("file", repo_id=TINY_BERT, filename="config.json", revision=folder.name).error is not None
    finally:
        lift(house, incident)


def test_an_evidence_pack_is_taken_and_proved_offline(house: MirrorProcess, tmp_path: Path) -> None:
    incident = block(house, TINY_BERT)
    variables = {"CURATOR_URL": house.url, "CURATOR_TOKEN": house.admin_token or ""}
    try:
        file = tmp_path / "evidence.tar"
        taken = curator("evidence", "take", "--incident", incident, "--output", str(file), **variables)
        assert taken.returncode == 0, taken.stderr
        assert curator("evidence", "verify", str(file)).returncode == 0
        key = by_admin(house, "GET", "/record/state")["keys"][0]
        assert curator("evidence", "verify", str(file), "--key", key).returncode == 0
        assert curator("evidence", "verify", str(file), "--key", "0" * 64).returncode == 1
        shutil.unpack_archive(file, tmp_path / "pack", "tar")
        names = {
            path.relative_to(tmp_path / "pack").as_posix() for path in (tmp_path / "pack").rglob("*") if path.is_file()
        }
        assert {"README.txt", "incident.json", "facts.jsonl", "uses.csv", "record/0001.jsonl", "manifest.json"} <= names
        assert curator("audit", "verify", str(tmp_path / "pack/record/0001.jsonl"), "--key", key).returncode == 0
        assert WHY in (tmp_path / "pack/incident.json").read_text()
        altered = bytearray(file.read_bytes())
        altered[altered.index(b"advisory 17")] ^= 1
        (tmp_path / "altered.tar").write_bytes(altered)
        assert curator("evidence", "verify", str(tmp_path / "altered.tar")).returncode == 1
    finally:
        lift(house, incident)
    said = by_admin(house, "GET", "/record?action=evidence")["rows"]
    assert said[0]["subject"] == incident
