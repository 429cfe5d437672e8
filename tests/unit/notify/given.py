"""What the tests of notices begin with: people, events, and a worker that does what is due."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from curator.audit.record import Action, AuditEvent, append
from curator.database.engine import Database, now
from curator.database.sealing import Seal
from curator.notify import outbox
from curator.notify.addresses import Allowed
from curator.notify.delivering import Deliverer
from curator.notify.mail import Mailer
from curator.notify.making import Maker
from curator.notify.tables import DeliveryRow, NoticeReaderRow, NoticeRow, WebhookRow
from curator.people.by import By
from curator.people.roles import Role
from curator.people.tables import TeamRow
from curator.people.users import NewUser, User, make_user
from curator.types import RepoKind

URL = "https://curator.bank.example"
COMMIT = "1" * 40
LOCAL = Allowed.parse("127.0.0.1")


def person(database: Database, login: str, role: Role, *teams: str, email: str | None = None) -> User:
    with database.write() as session:
        for team in teams:
            if session.get(TeamRow, team) is None:
                session.add(TeamRow(name=team, created_at=now(), created_by="test"))
        session.flush()
        address = f"{login}@bank.example" if email is None else email
        return make_user(session, NewUser(login=login, role=role, email=address, teams=teams), By("test"))


def event(action: Action, **fields: Any) -> AuditEvent:
    given: dict[str, Any] = {
        "actor": "curator",
        "kind": RepoKind.MODEL,
        "repo": "acme/tiny",
        "commit": COMMIT,
        "outcome": "hold",
        "sentence": "it is held: somebody is to look",
        "rules": "few-downloads",
    }
    return AuditEvent(action=action, **(given | fields))


def happens(database: Database, *events: AuditEvent) -> None:
    with database.write() as session:
        for one in events:
            append(session, one)


def maker(database: Database, *, mails: bool = True) -> Maker:
    return Maker(database, URL, mails=mails)


def deliverer(database: Database, folder: Path, mailer: Mailer | None = None, allowed: Allowed = LOCAL) -> Deliverer:
    seal = Seal(None, folder / "secret.key")
    return Deliverer(database, seal, allowed, ssl.create_default_context(), mailer, URL)


def deliver_all(database: Database, by: Deliverer) -> int:
    """Do all deliveries that are due now, each once; returns how many those were."""
    done = 0
    for mails in (True, False):
        while (row := begin(database, mails=mails)) is not None:
            by.deliver(row)
            done += 1
    return done


def begin(database: Database, *, mails: bool) -> DeliveryRow | None:
    """Hold the next one that is due, as a lane does."""
    with database.write() as session:
        while True:
            paused = session.exec(select(WebhookRow.id).where(col(WebhookRow.paused_until) > now())).all()
            row = outbox.some_due(session, mails=mails, but=paused)
            if row is None or outbox.begin(session, row):
                return row


def hours_pass(database: Database, hours: float) -> None:
    """All that was to be done later is due so much sooner, as if the clock had moved."""
    earlier = dt.timedelta(hours=hours)
    with database.write() as session:
        for row in session.exec(select(DeliveryRow).where(DeliveryRow.state == "waiting")):
            row.due_at -= earlier
            session.add(row)
        for notice in session.exec(select(NoticeRow).where(col(NoticeRow.open_until).is_not(None))):
            assert notice.open_until is not None
            notice.open_until -= earlier
            session.add(notice)


def notices(database: Database) -> list[NoticeRow]:
    with database.read() as session:
        return list(session.exec(select(NoticeRow).order_by(col(NoticeRow.id))))


def inbox(database: Database, user: User) -> list[str]:
    """The types of what lies in it, the oldest first."""
    with database.read() as session:
        return list(
            session.exec(
                select(NoticeRow.type)
                .join(NoticeReaderRow, col(NoticeReaderRow.notice_id) == NoticeRow.id)
                .where(NoticeReaderRow.user_id == user.id)
                .order_by(col(NoticeRow.id))
            )
        )


def deliveries(database: Database) -> list[DeliveryRow]:
    with database.read() as session:
        return list(session.exec(select(DeliveryRow).order_by(col(DeliveryRow.id))))


def unpause(session: Session) -> None:
    """Nobody is left alone any more."""
    session.execute(update(WebhookRow).values(paused_until=None))
