"""People and their tokens, against a real mirror of two processes: what they may, and from which moment on no more."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curator.settings import Settings
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import curator, hf_command
from tests.contract.http import Reply, ask, settled
from tests.contract.publishing import under

REPO = "acme-research/tiny-bert"
FILE = f"/{REPO}/resolve/main/config.json"
API = "/api/curator/v1"
RULES = f"""
schema: curator.rules/1
name: for-teams
description: For a test.
rules:
  - id: not-red
    description: These are not for red.
    applies_to: {{repositories: ["{REPO}"], teams: ["red"]}}
    when: {{likes_below: 1000000000}}
    outcome: block
    message: "{{repository}} is not for red"
"""


@pytest.fixture(scope="module")
def mirror(guarded_by_two: MirrorProcess) -> Iterator[MirrorProcess]:
    """With one person in each of two teams, and rules that say something of one of them."""
    with under(guarded_by_two, RULES):
        for team in ("red", "blue"):
            call(guarded_by_two, "POST", "/users", login=f"{team}-one", team=team, full_name=f"{team} One")
        settled(guarded_by_two.url, FILE, headers=shows(guarded_by_two.admin_token or ""))
        yield guarded_by_two


def done(mirror: MirrorProcess, *words: str) -> str:
    """What the command prints, which works on the mirror's own database."""
    ended = curator(*words, "--data", str(mirror.data))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def shows(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def call(mirror: MirrorProcess, method: str, path: str, token: str | None = None, **body: object) -> Reply:
    headers = shows(token or mirror.admin_token or "") | {"Content-Type": "application/json"}
    return ask(mirror.url, f"{API}{path}", method, headers, json.dumps(body).encode() if body else None)


def made(mirror: MirrorProcess, name: str, owner: str, until: str | None = None) -> str:
    """A new token of this person."""
    return str(call(mirror, "POST", "/tokens", name=name, owner=owner, until=until).json["secret"])


def everywhere(mirror: MirrorProcess, token: str, status: int) -> None:
    """That each process of the mirror answers so: of many connections, both get some."""
    assert {ask(mirror.url, FILE, headers=shows(token)).status for _ in range(12)} == {status}


def test_a_person_logs_in_with_hf_and_is_told_who_he_is(mirror: MirrorProcess, tmp_path: Path) -> None:
    token = done(mirror, "token", "create", "laptop", "--user", "blue-one")
    login = hf_command(mirror.url, tmp_path, "auth", "login", "--token", token)
    assert login.returncode == 0, login.stdout + login.stderr
    who = hf_command(mirror.url, tmp_path, "auth", "whoami")
    assert "blue-one" in who.stdout
    assert "blue" in who.stdout
    pulled = hf_command(mirror.url, tmp_path, "download", REPO, "config.json")
    assert pulled.returncode == 0, pulled.stderr
    document = ask(mirror.url, "/api/whoami-v2", headers=shows(token)).json
    assert document["fullname"] == "blue One"
    assert document["auth"]["accessToken"] | {"createdAt": ""} == {
        "displayName": "laptop",
        "role": "read",
        "createdAt": "",
    }
    assert dt.datetime.fromisoformat(document["auth"]["expiresAt"]) > dt.datetime.now(dt.UTC) + dt.timedelta(days=300)


def test_a_token_that_ends_ends_at_its_moment_also_for_answers_from_memory(mirror: MirrorProcess) -> None:
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=4)
    token = made(mirror, "short", "blue-one", until=end.isoformat())
    while time.time() < end.timestamp() - 0.5:
        status = ask(mirror.url, FILE, headers=shows(token)).status
        # An answer of a busy machine may be one of after the end.
        assert status == 200 or time.time() > end.timestamp()
    time.sleep(max(0.0, end.timestamp() - time.time()) + 0.05)
    everywhere(mirror, token, 401)
    reply = ask(mirror.url, FILE, headers=shows(token))
    assert f"This token ended on {end:%Y-%m-%d}: make a new one at {mirror.url}/-/account" in reply.json["error"]
    assert "made a new one" not in ask(mirror.url, FILE, headers=shows("hf_cur" + "x" * 34)).json["error"]


@pytest.mark.parametrize("how", ["revoked", "disabled", "out of the team"])
def test_who_may_no_more_may_no_more_in_any_process_at_once(mirror: MirrorProcess, how: str) -> None:
    login = how.replace(" ", "-")
    assert call(mirror, "POST", "/users", login=login, team="blue").status == 201
    answer = call(mirror, "POST", "/tokens", name="laptop", owner=login)
    token = answer.json["secret"]
    for _ in range(3):
        everywhere(mirror, token, 200)
    if how == "revoked":
        assert call(mirror, "DELETE", f"/tokens/{answer.json['token']['id']}").status == 200
    elif how == "disabled":
        assert call(mirror, "POST", f"/users/{login}/disable").status == 200
    else:
        assert call(mirror, "DELETE", f"/teams/blue/members/{login}").status == 200
    everywhere(mirror, token, 401)


def test_a_role_that_was_taken_counts_from_the_next_request_on(mirror: MirrorProcess) -> None:
    call(mirror, "POST", "/users", login="was-reviewer", role="reviewer")
    token = call(mirror, "POST", "/tokens", name="a", owner="was-reviewer", role="reviewer").json["secret"]
    assert call(mirror, "POST", "/lists", token).status == 400, "he may, and says nothing"
    assert call(mirror, "PATCH", "/users/was-reviewer", role="developer").status == 200
    refused = call(mirror, "POST", "/lists", token)
    assert refused.status == 403
    assert "was-reviewer has the role developer" in refused.json["error"]


def test_a_decision_for_another_team_is_no_decision_for_a_developer(mirror: MirrorProcess) -> None:
    red, blue = (made(mirror, "a", f"{team}-one") for team in ("red", "blue"))
    explained = settled(mirror.url, f"{API}/explain?repo={REPO}&wait=60", headers=shows(red))
    assert explained.json["outcome"] == "block"
    decision = explained.json["decision"]
    for_all = settled(mirror.url, f"{API}/explain?repo={REPO}&wait=60", headers=shows(blue)).json["decision"]
    for path in (f"{API}/decisions/", "/-/decisions/"):
        assert ask(mirror.url, path + decision, headers=shows(red)).status == 200
        assert ask(mirror.url, path + decision, headers=shows(mirror.admin_token or "")).status == 200
        hidden = ask(mirror.url, path + decision, headers=shows(blue))
        never = ask(mirror.url, path + "0" * 32, headers=shows(blue))
        assert (hidden.status, never.status) == (404, 404)
        assert hidden.body.replace(decision.encode(), b"0" * 32) == never.body
        assert ask(mirror.url, path + for_all, headers=shows(red)).status == 200


def test_a_developer_is_shown_words_that_reach_his_team_and_no_others(mirror: MirrorProcess) -> None:
    red, blue = (made(mirror, "b", f"{team}-one") for team in ("red", "blue"))
    entries = {
        team: call(mirror, "POST", "/lists", effect="block", targets=["evil/thing"], reason="a test", teams=teams).json[
            "entries"
        ][0]["id"]
        for team, teams in (("red", ["r*"]), ("blue", ["blue"]), ("all", []))
    }

    def listed(token: str) -> set[str]:
        found = ask(mirror.url, f"{API}/lists?repo=evil/thing", headers=shows(token)).json["entries"]
        return {one["id"] for one in found}

    try:
        assert listed(red) == {entries["red"], entries["all"]}
        assert listed(blue) == {entries["blue"], entries["all"]}
        assert listed(mirror.admin_token or "") == set(entries.values())
        hidden = ask(mirror.url, f"{API}/lists/{entries['blue']}", headers=shows(red))
        assert (hidden.status, hidden.json["error"].split(":")[0]) == (404, f"There is no entry '{entries['blue']}'")
        assert ask(mirror.url, f"{API}/lists/{entries['red']}", headers=shows(red)).status == 200
    finally:
        # A team that words name has decisions of its own, of which other tests see that it has none.
        for entry in entries.values():
            assert call(mirror, "DELETE", f"/lists/{entry}").status == 200


def test_what_somebody_does_stands_in_the_record_under_his_own_name(mirror: MirrorProcess) -> None:
    call(mirror, "POST", "/users", login="named", role="admin")
    token = call(mirror, "POST", "/tokens", name="laptop-of-named", owner="named", role="admin").json["secret"]
    assert call(mirror, "POST", "/teams", token, name="made-by-named").json["team"]["created_by"] == "named"
    ask(mirror.url, FILE, headers=shows(token))
    with sqlite3.connect(mirror.data / "curator.db") as database:
        rows = database.execute("SELECT action, subject, address FROM audit WHERE actor = 'named'").fetchall()
    assert ("team", "made-by-named", "127.0.0.1") in rows
    assert "download" in {action for action, _, _ in rows}
    assert token not in (mirror.data / "serve.log").read_text()


def test_a_token_is_made_anew_while_the_old_one_is_still_used(mirror: MirrorProcess) -> None:
    old = done(mirror, "token", "create", "ci", "--role", "robot", "--team", "blue")
    new = done(mirror, "token", "rotate", "ci", "--grace", "0h")
    everywhere(mirror, new, 200)
    everywhere(mirror, old, 401)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["user", "create", "a b"], "is not a person's name"),
        (["user", "create", "red-one"], "There is a person named 'red-one' already"),
        (["user", "show", "nobody"], "There is no person named 'nobody'"),
        (["team", "add", "nowhere", "red-one"], "There is no team 'nowhere'"),
        (["team", "end", "nowhere"], "There is no team 'nowhere'"),
        (["project", "create", "p", "--team", "nowhere"], "There is no team 'nowhere'"),
        (["token", "create", "x", "--user", "nobody"], "There is no person named 'nobody'"),
        (["token", "create", "x", "--user", "red-one", "--team", "blue"], "red-one is not in the team 'blue'"),
        (["token", "create", "x", "--user", "red-one", "--role", "admin"], "red-one has the role developer"),
        (["token", "create", "x", "--until", "yesterday"], "is no end"),
        (["token", "create", "x", "--until", "2020-01-01"], "cannot end before it begins"),
        (["token", "rotate", "nothing"], "There is no token named 'nothing'"),
        (["token", "rotate", "admin", "--grace", "soon"], "is no time for the old token"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_ends_with_2(
    mirror: MirrorProcess, words: list[str], said: str
) -> None:
    answer = curator(*words, "--data", str(mirror.data))
    assert answer.returncode == 2
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("variables", "anonymous", "status"),
    [
        ({"CURATOR_HOST": "0.0.0.0"}, "auto", 401),
        ({"CURATOR_PUBLIC_URL": "https://models.bank.example"}, "beyond-loopback", 200),
    ],
    ids=["by its own address", "by a proxy's"],
)
def test_a_mirror_that_all_could_reach_serves_all_only_where_that_is_said_by_name(
    hub: FixtureHub, tmp_path: Path, variables: dict[str, str], anonymous: str, status: int
) -> None:
    words = ("serve", "--port", "0", "--data", str(tmp_path / "data"), "--upstream", hub.url)
    refused = curator(*words, CURATOR_ANONYMOUS="yes", **variables)
    assert refused.returncode == 2
    assert "write CURATOR_ANONYMOUS=beyond-loopback if that is meant" in refused.stderr
    assert refused.stderr.count("\n") == 1
    wanted = variables | {"CURATOR_ANONYMOUS": anonymous, "CURATOR_SECOND_OPINIONS": "false"}
    with MirrorProcess(tmp_path / "data", hub.url, wanted) as mirror:
        assert ask(mirror.local_url, "/api/models?search=tiny").status == status


@pytest.mark.parametrize("beyond", [{"host": "0.0.0.0"}, {"public_url": "https://models.bank.example"}])
def test_it_is_the_same_by_either_way_that_all_could_reach_it(beyond: dict[str, Any]) -> None:
    serves_all = {
        said: Settings(anonymous=said, **beyond).pulls_without_token for said in ("auto", "no", "beyond-loopback")
    }
    assert serves_all == {"auto": False, "no": False, "beyond-loopback": True}
