"""What the licence is, by all that says something of it: card, tags, texts, and the weights' own metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from curator.admission.memory import Memory
from curator.types import BlobId, RepoFile
from rules.facts import LicenseCategory, LicenseFacts, LicenseStatementFacts
from scanners.finding import Report
from scanners.repository.license import License, conclude, flip
from scanners.repository.license_statements import Statement, statements_of

_WITH_HEADERS = frozenset({"safetensors", "gguf"})


def warm() -> None:
    """Read the lists and texts that the first judgement would wait for."""
    conclude(statements_of({"license": "mit"}, (), {"LICENSE": "MIT License\n\nPermission is hereby granted"}))


def own_license(
    card: Mapping[str, Any],
    tags: Sequence[str],
    texts: Mapping[str, str],
    files: Iterable[RepoFile],
    reports: Mapping[tuple[BlobId, str], Report],
) -> License:
    """The licence of a commit."""
    weights = {
        file.path: report.metadata
        for file in files
        if (report := reports.get((file.blob, file.name))) is not None and report.format in _WITH_HEADERS
    }
    return conclude(statements_of(dict(card), tags, texts, weights))


def license_facts(
    own: License, card: Mapping[str, Any], tags: Sequence[str], texts: Mapping[str, str], memory: Memory
) -> LicenseFacts:
    """The same for rules; and what it was before, by what was published of it in the same way."""
    now = conclude(statements_of(dict(card), tags, texts))
    before, changed = "", ""
    for earlier in memory.earlier:
        then = conclude(statements_of(earlier.card, (), earlier.texts))
        changed = flip(then, now) or ""
        if changed:
            before = then.expression
            break
    return LicenseFacts(
        declared=own.declared,
        expression=own.expression,
        category=LicenseCategory(own.category),
        statements=tuple(_statement(one) for one in own.statements),
        disagrees=own.disagrees,
        terms=own.terms,
        before=before,
        why="; ".join(why for why in (own.why, changed) if why),
    )


def _statement(one: Statement) -> LicenseStatementFacts:
    return LicenseStatementFacts(
        source=one.source,
        path=one.path,
        license=one.expression,
        category=LicenseCategory(one.category),
        confidence=one.confidence,
    )
