"""How the service says how it is, what happens in it, and what it runs with."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from curator.database.engine import Database
from curator.people.roles import Role
from curator.people.tokens import create_token
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.conftest import UPSTREAM_TOKEN
from tests.contract.http import ask

API = "/api/curator/v1"


def known(mirror: MirrorProcess, token: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token or mirror.admin_token}"}


def test_each_setting_says_where_it_comes_from_and_no_secret_is_shown(otherwise: MirrorProcess) -> None:
    reply = ask(otherwise.url, f"{API}/settings", headers=known(otherwise))
    assert reply.status == 200
    found = {one["name"]: one for one in reply.json["settings"]}
    assert (found["upstream"]["origin"], found["upstream"]["where"]) == ("command line", "--upstream")
    assert (found["contact"]["origin"], found["contact"]["where"]) == ("environment", "CURATOR_CONTACT")
    assert (found["lease_s"]["origin"], found["lease_s"]["value"]) == ("default", "20")
    assert (found["upstream_token"]["value"], found["upstream_token"]["secret"]) == ("set", True)
    assert UPSTREAM_TOKEN.encode() not in reply.body
    assert UPSTREAM_TOKEN.encode() not in ask(otherwise.url, "/-/settings", headers=known(otherwise)).body


def test_the_state_says_which_rules_and_scanners_decide_and_how_much_room_there_is(otherwise: MirrorProcess) -> None:
    state = ask(otherwise.url, f"{API}/state", headers=known(otherwise)).json
    assert state["rules"]["name"]
    assert state["scanners"]
    assert state["store"]["free"] > 0
    assert state["level"] in {"well", "warning"}
    assert [alarm["topic"] for alarm in state["alarms"]] in ([], ["store"])


def test_who_may_not_see_all_is_told_nothing_of_it(otherwise: MirrorProcess) -> None:
    for path in (f"{API}/state", f"{API}/settings", f"{API}/live", "/-/live", "/-/live/events", "/-/settings"):
        assert ask(otherwise.url, path).status == 403, path


class Listener:
    """Somebody who looks on."""

    def __init__(self, mirror: MirrorProcess, path: str, token: str | None = None) -> None:
        url = urlsplit(mirror.url)
        self.connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
        self.connection.request("GET", path, headers=known(mirror, token) | {"Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()

    def event(self) -> dict[str, str]:
        """The next one, by its fields."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        return fields

    def close(self) -> None:
        self.connection.close()


@pytest.mark.parametrize("path", [f"{API}/live", "/-/live/events"])
def test_what_happens_is_told_as_it_happens(path: str, otherwise: MirrorProcess) -> None:
    listener = Listener(otherwise, path)
    assert listener.answer.headers["content-type"].startswith("text/event-stream")
    assert listener.answer.headers["x-accel-buffering"] == "no"
    assert listener.answer.headers["cache-control"] == "no-store"
    first = listener.event()
    assert (first["event"], first["retry"]) == ("state", "3000")
    assert set(json.loads(first["data"])) == {"at", "judging", "work", "downloads"}
    listener.close()


def test_only_so_many_look_on_at_once_and_the_next_is_told_so(otherwise: MirrorProcess) -> None:
    database = Database(f"sqlite:///{otherwise.data}/curator.db")
    token = create_token(database, "looks-on", Role.ADMIN)
    database.close()
    listeners = [Listener(otherwise, "/-/live/events", token) for _ in range(8)]
    assert all(one.event()["event"] == "state" for one in listeners)
    refused = ask(otherwise.url, "/-/live/events", headers=known(otherwise, token))
    assert refused.status == 503
    assert "You look on 8 times already" in refused.json["error"]
    for one in listeners:
        one.close()
    deadline = time.monotonic() + 60
    while ask_first(otherwise, token) == 503:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def ask_first(mirror: MirrorProcess, token: str) -> int:
    listener = Listener(mirror, "/-/live/events", token)
    listener.close()
    return listener.answer.status


def test_a_server_that_stops_waits_for_no_open_page(hub: FixtureHub, tmp_path: Path) -> None:
    mirror = MirrorProcess(tmp_path / "data", hub.url)
    with mirror:
        listener = Listener(mirror, "/-/live/events")
        listener.event()
        began = time.monotonic()
        mirror.stop()
        assert time.monotonic() - began < 8, "it would have waited 10 s for the page"
        assert listener.answer.read() is not None
