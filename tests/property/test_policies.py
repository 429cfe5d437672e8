"""Whatever stands in a file of rules, and whatever the facts are, there is an answer or a sentence."""

from __future__ import annotations

import datetime as dt
import random

from hypothesis import given
from hypothesis import strategies as st

from rules.conditions import FILE_CONDITIONS, REPOSITORY_CONDITIONS, TOGETHER
from rules.evaluate import evaluate
from rules.facts import Facts, FileFacts, FindingFacts, LicenseFacts, LookalikeFacts
from rules.measures import read_bytes, read_count, read_days
from rules.model import Policy, PolicyError, When, parse_policy, starter_policy

STARTER = starter_policy()
FINDINGS = st.builds(FindingFacts, rule=st.sampled_from(["a", "b"]), severity=..., message=st.text(max_size=20))
FILES = st.builds(FileFacts, path=st.text(min_size=1, max_size=20), findings=st.lists(FINDINGS, max_size=3).map(tuple))
FACTS = st.builds(
    Facts,
    repository=st.text(max_size=20),
    name=st.text(max_size=20),
    commit=st.just("0" * 40),
    observed_at=st.just(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    created_at=st.none() | st.datetimes(timezones=st.just(dt.UTC)),
    last_modified=st.none(),
    lookalike=st.builds(LookalikeFacts),
    license=st.builds(LicenseFacts),
    files=st.lists(FILES, max_size=4, unique_by=lambda file: file.path).map(tuple),
)


@given(FACTS)
def test_every_set_of_facts_has_a_decision_and_it_is_always_the_same(facts: Facts) -> None:
    assert evaluate(STARTER, facts) == evaluate(STARTER, Facts.from_json(facts.as_json()))


@given(FACTS, st.randoms())
def test_the_order_of_rules_never_matters(facts: Facts, order: random.Random) -> None:
    rules = list(STARTER.rules)
    order.shuffle(rules)
    shuffled = Policy(STARTER.name, STARTER.description, tuple(rules), STARTER.source, STARTER.digest)
    assert evaluate(shuffled, facts) == evaluate(STARTER, facts)


@given(st.text(max_size=300))
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    try:
        parse_policy(text, "x")
    except PolicyError as error:
        assert error.problems


@given(st.integers(0, len(STARTER.source)), st.text(max_size=8), st.integers(0, 40))
def test_a_damaged_file_of_rules_is_a_policy_or_a_policy_error(at: int, inserted: str, removed: int) -> None:
    text = STARTER.source[:at] + inserted + STARTER.source[at + removed :]
    try:
        parse_policy(text, "x")
    except PolicyError as error:
        assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in error.problems)


def test_every_condition_that_can_be_written_is_asked() -> None:
    assert set(When.model_fields) == FILE_CONDITIONS.keys() | REPOSITORY_CONDITIONS.keys() | set(TOGETHER)


AMOUNTS = st.from_regex(r"\s*[0-9]{1,18}(\.[0-9]{1,8})?\s*[A-Za-z]{0,8}", fullmatch=True) | st.text(max_size=12)


@given(AMOUNTS)
def test_any_text_is_an_amount_or_a_sentence_that_says_what_one_is(text: str) -> None:
    for read in (read_bytes, read_count, read_days):
        try:
            assert read(text) >= 0
        except ValueError as error:
            assert "is not a" in str(error)


@given(st.integers(0, 10**15 - 1), st.sampled_from(["kB", "MB", "GB", "TB", "PB"]))
def test_a_size_is_what_it_says(amount: int, unit: str) -> None:
    assert read_bytes(f"{amount} {unit}") == amount * 1000 ** (1 + "kMGTP".index(unit[0]))
    assert read_bytes(f"{amount}{unit[0]}iB") == amount * 1024 ** (1 + "kMGTP".index(unit[0]))
