"""What the licence is, by all that says something of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curator.admission.look import Look
from curator.admission.memory import Memory
from curator.types import BlobId
from rules.facts import LicenseCategory, LicenseFacts
from scanners.finding import Report
from scanners.repository.license import license_of


def license_facts(
    card: Mapping[str, Any],
    tags: tuple[str, ...],
    look: Look,
    reports: Mapping[tuple[BlobId, str], Report],
    memory: Memory,
) -> LicenseFacts:
    """The licence of a commit: card, tags, licence files and the weights' own metadata; and what it was before."""
    del look, reports
    found = license_of(dict(card), tags)
    earlier = [license_of(dict(one.card), one.tags).expression for one in memory.earlier]
    before = next((one for one in earlier if one != found.expression), "")
    return LicenseFacts(
        declared=found.declared,
        expression=found.expression,
        category=LicenseCategory(found.category),
        before=before,
        why=f"it was {before} until then, and is {found.expression} now" if before else "",
    )
