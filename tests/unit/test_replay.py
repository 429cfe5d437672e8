"""A draft of rules over what was asked for: the counts are of what would have been, and nothing is passed over."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from curator.admission import decisions, snapshots
from curator.admission.judge import circumstances_of
from curator.admission.tables import FactsRow, ScanRow
from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.policy import lists, rule_sets, waivers
from curator.policy.waivers import Limits
from curator.policy.word import BadWord
from curator.review.replay.run import Wanted, replay
from curator.types import Commit, RepoId, RepoKind, Revision
from curator.upstream.listing import Description
from rules.circumstances import Audience, ListEffect, Scope
from rules.evaluate import Outcome, evaluate
from rules.facts import Facts, FileFacts, FindingFacts, LicenseCategory, LicenseFacts, Role, Severity, Verdict
from rules.model import Policy, parse_policy

BEFORE = """
schema: curator.rules/1
name: before
rules:
  - {id: no-pickles, description: d, when: {file_format: [pickle]}, outcome: block, message: "{file} is a pickle"}
  - {id: tried, description: d, when: {downloads_below: 10}, outcome: block, message: little, dry_run: true}
"""
DRAFT = """
schema: curator.rules/1
name: draft
rules:
  - {id: licence, description: d, when: {license_category: [non-commercial]}, outcome: block, message: "{license}"}
  - {id: young, description: d, when: {younger_than_days: 7}, outcome: hold, message: young}
  - {id: unsafe, description: d, when: {file_verdict: [unsafe]}, outcome: exclude-file, message: "{file} is unsafe"}
  - {id: sales-only, description: d, applies_to: {teams: [sales]}, when: {repository: ["acme/big"]}, outcome: block, message: big}
  - {id: tried-anew, description: d, when: {repository: ["acme/*"]}, outcome: block, message: x, dry_run: true}
"""  # noqa: E501 - a rule a line
MONTH = dt.timedelta(days=30)


@dataclass
class House:
    database: Database
    policy: Policy = field(default_factory=lambda: parse_policy(BEFORE, "before.yaml"))

    def asked(self, facts: Facts, *requests: tuple[str, str | None], at: dt.datetime | None = None) -> str:
        """That a commit was decided about as the rules of before say, and asked for by these teams: paths, or None."""
        moment = at or now()
        facts = facts.model_copy(update={"observed_at": moment})
        repo = RepoId.parse(facts.repository, RepoKind(facts.kind.value))
        with self.database.write() as session:
            snapshot = snapshots.remember(
                session, repo, Revision(facts.commit), Description(Commit(repo, facts.commit), {})
            )
            decision = evaluate(self.policy, facts, circumstances_of(session, Audience()))
            ruling = decisions.keep(session, snapshot.id, decision, facts, None)
            for team, path in requests:
                served = decision.outcome is Outcome.ALLOW and path not in decision.excluded_files
                event = AuditEvent(
                    action=Action.DOWNLOAD if served else Action.REFUSE,
                    actor="a",
                    team=team,
                    kind=repo.kind,
                    repo=str(repo),
                    path=path,
                    outcome=decision.outcome.value,
                    decision=ruling.id,
                    at=moment,
                )
                append(session, event)
        return ruling.id

    def replayed(self, draft: str = DRAFT, **wanted: Any) -> dict[str, Any]:
        return replay(self.database, Wanted(draft, **wanted), processes=1)


@pytest.fixture
def house(database: Database) -> House:
    made = House(database)
    with database.write() as session:
        rule_sets.keep(session, made.policy)
    return made


def facts_of(repo: str, *files: FileFacts, sha: str = "a" * 40, **more: Any) -> Facts:
    given = {"created_at": now() - 10 * MONTH, "downloads": 1_000, "kind": "model"} | more
    namespace, _, name = repo.partition("/")
    return Facts(repository=repo, namespace=namespace, name=name, commit=sha, observed_at=now(), files=files, **given)


def file_of(path: str, verdict: Verdict = Verdict.SAFE, format_: str = "safetensors") -> FileFacts:
    finding = FindingFacts(rule="x", severity=Severity.HIGH, message="m", fingerprint=f"{abs(hash(path)):064x}"[:64])
    found = (finding,) if verdict is Verdict.UNSAFE else ()
    return FileFacts(path=path, size=1, format=format_, verdict=verdict, role=Role.WEIGHTS, findings=found)


def test_the_report_says_what_would_have_been_and_nobody_is_scanned_again(house: House) -> None:
    licence = LicenseFacts(declared=("cc-by-nc-4.0",), category=LicenseCategory.NON_COMMERCIAL)
    good = file_of("model.safetensors")
    house.asked(facts_of("acme/nc", good, license=licence), ("risk", "model.safetensors"), ("fx", "model.safetensors"))
    house.asked(facts_of("acme/young", good, created_at=now()), ("risk", "model.safetensors"))
    bad = file_of("old.bin", Verdict.UNSAFE)
    house.asked(facts_of("acme/mixed", good, bad), ("risk", "old.bin"), ("risk", "model.safetensors"))
    house.asked(facts_of("acme/pickle", file_of("a.pkl", format_="pickle")), ("fx", None), ("fx", "a.pkl"), ("", None))
    house.asked(facts_of("acme/fine", good), ("risk", "model.safetensors"))
    document = house.replayed()
    assert document["sentence"] == (
        "Would have blocked 2 downloads of 1 model by 2 teams; would have held 1 download of 1 model by 1 team; "
        "would have left files out of 1 download of 1 model by 1 team; would release 3 requests of 1 model by 1 team."
    )
    assert (document["decisions"], document["served"], document["refused"]) == (5, 6, 3)
    by_rule = {(row["change"], row["rule"]): row["requests"] for row in document["by_rule"]}
    assert by_rule == {
        ("blocked", "licence"): 2,
        ("held", "young"): 1,
        ("left-out", "unsafe"): 1,
        ("released", "no-pickles"): 3,
    }
    by_repository = {row["repository"]: row for row in document["by_repository"]}
    assert by_repository.keys() == {"acme/nc", "acme/young", "acme/mixed", "acme/pickle"}
    assert {row["team"]: row["blocked"] for row in document["by_team"]} == {"risk": 1, "fx": 1, "": 0}
    assert document["left_out"] == [
        {"kind": "model", "repository": "acme/mixed", "path": "old.bin", "rule": "unsafe", "downloads": 1}
    ]
    with house.database.read() as session:
        assert session.exec(select(ScanRow)).first() is None


def test_each_asks_as_who_he_was_whomever_the_decision_was_shared_with(house: House) -> None:
    house.asked(facts_of("acme/big", file_of("m.safetensors")), ("sales", "m.safetensors"), ("risk", "m.safetensors"))
    document = house.replayed()
    assert document["changes"]["blocked"] == {"requests": 1, "repositories": 1, "teams": 1}
    assert document["by_team"][0]["team"] == "sales"
    assert document["evaluations"] == 2, "one for sales, and one for all others"


def test_the_same_facts_are_evaluated_once_for_many_requests(house: House) -> None:
    facts = facts_of("acme/one", file_of("m.safetensors"))
    for _ in range(3):
        house.asked(facts, *[("risk", "m.safetensors"), ("fx", "m.safetensors")] * 5)
    document = house.replayed()
    assert (document["decisions"], document["served"], document["evaluations"]) == (3, 30, 1)


def test_ages_and_what_people_had_said_are_those_of_the_time(house: House) -> None:
    old = now() - 2 * MONTH
    young_then = facts_of("acme/grown", file_of("m.safetensors"), created_at=old - dt.timedelta(days=1))
    house.asked(young_then, ("risk", "m.safetensors"), at=old)
    assert house.replayed(days=30)["sentence"] == "Nothing was asked for that could be replayed."
    assert house.replayed(days=90)["changes"]["held"]["requests"] == 1
    with house.database.write() as session:
        lists.add(
            session,
            lists.Wanted(
                effect=ListEffect.APPROVE,
                repositories=("acme/grown",),
                kinds=("model",),
                scope=Scope(teams=("risk",)),
                reason="known",
                by="ada",
            ),
        )
    assert house.replayed(days=90)["changes"]["held"]["requests"] == 1, "it was approved after it was asked for"
    assert house.replayed(catalogue=True)["changes"]["held"]["requests"] == 1, "nobody asks for the team alone"
    house.asked(young_then, ("risk", "m.safetensors"))
    assert house.replayed(days=30)["sentence"] == "Would have changed nothing."


def test_a_waiver_counts_for_what_was_asked_for_while_it_was_in_force(house: House) -> None:
    bad = file_of("old.bin", Verdict.UNSAFE)
    house.asked(facts_of("acme/mixed", bad), ("risk", "old.bin"))
    assert house.replayed()["changes"]["left-out"]["requests"] == 1
    wanted = waivers.Wanted(
        fingerprints=frozenset({bad.findings[0].fingerprint}),
        repo=RepoId.parse("acme/mixed"),
        rules=("unsafe",),
        decision="d",
        scope=Scope(),
        reason="read",
        by="ada",
        expires_at=now() + MONTH,
    )
    with house.database.write() as session:
        waivers.add(session, wanted, Limits(365, without_end=False))
    assert house.replayed()["changes"]["left-out"]["requests"] == 1, "it was given after the download"
    assert house.replayed(catalogue=True)["changes"]["left-out"]["requests"] == 0, "what would be served now"
    house.asked(facts_of("acme/mixed", bad), ("risk", "old.bin"), ("fx", "old.bin"))
    assert house.replayed()["served"] == 3
    assert house.replayed()["changes"]["left-out"]["requests"] == 1
    with house.database.write() as session:
        (kept,) = waivers.listed(session)
        waivers.end(session, kept.waiver.id, "ada")
    house.asked(facts_of("acme/mixed", bad), ("risk", "old.bin"))
    assert house.replayed()["changes"]["left-out"]["requests"] == 2, "and not after it was taken back"


def test_what_cannot_be_replayed_is_counted_and_named(house: House) -> None:
    good = file_of("m.safetensors")
    broken = house.asked(facts_of("acme/broken", good), ("risk", "m.safetensors"), ("fx", "m.safetensors"))
    house.asked(facts_of("acme/fine", good), ("risk", "m.safetensors"))
    with house.database.write() as session:
        row = session.exec(select(FactsRow).order_by(col(FactsRow.id))).first()
        assert row is not None
        document = json.loads(row.facts) | {"of_the_future": 1}
        session.execute(update(FactsRow).where(col(FactsRow.id) == row.id).values(facts=json.dumps(document)))
        lost = AuditEvent(
            action=Action.DOWNLOAD, actor="a", kind=None, repo="acme/lost", outcome="allow", decision="gone"
        )
        append(session, lost)
        waiting = AuditEvent(action=Action.REFUSE, actor="a", kind=None, repo="acme/new", outcome="hold")
        append(session, waiting)
    said = house.replayed()
    assert said["decisions"] == 1
    assert (said["not_replayed"]["decisions"], said["not_replayed"]["requests"]) == (2, 3)
    why = {one["decision"]: one["why"] for one in said["not_replayed"]["examples"]}
    assert "of a form that this version cannot read: of_the_future" in why[broken]
    assert why["gone"] == "the decision is not kept"
    assert "2 decisions could not be replayed" in said["sentence"]
    assert said["without_a_decision"] == 1


def test_rules_that_are_only_tried_say_what_they_would_have_done(house: House) -> None:
    house.asked(facts_of("acme/little", file_of("m.safetensors"), downloads=1), ("risk", "m.safetensors"))
    assert house.replayed()["dry_run"] == [
        {"in": "draft", "rule": "tried-anew", "would": 1, "repositories": 1},
        {"in": "recorded", "rule": "tried", "would": 1, "repositories": 1},
    ]


def test_the_catalogue_is_every_commit_as_it_was_decided_about_last(house: House) -> None:
    bad = file_of("old.bin", Verdict.UNSAFE)
    first = facts_of("acme/mixed", bad)
    house.asked(first)
    house.asked(first)
    house.asked(facts_of("acme/pickle", file_of("a.pkl", format_="pickle")))
    document = house.replayed(catalogue=True)
    assert document["decisions"] == 2
    assert document["sentence"] == (
        "Would have left files out of 1 commit of 1 model; would release 1 commit of 1 model."
    )


def test_a_draft_is_compared_with_rules_of_before_where_that_is_wanted(house: House) -> None:
    house.asked(facts_of("acme/pickle", file_of("a.pkl", format_="pickle")), ("risk", "a.pkl"))
    same = house.replayed(BEFORE, against=house.policy.digest[:12])
    assert same["sentence"] == "Would have changed nothing."
    assert same["against"] == {"name": "before", "digest": house.policy.digest}
    other = house.replayed(DRAFT, against=house.policy.digest[:12])
    assert other["changes"]["released"]["requests"] == 1
    assert other["by_rule"][0]["rule"] == "no-pickles"


def test_a_draft_that_cannot_be_used_is_one_sentence(house: House) -> None:
    with pytest.raises(BadWord, match="the draft:1:1"):
        house.replayed("nonsense: 1")
    with pytest.raises(BadWord, match="characters"):
        house.replayed("#" * (1 << 21))


def test_processes_share_the_work_and_come_to_the_same(house: House) -> None:
    good = file_of("m.safetensors")
    for number in range(3):
        house.asked(facts_of(f"acme/model-{number}", good, created_at=now()), ("risk", "m.safetensors"))
    alone, together = house.replayed(), replay(house.database, Wanted(DRAFT), processes=2)
    for document in (alone, together):
        del document["took_s"], document["since"], document["until"]
    assert alone == together
