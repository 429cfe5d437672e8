"""The record of a mirror that runs: who did what from where, verified, exported, sent on and kept from hand to hand."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest

from fixtures import programs
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.repositories import judge

TINY = "acme-research/tiny-bert"
API = "/api/curator/v1"


def curator(mirror: MirrorProcess, data: Path, *words: str, code: int = 0) -> str:
    """What the command prints."""
    environment = os.environ | {
        "CURATOR_URL": mirror.url,
        "CURATOR_TOKEN": mirror.admin_token or "",
        "CURATOR_DATA": str(data),
    }
    done = programs.run("curator.cli", ["audit", *words], environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def ask(mirror: MirrorProcess, path: str, document: Any = None, method: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {mirror.admin_token}", "Content-Type": "application/json"}
    body = json.dumps(document).encode() if document is not None else None
    with urlopen(Request(f"{mirror.url}{path}", body, headers, method=method)) as answer:
        return answer.read() if "/resolve/" in path else json.load(answer)


class Receiver:
    """A syslog server: takes messages with their length in front (RFC 6587)."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while True:
                length = b""
                while (one := stream.read(1)) not in {b" ", b""}:
                    length += one
                if not one:
                    return
                self.messages.append(stream.read(int(length)).decode())

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            with_shutdown(connection)

    def seqs(self) -> list[int]:
        rows = [message for message in self.messages if " seal [" not in message]
        return [int(message.split('seq="')[1].split('"')[0]) for message in rows]


def with_shutdown(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def syslog() -> Iterator[Receiver]:
    with receiver() as syslog:
        yield syslog


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record") / "data"


@pytest.fixture(scope="module")
def busy(hub: FixtureHub, folder: Path, syslog: Receiver) -> Iterator[MirrorProcess]:
    """A mirror that was asked for something, and tells the organisation's own collector of it."""
    with MirrorProcess(folder, hub.url, {"CURATOR_SYSLOG_URL": f"tcp://127.0.0.1:{syslog.port}"}) as mirror:
        judge(mirror.url, (f"models/{TINY}",))
        ask(mirror, f"/{TINY}/resolve/main/config.json")
        yield mirror


def test_a_download_is_on_the_record_with_its_token_size_and_address(busy: MirrorProcess) -> None:
    size = len(ask(busy, f"/{TINY}/resolve/main/config.json"))
    row = ask(busy, f"{API}/record?action=download&limit=1")["rows"][0]
    assert (row["actor"], row["size"], row["address"]) == ("admin", size, "127.0.0.1")
    assert row["token"]
    assert row["told"].startswith(f"admin was given config.json of {TINY}@")
    assert ask(busy, f"{API}/record/rows/{row['id']}")["row"] == row


def test_whoever_changes_what_is_allowed_is_on_the_record_with_his_address(busy: MirrorProcess) -> None:
    ask(busy, f"{API}/lists", {"effect": "block", "targets": ["evil/*"], "reason": "a test"})
    row = ask(busy, f"{API}/record?action=list")["rows"][0]
    assert (row["actor"], row["address"]) == ("admin", "127.0.0.1")
    assert row["user_agent"].startswith("Python-urllib")
    assert row["token"]


def test_the_settings_of_the_first_start_are_on_the_record_without_any_secret(hub: FixtureHub, tmp_path: Path) -> None:
    data, secret = tmp_path / "data", "hf_" + "s" * 40
    with MirrorProcess(data, hub.url, {"CURATOR_UPSTREAM_TOKEN": secret}) as mirror:
        first = ask(mirror, f"{API}/record?action=settings")["rows"]
    assert len(first) == 1
    assert "upstream_token is set" in first[0]["sentence"]
    again = {"CURATOR_UPSTREAM_TOKEN": f"{secret}t", "CURATOR_WAIVER_MAX_DAYS": "7"}
    with MirrorProcess(data, hub.url, again):
        told = curator_list(data)
    assert "upstream_token changed" in told
    assert "waiver_max_days is '7' instead of '365'" in told
    assert secret not in told


def curator_list(data: Path) -> str:
    """Of the database itself, since the token was shown at the first start alone."""
    import sqlite3

    with sqlite3.connect(data / "curator.db") as database:
        return "\n".join(str(row) for row in database.execute("SELECT * FROM audit ORDER BY seq"))


def test_the_command_verifies_the_database_and_an_export_of_it(
    busy: MirrorProcess, folder: Path, tmp_path: Path
) -> None:
    seal = tmp_path / "seal.json"
    seal.write_text(curator(busy, folder, "seal"))
    assert "The record is whole" in curator(busy, folder, "verify", "--seal", str(seal))
    file = tmp_path / "record.jsonl"
    assert "verify it with" in curator(busy, folder, "export", "--output", str(file))
    key = json.loads(seal.read_text())["key"]
    assert "The record is whole" in curator(busy, folder, "verify", str(file), "--key", key)
    lines = file.read_text().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_text("".join(lines[:-1]))
    assert "was cut off" in curator(busy, folder, "verify", str(tmp_path / "cut.jsonl"), code=1)
    altered = [line.replace('"admin"', '"mallory"') for line in lines]
    (tmp_path / "altered.jsonl").write_text("".join(altered))
    assert "is not as it was written" in curator(busy, folder, "verify", str(tmp_path / "altered.jsonl"), code=1)
    assert "is not yours" in curator(busy, folder, "verify", str(file), "--key", "00" * 32, code=1)


def test_part_of_the_record_is_exported_and_verified(busy: MirrorProcess, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "part.jsonl"
    curator(busy, folder, "export", "--repo", "acme-research/*", "--action", "download", "--output", str(file))
    rows = [json.loads(line) for line in file.read_text().splitlines()][1:-1]
    assert {row["action"] for row in rows} == {"download"}
    assert "The record is whole" in curator(busy, folder, "verify", str(file))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--action", "dance"), "is no action of the record"),
        (("list", "--since", "yesterday"), "is no moment"),
        (("list", "--repo", "a*b"), "or by ORG/* for all of a publisher"),
        (("show", "nothing"), "The record has no row 'nothing'"),
        (("verify", "no-such-file"), "cannot be read"),
        (("verify", "pyproject.toml"), "is no line of an export"),
        (("verify", "--key", "abc"), "is no public key"),
        (("verify", "--seal", "pyproject.toml"), "has no seal"),
        (("release", "x", "--reason", "y"), "There is no legal hold 'x'"),
    ],
)
def test_what_has_no_meaning_is_told_in_a_sentence(
    busy: MirrorProcess, folder: Path, words: tuple[str, ...], said: str
) -> None:
    told = curator(busy, folder, *words, code=2)
    assert said in told
    assert "Traceback" not in told


def test_legal_holds_are_placed_listed_and_released_by_command(busy: MirrorProcess, folder: Path) -> None:
    made = curator(busy, folder, "hold", "--repo", "acme/*", "--reason", "case 17")
    assert "is on repo acme/*" in made
    hold = json.loads(curator(busy, folder, "holds", "--format", "json"))[0]
    assert (hold["reason"], hold["stands"]) == ("case 17", True)
    assert "is ended" in curator(busy, folder, "release", hold["id"], "--reason", "closed")
    assert "closed" in curator(busy, folder, "holds")
    assert "Public key: " in curator(busy, folder, "state")


def test_who_uses_a_commit_is_told(busy: MirrorProcess) -> None:
    for _ in range(300):
        found = ask(busy, f"{API}/uses?repo={TINY}")["uses"]
        if found:
            break
        time.sleep(0.2)
    assert found[0]["actor"] == "admin"
    assert found[0]["files"] >= 1


def test_each_row_comes_to_syslog_in_order(busy: MirrorProcess, syslog: Receiver) -> None:
    ask(busy, f"/{TINY}/resolve/main/config.json")
    for _ in range(1_200):
        if any(" download " in message for message in syslog.messages):
            break
        time.sleep(0.05)
    seqs = syslog.seqs()
    assert seqs == list(range(1, len(seqs) + 1))
    message = next(message for message in syslog.messages if " download " in message)
    assert message.startswith("<110>1 20")
    assert json.loads(message.split("] ", 1)[1])["repo"] == TINY
