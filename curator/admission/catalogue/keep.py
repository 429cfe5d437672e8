"""Keeps the catalogue as decisions are made and ended, in their transactions."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, tuple_, update
from sqlmodel import Session, col, or_, select

from curator.admission.catalogue.describe import described
from curator.admission.catalogue.tables import CatalogueRow
from curator.admission.tables import DecisionRow, FactsRow, ReferenceRow, SnapshotRow
from rules.decision import Decision, Outcome, Standing
from rules.facts import Facts

_AT_ONCE = 400


def decided(session: Session, row: DecisionRow, decision: Decision, facts: Facts | None = None) -> None:
    """A decision was made: it is what the catalogue says, unless `main` stands for another commit that was judged.

    `facts`, where whoever decided has them at hand.
    """
    with session.no_autoflush:
        snapshot = session.get_one(SnapshotRow, row.snapshot_id)
        key = (snapshot.kind, snapshot.repo, row.audience)
        known = session.get(CatalogueRow, key)
        of_main = _is_main(session, snapshot)
        allowed = row.outcome == Outcome.ALLOW.value
        if known is not None and allowed and (known.allowed_at is None or known.allowed_at <= row.at):
            known.allowed_sha, known.allowed_at = snapshot.sha, row.at
        if known is not None and not of_main and known.snapshot_id != row.snapshot_id and _still_main(session, known):
            return
        said = _said(row, snapshot, decision, of_main=of_main)
        if known is None or known.facts_id != row.facts_id:
            said |= described(facts or _facts(session, row.facts_id))
    if known is None:
        kind, repo, audience = key
        if allowed:
            said |= {"allowed_sha": snapshot.sha, "allowed_at": row.at}
        said |= _used(session, kind, repo)
        session.add(CatalogueRow(kind=kind, repo=repo, audience=audience, **said))
        return
    for name, value in said.items():
        setattr(known, name, value)
    session.add(known)


def holds_again(session: Session, row: DecisionRow, decision: Decision) -> None:
    """A decision of before holds, since the rules that it was made by are in force once more."""
    with session.no_autoflush:
        snapshot = session.get_one(SnapshotRow, row.snapshot_id)
        known = session.get(CatalogueRow, (snapshot.kind, snapshot.repo, row.audience))
    if known is None or known.decision != row.id:
        decided(session, row, decision)


def at_hand(session: Session, snapshot_ids: Collection[int]) -> list[object]:
    """What `decided` looks at for these, asked for at once: whoever holds it spares each decision its questions."""
    snapshots = session.exec(select(SnapshotRow).where(col(SnapshotRow.id).in_(snapshot_ids))).all()
    named = [(row.kind, row.repo) for row in snapshots]
    rows = session.exec(select(CatalogueRow).where(tuple_(col(CatalogueRow.kind), col(CatalogueRow.repo)).in_(named)))
    of = tuple_(col(ReferenceRow.kind), col(ReferenceRow.asked))
    mains = session.exec(select(ReferenceRow).where(of.in_(named), ReferenceRow.revision == "main"))
    return [*snapshots, *rows, *mains]


def ended(session: Session, decisions: Collection[str]) -> None:
    """These decisions hold no longer."""
    ids = list(decisions)
    for begin in range(0, len(ids), _AT_ONCE):
        _end(session, col(CatalogueRow.decision).in_(ids[begin : begin + _AT_ONCE]))


def ended_about(session: Session, snapshot_id: int, under_others_than: str | None = None) -> None:
    """No decision about a snapshot holds any longer; with rules named, none under any others."""
    about = col(CatalogueRow.snapshot_id) == snapshot_id
    _end(session, about if under_others_than is None else about & (col(CatalogueRow.rule_set) != under_others_than))


def _end(session: Session, which: ColumnElement[bool]) -> None:
    holds = or_(col(CatalogueRow.expires_at).is_(None), col(CatalogueRow.expires_at) > col(CatalogueRow.decided_at))
    session.execute(update(CatalogueRow).where(which, holds).values(expires_at=CatalogueRow.decided_at))


def _said(row: DecisionRow, snapshot: SnapshotRow, decision: Decision, *, of_main: bool) -> dict[str, Any]:
    expires_at: dt.datetime | None = row.expires_at
    return {
        "name": snapshot.repo.lower(),
        "snapshot_id": row.snapshot_id,
        "sha": snapshot.sha,
        "of_main": of_main,
        "decision": row.id,
        "facts_id": row.facts_id,
        "outcome": row.outcome,
        "rule": deciding_rule(decision),
        "rule_set": row.rule_set,
        "scanner": row.scanner,
        "decided_at": row.at,
        "expires_at": expires_at,
        "left_out": len(decision.excluded_files),
    }


def _used(session: Session, kind: str, repo: str) -> dict[str, Any]:
    """What is counted for a repository, whomever it was decided for."""
    same = select(CatalogueRow.used, CatalogueRow.asked_at)
    found = session.exec(same.where(CatalogueRow.kind == kind, CatalogueRow.repo == repo).limit(1)).first()
    return {"used": found[0], "asked_at": found[1]} if found is not None else {}


def deciding_rule(decision: Decision) -> str:
    """The first rule that made the outcome; empty if it is allowed."""
    return next(
        (
            reason.rule
            for reason in decision.reasons
            if reason.standing is Standing.ENFORCED and reason.outcome.value == decision.outcome.value
        ),
        "",
    )


def _is_main(session: Session, snapshot: SnapshotRow) -> bool:
    return _main_of(session, snapshot.kind, snapshot.repo) == snapshot.sha


def _still_main(session: Session, known: CatalogueRow) -> bool:
    return _main_of(session, known.kind, known.repo) == known.sha


def _main_of(session: Session, kind: str, repo: str) -> str | None:
    row = session.get(ReferenceRow, (kind, repo, "main"))
    return row.sha if row is not None else None


def _facts(session: Session, facts_id: str) -> Facts:
    return Facts.from_json(json.loads(session.get_one(FactsRow, facts_id).facts))
