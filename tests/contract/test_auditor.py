"""The auditor's journey: sign in, look, export, verify, prove a pack; and somebody touches the file."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from curator.cli.all_commands import cli
from curator.errors import CuratorError
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.http import ask as http
from tests.contract.repositories import judge
from tests.contract.visitor import Visitor

REPO = "acme-research/tiny-bert"
PASSWORD = "seven lanterns over the quay"


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    """A mirror that was asked for something."""
    with MirrorProcess(tmp_path_factory.mktemp("auditor") / "data", hub.url) as mirror:
        judge(mirror.url, (f"models/{REPO}", "models/mallory/shell-in-a-pickle"))
        http(mirror.url, f"/{REPO}/resolve/main/config.json")
        yield mirror


@pytest.fixture(scope="module")
def auditor(house: MirrorProcess) -> str:
    """The token of a person with the role."""
    run("user", "create", "audrey", "--role", "auditor", "--data", str(house.data))
    return run("token", "create", "laptop", "--user", "audrey", "--role", "auditor", "--data", str(house.data)).split()[
        0
    ]


def run(*words: str, code: int = 0, **variables: str) -> str:
    """What a command says; it must end with `code`."""
    done = CliRunner(env=variables).invoke(cli, words)
    error = done.exception if isinstance(done.exception, CuratorError) else None
    told = done.output + (error.sentence if error else "")
    assert (error.exit_code if error else done.exit_code) == code, told
    return told


def asked(house: MirrorProcess, token: str, *words: str, code: int = 0) -> str:
    return run(*words, code=code, CURATOR_URL=house.url, CURATOR_TOKEN=token)


def test_an_auditor_signs_in_reads_and_touches_nothing(house: MirrorProcess, auditor: str) -> None:
    link = run("user", "invite", "audrey", "--data", str(house.data), CURATOR_PUBLIC_URL=house.url).split()[0]
    audrey = Visitor(house.url)
    audrey.go(link.removeprefix(house.url))
    audrey.send(password=PASSWORD, again=PASSWORD)
    assert audrey.reply.status == 200, audrey.text
    audrey.go("/-/activity")
    assert audrey.reply.status == 200
    assert "was refused" in audrey.text
    assert "mallory/shell-in-a-pickle" in audrey.text
    assert audrey.go(f"/-/activity?repo={REPO}").status == 200
    assert "mallory" not in audrey.text.partition("<main")[2]
    said = asked(house, auditor, "block", "evil/*", "--reason", "not mine to do", code=2)
    assert "auditor" in said


def test_a_range_is_exported_and_proved_far_from_the_mirror(
    house: MirrorProcess, auditor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "november.jsonl"
    assert "verify it with: curator audit verify" in asked(
        house, auditor, "audit", "export", "--since", "7d", "--output", str(file)
    )
    key = json.loads(asked(house, auditor, "audit", "seal"))["key"]
    assert f"Public key: {key}" in asked(house, auditor, "audit", "state")
    # Nothing of the mirror is there.
    monkeypatch.chdir(tmp_path)
    assert "The record is whole" in run("audit", "verify", str(file), "--key", key, CURATOR_URL="http://127.0.0.1:9")
    before = file.read_bytes()
    asked(house, "hf_cur" + "A" * 34, "audit", "export", "--output", str(file), code=2)
    assert file.read_bytes() == before, "an export that is refused leaves an older one alone"
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_the_mirror_verifies_its_record_for_whoever_is_far_from_its_database(
    house: MirrorProcess, auditor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "or have a running mirror verify it with --server" in run("audit", "verify", code=2)
    said = asked(house, auditor, "audit", "verify", "--server", house.url, "--wait", "120")
    assert said.startswith("The record is whole: ")
    assert f"verified by {house.url}" in said
    told = asked(house, auditor, "audit", "verify", "--server", house.url, "--wait", "120", "--format", "json")
    assert json.loads(told)["problems"] == 0
    assert "the mirror verifies by its own keys" in run("audit", "verify", "--server", house.url, "--key", "00", code=2)
    assert "The record is whole" in run("audit", "verify", "--data", str(house.data))


def test_a_pack_is_proved_offline_by_the_key_that_was_noted(house: MirrorProcess, auditor: str, tmp_path: Path) -> None:
    pack = tmp_path / "case-17.tar"
    asked(house, auditor, "evidence", "take", REPO, "--output", str(pack))
    key = json.loads(asked(house, auditor, "audit", "seal"))["key"]
    assert REPO in run("evidence", "verify", str(pack), "--key", key, CURATOR_URL="http://127.0.0.1:9")
    run("evidence", "verify", str(pack), "--key", "00" * 32, code=1)
    whole = bytearray(pack.read_bytes())
    at = whole.index(b"tiny-bert", 2_000)
    whole[at : at + 4] = b"evil"
    pack.write_bytes(whole)
    run("evidence", "verify", str(pack), "--key", key, code=1)


def touched(house: MirrorProcess, folder: Path, *statements: str) -> str:
    """What is said of a copy of the record, after somebody with the file has done this to it."""
    folder.mkdir()
    shutil.copy(house.data / "secret.key", folder)
    with sqlite3.connect(house.data / "curator.db") as original, sqlite3.connect(folder / "curator.db") as copy:
        original.backup(copy)
        for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            copy.execute(statement)
        copy.commit()
    return run("audit", "verify", "--data", str(folder), code=1 if statements else 0)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (("UPDATE audit SET actor = 'nobody' WHERE seq = 3",), "  Row 3 ("),
        (("UPDATE audit SET outcome = outcome || ' ' WHERE seq = 4",), "  Row 4 ("),
        (("DELETE FROM audit WHERE seq = 3",), "  Row 3 is missing"),
        (("DELETE FROM audit WHERE seq >= (SELECT max(seq) FROM audit)",), "cut off"),
        (
            (
                "UPDATE audit SET seq = -3 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 6",
                "UPDATE audit SET seq = 6 WHERE seq = -3",
            ),
            "was written as row 3: rows changed places",
        ),
    ],
    ids=["altered", "by one letter", "missing", "cut off", "reordered"],
)
def test_whoever_touches_the_file_is_told_by_the_row(
    house: MirrorProcess, tmp_path: Path, statements: tuple[str, ...], said: str
) -> None:
    told = touched(house, tmp_path / "copy", *statements)
    assert "The record is NOT as it was written" in told
    assert said in told


def test_a_command_with_another_secret_says_so_and_raises_no_alarm(
    house: MirrorProcess, auditor: str, tmp_path: Path
) -> None:
    """Somebody verifies beside a server, and not with its CURATOR_SECRET_KEY."""
    key = json.loads(asked(house, auditor, "audit", "seal"))["key"]
    copy = tmp_path / "copy"
    touched(house, copy)
    (copy / "secret.key").rename(copy / "old.key")
    assert f"The key {copy}/secret.key is missing" in run("audit", "verify", "--data", str(copy), code=2)
    other = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    told = run("audit", "verify", "--data", str(copy), code=2, CURATOR_SECRET_KEY=other)
    assert "one CURATOR_SECRET_KEY" in told
    assert "The record is whole" in run("audit", "verify", "--data", str(copy), "--key", key)
    # It is changed on purpose, and the record goes on with what was sealed before.
    run("key", "change", "--from", str(copy / "old.key"), "--data", str(copy), CURATOR_SECRET_KEY=other)
    assert "The record is whole" in run("audit", "verify", "--data", str(copy), CURATOR_SECRET_KEY=other)
    assert "The record is whole" in run("audit", "verify", "--data", str(copy), "--key", key)
    assert "is none" in run("key", "show", "--data", str(copy), code=1)
