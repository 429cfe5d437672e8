"""From the record to notices, inboxes and deliveries: each event once, in one transaction with how far it came."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlmodel import Session, col, select

from curator.admission.tables import DecisionRow
from curator.audit import uses
from curator.audit.follow import follow, follow_in
from curator.audit.record import Action
from curator.audit.tables import AuditRow
from curator.database.engine import Database, now
from curator.evidence import blast
from curator.evidence.incidents import subject_of
from curator.evidence.tables import IncidentRow
from curator.notify import gathering, webhooks
from curator.notify.choices import Person
from curator.notify.events import Draft, Known, User, matters, notices_of, was_allowed
from curator.notify.kinds import NoticeType, Way
from curator.notify.outbox import send_out
from curator.notify.readers import people, repos_in, way_for
from curator.notify.tables import NoticeReaderRow, NoticeRow, WebhookRow
from curator.policy.tables import ListEntryRow, WaiverRow
from curator.queue.work import Work
from curator.review.tables import RequesterRow
from curator.types import RepoKind
from rules.form import BLOCKED_LIST

log = logging.getLogger("curator.notices")

FOLLOWER = "notices"
_ROWS = 1_000
_MOST_PAGES = 20
_AGAINST = frozenset({"hold", "block"})


@dataclass(slots=True)
class Maker:
    """Makes them; one process of a server does, and the database sees to it that two would not make one twice."""

    database: Database
    url: str
    """Of the console, for links."""
    mails: bool
    """Whether there is a server for mail."""
    _works: list[Work] = field(default_factory=list, init=False)
    _told: list[str] = field(default_factory=list, init=False)
    _people: list[Person] | None = field(default=None, init=False)
    _webhooks: list[WebhookRow] | None = field(default=None, init=False)

    def step(self) -> list[Work]:
        """Take what is new on the record and send out what has collected; returns what the broker is to be told."""
        self._begin()
        while follow(self.database, FOLLOWER, self._take, _ROWS) == _ROWS:
            pass
        if self._some_are_due():
            with self.database.write() as session:
                self._forget()
                for notice in gathering.closed(session):
                    self._dispatch(session, notice)
        for document in self._told:
            log.info("%s", document)
        return self._works

    def _begin(self) -> None:
        self._works, self._told = [], []

    def _forget(self) -> None:
        """What was read in another transaction may hold no more."""
        self._people = self._webhooks = None

    def _take(self, session: Session, rows: Sequence[AuditRow]) -> None:
        self._forget()
        told = [row for row in rows if matters(row)]
        changed = {row.decision for row in told if row.action == Action.CHANGE}
        groups: dict[tuple[NoticeType, str], list[Draft]] = {}
        for row in told:
            if row.action == Action.DECIDE and (row.outcome not in _AGAINST or row.decision in changed):
                continue
            if row.action in {Action.DECIDE, Action.CHANGE} and _by_incident(session, row):
                continue
            for draft in notices_of(row, _known(session, row)):
                groups.setdefault((draft.type, draft.audience), []).append(draft)
        for drafts in groups.values():
            for notice in gathering.keep(session, drafts, self.url):
                self._dispatch(session, notice)

    def _dispatch(self, session: Session, notice: NoticeRow) -> None:
        data: dict[str, Any] = json.loads(notice.document)["data"]
        if self._people is None:
            self._people = people(session)
        if self._webhooks is None:
            self._webhooks = webhooks.active(session)
        for person in self._people:
            way = way_for(person, notice, data)
            if way is Way.OFF:
                continue
            by_mail = self.mails and bool(person.email)
            session.add(NoticeReaderRow(user_id=person.id, notice_id=notice.id, digest=by_mail and way is Way.DIGEST))
            if by_mail and way is Way.NOW:
                self._works.append(send_out(session, notice, user_id=person.id))
        repos = repos_in(data)
        for webhook in self._webhooks:
            if webhooks.wants(webhook, notice, repos):
                self._works.append(send_out(session, notice, webhook_id=webhook.id))
        self._told.append(notice.document)

    def _some_are_due(self) -> bool:
        with self.database.read() as session:
            return bool(session.exec(select(NoticeRow.id).where(col(NoticeRow.open_until) <= now()).limit(1)).first())


def _by_incident(session: Session, row: AuditRow) -> bool:
    """Whether a commit is blocked because of an incident: of that itself everybody is told, once."""
    if row.outcome != "block" or BLOCKED_LIST not in (row.rules or "").split(","):
        return False
    made = session.get(DecisionRow, row.decision) if row.decision else None
    by = {name for reason in json.loads(made.decision)["reasons"] for name in reason.get("by", ())} if made else set()
    of = select(ListEntryRow.id).where(col(ListEntryRow.id).in_(by), ListEntryRow.incident != "").limit(1)
    return bool(by) and session.exec(of).first() is not None


def _known(session: Session, row: AuditRow) -> Known:
    """What else a notice about this event has to say."""
    if row.action == Action.DECIDE:
        return Known(seen_before=_seen_before(session, row))
    if row.action == Action.INCIDENT or (row.action == Action.CHANGE and was_allowed(row) and row.outcome != "allow"):
        return Known(users=_users(session, row))
    if row.action == Action.ANSWER and row.subject:
        return Known(people=_askers(session, row.subject))
    if row.action == Action.WAIVER_ENDING and row.subject:
        word = session.get(WaiverRow, row.subject) or session.get(ListEntryRow, row.subject)
        return Known(people=(word.by,) if word is not None else ())
    return Known()


def _seen_before(session: Session, row: AuditRow) -> bool:
    """Whether the same was decided before about the commit for the same: it was only looked at once more."""
    made = session.get(DecisionRow, row.decision) if row.decision else None
    if made is None:
        return False
    earlier = session.exec(
        select(DecisionRow.outcome)
        .where(
            DecisionRow.snapshot_id == made.snapshot_id,
            DecisionRow.audience == made.audience,
            col(DecisionRow.id) < made.id,
        )
        .order_by(col(DecisionRow.id).desc())
        .limit(1)
    ).first()
    return earlier == made.outcome


def _askers(session: Session, request: str) -> tuple[str, ...]:
    """Who wants what the answer is about; nobody's own withdrawal keeps others from hearing."""
    return tuple(session.exec(select(RequesterRow.name).where(RequesterRow.request_id == request)))


def _users(session: Session, row: AuditRow) -> tuple[User, ...]:
    """Who pulled it, up to this very moment."""
    while follow_in(session, uses.FOLLOWER, uses.take, _ROWS) == _ROWS:
        pass
    found: dict[tuple[str, str, str, str], User] = {}
    for use in _uses(session, row):
        key = (use.team, use.project, use.actor, use.job)
        before = found.get(key)
        if not row.team or use.team == row.team:
            last = max(use.last_at, before.last_at or use.last_at) if before is not None else use.last_at
            found[key] = User(use.team, use.project, use.actor, last, use.job)
    return tuple(sorted(found.values(), key=lambda user: (user.team, user.project, user.token, user.job)))


def _uses(session: Session, row: AuditRow) -> Iterator[uses.Use]:
    if (
        row.action == Action.INCIDENT
        and row.subject
        and (incident := session.get(IncidentRow, row.subject)) is not None
    ):
        # Of something popular, as many as a notice can say anything of.
        yield from islice(blast.all_users(session, subject_of(incident)), _MOST_PAGES * uses.MOST)
        return
    if not row.kind or not row.repo or "*" in row.repo:
        publisher, _, rest = row.repo.partition("/")
        if rest == "*":
            yield from uses.users_of_publisher(session, publisher, limit=uses.MOST)
        return
    after = None
    for _ in range(_MOST_PAGES):
        page = uses.users_of(session, RepoKind(row.kind), row.repo, row.commit, after, uses.MOST)
        yield from page
        if len(page) < uses.MOST:
            return
        after = page[-1].cursor
