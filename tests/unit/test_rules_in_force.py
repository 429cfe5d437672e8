"""Which rules are in force is one row; what a server's file says is published when it changes, and never twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.audit.record import newest
from curator.database import generation as generations
from curator.database.engine import Database
from curator.database.generation import Generation
from curator.errors import BadInput
from curator.hub.hot import HotAnswers
from curator.policy import rule_sets, sources
from curator.policy.in_force import NothingInForce, RulesInForce
from curator.policy.sources import RuleSource, SourceProblem, _who_and_why
from curator.policy.watch import RuleWatch, begin, standing
from curator.settings import Settings
from rules.circumstances import EVERYBODY, Audience, Circumstances
from rules.model import parse_policy
from tests.unit.test_rejudge import policy_of

BROKEN = "schema: curator.rules/1\nname: broken\nrules: [{id: x}]\n"


def publish(database: Database, policy: Any, origin: str = rule_sets.COMMAND) -> None:
    with database.write() as session:
        rule_sets.publish(session, policy, author="ann", reason="a test", origin=origin)


def names(database: Database) -> list[str]:
    """What was in force, the first first."""
    with database.read() as session:
        return [change.name for change in rule_sets.history(session)][::-1]


class Server:
    """One server with a file of its own, in a fleet that shares a database."""

    def __init__(self, folder: Path, database: Database) -> None:
        folder.mkdir()
        self.file = folder / "rules.yaml"
        self.database = database
        self.settings = Settings(rules=self.file, data=folder)
        self.watch: RuleWatch | None = None

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def start(self) -> None:
        begin(self.settings, self.database)
        self.watch = RuleWatch(self.settings, self.database)

    def looks(self) -> None:
        assert self.watch is not None
        for _ in range(3):
            self.watch.look()

    @property
    def problem(self) -> str | None:
        with self.database.read() as session:
            return standing(session, self.settings, self.database).problem


def test_a_server_whose_file_has_not_changed_does_not_take_back_what_another_published(
    tmp_path: Path, database: Database
) -> None:
    one, other = Server(tmp_path / "one", database), Server(tmp_path / "other", database)
    old, new = policy_of("old").source, policy_of("new").source
    for server in (one, other):
        server.write(old)
        server.start()
        server.looks()
    one.write(new)
    for server in (one, other, one, other):
        server.looks()
    assert names(database) == ["old", "new"]
    other.start()
    other.looks()
    assert names(database) == ["old", "new"], "nor when it is started again"
    late = Server(tmp_path / "late", database)
    late.write(old)
    late.start()
    late.looks()
    assert names(database) == ["old", "new"], "nor when it comes for the first time with an old file"
    other.write(new)
    other.looks()
    assert names(database) == ["old", "new"]
    other.write(old)
    other.looks()
    assert names(database) == ["old", "new", "old"], "who changes a file means it"


def test_a_file_that_was_changed_while_the_server_was_away_is_in_force_when_it_is_back(
    tmp_path: Path, database: Database
) -> None:
    server = Server(tmp_path / "one", database)
    for name in ("old", "new", "old"):
        server.write(policy_of(name).source)
        server.start()
    assert names(database) == ["old", "new", "old"]


def test_a_file_that_is_half_written_is_not_believed(tmp_path: Path, database: Database) -> None:
    server = Server(tmp_path / "one", database)
    whole = policy_of("whole").source
    server.write(policy_of("first").source)
    server.start()
    server.looks()
    assert server.watch is not None
    for end in (60, 120, 200):
        server.write(whole[:end])
        server.watch.look()
    server.write(whole)
    server.looks()
    assert names(database) == ["first", "whole"]
    assert server.problem is None


def test_a_rollback_holds_until_the_file_changes(tmp_path: Path, database: Database) -> None:
    server = Server(tmp_path / "one", database)
    for name in ("first", "second"):
        server.write(policy_of(name).source)
        server.start()
    server.looks()
    with database.write() as session:
        rule_sets.roll_back(session, policy_of("first").digest[:12], author="ann", reason="an emergency")
    server.looks()
    server.file.unlink()
    server.looks()
    assert "cannot be read" in (server.problem or "")
    server.write(policy_of("second").source)
    server.looks()
    assert names(database) == ["first", "second", "first"], "a file that was away for a moment is no news"
    assert server.problem is None
    with database.read() as session:
        assert "has other rules" in (standing(session, server.settings, database).note or "")
    server.write(policy_of("third").source)
    server.looks()
    assert names(database)[-1] == "third"


def test_wrong_rules_are_told_with_their_places_and_change_nothing(tmp_path: Path, database: Database) -> None:
    server = Server(tmp_path / "one", database)
    server.write(BROKEN)
    server.start()
    with database.read() as session:
        state = standing(session, server.settings, database)
    assert not state.allowed
    assert f"{server.file}:3:9" in (state.problem or "")
    server.write(policy_of("right").source)
    server.looks()
    assert server.problem is None
    server.write(BROKEN)
    server.looks()
    with database.read() as session:
        state = standing(session, server.settings, database)
    assert state.allowed
    assert f"{server.file}:3:9" in (state.problem or "")
    assert names(database) == ["right"]


def test_a_few_lines_that_are_billions_of_values_take_no_server_down(tmp_path: Path, database: Database) -> None:
    server = Server(tmp_path / "one", database)
    lines = ["schema: curator.rules/1", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]" for at in range(1, 12)]
    server.write("\n".join(lines))
    server.start()
    assert "too many values" in (server.problem or "")


def test_a_file_that_is_much_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes(b"#" * (1 << 21))
    with pytest.raises(SourceProblem, match="at most"):
        RuleSource(tmp_path, "rules.yaml").read()
    (tmp_path / "rules.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SourceProblem, match="not text in UTF-8"):
        RuleSource(tmp_path, "rules.yaml").read()


def test_the_settings_of_a_git_folder_run_nothing(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=b")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-b", "main")
    (tmp_path / "rules.yaml").write_text(policy_of("first").source)
    git("add", ".")
    git("commit", "-m", "First")
    ran = tmp_path / "ran"
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "diff.x.textconv", "alias.cat-file"):
        git("config", name, f"touch {ran}; false")
    git("config", "log.showSignature", "true")
    ran.unlink(missing_ok=True)
    draft = RuleSource(tmp_path, "rules.yaml").read()
    assert (draft.author, draft.reason) == ("a <b>", "First")
    assert not ran.exists()
    with pytest.raises(SourceProblem, match="git says"):
        RuleSource(tmp_path, "other.yaml").read()


def git_in(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=b")
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """A git folder with rules."""
    git_in(tmp_path, "init", "-b", "main")
    (tmp_path / "rules.yaml").write_text(policy_of("first").source)
    git_in(tmp_path, "add", ".")
    git_in(tmp_path, "commit", "-m", "First")
    return tmp_path


def test_an_object_that_is_missing_is_fetched_by_no_program_that_the_folder_names(
    committed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = git_in(committed, "rev-parse", "HEAD:rules.yaml").strip()
    (committed / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    ran = committed / "ran"
    for name, value in [
        ("extensions.partialClone", "origin"),
        ("core.repositoryformatversion", "1"),
        ("remote.origin.url", str(committed)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", f"touch {ran}; git-upload-pack"),
    ]:
        git_in(committed, "config", name, value)
    # As if git were one of those that do not know this variable.
    monkeypatch.setitem(sources._ALONE, "GIT_NO_LAZY_FETCH", "0")
    with pytest.raises(SourceProblem, match="git says"):
        RuleSource(committed, "rules.yaml").read()
    assert not ran.exists()


def test_a_file_in_git_that_is_much_too_large_is_not_even_read(committed: Path) -> None:
    (committed / "rules.yaml").write_bytes(b"#" * (1 << 21))
    git_in(committed, "commit", "-am", "Large")
    with pytest.raises(SourceProblem, match="at most"):
        RuleSource(committed, "rules.yaml").read()


def test_what_stands_at_a_commit_is_what_was_committed_and_not_what_replaces_it(committed: Path) -> None:
    (committed / "other").write_text("schema: other\n")
    other = git_in(committed, "hash-object", "-w", "other").strip()
    git_in(committed, "replace", git_in(committed, "rev-parse", "HEAD:rules.yaml").strip(), other)
    assert RuleSource(committed, "rules.yaml").read().text == policy_of("first").source


def test_a_detached_head_and_a_lock_that_somebody_left_are_no_trouble(committed: Path) -> None:
    git_in(committed, "checkout", "--detach")
    (committed / ".git" / "index.lock").touch()
    (committed / ".git" / "HEAD.lock").touch()
    assert RuleSource(committed, "rules.yaml").read().reason == "First"


def test_a_path_that_leads_out_of_the_folder_is_told(tmp_path: Path) -> None:
    folder, outside = tmp_path / "rules", tmp_path / "outside.yaml"
    folder.mkdir()
    outside.write_text("root:x:0:0")
    (folder / "link.yaml").symlink_to(outside)
    for inside in ("../outside.yaml", "link.yaml", str(outside)):
        with pytest.raises(SourceProblem, match="leads out of the folder"):
            RuleSource(folder, inside).read()


def test_a_link_within_the_folder_is_followed_as_kubernetes_makes_them(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "rules.yaml").write_text("schema: x")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "rules.yaml").symlink_to("..data/rules.yaml")
    assert RuleSource(tmp_path, "rules.yaml").read().text == "schema: x"


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_a_device_in_the_place_of_rules_keeps_no_server_waiting(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "rules.yaml" if kind == "pipe" else Path("/dev/zero")
    if kind == "pipe":
        os.mkfifo(place)
    with pytest.raises(SourceProblem, match="regular file"):
        RuleSource(place, "rules.yaml").read()


@given(st.text())
def test_whatever_a_commit_says_somebody_and_something_is_named(text: str) -> None:
    author, subject = _who_and_why(text)
    assert author
    assert subject


def test_a_change_is_seen_by_every_process_and_by_none_before_it_is_there(database: Database) -> None:
    processes = [RulesInForce(database, Generation(database), lambda _: Circumstances()) for _ in range(3)]
    with pytest.raises(NothingInForce, match="nothing is allowed"):
        processes[0].now()
    for name in ("first", "second"):
        publish(database, policy_of(name))
        assert {process.now().policy.name for process in processes} == {name}
        assert {asyncio.run(process.get()).policy.name for process in processes} == {name}

    def undone() -> None:
        with database.write() as session:
            rule_sets.publish(session, policy_of("third"), author="ann", reason="x", origin=rule_sets.COMMAND)
            assert processes[0].now().policy.name == "second"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert processes[0].now().policy.name == "second"


def test_who_is_named_by_no_rule_shares_the_decision_of_everybody(database: Database) -> None:
    publish(database, policy_of("first"))
    process = RulesInForce(database, Generation(database), lambda _: Circumstances())
    assert process.now().audience(Audience("red", "p")) == EVERYBODY
    publish(database, policy_of("second", teams="red*"))
    rules = process.now()
    assert rules.audience(Audience("red-1", "p")) == Audience("red-1")
    assert rules.audience(Audience("blue", "p")) == EVERYBODY


def test_what_was_answered_to_one_team_is_not_kept_under_rules_that_name_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, policy_of("first", teams="red"))
    generation = Generation(database)
    hot, rules = (
        HotAnswers(generation, cast("Any", None)),
        RulesInForce(database, generation, lambda _: Circumstances()),
    )
    made_in = hot.now()
    assert rules.now().audience(Audience("red")) == Audience("red")
    # On another machine other rules come into force, of which nobody here has been told yet.
    monkeypatch.setattr(generations, "_write", lambda *_: None)
    monkeypatch.setattr(generations, "_own", Counter(generations._own))
    told, generations._own = generations._own, Counter(generations._own)
    publish(database, policy_of("second"))
    generations._own = told
    assert hot.now() == made_in
    # Somebody here sees them all the same.
    seen = RulesInForce(database, generation, lambda _: Circumstances()).now()
    assert (seen.policy.name, seen.audience(Audience("red"))) == ("second", EVERYBODY)
    assert hot.now() != made_in, "what was made for the team cannot be taken for everybody's"
    assert rules.now().policy.name == "second"
    assert rules.now() is rules.now(), "they are not looked up again for each request"


def test_a_look_that_began_before_what_somebody_saw_takes_nothing_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, policy_of("first"))
    monkeypatch.setattr(generations, "_write", lambda *_: None)
    monkeypatch.setattr(generations, "_own", Counter(generations._own))
    generation = Generation(database)
    told, generations._own = generations._own, Counter(generations._own)
    before, really = generation.current(), Generation._read

    def read(self: Generation) -> int:
        row = really(self)
        if self is generation and self.current() == before:
            publish(database, policy_of("second"))
            generations._own = told
            RulesInForce(database, self, lambda _: Circumstances()).now()
        return row

    monkeypatch.setattr(Generation, "_read", read)
    generation.look()
    assert generation.current() != before, "what was kept under the first rules would hold again"
    seen = generation.current()
    generation.look()
    assert generation.current() == seen


def test_of_a_database_that_is_away_no_two_looks_are_taken_for_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, policy_of("first"))
    monkeypatch.setattr(generations, "_LOOK_EVERY_S", 0.01)
    generation = Generation(database)
    states = [generation.current()]
    tries = iter(range(100))

    def read(_: Generation) -> int:
        if next(tries) % 2:
            return states[0][0]
        raise OSError("it is away")

    monkeypatch.setattr(Generation, "_read", read)

    async def run() -> None:
        looking = asyncio.create_task(generation._look())
        while len(states) < 6:
            await asyncio.sleep(0)
            if generation.current() != states[-1]:
                states.append(generation.current())
        looking.cancel()

    asyncio.run(run())
    away = [row for row, _ in states if row < 0]
    assert len(set(away)) == len(away) > 1


def test_words_that_come_late_and_in_any_order_are_never_taken_for_no_change(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.engine.dialect.name != "sqlite":
        pytest.skip("only a database in a file has a word beside it")
    late: list[tuple[Path, int]] = []
    write = generations._write
    monkeypatch.setattr(generations, "_write", lambda page, value: late.append((page, value)))
    generation = Generation(database)
    for name in ("first", "second", "third", "fourth"):
        publish(database, policy_of(name))
    seen = [generation.current()]
    for number in (1, 2, 0, 3):
        write(*late[number])
        seen.append(generation.current())
    assert len(set(seen)) == 5, seen


def test_a_machine_whose_clock_is_behind_can_publish(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(database, policy_of("first"))
    monkeypatch.setattr(rule_sets, "new_id", lambda: "0" * 32)
    for name in ("second", "third"):
        publish(database, policy_of(name))
        assert names(database)[-1] == name


def test_each_change_is_on_the_record_with_who_why_and_what_differs(database: Database) -> None:
    publish(database, policy_of("first"))
    publish(database, policy_of("second", "bad/*", below=7))
    row = newest(database, 1)[0]
    assert (row.action, row.actor, row.rules) == ("rules", "ann", policy_of("second", "bad/*", below=7).digest)
    assert "because: a test" in (row.sentence or "")
    assert policy_of("first").digest[:12] in (row.sentence or "")
    assert "changes not-these (applies_to, when)" in (row.sentence or "")


def test_what_differs_is_said_by_rule_and_by_line(database: Database) -> None:
    one = policy_of("one")
    other = parse_policy(one.source.replace("not-these", "not-those"), "other")
    for policy in (one, other):
        publish(database, policy)
    with database.read() as session:
        differs = rule_sets.difference(session, one.digest[:8], other.digest)
    assert (differs.added, differs.removed, dict(differs.changed)) == (("not-those",), ("not-these",), {})
    assert "-  - id: not-these\n+  - id: not-those" in differs.text


def test_only_what_was_in_force_is_rolled_back_to(database: Database) -> None:
    publish(database, policy_of("first"))
    with database.write() as session:
        rule_sets.keep(session, policy_of("draft"))
    for digest, error, said in (
        (policy_of("draft").digest, rule_sets.NoRuleSet, "never in force"),
        (policy_of("first").digest, BadInput, "in force already"),
        ("0" * 12, rule_sets.NoRuleSet, "There are no rules"),
        ("zz", BadInput, "does not name rules"),
    ):
        with pytest.raises(error, match=said), database.write() as session:
            rule_sets.roll_back(session, digest, author="ann", reason="x")
