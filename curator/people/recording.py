"""How changes of people, teams and tokens stand in the record."""

from __future__ import annotations

from sqlmodel import Session

from curator.audit.record import Action, AuditEvent, append
from curator.people.by import By


def record(session: Session, action: Action, by: By, subject: str, outcome: str, said: str) -> None:
    """Add it within the transaction of the change."""
    append(
        session,
        AuditEvent(
            action=action,
            actor=by.name,
            team=by.team,
            project=by.project,
            kind=None,
            repo="",
            outcome=outcome,
            subject=subject,
            job=by.job or None,
            sentence=said,
            address=by.address,
            user_agent=by.user_agent or None,
        ),
    )
