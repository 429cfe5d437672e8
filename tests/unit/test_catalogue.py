"""The catalogue says what the decisions say, whoever makes or ends them, and can be looked through in any order."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import select

from curator.admission import decisions, reopening, snapshots
from curator.admission.catalogue import search
from curator.admission.catalogue.asked import count_some
from curator.admission.catalogue.facets import FacetCounts
from curator.admission.catalogue.fill import fill_some
from curator.admission.catalogue.said import AGAIN, BadCursor, Item, Query, Sort, Viewpoint
from curator.admission.catalogue.tables import CatalogueFillRow, CatalogueRow
from curator.database.engine import Database, new_id, now
from curator.policy import rule_sets
from curator.types import Commit, RepoId, Revision
from curator.upstream.listing import Description
from rules.circumstances import EVERYBODY, Audience, Scope
from rules.evaluate import Decision, Outcome, Reason
from rules.facts import Facts, FileFacts, Kind, LicenseCategory, LicenseFacts, Role, Verdict
from rules.model import Effect
from scanners.finding import SCANNER_VERSION
from tests.unit.test_rejudge import House, house, policy_of

__all__ = ["house"]

FORMATS = ("safetensors", "gguf", "torch-zip")


def facts_of(repo: str, sha: str, number: int) -> Facts:
    files = [
        FileFacts(path=f"model-{at}", size=10 ** (number % 12), format=name, verdict=Verdict.SAFE, role=Role.WEIGHTS)
        for at, name in enumerate(FORMATS[: number % 3 + 1])
    ]
    return Facts(
        repository=repo,
        kind=Kind.MODEL,
        namespace=repo.partition("/")[0],
        name=repo.partition("/")[2],
        commit=sha,
        observed_at=now(),
        license=LicenseFacts(expression="MIT", category=list(LicenseCategory)[number % 3]),
        files=tuple(files),
        pipeline_tag=("text-generation", "fill-mask", "")[number % 3],
    )


def decide(
    database: Database,
    repo: str,
    number: int = 0,
    outcome: Outcome = Outcome.ALLOW,
    audience: Audience = EVERYBODY,
    sha: str = "1" * 40,
    revision: str = "main",
) -> str:
    """A decision under the rules in force; returns its id."""
    named = RepoId.parse(repo)
    with database.write() as session:
        description = Description(Commit(named, sha), {"id": repo})
        snapshot = snapshots.remember(session, named, Revision(revision), description)
        effect = {Outcome.HOLD: Effect.HOLD, Outcome.BLOCK: Effect.BLOCK}.get(outcome)
        reasons = (Reason("a-rule", effect, "it is not for us"),) if effect else ()
        digest = rule_sets.in_force(session)
        assert digest is not None
        decision = Decision(outcome, reasons, {}, digest)
        ruling = decisions.keep(session, snapshot.id, decision, facts_of(repo, sha, number), None, audience)
    return ruling.id


def view(database: Database, audience: str | None = None) -> Viewpoint:
    with database.read() as session:
        digest = rule_sets.in_force(session)
    assert digest is not None
    return Viewpoint(digest, SCANNER_VERSION, now(), audience)


def listed(database: Database, query: Query, seen: Viewpoint, limit: int = 50) -> list[Item]:
    """All pages."""
    found: list[Item] = []
    after = None
    while True:
        with database.read() as session:
            page = search.page(session, query, seen, after, limit)
        found += page.items
        after = page.next
        if after is None:
            return found


def test_a_decision_is_in_the_list_from_the_moment_it_is_made(house: House) -> None:
    decision = decide(house.database, "Acme/Tiny", outcome=Outcome.HOLD)
    (item,) = listed(house.database, Query(), view(house.database))
    assert (item.repo, item.verdict, item.decision, item.rule) == ("Acme/Tiny", "hold", decision, "a-rule")
    assert (item.task, item.licence, item.formats) == ("text-generation", "MIT", ("safetensors",))
    newer = decide(house.database, "Acme/Tiny")
    (item,) = listed(house.database, Query(), view(house.database))
    assert (item.verdict, item.decision, item.rule) == ("allow", newer, "")


def test_a_decision_that_is_ended_says_nothing_any_more(house: House) -> None:
    decide(house.database, "acme/tiny")
    with house.database.write() as session:
        row = session.exec(select(CatalogueRow)).one()
        decisions.reopen(session, row.snapshot_id)
    assert [item.verdict for item in listed(house.database, Query(), view(house.database))] == [AGAIN]
    decide(house.database, "acme/tiny")
    with house.database.write() as session:
        digest = rule_sets.in_force(session)
        assert digest is not None
        reopening.end_decisions(session, [row.snapshot_id], Scope(), digest)
    assert [item.verdict for item in listed(house.database, Query(), view(house.database))] == [AGAIN]
    assert listed(house.database, Query(verdict="allow"), view(house.database)) == []


def test_decisions_under_other_rules_say_nothing_until_all_is_judged_anew(house: House) -> None:
    house.commit("acme/tiny")
    house.publish(policy_of("second", blocks="acme/*"))
    assert [item.verdict for item in listed(house.database, Query(), view(house.database))] == [AGAIN]
    house.work()
    (item,) = listed(house.database, Query(), view(house.database))
    assert (item.verdict, item.rule) == ("block", "not-these")


def test_rules_that_are_taken_back_have_the_list_say_what_held_before(house: House) -> None:
    house.commit("acme/tiny")
    (before,) = listed(house.database, Query(), view(house.database))
    assert before.verdict == "allow"
    house.publish(policy_of("second", blocks="acme/*"))
    house.work()
    house.publish(policy_of("first"))
    house.work()
    (item,) = listed(house.database, Query(), view(house.database))
    assert (item.verdict, item.rule, item.decision) == ("allow", "", before.decision)


def test_the_list_shows_the_commit_of_main_and_which_one_was_last_allowed(house: House) -> None:
    decide(house.database, "acme/tiny", sha="1" * 40)
    held = decide(house.database, "acme/tiny", outcome=Outcome.HOLD, sha="2" * 40)
    decide(house.database, "acme/tiny", sha="3" * 40, revision="v1")
    (item,) = listed(house.database, Query(), view(house.database))
    assert (item.sha, item.decision, item.verdict, item.allowed_sha) == ("2" * 40, held, "hold", "3" * 40)


def test_a_team_is_shown_its_own_decisions_and_of_others_only_that_they_are_known(house: House) -> None:
    decide(house.database, "acme/open")
    decide(house.database, "acme/for-pay", outcome=Outcome.BLOCK)
    decide(house.database, "acme/for-pay", audience=Audience("pay"))
    decide(house.database, "acme/secret", audience=Audience("other"))
    told = {item.repo: item.verdict for item in listed(house.database, Query(), view(house.database, "pay/"))}
    assert told == {"acme/open": AGAIN, "acme/for-pay": "allow"}
    told = {item.repo: item.verdict for item in listed(house.database, Query(), view(house.database, ""))}
    assert told == {"acme/open": "allow", "acme/for-pay": "block"}
    everything = [(item.repo, item.audience) for item in listed(house.database, Query(), view(house.database))]
    assert len(everything) == 4
    assert listed(house.database, Query(team="pay/"), view(house.database))[0].audience == "pay/"


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_of_any_order_have_each_repository_once(house: House, sort: Sort) -> None:
    for number in range(23):
        decide(house.database, f"org-{number % 4}/Model-{number}", number)
    with house.database.write() as session:
        for at, row in enumerate(session.exec(select(CatalogueRow))):
            row.used = at % 5
            session.add(row)
    seen = view(house.database)
    found = listed(house.database, Query(sort=sort), seen, limit=4)
    assert Counter(item.repo for item in found) == Counter({f"org-{n % 4}/Model-{n}": 1 for n in range(23)})
    assert found == listed(house.database, Query(sort=sort), seen, limit=50)
    if sort is Sort.USED:
        assert [item.used for item in found] == sorted((item.used for item in found), reverse=True)


@pytest.mark.parametrize("after", ["", "x", "W10", "bnVsbA", "A" * 2_000, "WyJuYW1lIiwxLDIsM10", "é"])
@pytest.mark.parametrize("sort", list(Sort))
def test_a_place_that_nobody_gave_is_refused_in_a_sentence(house: House, sort: Sort, after: str) -> None:
    with house.database.read() as session, pytest.raises(BadCursor, match="take it from `next`"):
        search.page(session, Query(sort=sort), view(house.database), after)


def test_names_are_found_by_any_part_in_any_case_and_signs_mean_themselves(house: House) -> None:
    for repo in ("Qwen/Qwen2.5-7B", "acme/my_model", "acme/mymodel"):
        decide(house.database, repo)
    seen = view(house.database)
    assert [item.repo for item in listed(house.database, Query(search="QWEN2"), seen)] == ["Qwen/Qwen2.5-7B"]
    assert [item.repo for item in listed(house.database, Query(search="y_m"), seen)] == ["acme/my_model"]
    assert listed(house.database, Query(search="%"), seen) == []


@pytest.mark.parametrize("audience", [None, "", "pay/"])
def test_facets_count_what_the_list_would_show(house: House, audience: str | None) -> None:
    for number in range(24):
        outcome = (Outcome.ALLOW, Outcome.HOLD, Outcome.BLOCK)[number % 7 % 3]
        decide(house.database, f"org-{number % 3}/model-{number}", number, outcome)
        if number % 5 == 0:
            decide(house.database, f"org-{number % 3}/model-{number}", number, audience=Audience("pay"))
    seen = view(house.database, audience)
    counts = FacetCounts(house.database)
    for query in (
        Query(),
        Query(search="MODEL-1"),
        Query(verdict="hold"),
        Query(task="fill-mask", format="gguf"),
        Query(publisher="org-1", verdict="allow", licence="permissive"),
    ):
        facets = counts.of(query, seen, 30)
        assert facets is not None
        assert facets.total == len(listed(house.database, query, seen)), query
        for name in ("verdict", "task", "licence", "size", "format", "publisher"):
            if name == "publisher" and query.filters():
                continue
            for value, count in facets.counts[name].items():
                changed: dict[str, Any] = {name: value}
                narrowed = replace(query, **changed)
                assert count == len(listed(house.database, narrowed, seen)), (query, name, value)
    counts.close()


def test_what_was_decided_before_there_was_a_catalogue_is_taken_into_it(house: House) -> None:
    for number in range(3):
        decide(house.database, f"acme/model-{number}", number)
    decide(house.database, "acme/model-0", audience=Audience("pay"))
    before = listed(house.database, Query(), view(house.database))
    with house.database.write() as session:
        session.execute(delete(CatalogueRow))
        session.merge(CatalogueFillRow(id=1, snapshot_id=0, done=False))
    assert fill_some(house.database)
    assert fill_some(house.database)
    assert [replace(item, used=0) for item in listed(house.database, Query(), view(house.database))] == before


def test_uses_are_counted_once_from_the_record(house: House) -> None:
    house.commit("acme/tiny", asked=3)
    house.commit("acme/other", asked=1)
    while count_some(house.database):
        pass
    assert count_some(house.database) == 0
    found = listed(house.database, Query(sort=Sort.USED), view(house.database))
    assert [(item.repo, item.used) for item in found] == [("acme/tiny", 3), ("acme/other", 1)]
    assert found[0].asked_at is not None
    assert now() - found[0].asked_at < dt.timedelta(minutes=1)
    decide(house.database, "acme/tiny", audience=Audience("pay"))
    assert {item.used for item in listed(house.database, Query(search="tiny"), view(house.database))} == {3}


def test_what_is_listed_can_be_written_as_json(house: House) -> None:
    decide(house.database, "acme/tiny")
    (item,) = listed(house.database, Query(), view(house.database))
    assert json.loads(json.dumps(item.as_json()))["repository"] == "acme/tiny"
    assert new_id() > item.decision
