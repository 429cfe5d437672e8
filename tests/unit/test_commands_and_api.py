"""What an operation of the API does, a command does, too: each is run here, and what it asks for is written down."""

from __future__ import annotations

import functools
import io
import itertools
import json
import re
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from typer.main import get_command

from curator.api.routes import api_routes
from curator.cli.all_commands import cli
from curator.web.openapi import api_document

ID = "019d0000000000000000000000000000"
SHA = "0" * 40
DIGEST = "a" * 64
REPO = "acme-research/tiny-bert"
TOKEN = "hf_cur" + "A" * 40

ASKS: dict[str, list[str]] = {
    "explain_repository": ["rules", "explain", REPO],
    "get_decision": ["rules", "explain", "--decision", ID],
    "check_repositories": ["check", REPO],
    "get_facts": ["rules", "test", "facts.yaml"],
    "get_rules": ["rules", "status"],
    "list_rules": ["rules", "list"],
    "publish_rules": ["rules", "publish", "starter", "--reason", "why"],
    "list_rule_changes": ["rules", "history"],
    "get_rules_text": ["rules", "show", "3f2a9c01"],
    "roll_rules_back": ["rules", "rollback", "3f2a9c01", "--reason", "why"],
    "replay_rules": ["rules", "replay", "starter"],
    "check_rules": ["rules", "draft", "check", "starter"],
    "run_rule_tests": ["rules", "draft", "test", "starter"],
    "preview_rules": ["rules", "draft", "preview", "starter"],
    "edit_dry_run": ["rules", "draft", "dry-run", "unsafe-file"],
    "get_draft": ["rules", "draft", "show"],
    "save_draft": ["rules", "draft", "save", "starter"],
    "discard_draft": ["rules", "draft", "discard"],
    "list_trials": ["rules", "trial", "list"],
    "try_rules": ["rules", "trial", "begin", "starter"],
    "get_trial": ["rules", "trial", "show", ID],
    "cancel_trial": ["rules", "trial", "cancel", ID],
    "list_waivers": ["waivers"],
    "give_waiver": ["waive", REPO, "--reason", "why"],
    "get_waiver": ["waivers", "show", ID],
    "end_waiver": ["waivers", "end", ID],
    "list_entries": ["lists"],
    "add_entries": ["approve", REPO, "--reason", "why"],
    "get_entry": ["lists", "show", ID],
    "end_entry": ["lists", "end", ID],
    "sign_in_pipeline": ["ci-login"],
    "list_users": ["user", "list", "--server", "HERE"],
    "create_user": ["user", "create", "alice", "--server", "HERE"],
    "get_user": ["user", "show", "alice", "--server", "HERE"],
    "change_user": ["user", "change", "alice", "--role", "security", "--server", "HERE"],
    "disable_user": ["user", "disable", "alice", "--server", "HERE"],
    "enable_user": ["user", "enable", "alice", "--server", "HERE"],
    "invite_user": ["user", "invite", "alice", "--server", "HERE"],
    "link_user": ["user", "link", "alice", "--server", "HERE"],
    "unlink_user": ["user", "unlink", "alice", "--server", "HERE"],
    "say_same_person": ["user", "same", "alice", "alice2", "--server", "HERE"],
    "say_apart": ["user", "apart", "alice", "--server", "HERE"],
    "list_teams": ["team", "list", "--server", "HERE"],
    "create_team": ["team", "create", "search", "--server", "HERE"],
    "get_team": ["team", "show", "search", "--server", "HERE"],
    "end_team": ["team", "end", "search", "--server", "HERE"],
    "add_member": ["team", "add", "search", "alice", "--server", "HERE"],
    "remove_member": ["team", "remove", "search", "alice", "--server", "HERE"],
    "list_projects": ["project", "list", "--server", "HERE"],
    "create_project": ["project", "create", "shop", "--team", "search", "--server", "HERE"],
    "end_project": ["project", "end", "shop", "--team", "search", "--server", "HERE"],
    "list_tokens": ["token", "list", "--server", "HERE"],
    "create_token": ["token", "create", "laptop", "--server", "HERE"],
    "revoke_token": ["token", "revoke", "laptop", "--server", "HERE"],
    "rotate_token": ["token", "rotate", "laptop", "--server", "HERE"],
    "list_sessions": ["session", "list"],
    "end_session": ["session", "end", ID],
    "list_record": ["audit", "list"],
    "get_record_row": ["audit", "show", ID],
    "get_record_state": ["audit", "state"],
    "export_record": ["audit", "export"],
    "verify_record": ["audit", "verify", "--server", "HERE"],
    "seal_record": ["audit", "seal"],
    "list_holds": ["audit", "holds"],
    "place_hold": ["audit", "hold", "--reason", "why"],
    "end_hold": ["audit", "release", ID, "--reason", "why"],
    "list_uses": ["uses", REPO],
    "list_asked": ["uses", f"{REPO}@{SHA}", "--refused"],
    "show_state": ["status"],
    "show_traffic": ["traffic"],
    "list_changes": ["changes"],
    "show_settings": ["config", "show", "--running"],
    "show_live": ["live"],
    "get_account": ["account", "show"],
    "change_account": ["account", "change", "--name", "Alice"],
    "list_own_tokens": ["account", "tokens"],
    "create_own_token": ["account", "create-token", "laptop"],
    "revoke_own_token": ["account", "revoke-token", "laptop"],
    "rotate_own_token": ["account", "rotate-token", "laptop"],
    "ask_exception": ["request", "ask", REPO, "--reason", "why"],
    "list_requests": ["request", "list"],
    "get_request": ["request", "ask", "--status", ID],
    "withdraw_request": ["request", "withdraw", ID],
    "reply_to_reviewer": ["request", "reply", ID, "for the till"],
    "list_queue": ["review", "list"],
    "group_queue": ["review", "groups"],
    "get_queue_item": ["review", "show", ID],
    "answer_queue": ["review", "approve", ID, "--reason", "why"],
    "list_proposals": ["review", "second"],
    "second_proposal": ["review", "second", ID],
    "list_notices": ["notices", "list"],
    "read_notices": ["notices", "read", "--all"],
    "get_notice_choices": ["notices", "choices"],
    "choose_notices": ["notices", "choose", "held=now"],
    "test_mail": ["notices", "test"],
    "get_mailbox": ["notify", "mailbox", "risk"],
    "set_mailbox": ["notify", "mailbox", "risk", "risk@bank.example"],
    "end_mailbox": ["notify", "mailbox", "risk", "--end"],
    "test_mailbox": ["notify", "mailbox", "risk", "--test"],
    "list_webhooks": ["notify", "list"],
    "create_webhook": ["notify", "add", "chat", "https://hooks.bank.example"],
    "get_webhook": ["notify", "show", "chat"],
    "change_webhook": ["notify", "change", "chat", "--type", "model.held"],
    "end_webhook": ["notify", "end", "chat"],
    "enable_webhook": ["notify", "enable", "chat"],
    "rotate_webhook_secret": ["notify", "secret", "chat"],
    "test_webhook": ["notify", "test", "chat"],
    "replay_webhook": ["notify", "replay", "--webhook", "chat", "--since", "2026-11-25"],
    "list_deliveries": ["notify", "list", "--deliveries"],
    "replay_delivery": ["notify", "replay", ID],
    "list_incidents": ["incident", "list"],
    "preview_incident": ["incident", "open", REPO, "--preview"],
    "open_incident": ["incident", "open", REPO, "--reason", "why", "--yes"],
    "find_affected": ["incident", "affected", "--cache", "cache"],
    "get_incident": ["incident", "show", ID],
    "lift_incident": ["incident", "lift", ID, "--reason", "why"],
    "answer_incident": ["incident", "clean", ID],
    "take_evidence": ["evidence", "take", REPO],
    "list_catalog": ["catalog"],
    "count_catalog": ["catalog", "--counts"],
    "get_dossier": ["show", f"{REPO}@{SHA}"],
    "get_newest_dossier": ["show", REPO],
}
"""By operation: a command that asks for it."""
WITHOUT_A_MIRROR = {
    "list_collections": "collections",
    "compare_rules": "rules diff",
}
"""What a command does without asking a mirror: from what comes with the program, or from texts that other operations
give."""
WITHOUT_A_COMMAND = {
    "describe_api": "a document for programs, at a fixed address",
    "get_token": "`curator token list` says all that there is to say of each",
    "is_alive": "asked by what watches over processes; `curator status` says more",
    "end_provider_sessions": "the identity provider asks for it, and nobody else can",
    "is_ready": "asked by what watches over processes; `curator status` says more",
    "change_password": "a password is typed into the console alone; a forgotten one is set by `curator user invite`",
    "get_record_seal": "`curator audit state` says it, and `curator audit seal` makes a newer one",
    "list_incident_users": "`curator incident show` has the first of them, and the evidence pack has all",
    "list_incident_descendants": "`curator incident show` has the first of them, and the evidence pack has all",
    "list_incident_notices": "`curator incident show` says how far they are, and the evidence pack has all",
}
"""With the reason."""

IN_ONE_FORM = {
    "serve": "it goes on until it is ended",
    "serve-beside": "it is started by `serve` alone",
    "worker": "it goes on until it is ended",
    "login": "what it prints is for a shell",
    "rules schema": "it is JSON",
    "audit export": "it is lines of JSON",
    "evidence take": "it makes an archive",
}
"""Commands without `--format`, with the reason."""

FACTS_YAML = f"""
schema: curator.rules/1
name: facts
description: A test that names facts.
rules:
  - id: by-hand
    description: All by hand.
    when:
      file_verdict: [unsafe]
    outcome: hold
    message: "somebody is to look at it"
expect:
  - name: one
    repository: "{REPO}@{SHA}"
    outcome: hold
"""
WEBHOOK: dict[str, Any] = {
    "id": ID,
    "name": "chat",
    "url": "https://hooks.bank.example",
    "format": "json",
    "types": [],
    "repos": [],
    "team": "",
    "state": "working",
    "disabled_why": None,
}
OWN_TOKEN = {"id": ID, "name": "laptop", "state": "active"}
FIRST: dict[str, dict[str, Any]] = {
    "GET /rules/draft": {"source": "x", "edited_from": DIGEST},
    "GET /webhooks/chat": {"webhook": WEBHOOK},
    "GET /tokens": {"tokens": [OWN_TOKEN | {"owner": None}], "next": None},
    "GET /account/tokens": {"tokens": [OWN_TOKEN], "next": None},
    "GET /notices/choices": {
        "ways": {"held": "off"},
        "about": "all",
        "repos": [],
        "rhythm": "daily",
        "hour": 7,
        "utc_offset": 0,
        "chosen": False,
    },
    "GET /record/state": {"verified": None},
    "GET /incidents/preview": {"subject": {"said": REPO, "written": REPO, "kind": "model"}},
}
"""What a command must be told before it asks for what it is named for."""


@contextmanager
def mirror(answers: dict[str, dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """A server that writes down what it is asked for, and refuses what it has no answer for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            asked.append(f"{self.command} {path}")
            known = answers.get(f"{self.command} {path.removeprefix('/api/curator/v1')}")
            body = json.dumps(known or {"error": "Not today", "exit_code": 2}).encode()
            self.send_response(200 if known else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@functools.cache
def everything() -> Any:
    """All commands; to make them of their functions takes a tenth of a second."""
    return get_command(cli)


@functools.cache
def operations() -> dict[str, re.Pattern[str]]:
    """By id: what is asked for, method and address."""
    routes = [route for router in api_routes(MagicMock()) for route in router.routes]
    found: dict[str, re.Pattern[str]] = {}
    for path, item in api_document(routes, "")["paths"].items():
        pattern = re.sub(r"\\\{repo\\\}", ".+", re.escape(path))
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
        found |= {one["operationId"]: re.compile(f"{method.upper()} {pattern}") for method, one in item.items()}
    return found


def test_every_operation_has_a_command_or_a_reason_why_not() -> None:
    """Whoever adds one adds a command."""
    listed = [*ASKS, *WITHOUT_A_MIRROR, *WITHOUT_A_COMMAND]
    assert len(listed) == len(set(listed))
    assert set(listed) == operations().keys()


@pytest.mark.parametrize("operation", ASKS)
def test_the_command_asks_for_the_operation(operation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_text(FACTS_YAML)
    (tmp_path / "cache" / f"models--acme-research--tiny-bert/snapshots/{SHA}").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURATOR_TOKEN", TOKEN)
    monkeypatch.setenv("CURATOR_ID_TOKEN", "a.b.c")
    with mirror(FIRST) as (url, asked):
        monkeypatch.setenv("CURATOR_URL", url)
        monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
        # It may well not know what to make of so short an answer.
        with suppress(SystemExit, Exception):
            everything().main([url if word == "HERE" else word for word in ASKS[operation]], "curator")
    assert any(operations()[operation].fullmatch(one) for one in asked), asked


@pytest.mark.parametrize("named", sorted(set(WITHOUT_A_MIRROR.values())))
def test_there_is_such_a_command(named: str) -> None:
    command: Any = everything()
    for word in named.split():
        command = command.commands[word]


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its words."""
    for name, one in group.commands.items():
        words = f"{before} {name}".strip()
        if hasattr(one, "commands"):
            yield from commands(one, words)
        else:
            yield words, one


def test_every_command_can_be_read_by_a_program() -> None:
    without = {
        words
        for words, one in commands(everything())
        if not any("--format" in parameter.opts for parameter in one.params)
    }
    assert without == IN_ONE_FORM.keys()


def test_every_command_says_how_it_is_used() -> None:
    without = {words for words, one in commands(everything()) if not one.epilog and not one.hidden}
    assert not without


DOCS = Path(__file__).parent.parent.parent / "docs"
_BLOCK = re.compile(r"```(?:sh|bash|console|yaml|)\n(.*?)```", re.DOTALL)
_LINE = re.compile(r"^(?:\$ |[A-Z_]+=\S* |- run: |- )*(curator .*)", re.MULTILINE)
_OF_A_SHELL = re.compile(r"[|<>&;()]+")


def documented() -> list[str]:
    """Each command that a page shows in a block, without comments and what a shell does with it."""
    found = set()
    for page in (*DOCS.glob("*.md"), DOCS.parent / "README.md"):
        for block in _BLOCK.findall(page.read_text()):
            for line in _LINE.findall(block.replace("\\\n", " ")):
                lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
                lexer.whitespace_split = True
                found.add(shlex.join(itertools.takewhile(lambda word: not _OF_A_SHELL.fullmatch(word), lexer)))
    return sorted(found)


@pytest.mark.parametrize("line", documented())
def test_a_command_of_the_documentation_can_be_typed(line: str) -> None:
    """With these words, options and values; what it does then is tried elsewhere."""
    words = shlex.split(line)[1:]
    command: Any = everything()
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if hasattr(command, "commands") and words:
        # `curator request REPO` and `curator waivers --all` are not followed by the name of a command.
        command = command.commands.get("ask", command)
    command.make_context(line, words)
