"""What one reviewer has approved where a rule wants several: kept until others agree or not, or its time is over."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from curator.database.engine import new_id, now
from curator.errors import CuratorError
from curator.policy.word import shown
from curator.review.tables import ProposalRow
from curator.review.verdicts import Verdict

DAYS = 14
"""For which somebody may agree to it."""


class State(StrEnum):
    """Of a proposal."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class NoSuchProposal(CuratorError):
    """A proposal was named that was never made."""

    status = 404


@dataclass(frozen=True, slots=True)
class Proposal:
    """A verdict that waits for others."""

    id: str
    item_id: str
    repo: str
    rules: tuple[str, ...]
    needs: int
    verdict: Verdict
    agreed: tuple[str, ...]
    state: State
    at: dt.datetime
    expires_at: dt.datetime
    ended_by: str
    said: str

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "item": self.item_id,
            "repository": self.repo,
            "rules": list(self.rules),
            "needs": self.needs,
            "agreed": list(self.agreed),
            "state": self.state.value,
            "verdict": self.verdict.as_json(),
            "at": shown(self.at),
            "expires_at": shown(self.expires_at),
            "ended_by": self.ended_by,
            "said": self.said,
        }


def of_item(session: Session, item_id: str) -> Proposal | None:
    """The one that waits for others, of a line of the queue."""
    row = session.exec(
        select(ProposalRow).where(
            ProposalRow.item_id == item_id, ProposalRow.state == State.OPEN, col(ProposalRow.expires_at) > now()
        )
    ).first()
    return _value(row) if row is not None else None


def find(session: Session, proposal_id: str) -> Proposal:
    """One of any time. Raises `NoSuchProposal`."""
    return _value(_row(session, proposal_id))


def waiting(session: Session, after: str | None = None, limit: int = 50) -> list[Proposal]:
    """Those that somebody may agree to, newest first."""
    statement = (
        select(ProposalRow)
        .where(ProposalRow.state == State.OPEN, col(ProposalRow.expires_at) > now())
        .order_by(col(ProposalRow.id).desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(col(ProposalRow.id) < after)
    return [_value(row) for row in session.exec(statement)]


def add(session: Session, item_id: str, repo: str, rules: tuple[str, ...], needs: int, verdict: Verdict) -> Proposal:
    """Keep a verdict until others agree to it."""
    moment = now()
    row = ProposalRow(
        id=new_id(),
        item_id=item_id,
        repo=repo,
        rules=",".join(rules),
        needs=needs,
        verdict=json.dumps(verdict.as_json()),
        agreed=json.dumps([verdict.by]),
        state=State.OPEN.value,
        at=moment,
        expires_at=moment + dt.timedelta(days=DAYS),
    )
    session.add(row)
    session.flush()
    return _value(row)


def agree(session: Session, proposal_id: str, by: str) -> Proposal:
    """Note that somebody agrees to it."""
    row = _row(session, proposal_id)
    row.agreed = json.dumps([*json.loads(row.agreed), by])
    session.add(row)
    session.flush()
    return _value(row)


def end(session: Session, proposal_id: str, state: State, by: str, said: str = "") -> Proposal:
    """Let it have come to this."""
    row = _row(session, proposal_id)
    row.state, row.ended_by, row.said = state.value, by, said
    session.add(row)
    session.flush()
    return _value(row)


def expired(session: Session) -> list[Proposal]:
    """End those that nobody has agreed to in time."""
    rows = session.exec(
        select(ProposalRow).where(ProposalRow.state == State.OPEN, col(ProposalRow.expires_at) <= now()).limit(500)
    ).all()
    return [end(session, row.id, State.EXPIRED, "curator") for row in rows]


def _row(session: Session, proposal_id: str) -> ProposalRow:
    row = session.get(ProposalRow, proposal_id)
    if row is None:
        raise NoSuchProposal(f"There is no proposal {proposal_id[:64]!a}")
    return row


def _value(row: ProposalRow) -> Proposal:
    return Proposal(
        row.id,
        row.item_id,
        row.repo,
        tuple(filter(None, row.rules.split(","))),
        row.needs,
        Verdict.from_json(json.loads(row.verdict)),
        tuple(json.loads(row.agreed)),
        State(row.state),
        row.at,
        row.expires_at,
        row.ended_by,
        row.said,
    )
