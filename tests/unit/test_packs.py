"""The packs do what their pages say, and none of their rules is there in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.packs import ask, facts_of_model, false_alarms, frauds, known_models
from curator.policy.vocabulary import vocabulary
from rules.evaluate import evaluate
from rules.expectations import FactsNotHad, run
from rules.facts import Facts
from rules.lint import doubts
from rules.model import Branches, Effect
from rules.packs import PACKS, NoSuchPack, pack, source
from rules.samples import facts_of_sample

DOCS = Path(__file__).parents[2] / "docs" / "packs"


def nowhere(repository: str, commit: str, kind: str) -> Facts:
    raise FactsNotHad(f"{repository}@{commit} ({kind}): a pack's tests have their facts with them")


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_does_what_it_expects_of_itself(name: str) -> None:
    results = run(pack(name), nowhere)
    assert [
        f"{one.place.line}: {one.name}: {one.differences or one.not_run}" for one in results if not one.passed
    ] == []


@pytest.mark.parametrize("name", PACKS)
def test_every_rule_of_a_pack_is_seen_to_apply_and_not_to(name: str) -> None:
    ids = {checked.rule.id for checked in pack(name).rules}
    applied: set[str] = set()
    passed_over: set[str] = set()
    for result in run(pack(name), nowhere):
        assert result.decision is not None
        said = {reason.rule for reason in result.decision.reasons}
        applied |= said & ids
        passed_over |= ids - said
    assert (ids - applied, ids - passed_over) == (set(), set())


@pytest.mark.parametrize("name", PACKS)
def test_nothing_in_a_pack_is_doubtful(name: str) -> None:
    assert [str(one) for one in doubts(pack(name), vocabulary(), f"{name}.yaml")] == []


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_has_a_page_that_speaks_of_each_rule_and_no_other(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text()
    ids = [checked.rule.id for checked in pack(name).rules]
    assert [one for one in ids if f"| `{one}` |" not in page] == []
    rows = {line.split("`")[1] for line in page.split("\n") if line.startswith("| `")}
    assert rows - set(ids) == set()


@pytest.mark.parametrize("name", PACKS)
def test_no_pack_serves_what_is_unsafe_or_could_not_be_judged(name: str) -> None:
    for file in ({"path": "a.py", "verdict": "unsafe"}, {"path": "a.bin", "unscannable": "It is encrypted."}):
        facts = facts_of_sample({"publisher_known": True, "files": [file]})
        assert evaluate(pack(name), facts).outcome.value != "allow"


def test_whoever_decides_about_exceptions_is_named_where_people_are_asked_to() -> None:
    for name in ("strict", "finance", "air-gap"):
        assert [checked.rule.id for checked in pack(name).rules if not checked.rule.owner] == []


def test_a_branch_stays_where_nothing_can_be_looked_up() -> None:
    assert pack("air-gap").branches is Branches.PIN
    assert pack("finance").branches is Branches.NEWEST_APPROVED


def test_no_permission_stands_in_a_pack() -> None:
    assert [name for name in PACKS for one in pack(name).rules if one.rule.outcome is Effect.ALLOW] == []


def test_a_pack_that_does_not_exist_is_said_with_those_that_do() -> None:
    for name in ("../starter", "Starter", ""):
        with pytest.raises(NoSuchPack, match="there is starter, strict, finance, air-gap, research"):
            source(name)


def test_the_starter_pack_stops_no_well_known_model_but_for_its_licence_and_warns_of_few() -> None:
    """Some hundred models that people use; those for research alone are known to be so."""
    answers = ask("starter", {name: facts_of_model(name) for name in known_models()})
    assert len(answers) >= 100
    assert [f"{one.outcome} {one.name}: {one.rules}" for one in false_alarms(answers)] == []
    assert sum(one.outcome != "allow" for one in answers) <= len(answers) / 10
    assert sum(one.outcome == "allow" and bool(one.rules) for one in answers) <= len(answers) / 10


@pytest.mark.parametrize("name", PACKS)
def test_no_pack_lets_pass_what_has_been_done_to_people(name: str) -> None:
    assert [one.name for one in ask(name, frauds()) if one.outcome == "allow"] == []
