"""Answers out of memory: quick, asked of nobody, and gone at once when something changes."""

from __future__ import annotations

import hashlib
import sqlite3

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator
from tests.contract.http import Reply, ask, raw_ask, settled
from tests.contract.repositories import WEIGHTS

INFO = "/api/models/acme-research/tiny-bert"
TREE = f"{INFO}/tree/main"
FILE = "/acme-research/tiny-bert/resolve/main/model.safetensors"


def each(mirror: MirrorProcess, **headers: str) -> list[Reply]:
    asked = [("GET", INFO), ("GET", TREE), ("HEAD", FILE), ("GET", FILE)]
    return [ask(mirror.url, path, method, headers) for method, path in asked]


def test_what_was_answered_once_is_answered_again_without_the_hub_and_alike(
    hub: FixtureHub, mirror: MirrorProcess
) -> None:
    first = each(mirror)
    mark = hub.mark()
    for _ in range(3):
        for one, again in zip(first, each(mirror), strict=True):
            assert (again.status, again.body) == (one.status, one.body)
            differ = {"date", "x-request-id"}
            assert {name: one.headers[name] for name in one.headers.keys() - differ} == {
                name: again.headers[name] for name in again.headers.keys() - differ
            }
    asked = [entry["path"] for entry in hub.requests(since=mark)]
    assert asked in ([], [f"{INFO}/revision/main"]), "at most what main is by now, once"


def test_who_was_told_what_a_branch_is_goes_on_from_memory_when_that_is_no_longer_fresh(
    hub: FixtureHub, in_sessions: MirrorProcess
) -> None:
    repo = hub.copy("acme-research/tiny-bert")
    file = f"/{repo}/resolve/main/model.safetensors"
    assert settled(in_sessions.url, f"/api/models/{repo}").status == 200

    def head(agent: str) -> Reply:
        return ask(in_sessions.url, file, "HEAD", {"User-Agent": agent})

    def worked_for() -> int:
        # A request has its line in the log before the next one is answered.
        ask(in_sessions.url, "/healthz")
        return len(hub.requests(about=repo)) + in_sessions.log.read_text().count(f"/{repo}/resolve/")

    for _ in range(2):
        assert head("early").status == 200
    before = worked_for()
    for _ in range(3):
        assert head("early").status == 200
    assert worked_for() == before, "neither the Hub nor the log knows of it"
    asked = len(hub.requests(about=repo))
    assert head("late").status == 200
    assert len(hub.requests(about=repo)) > asked, "whoever comes now is told what the branch is now"


def test_each_may_ask_another_part_of_a_file_that_is_in_memory(mirror: MirrorProcess) -> None:
    whole = WEIGHTS.read_bytes()
    for asked, part in (("bytes=0-9", whole[:10]), ("bytes=-5", whole[-5:]), ("bytes=7-", whole[7:])):
        reply = ask(mirror.url, FILE, headers={"Range": asked})
        assert (reply.status, reply.body) == (206, part)
    assert ask(mirror.url, FILE).body == whole
    assert ask(mirror.url, FILE, headers={"Range": f"bytes={len(whole)}-"}).status == 416
    etag = ask(mirror.url, FILE, "HEAD").headers["etag"]
    assert ask(mirror.url, FILE, "HEAD", {"If-None-Match": etag}).status == 304


def test_every_download_from_memory_is_on_the_record(mirror: MirrorProcess) -> None:
    ids = {ask(mirror.url, FILE).headers["x-request-id"] for _ in range(5)}
    with sqlite3.connect(mirror.data / "curator.db") as connection:
        rows = connection.execute("SELECT id FROM audit WHERE action = 'download'").fetchall()
    assert len(ids) == 5
    assert ids <= {row[0] for row in rows}


def test_requests_sent_one_after_another_on_one_connection_are_answered_in_order(mirror: MirrorProcess) -> None:
    ask(mirror.url, FILE)
    lines = [f"{method} {path} HTTP/1.1\r\nHost: x\r\n" for method, path in (("GET", FILE), ("HEAD", FILE))]
    received = raw_ask(mirror.url, f"{lines[0]}\r\n{lines[1]}\r\n{lines[0]}Connection: close\r\n\r\n".encode())
    assert received.count(b"HTTP/1.1 200") == 3
    assert received.count(WEIGHTS.read_bytes()) == 2
    assert received.endswith(WEIGHTS.read_bytes())


def test_a_revoked_token_opens_nothing_more_in_any_process(guarded_by_two: MirrorProcess) -> None:
    url, data = guarded_by_two.url, str(guarded_by_two.data)
    token = curator("token", "create", "alice", "--data", data).stdout.strip()
    assert settled(url, INFO, headers={"Authorization": f"Bearer {token}"}).status == 200
    for _ in range(6):
        assert {reply.status for reply in each(guarded_by_two, Authorization=f"Bearer {token}")} == {200}
    assert {reply.status for reply in each(guarded_by_two)} == {401}
    curator("token", "revoke", "alice", "--data", data)
    for _ in range(6):
        assert {reply.status for reply in each(guarded_by_two, Authorization=f"Bearer {token}")} == {401}


def test_a_file_that_was_taken_out_of_the_store_is_fetched_again(hub: FixtureHub, at_once: MirrorProcess) -> None:
    repo = hub.copy("acme-research/tiny-bert")
    file = f"/{repo}/resolve/main/model.safetensors"
    assert settled(at_once.url, f"/api/models/{repo}").status == 200
    for _ in range(2):
        assert ask(at_once.url, file).body == WEIGHTS.read_bytes()
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    (at_once.data / "blobs" / "sha256" / digest[:2] / digest[2:]).unlink()
    assert ask(at_once.url, file).body == WEIGHTS.read_bytes()


def test_a_file_that_is_pulled_in_many_parts_is_one_row_of_the_record(mirror: MirrorProcess) -> None:
    def pulled(agent: str, part: str) -> str:
        return ask(mirror.url, FILE, headers={"Range": part, "User-Agent": agent}).headers["x-request-id"]

    parts = [f"bytes={at}-{at + 9}" for at in range(0, 200, 10)]
    ids = {pulled("one program", part) for part in parts}
    assert len(ids) == 1
    assert pulled("another program", parts[0]) not in ids
    with sqlite3.connect(mirror.data / "curator.db") as connection:
        rows = connection.execute("SELECT count(*) FROM audit WHERE user_agent = 'one program'").fetchone()
    assert rows == (1,)
