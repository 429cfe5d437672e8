"""Whoever sees a finding can read what it means."""

from __future__ import annotations

import pytest

from scanners.catalogue import RULES
from tests.documents import DOCS

HOME = DOCS / "findings"
SECTIONS = ["Severity", "Why it matters", "How to check it yourself", "What to do", "When it is a false alarm"]


@pytest.mark.parametrize("rule", RULES)
def test_every_finding_has_a_page_that_says_what_to_do(rule: str) -> None:
    lines = (HOME / f"{rule}.md").read_text().splitlines()
    assert lines[:2] == [f"# {rule}", RULES[rule]]
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS


def test_no_page_speaks_of_a_finding_that_does_not_exist() -> None:
    assert {page.stem for page in HOME.glob("*.md")} == {*RULES, "README"}


def test_the_list_of_findings_is_whole() -> None:
    listed = [line for line in (HOME / "README.md").read_text().splitlines() if line.startswith("| [")]
    assert listed == [f"| [{rule}]({rule}.md) | {meaning} |" for rule, meaning in RULES.items()]


@pytest.mark.parametrize("rule", RULES)
def test_every_finding_can_be_found(rule: str) -> None:
    judges = [path for path in (DOCS.parent / "scanners").rglob("*.py") if path.name != "catalogue.py"]
    assert any(f'"{rule}"' in path.read_text() for path in judges)
