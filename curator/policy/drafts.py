"""Rules that people are writing: one draft each, kept while they write, and which rules it was begun from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from curator.database.engine import now
from curator.errors import BadInput, CuratorError
from curator.people.caller import Caller
from curator.policy.tables import RuleDraftRow
from rules.document import MOST_LETTERS


class NoDraft(CuratorError):
    """Somebody has no draft."""

    status = 404


class ChangedMeanwhile(CuratorError):
    """Rules were edited from others than those in force."""

    status = 409


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody is writing."""

    source: str
    edited_from: str
    """A digest; empty where no rules were in force."""
    at: dt.datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "edited_from": self.edited_from or None,
            "at": self.at.isoformat(timespec="seconds"),
        }


def whose(caller: Caller) -> str:
    """Whose a caller's draft is. Raises `BadInput` for one whom nobody knows."""
    who = caller.user_id or caller.token_id
    if who is None:
        raise BadInput("A draft is somebody's: sign in, or show a token")
    return who


def draft_of(session: Session, who: str) -> Draft | None:
    """None if he writes nothing."""
    row = session.get(RuleDraftRow, who)
    return Draft(row.source, row.edited_from, row.at) if row is not None else None


def save(session: Session, who: str, source: str, edited_from: str) -> Draft:
    """Keep what he has written, also where it is no rules yet. Raises `BadInput` for what is too long."""
    if len(source) > MOST_LETTERS:
        raise BadInput(f"The draft has {len(source):,} characters, and {MOST_LETTERS:,} are the most")
    row = session.get(RuleDraftRow, who) or RuleDraftRow(who=who, source="", edited_from="", at=now())
    row.source, row.edited_from, row.at = source, edited_from, now()
    session.add(row)
    return Draft(row.source, row.edited_from, row.at)


def discard(session: Session, who: str) -> None:
    """Forget it. Raises `NoDraft`."""
    row = session.get(RuleDraftRow, who)
    if row is None:
        raise NoDraft("You have no draft of rules here")
    session.delete(row)
    session.flush()


def unchanged_since(edited_from: str | None, in_force: str | None) -> None:
    """That rules are still those that somebody has edited. Raises `ChangedMeanwhile`."""
    if edited_from is not None and (in_force or "") != edited_from:
        raise ChangedMeanwhile(
            f"The rules have changed since you began: {(in_force or 'none')[:12]} are in force, and you edited "
            f"{edited_from[:12] or 'none'}. Compare the two, and take over what has changed"
        )
