"""Waivers and list entries by name: who said it, why, and until when, for whoever reads what rests on them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlmodel import Session, col, select

from curator.policy.tables import ListEntryRow, WaiverRow


def names_of(session: Session, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """By id: `kind` (`waiver`, `approve` or `block`), `by`, `reason`, `expires_at`; what there is not is left out."""
    if not ids:
        return {}
    named: dict[str, dict[str, Any]] = {}
    for waiver in session.exec(select(WaiverRow).where(col(WaiverRow.id).in_(ids))):
        named[waiver.id] = _named(waiver, "waiver")
    for entry in session.exec(select(ListEntryRow).where(col(ListEntryRow.id).in_(ids))):
        named[entry.id] = _named(entry, entry.effect)
    return named


def _named(row: WaiverRow | ListEntryRow, kind: str) -> dict[str, Any]:
    until = row.expires_at.isoformat(timespec="seconds") if row.expires_at else None
    return {"id": row.id, "kind": kind, "by": row.by, "reason": row.reason, "expires_at": until}
