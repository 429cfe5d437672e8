"""The documentation speaks of the program as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from curator.policy.vocabulary import vocabulary
from rules.expectations import FactsNotHad, run
from rules.facts import Facts
from rules.lint import doubts
from rules.model import PLACEHOLDERS, Effect, parse_policy
from tests.documents import DOCS, TABLES, pages, with_tables

ROOT = DOCS.parent
_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.name))
def test_every_table_says_what_the_code_does(page: Path) -> None:
    assert page.read_text() == with_tables(page.read_text()), f"{page.name} is behind the code: run `make docs`"


def test_every_table_stands_somewhere() -> None:
    text = "".join(page.read_text() for page in pages())
    assert {name for name in TABLES if f"<!-- table: {name} -->" not in text} == set()


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: str(page.stem))
def test_no_link_leads_nowhere(page: Path) -> None:
    missing = [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


def rule_examples() -> list[str]:
    """The whole files of rules in the guide."""
    return [block for block in _YAML.findall((DOCS / "rules.md").read_text()) if block.startswith("schema:")]


@pytest.mark.parametrize("example", rule_examples())
def test_every_example_of_rules_can_be_used_and_does_what_it_expects(example: str) -> None:
    policy = parse_policy(example, "docs/rules.md")
    assert policy.rules
    assert doubts(policy, vocabulary()) == ()
    assert [result.differences for result in run(policy, _nobody) if not result.passed] == []


def _nobody(repository: str, commit: str, kind: str) -> Facts:
    raise FactsNotHad(repository)


def test_every_outcome_and_placeholder_is_explained() -> None:
    text = (DOCS / "rules.md").read_text()
    assert [one for one in [*(effect.value for effect in Effect), *PLACEHOLDERS] if f"`{one}`" not in text] == []
