"""What the console does, by the command line alone: rules from a draft to a rollback, notices, webhooks, accounts.

The commands run in this process: their start takes longer than what they do, and is tested elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from curator.cli.all_commands import cli
from curator.errors import CuratorError
from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.contract.repositories import judge

TINY = "acme-research/tiny-bert"
PICKLE = "mallory/shell-in-a-pickle"
DRAFT = """schema: curator.rules/1
name: no-tiny
description: For this test.
rules:
  - id: unsafe-file
    description: Unsafe files are refused.
    when:
      file_verdict: [unsafe]
    outcome: block
    message: "{file} is unsafe"
  - id: no-tiny
    description: Nothing that small.
    applies_to:
      repositories: [acme-research/tiny-bert]
    when:
      publisher_known: false
    outcome: block
    message: "too small for us"
expect:
  - name: an unsafe file is refused
    facts: {files: [{path: a.bin, verdict: unsafe}]}
    outcome: block
"""


@pytest.fixture(scope="module")
def house(hub: FixtureHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorProcess]:
    with MirrorProcess(
        tmp_path_factory.mktemp("line") / "data", hub.url, {"CURATOR_WEBHOOK_ALLOW": "127.0.0.1"}
    ) as mirror:
        judge(mirror.url, (f"models/{TINY}", f"models/{PICKLE}"))
        yield mirror


@pytest.fixture(scope="module")
def alice(house: MirrorProcess) -> str:
    """The token of a person with the role security."""
    ask(house, "team", "create", "search", "--data", str(house.data))
    made = ("--role", "security", "--team", "search", "--email", "alice@bank.example")
    ask(house, "user", "create", "alice", *made, "--data", str(house.data))
    own = ("--user", "alice", "--role", "security")
    return ask(house, "token", "create", "laptop", *own, "--data", str(house.data)).split()[0]


def ask(mirror: MirrorProcess, *words: str, token: str | None = None, code: int = 0, said: str = "") -> str:
    """What a command prints; it must end with `code`."""
    who = {"CURATOR_URL": mirror.url, "CURATOR_TOKEN": token or mirror.admin_token or ""}
    done = CliRunner(env=who).invoke(cli, words, input="")
    error = done.exception if isinstance(done.exception, CuratorError) else None
    told = done.output + (error.sentence if error else "")
    assert (error.exit_code if error else done.exit_code) == code, told
    assert said in told
    return done.stdout


def document(mirror: MirrorProcess, *words: str, token: str | None = None, code: int = 0) -> Any:
    return json.loads(ask(mirror, *words, "--format", "json", token=token, code=code))


def test_rules_go_from_a_draft_into_force_and_back(house: MirrorProcess, tmp_path: Path) -> None:
    file = tmp_path / "draft.yaml"
    file.write_text(DRAFT.replace("outcome: block\n    message", "outcome: blok\n    message", 1))
    ask(house, "rules", "draft", "save", str(file), said="It is your draft now, begun from")
    assert "blok" in ask(house, "rules", "draft", "show")
    ask(house, "rules", "draft", "check", code=1, said="9:14: error: 'blok' cannot stand here")
    file.write_text(DRAFT)
    ask(house, "rules", "draft", "check", str(file))
    ask(house, "rules", "draft", "save", str(file))
    ask(house, "rules", "draft", "test", said="an unsafe file is refused")
    ask(house, "rules", "draft", "dry-run", "no-tiny", said="no-tiny is only tried now")
    assert "dry_run: true" in ask(house, "rules", "draft", "show")
    ask(house, "rules", "draft", "dry-run", "no-tiny", "--off", said="no-tiny is enforced now")
    ask(house, "rules", "draft", "preview", said="It was not tried yet")
    ask(house, "rules", "trial", "begin", "--catalogue", "--wait", "60", said=TINY)
    trial = document(house, "rules", "trial", "list")["trials"][0]
    assert trial["state"] == "done"
    assert ask(house, "rules", "trial", "show", trial["id"]).startswith("Would have")
    ask(house, "rules", "trial", "cancel", trial["id"])
    ask(house, "rules", "draft", "preview", said="+  - id: no-tiny")
    before = document(house, "rules", "status")["in_force"]["digest"]
    ask(house, "rules", "draft", "publish", "--reason", "ticket 7", said=f"curator rules rollback {before[:12]}")
    ask(house, "rules", "draft", "show", code=2, said="You have no draft of rules here")
    ask(house, "rules", "list", said="block  no-tiny")
    ask(house, "check", TINY, "--wait", "60", code=1, said="too small for us")
    ask(house, "rules", "rollback", before[:12], "--reason", "too much")
    ask(house, "check", TINY, "--wait", "60")


def test_a_draft_from_standard_input_that_is_empty_is_none(house: MirrorProcess) -> None:
    ask(house, "rules", "draft", "save", "-", code=2, said="Nothing came on standard input")
    ask(house, "rules", "draft", "discard", code=2, said="You have no draft")


def test_all_that_is_known_of_a_commit_is_shown(house: MirrorProcess) -> None:
    shown = ask(house, "show", PICKLE)
    assert shown.startswith(f"{PICKLE}@")
    assert ": blocked" in shown.splitlines()[0]
    assert "unsafe-file (block)" in shown
    assert "pickle-executes-code" in shown
    commit = document(house, "show", PICKLE)["commit"]
    assert ask(house, "show", f"{PICKLE}@{commit}") == shown
    ask(house, "show", f"{PICKLE}@main-branch", code=2, said="is no commit: name one with 40 hex digits")
    ask(house, "show", "acme-research/never-asked-for", code=2)
    assert document(house, "catalog", "--counts")["total"] >= 2
    ask(house, "catalog", "--counts", said="repositories, counted")


def test_an_entry_of_a_list_is_shown(house: MirrorProcess) -> None:
    ask(house, "block", "evil-org/*", "--reason", "advisory 7")
    entry = document(house, "lists")[0]["id"]
    shown = ask(house, "lists", "show", entry)
    assert "evil-org/*" in shown
    assert "advisory 7" in shown
    ask(house, "lists", "end", entry)


def test_what_happens_is_said(house: MirrorProcess) -> None:
    ask(house, "changes")
    ask(house, "traffic", "--window", "day", said="In all:")
    ask(house, "live", said="workers")
    ask(house, "review", "groups")
    assert document(house, "review", "groups", "--by", "family").keys() == {"groups"}


def test_a_webhook_is_changed_and_its_secret_made_anew(house: MirrorProcess) -> None:
    ask(house, "notify", "add", "chat", "http://127.0.0.1:9999/curator", "--type", "model.blocked")
    ask(house, "notify", "change", "chat", code=2, said="Say what is to be otherwise")
    changed = document(house, "notify", "change", "chat", "--type", "model.held", "--repo", "acme/*")
    assert (changed["types"], changed["repos"]) == (["model.held"], ["acme/*"])
    assert changed["url"] == "http://127.0.0.1:9999/curator"
    ask(house, "notify", "change", "chat", "--type", "", said="everything about acme/*")
    assert ask(house, "notify", "secret", "chat").startswith("whsec_")
    ask(house, "notify", "enable", "chat")
    ask(house, "notify", "show", "chat", said="127.0.0.1:9999")
    ask(house, "notify", "end", "chat")
    ask(house, "notify", "show", "chat", code=2, said="chat")


def test_somebody_chooses_how_he_is_told(house: MirrorProcess, alice: str) -> None:
    ask(house, "notices", "choices", token=alice, said="this is what your role suggests")
    ask(
        house, "notices", "choose", "held=now", "--digest", "weekly", "--hour", "9", token=alice, said="weekly at 09:00"
    )
    chosen = document(house, "notices", "choices", token=alice)
    assert (chosen["ways"]["held"], chosen["ways"]["blocked"], chosen["hour"]) == ("now", "digest", 9)
    ask(house, "notices", "choose", "nothing=now", token=alice, code=2, said="nothing")
    ask(house, "notices", "choose", "held", token=alice, code=2, said="write it as held=now")
    ask(house, "notices", "list", token=alice)
    ask(house, "notices", "read", token=alice, code=2, said="--all")
    ask(house, "notices", "read", "--all", token=alice, said="read with this")
    ask(house, "notices", "list", code=2, said="belongs to nobody")


def test_somebody_keeps_his_own_tokens(house: MirrorProcess, alice: str) -> None:
    ask(house, "account", "show", token=alice, said="alice, as security, for search")
    ask(house, "account", "change", "--name", "Alice Amberg", token=alice, said="Alice Amberg")
    made = ask(house, "account", "create-token", "train", "--until", "2d", token=alice).strip()
    ask(house, "account", "show", token=made, said="alice, as developer")
    anew = ask(house, "account", "rotate-token", "train", "--grace", "1h", token=alice).strip()
    assert anew != made
    ask(house, "account", "tokens", token=alice, said="train")
    ask(house, "account", "revoke-token", "train", token=alice, code=2, said="You have 2 tokens named 'train'")
    for one in document(house, "account", "tokens", token=alice):
        if one["name"] == "train":
            ask(house, "account", "revoke-token", one["id"], token=alice)
    ask(house, "account", "show", token=anew, code=2)
    ask(house, "account", "revoke-token", "train", token=alice, code=2, said="You have no valid token named 'train'")
    ask(house, "team", "show", "search", "--data", str(house.data), said="alice")
