"""What works on a mirror's own database works on that one, and makes none where somebody happens to stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from curator.cli.all_commands import cli
from curator.errors import BadInput

COMMANDS = (
    ["user", "create", "alice"],
    ["user", "invite", "alice"],
    ["team", "create", "search"],
    ["project", "list"],
    ["token", "create", "laptop"],
    ["token", "revoke", "laptop"],
    ["pin", "--list"],
    ["upstream-token", "add", "meta-llama/*"],
    ["audit", "verify"],
    ["audit", "rebuild"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_in_the_wrong_folder_makes_nothing_and_names_the_one_it_looked_in(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty record would be whole, and a token of an empty database would open nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CURATOR_DATA", raising=False)
    done = CliRunner().invoke(cli, command, input="hf_token\n")
    assert isinstance(done.exception, BadInput)
    said = done.exception.sentence
    assert said.startswith(f"{tmp_path}/data/curator.db: no mirror has its database here")
    assert "--data or CURATOR_DATA" in said
    assert not list(tmp_path.iterdir())


def test_a_mirror_elsewhere_is_named_by_its_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["user", "list", "--data", "of-the-mirror"])
    assert isinstance(done.exception, BadInput)
    assert f"{tmp_path}/of-the-mirror/curator.db" in done.exception.sentence


def test_so_is_a_database_that_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATOR_DATABASE_URL", f"sqlite:///{tmp_path}/typo.db")
    done = CliRunner().invoke(cli, ["user", "list"])
    assert isinstance(done.exception, BadInput)
    assert f"{tmp_path}/typo.db: no mirror has its database here" in done.exception.sentence
    assert not list(tmp_path.iterdir())


def test_whoever_has_no_database_is_told_how_the_record_is_verified_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["audit", "verify"])
    assert isinstance(done.exception, BadInput)
    assert done.exception.sentence.endswith("or have a running mirror verify it with --server")
