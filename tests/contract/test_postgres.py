"""A mirror whose database is PostgreSQL: what is promised of one with a file of its own is promised of it too."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.clients import Client, curator
from tests.contract.http import ask, settled
from tests.contract.repositories import WEIGHTS
from tests.contract.test_processes import Processes
from tests.contract.test_rules_in_force import rules
from tests.databases import POSTGRESQL, Databases

TINY = "acme-research/tiny-bert"
ODD, GPT = "/api/models/acme-research/odd-names", "/api/models/acme-research/gpt2-mini"
BAD = "mallory/shell-in-a-pickle"
FILE = f"/{TINY}/resolve/main/model.safetensors"
WITHIN_S = 60.0
"""It takes milliseconds; the machine may be very busy."""


@pytest.fixture(scope="module")
def address(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with databases.new(POSTGRESQL, tmp_path_factory.mktemp("none"), migrated=False) as url:
        yield url


@pytest.fixture(scope="module")
def mirror(hub: FixtureHub, address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror of two server processes."""
    variables = {"CURATOR_DATABASE_URL": address, "CURATOR_SERVER_PROCESSES": "2"}
    with MirrorProcess(tmp_path_factory.mktemp("postgres") / "data", hub.url, variables) as mirror:
        yield mirror


@pytest.fixture
def processes(mirror: MirrorProcess) -> Processes:
    return Processes(mirror)


def statuses(processes: Processes, path: str) -> set[int]:
    return {processes.ask(pid, path, "a test").status for pid in (processes.first, processes.second)}


def become(processes: Processes, path: str, status: int) -> bool:
    """Whether both processes soon answer so."""
    deadline = time.monotonic() + WITHIN_S
    while (found := statuses(processes, path)) != {status}:
        if time.monotonic() > deadline:
            raise AssertionError(found)
    return True


def told(mirror: MirrorProcess, *arguments: str) -> str:
    done = curator(*arguments, CURATOR_URL=mirror.url, CURATOR_TOKEN=mirror.admin_token or "")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_client_downloads_and_a_change_of_rules_reaches_every_process(
    mirror: MirrorProcess, processes: Processes, tmp_path: Path
) -> None:
    assert not (mirror.data / "curator.db").exists()
    assert settled(mirror.url, f"/api/models/{TINY}").status == 200
    assert (Client("2.4", mirror.url, tmp_path).snapshot(TINY) / "model.safetensors").read_bytes() == (
        WEIGHTS.read_bytes()
    )
    for _ in range(3):
        assert statuses(processes, FILE) == {200}, "by now from memory"
    before = json.loads(told(mirror, "rules", "history", "--format", "json"))[0]["digest"]
    file = tmp_path / "strict.yaml"
    file.write_text(rules("strict", "acme-research/tiny-*"))
    told(mirror, "rules", "publish", str(file), "--reason", "not for us")
    assert become(processes, FILE, 403)
    told(mirror, "rules", "rollback", before[:12], "--reason", "for us after all")
    assert settled(mirror.url, FILE).status == 200
    assert become(processes, FILE, 200)


def test_what_is_waived_is_served_and_what_is_blocked_is_not(
    mirror: MirrorProcess, processes: Processes, tmp_path: Path
) -> None:
    file = f"/{BAD}/resolve/main/pytorch_model.bin"
    assert settled(mirror.url, file).status == 403
    told(mirror, "waive", BAD, "--reason", "read by hand", "--until", "30d")
    assert settled(mirror.url, file).status == 200
    assert become(processes, file, 200)
    told(mirror, "block", "mallory/*", "--reason", "advisory 7")
    assert become(processes, file, 403)
    assert "blocked-list" in settled(mirror.url, file).headers["x-error-message"]
    (waiver,) = json.loads(told(mirror, "waivers", "--format", "json"))
    assert json.loads(told(mirror, "waivers", "show", waiver["id"], "--format", "json"))["uses"]["downloads"] >= 1


def test_connections_that_the_database_ends_are_made_anew(
    mirror: MirrorProcess, processes: Processes, databases: Databases, address: str
) -> None:
    end_connections(databases, address)
    assert settled(mirror.url, ODD).status == 200
    told(mirror, "block", "acme-research/odd-names", "--reason", "advisory 8")
    assert become(processes, ODD, 403), "they listen again, or look"


def test_while_there_is_no_database_nothing_is_served_and_everybody_is_told_why(
    mirror: MirrorProcess, processes: Processes, databases: Databases, address: str
) -> None:
    assert settled(mirror.url, GPT).status == 200
    databases.server().statement(f"ALTER DATABASE {name_of(address)} WITH ALLOW_CONNECTIONS false")
    end_connections(databases, address)
    try:
        assert become(processes, GPT, 503), "not from memory either"
        assert "database does not answer" in ask(mirror.url, GPT).headers["x-error-message"]
        own = ask(mirror.url, "/api/curator/v1/waivers", headers={"Authorization": f"Bearer {mirror.admin_token}"})
        assert (own.status, "database does not answer" in own.json["error"]) == (503, True)
        assert ask(mirror.url, "/readyz").status == 503
        assert ask(mirror.url, "/healthz").status == 200
    finally:
        databases.server().statement(f"ALTER DATABASE {name_of(address)} WITH ALLOW_CONNECTIONS true")
    assert become(processes, GPT, 200)


def name_of(address: str) -> str:
    return str(make_url(address).database)


def end_connections(databases: Databases, address: str) -> None:
    """As a restart of the database does."""
    of_it = f"datname = '{name_of(address)}'"
    databases.server().statement(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {of_it}")


@pytest.mark.parametrize("path", ["a%00b", "%ED%A0%80", "..%2F%00"])
def test_a_name_that_the_database_cannot_keep_is_an_answer_in_words(mirror: MirrorProcess, path: str) -> None:
    reply = ask(mirror.url, f"/{TINY}/resolve/main/{path}")
    assert reply.status in {400, 404}, reply.body


def test_a_reason_that_the_database_cannot_keep_is_refused_in_words(mirror: MirrorProcess) -> None:
    body = {"effect": "block", "targets": ["evil/*"], "reason": "half a \ud800 or\0"}
    headers = {"Authorization": f"Bearer {mirror.admin_token}", "Content-Type": "application/json"}
    reply = ask(mirror.url, "/api/curator/v1/lists", "POST", headers, json.dumps(body).encode())
    assert reply.status in {400, 422}, reply.body
