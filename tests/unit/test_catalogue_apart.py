"""Whom the rules tell apart is shown what holds for them, also of what was decided for everybody alone."""

from __future__ import annotations

from dataclasses import replace

from curator.admission.catalogue.apart import fill_apart, mark_of
from curator.admission.catalogue.facets import FacetCounts
from curator.admission.catalogue.said import AGAIN, Query, Viewpoint
from curator.database.engine import Database, now
from curator.database.generation import row_of
from curator.people.by import By
from curator.people.teams import make_team
from curator.policy.in_force import InForce, policy_in_force
from rules.circumstances import EVERYBODY, Audience, Circumstances
from rules.evaluate import Outcome
from scanners.finding import SCANNER_VERSION
from tests.unit.test_catalogue import decide, listed
from tests.unit.test_rejudge import House, house, policy_of

__all__ = ["house"]

PAY = Audience("pay")


def rules_of(database: Database) -> InForce:
    with database.read() as session:
        return InForce((row_of(session), 0), policy_in_force(session), Circumstances())


def view(database: Database, audience: Audience) -> Viewpoint:
    rules = rules_of(database)
    own = rules.audience(audience)
    return Viewpoint(rules.digest, SCANNER_VERSION, now(), str(own), mark_of(rules, own))


def teams(database: Database, *names: str) -> None:
    with database.write() as session:
        for name in names:
            make_team(session, name, "", By("ada"))


def shown(database: Database, seen: Viewpoint, **asked: str) -> dict[str, tuple[str, str]]:
    return {item.repo: (item.verdict, item.rule) for item in listed(database, Query(**asked), seen)}  # type: ignore[arg-type]


def fill(database: Database) -> None:
    for _ in range(20):
        if not fill_apart(database, rules_of(database)):
            return
    raise AssertionError("it never comes to an end")


def test_a_team_that_a_rule_means_is_shown_what_the_rule_says_of_what_was_decided_for_everybody(house: House) -> None:
    house.publish(policy_of("apart", "bad/*", teams="pay"))
    teams(house.database, "pay", "search")
    decide(house.database, "acme/open")
    decide(house.database, "bad/thing")
    assert shown(house.database, view(house.database, PAY)) == {"acme/open": (AGAIN, ""), "bad/thing": (AGAIN, "")}
    fill(house.database)
    seen = view(house.database, PAY)
    assert shown(house.database, seen) == {"acme/open": ("allow", ""), "bad/thing": ("block", "not-these")}
    assert shown(house.database, seen, verdict="block") == {"bad/thing": ("block", "not-these")}
    assert shown(house.database, seen, verdict="allow") == {"acme/open": ("allow", "")}
    assert shown(house.database, seen, verdict=AGAIN) == {}
    others = view(house.database, Audience("search"))
    assert (others.audience, others.mark) == ("", ""), "nobody tells them from everybody"
    assert shown(house.database, others)["bad/thing"][0] == "allow"


def test_facets_count_what_holds_for_the_team(house: House) -> None:
    house.publish(policy_of("apart", "bad/*", teams="pay"))
    teams(house.database, "pay")
    for number in range(7):
        decide(house.database, f"{'bad' if number % 3 else 'acme'}/model-{number}", number)
    decide(house.database, "acme/own", audience=PAY, outcome=Outcome.HOLD)
    fill(house.database)
    seen = view(house.database, PAY)
    counts = FacetCounts(house.database)
    found = counts.of(Query(), seen, wait_s=30)
    assert found is not None
    items = listed(house.database, Query(), seen)
    assert found.total == len(items) == 8
    assert found.counts["verdict"] == {"block": 4, "allow": 3, "hold": 1}
    for verdict, count in found.counts["verdict"].items():
        assert len(listed(house.database, Query(verdict=verdict), seen)) == count
    counts.close()


def test_a_decision_of_its_own_goes_first_and_one_that_has_ended_hides_nothing(house: House) -> None:
    house.publish(policy_of("apart", "bad/*", teams="pay"))
    teams(house.database, "pay")
    decide(house.database, "acme/tiny", outcome=Outcome.HOLD, audience=PAY)
    decide(house.database, "acme/tiny")
    fill(house.database)
    assert shown(house.database, view(house.database, PAY)) == {"acme/tiny": ("hold", "a-rule")}
    later = replace(view(house.database, PAY), audience="pay/x")
    assert shown(house.database, later) == {"acme/tiny": ("allow", "")}, (
        "others of the same mark have none of their own"
    )


def test_other_rules_are_asked_anew_and_nothing_of_the_old_stays(house: House) -> None:
    teams(house.database, "pay")
    house.publish(policy_of("apart", "bad/*", teams="pay"))
    decide(house.database, "bad/thing")
    fill(house.database)
    house.publish(policy_of("all-alike", "bad/*"))
    rules = rules_of(house.database)
    assert mark_of(rules, rules.audience(PAY)) == ""
    fill(house.database)
    house.publish(policy_of("apart-again", "acme/*", teams="pay"))
    assert shown(house.database, view(house.database, PAY))["bad/thing"] == (AGAIN, ""), "decided under other rules"
    decide(house.database, "bad/thing")
    fill(house.database)
    assert shown(house.database, view(house.database, PAY)) == {"bad/thing": ("allow", "")}


def test_whom_the_same_rules_mean_share_what_is_worked_out(house: House) -> None:
    house.publish(policy_of("apart", "bad/*", teams="pay*"))
    rules = rules_of(house.database)
    marks = {mark_of(rules, rules.audience(Audience(team))) for team in ("pay", "payments")}
    assert len(marks) == 1
    assert "" not in marks
    assert mark_of(rules, EVERYBODY) == ""
