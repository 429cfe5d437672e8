"""Drafts of rules: one a person, checked and tested, and published only on what they were made from."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from curator.audit.follow import follow
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database
from curator.errors import BadInput
from curator.people.caller import ANONYMOUS
from curator.policy import drafts, hits, rule_sets
from curator.policy.drafts import ChangedMeanwhile, NoDraft
from curator.review import drafting, ruling
from curator.review.consequences import consequences
from curator.review.replay import trials
from curator.review.replay.alone import ReplayRunning, alone
from curator.review.replay.run import Wanted
from curator.types import RepoKind
from rules.model import parse_policy, starter_policy

STARTER = starter_policy().source


def published(database: Database, source: str = STARTER) -> str:
    policy = parse_policy(source, "")
    with database.write() as session:
        rule_sets.publish(session, policy, author="anna", reason="ticket 12", origin=rule_sets.COMMAND)
    return policy.digest


def test_what_somebody_writes_is_kept_also_where_it_is_no_rules_yet(database: Database) -> None:
    with database.write() as session:
        drafts.save(session, "anna", "rules: [", "")
        drafts.save(session, "bert", "rules: {", "")
    with database.read() as session:
        kept = drafts.draft_of(session, "anna")
    assert kept is not None
    assert kept.source == "rules: ["
    with database.write() as session:
        drafts.discard(session, "anna")
        with pytest.raises(NoDraft):
            drafts.discard(session, "anna")
        assert drafts.draft_of(session, "bert") is not None
    with pytest.raises(BadInput):
        drafts.whose(ANONYMOUS)


def test_rules_that_changed_meanwhile_are_not_overwritten() -> None:
    drafts.unchanged_since("a" * 64, "a" * 64)
    drafts.unchanged_since(None, "b" * 64)
    drafts.unchanged_since("", None)
    with pytest.raises(ChangedMeanwhile, match="have changed since you began"):
        drafts.unchanged_since("a" * 64, "b" * 64)


def test_a_draft_is_told_its_mistakes_and_doubts_with_their_places() -> None:
    wrong = drafting.check(STARTER.replace("file_verdict: [unsafe]", "file_verdict: [unsfe]", 1)).as_json()
    assert not wrong["usable"]
    assert wrong["problems"][0]["line"] == 11
    right = drafting.check(STARTER)
    assert right.policy is not None
    assert right.sentence == "16 rules, nothing wrong."


def test_each_rule_is_shown_with_what_it_asks_and_how_often_it_refused(database: Database) -> None:
    published(database)
    with database.write() as session:
        for action in (Action.REFUSE, Action.REFUSE, Action.DOWNLOAD):
            told = AuditEvent(
                action=action,
                actor="anna",
                kind=RepoKind.MODEL,
                repo="acme/tiny",
                outcome="block",
                rules="unsafe-file,look-alike",
            )
            append(session, told)
    while follow(database, hits.FOLLOWER, hits.take):
        pass
    with database.read() as session:
        found = ruling.in_force(session)
        since = hits.hits_since(session, dt.datetime.now(dt.UTC).date())
    assert found is not None
    first = found.rules[0]
    assert (first.checked.rule.id, first.refused, since["look-alike"]) == ("unsafe-file", 2, 2)
    assert first.conditions == ("file_verdict: unsafe", "usable_without_unsafe: false")


def test_what_would_change_is_told_and_that_nobody_has_tried_it(database: Database) -> None:
    published(database)
    with database.read() as session:
        what = consequences(session, STARTER.replace("outcome: block", "outcome: hold", 1))
    assert what.difference.sentence == "changes unsafe-file (outcome)"
    assert what.tested is not None
    assert not what.tested.passed, "the pack's own tests notice"
    assert what.sentences == ()


def test_one_draft_is_tried_at_a_time_and_what_came_of_it_is_kept(database: Database, tmp_path: Path) -> None:
    published(database)
    with alone(tmp_path), pytest.raises(ReplayRunning):
        trials.begin(database, tmp_path, "anna", Wanted(STARTER, catalogue=True))
    begun = trials.begin(database, tmp_path, "anna", Wanted(STARTER, catalogue=True))
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    found = begun
    while found.state == "running" and dt.datetime.now(dt.UTC) < deadline:
        with database.read() as session:
            found = trials.find(session, begun.id)
    assert found.state == "done", found
    assert found.sentence == "Nothing was asked for that could be replayed."
    with database.read() as session:
        assert [one.id for one in trials.of_draft(session, begun.digest)] == [begun.id]
        with pytest.raises(trials.NoTrial):
            trials.find(session, "nothing")
    assert trials.cancel(database, begun.id).state == "done"
